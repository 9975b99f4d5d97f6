"""The 360 world by what its files hold: each lone source is heard where the truth has it, whatever the kind of sound."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leftright import ambisonics, equirectangular
from leftright.ambisonics import W, X, Y, Z
from leftright.simulation.parameters import FIRST_ORDER, HEAD_LOCKED, NO_Z, SILENT_Z, TRACKS
from leftright.simulation.sphere import SphereVideo, draw_setting, make_sphere_video, plan_sphere
from leftright.spherical import read_metadata
from leftright.video import decode_audio, decode_frames, probe
from tests.tiny_world import tiny_world

ALONE = {"sphere_max_sources": 1, "sphere_max_silent": 0, "sphere_outdoor_share": 1.0}
NUM_CHANNELS = {FIRST_ORDER: 4, NO_Z: 3, SILENT_Z: 4, HEAD_LOCKED: 6}
FRAMES = 3  # pictures in a stretch of sound that is looked at


def made(
    directory: Path, track: str = FIRST_ORDER, is_unseen: bool = False, channel: int = 0, **changes: object
) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """One video's file, truth and trajectory."""
    video = SphereVideo(channel, 0, track, is_unseen)
    truth, trajectory = make_sphere_video(tiny_world(**changes), video, directory)
    return directory / video.channel_name / f"{video.name}.mp4", truth, trajectory


def field(path: Path) -> tuple[np.ndarray, int]:
    """The file's sound as (4, samples)."""
    waveform, sample_rate = decode_audio(path)
    return (ambisonics.with_up(waveform) if len(waveform) == 3 else waveform[:4]), sample_rate


@pytest.mark.parametrize("track", [FIRST_ORDER, *TRACKS])
def test_the_file_declares_what_it_holds(tmp_path: Path, track: str) -> None:
    path, _, _ = made(tmp_path, track)
    declared = read_metadata(path)
    assert declared.is_full_sphere
    assert declared.sound_field == ("ambix+head_locked" if track == HEAD_LOCKED else "ambix")
    assert len(declared.channel_map) == NUM_CHANNELS[track]


