"""FAIR-Play's lists are read in both of their forms, and each way in which they can be wrong has its line."""

import h5py
import numpy as np
import pytest

from leftright.data import fairplay
from leftright.data.packing import DESCRIPTION_COLUMNS, FACE_COLUMNS
from leftright.errors import InputError
from leftright.files import sha256
from tests.fairplay_set import SPLIT, samples, write_media, write_split, write_text_split, write_wav

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 15325\n"
PART_OF = {number: part for part, numbers in SPLIT.items() for number in numbers}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A root with one clip's media."""
    return write_media(tmp_path_factory.mktemp("one"), ["000007"])


@pytest.fixture
def bare(tmp_path):
    """A root whose files are there and hold nothing."""
    for folder, suffix in (("videos", "mp4"), ("binaural_audios", "wav")):
        (tmp_path / folder).mkdir()
        for number in PART_OF:
            (tmp_path / folder / f"{number}.{suffix}").touch()
    write_split(tmp_path / "splits/split1")
    return tmp_path


def row_of(root, **changes):
    sound, picture = root / "binaural_audios/000007.wav", root / "videos/000007.mp4"
    row = {"clip": "000007_0_10000", "video": "000007", "part": "val", "sound": sound, "picture": picture}
    return {**row, **changes}


def test_both_forms_of_a_split_say_the_same(tmp_path):
    assert fairplay.read_split(write_split(tmp_path / "random")) == PART_OF
    assert fairplay.read_split(write_text_split(tmp_path / "disjoint")) == PART_OF


def test_paths_as_text_and_of_windows_and_bare_numbers_are_read(tmp_path):
    write_text_split(tmp_path)
    (tmp_path / "train.txt").write_text(
        "D:\\FAIR-Play\\binaural_audios\\000001.wav\r\n\r\n000004\r\nx/y1/000005.wav\r\n"
    )
    assert fairplay.read_split(tmp_path) == PART_OF
    (tmp_path / "val.txt").unlink()
    with h5py.File(tmp_path / "val.h5", "w") as file:
        file.create_dataset("audio", data=["/somewhere/000002.wav"], dtype=h5py.string_dtype())
    assert fairplay.read_split(tmp_path) == PART_OF


def test_clips_are_found_with_their_media(bare):
    rows = fairplay.find_clips(bare, bare / "splits/split1")
    assert [(row["video"], row["part"]) for row in rows] == sorted(PART_OF.items())
    assert rows[1]["clip"] == "000002_0_10000"
    assert rows[1]["sound"] == bare / "binaural_audios/000002.wav"
    assert rows[1]["picture"] == bare / "videos/000002.mp4"


def test_a_job_is_known_by_its_clips_parts_and_sizes(bare):
    found = fairplay.identity(fairplay.find_clips(bare, bare / "splits/split1"))
    assert found[0] == ["000001_0_10000", "train", 0, 0]
    (bare / "videos/000001.mp4").write_bytes(b"more")
    assert fairplay.identity(fairplay.find_clips(bare, bare / "splits/split1"))[0] == [*found[0][:3], 4]


def test_a_list_that_is_missing_or_twofold_is_named(tmp_path):
    with pytest.raises(InputError, match=r"train\.h5: no such list, nor train\.txt; name the directory of one split"):
        fairplay.read_split(tmp_path / "splits")
    write_split(tmp_path)
    write_text_split(tmp_path, {"val": ["000002"]})
    with pytest.raises(InputError, match=r"val\.h5: val\.txt lies beside it"):
        fairplay.read_split(tmp_path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"no HDF5", r"test\.h5: no HDF5 file with a list `audio` \(.*\); fetch it again"),
        (POINTER, r"test\.h5: a pointer of Git LFS in the file's place; run `git lfs pull` in the clone"),
    ],
)
def test_a_file_that_is_no_list_is_named(tmp_path, content, line):
    write_split(tmp_path)
    (tmp_path / "test.h5").write_bytes(content)
    with pytest.raises(InputError, match=line) as caught:
        fairplay.read_split(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fill",
    [
        lambda file: None,
        lambda file: file.create_group("audio"),
        lambda file: file.create_dataset("audio", data=b"000003.wav"),
    ],
    ids=["empty", "group", "scalar"],
)
def test_hdf5_without_a_list_is_named(tmp_path, fill):
    write_split(tmp_path)
    with h5py.File(tmp_path / "test.h5", "w") as file:
        fill(file)
    with pytest.raises(InputError, match=r"test\.h5: no HDF5 file with a list `audio`"):
        fairplay.read_split(tmp_path)