def errors_deg(path: Path, trajectory: pd.DataFrame) -> np.ndarray:
    """How far the direction of the sound is from the truth's, over stretches in which one source is by far the loudest."""
    waveform, sample_rate = field(path)
    power = 10 ** (trajectory.pivot(index="time_s", columns="source", values="level_db").to_numpy() / 10)
    places = {
        name: trajectory.pivot(index="time_s", columns="source", values=name).to_numpy()
        for name in ("azimuth_deg", "elevation_deg")
    }
    errors = []
    for start in range(0, len(power) - FRAMES, FRAMES):
        rows = slice(start, start + FRAMES)
        total = power[rows].sum(axis=0)
        loudest = int(np.argmax(total))
        if total[loudest] < 1e-4 or total[loudest] < 0.97 * total.sum():
            continue
        directions = ambisonics.directions(places["azimuth_deg"][rows, loudest], places["elevation_deg"][rows, loudest])
        expected, _ = ambisonics.angles(power[rows, loudest] @ directions)
        stretch = waveform[:, start * sample_rate // 5 : (start + FRAMES) * sample_rate // 5]
        errors.append(abs(float(ambisonics.wrapped(ambisonics.direction_of_arrival(stretch)[0] - expected))))
    return np.array(errors)


@pytest.mark.parametrize("track", TRACKS)
def test_a_lone_source_is_heard_where_it_is(tmp_path, track):
    errors = np.concatenate([errors_deg(*made(tmp_path, track, channel=channel, **ALONE)[::2]) for channel in range(2)])
    assert errors.size >= 5
    assert errors.max() < 3


def test_a_room_blurs_the_direction_a_little(tmp_path):
    indoors = {**ALONE, "sphere_outdoor_share": 0.0}
    errors = np.concatenate([errors_deg(*made(tmp_path, channel=channel, **indoors)[::2]) for channel in range(3)])
    assert np.median(errors) < 5
    assert errors.max() < 25


def test_of_several_the_one_whose_turn_it_is_is_heard(tmp_path):
    several = {"sphere_max_sources": 3, "sphere_outdoor_share": 1.0, "sphere_min_duration_s": 4.0}
    errors = []
    for channel in range(4):
        path, truth, trajectory = made(tmp_path, channel=channel, **several)
        errors += errors_deg(path, trajectory).tolist()
        assert truth["num_sources"].item() == trajectory["source"].nunique()
        sounding = trajectory.groupby("time_s")["is_sounding"].sum()
        assert sounding.max() <= 1
    assert len(errors) >= 10 and max(errors) < 4


def test_a_mouth_is_seen_to_move_where_it_is_heard(tmp_path):
    """Of the file's own pictures: what changes from one to the next is around the speaker's azimuth."""
    path, _, trajectory = made(tmp_path, channel=1, **ALONE, instrument_share=0.0, sphere_width=192, quality=12)
    frames = decode_frames(path, trajectory["time_s"] + 0.01).astype(int)
    changes = np.abs(np.diff(frames, axis=0)).sum(axis=(1, 3))
    x = 192 * equirectangular.x_of(trajectory["azimuth_deg"].to_numpy()[1:])
    away = np.abs((np.arange(192) + 0.5 - x[:, None] + 96) % 192 - 96)
    assert changes[away < 10].mean() > 8 * changes[away > 40].mean()


def test_each_kind_of_sound_has_its_channels(tmp_path):
    for track in TRACKS:
        path, truth, _ = made(tmp_path / track, track)
        assert probe(path).num_channels == truth["num_channels"].item() == NUM_CHANNELS[track]
        assert truth["track"].item() == track
        assert truth["has_z"].item() == (track in (FIRST_ORDER, HEAD_LOCKED))
        assert truth["is_head_locked"].item() == (track == HEAD_LOCKED)


def test_the_kinds_are_of_one_sound(tmp_path):
    plain, silent, flat, locked = (
        decode_audio(made(tmp_path / track, track)[0])[0] for track in (FIRST_ORDER, SILENT_Z, NO_Z, HEAD_LOCKED)
    )
    assert np.std(plain[Z]) > 1e-3 and not np.any(np.abs(silent[Z]) > 1e-4)
    for channel, place in ((W, 0), (Y, 1), (X, 2)):
        for other in (silent[channel], flat[place], locked[channel]):
            assert np.corrcoef(plain[channel], other)[0, 1] > 0.98
    music = locked[4:]
    assert np.abs(np.corrcoef(np.concatenate([plain, music]))[:4, 4:]).max() < 0.1
    assert 20 * np.log10(np.std(music)) == pytest.approx(-40, abs=1)


def test_an_unseen_source_is_heard_and_not_shown(tmp_path):
    path, truth, trajectory = made(tmp_path, is_unseen=True, **ALONE)
    assert not truth["is_visible"].item() and not trajectory["is_visible"].any()
    assert errors_deg(path, trajectory).max() < 3
    frames = decode_frames(path, trajectory["time_s"]).astype(int)
    assert np.abs(np.diff(frames, axis=0)).mean() < 0.5
    shown = decode_frames(made(tmp_path / "seen", **ALONE)[0], trajectory["time_s"]).astype(int)
    assert (np.abs(shown - frames).max(axis=-1) > 40).mean() > 0.005


def test_trajectory_is_a_row_a_source_and_frame(tmp_path):
    path, truth, trajectory = made(tmp_path, sphere_max_sources=2)
    num_frames = round(truth["duration_s"].item() * 5)
    assert len(trajectory) == truth["num_sources"].item() * num_frames
    assert trajectory["azimuth_deg"].between(-180, 180, inclusive="left").all()
    assert trajectory["elevation_deg"].abs().max() <= 20
    assert trajectory["is_sounding"].dtype == bool and trajectory["is_sounding"].any()
    loud = trajectory.groupby("is_sounding")["level_db"].mean()
    assert loud[True] > loud[False] + 20
    info = probe(path)
    assert (info.width, info.height) == (96, 48)
    assert info.video_duration_s == pytest.approx(truth["duration_s"].item(), abs=0.01)


def test_level_is_what_the_microphones_hear(tmp_path):
    path, _, trajectory = made(tmp_path, **ALONE)
    waveform, sample_rate = field(path)
    power = np.square(waveform[W, : len(trajectory) * sample_rate // 5]).reshape(len(trajectory), -1).mean(axis=1)
    loud = trajectory["level_db"].to_numpy() > -40
    np.testing.assert_allclose(10 * np.log10(power[loud]), trajectory["level_db"][loud], atol=1)


def test_a_channel_is_one_place_with_room_or_without(tmp_path):
    world = tiny_world(sphere_outdoor_share=0.5)
    settings = [draw_setting(world, channel) for channel in range(40)]
    assert 8 < sum(setting.is_outdoors for setting in settings) < 32
    for setting in settings:
        assert (setting.rt60_s == 0) == setting.is_outdoors
        assert setting.is_outdoors or world.min_rt60_s <= setting.rt60_s <= world.max_rt60_s
    assert draw_setting(world, 3) == settings[3]
    _, truth, _ = made(tmp_path, channel=3, sphere_outdoor_share=0.5)
    assert truth["rt60_s"].item() == settings[3].rt60_s


def test_sidecar_tells_what_a_downloader_would_and_no_more(tmp_path):
    path, truth, _ = made(tmp_path, SILENT_Z)
    info = json.loads(path.with_suffix(".info.json").read_text())
    assert set(info) == {"id", "title", "channel", "duration", "webpage_url"}
    assert (info["id"], info["channel"]) == ("sp000v00", "sp000")
    assert info["duration"] == truth["duration_s"].item()


def test_same_seed_same_file_and_another_seed_another(tmp_path):
    files = [made(tmp_path / str(number), seed=seed)[0].read_bytes() for number, seed in enumerate((1, 1, 2))]
    assert files[0] == files[1] != files[2]


def test_every_ten_videos_have_every_kind_and_more_change_none_of_them():
    shares = {f"sphere_{name}_share": 0.1 for name in (NO_Z, SILENT_Z, HEAD_LOCKED, "unseen")}
    few, many = (list(plan_sphere(tiny_world(sphere_num_videos=count, **shares))) for count in (10, 43))
    assert many[:10] == few
    assert Counter(video.track for video in few) == {FIRST_ORDER: 7, NO_Z: 1, SILENT_Z: 1, HEAD_LOCKED: 1}
    assert sum(video.is_unseen for video in few) == 1
    assert len({video.name for video in many}) == 43
    assert len({video.channel_name for video in many}) == 22
    assert not list(plan_sphere(tiny_world(sphere_num_videos=0)))