def test_a_faulty_list_is_named(tmp_path):
    write_text_split(tmp_path / "empty", {**SPLIT, "val": []})
    with pytest.raises(InputError, match=r"val\.txt: names no clip; fetch it again"):
        fairplay.read_split(tmp_path / "empty")
    write_text_split(tmp_path / "words", {**SPLIT, "val": ["piano"]})
    with pytest.raises(InputError, match=r"val\.txt: 'piano\.mp3' does not end in a clip's number"):
        fairplay.read_split(tmp_path / "words")
    write_text_split(tmp_path / "bytes")
    (tmp_path / "bytes/val.txt").write_bytes(b"\xff000002.mp3")
    with pytest.raises(InputError, match=r"val\.txt: cannot be read as text"):
        fairplay.read_split(tmp_path / "bytes")


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_number_in_two_places_is_named(tmp_path, part):
    write_split(tmp_path, {**SPLIT, part: (*SPLIT[part], SPLIT["train"][0])})
    with pytest.raises(InputError, match=rf"{part}\.h5: the clip 000001 is in train already; leave it in one place"):
        fairplay.read_split(tmp_path)


def test_a_number_in_no_list_is_named(bare):
    (bare / "binaural_audios/000009.wav").touch()
    with pytest.raises(InputError, match=r"000009\.wav: no list of .*split1 names it; add it to one"):
        fairplay.find_clips(bare, bare / "splits/split1")


@pytest.mark.parametrize("name", ["videos/000003.mp4", "binaural_audios/000003.wav"])
def test_media_that_are_missing_or_were_not_fetched_are_named(bare, name):
    (bare / name).write_bytes(POINTER)
    with pytest.raises(InputError, match=rf"{name}: a pointer of Git LFS"):
        fairplay.find_clips(bare, bare / "splits/split1")
    (bare / name).unlink()
    with pytest.raises(InputError, match=rf"{name}: no such file, and the split names it"):
        fairplay.find_clips(bare, bare / "splits/split1")


def test_a_clip_says_all_that_is_packed_of_one(clip):
    source = fairplay.read_clip(row_of(clip))
    assert set(source.description) == set(DESCRIPTION_COLUMNS)
    assert set(source.faces) == set(FACE_COLUMNS)
    assert {source.description[f"split_{kind}"] for kind in ("video", "channel", "scene")} == {"val"}
    assert source.description["sha256"] == sha256(clip / "binaural_audios/000007.wav")
    assert source.video_duration_s == pytest.approx(10.0)


def test_a_sound_on_the_right_has_a_positive_level_difference(clip, tmp_path):
    waveform = samples("000007", 16_000)
    waveform[0] //= 10
    write_wav(tmp_path / "right.wav", waveform, 16_000)
    source = fairplay.read_clip(row_of(clip, sound=tmp_path / "right.wav"))
    assert source.description["log_energy_difference_db"] == pytest.approx(20, abs=0.1)


def test_a_sound_that_is_not_of_two_ears_or_cut_off_is_named(clip, tmp_path):
    waveform = samples("000007", 16_000)
    write_wav(tmp_path / "mono.wav", waveform[:1], 16_000)
    with pytest.raises(InputError, match=r"mono\.wav: has 1 sound channel\(s\) and not two; fetch it again"):
        fairplay.read_clip(row_of(clip, sound=tmp_path / "mono.wav"))
    write_wav(tmp_path / "short.wav", waveform[:, : 8 * 16_000], 16_000)
    with pytest.raises(InputError, match=r"short\.wav: ends after 8\.00 s of 10; fetch it again"):
        fairplay.read_clip(row_of(clip, sound=tmp_path / "short.wav"))
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(InputError, match=r"text\.wav: "):
        fairplay.read_clip(row_of(clip, sound=tmp_path / "text.wav"))


def test_a_picture_that_is_missing_or_cut_off_is_named(clip, tmp_path):
    with pytest.raises(InputError, match=r"000007\.wav: has no picture; fetch it again"):
        fairplay.read_clip(row_of(clip, picture=clip / "binaural_audios/000007.wav"))
    whole = (clip / "videos/000007.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.mp4: "):
        fairplay.read_clip(row_of(clip, picture=tmp_path / "half.mp4"))


def test_sound_of_another_rate_keeps_its_length(clip, tmp_path):
    write_wav(tmp_path / "cd.wav", samples("000007", 44_100), 44_100)
    assert fairplay.read_clip(row_of(clip, sound=tmp_path / "cd.wav")).waveform.shape == (2, 160_000)
    assert fairplay.read_clip(row_of(clip)).waveform.dtype == np.int16
