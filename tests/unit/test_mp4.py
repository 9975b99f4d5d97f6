"""The index of an MP4 file: what is not changed stays as it was, and what grows moves what lies behind it."""

from pathlib import Path

import numpy as np
import pytest

from leftright.errors import InputError
from leftright.mp4 import Box, MalformedError, read_index, write_index
from leftright.video import decode_audio
from tests.numbered_videos import frame_numbers, write_video

INDEX_FIRST = {"movflags": "+faststart"}
ENTRIES = (b"mdia", b"minf", b"stbl", b"stsd")


@pytest.mark.parametrize("name", ["a.mp4", "b.mov"])
def test_what_is_read_and_written_again_is_the_same_to_the_byte(tmp_path: Path, name: str) -> None:
    source = write_video(tmp_path / name, 1, layout="4.0")
    index = read_index(source)
    assert index is not None
    assert index.to_bytes() in source.read_bytes()
    write_index(source, index, tmp_path / "again.mp4")
    assert (tmp_path / "again.mp4").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("name", "codec", "kinds"),
    [
        ("a.mp4", "aac", {b"esds"}),
        ("b.mov", "pcm_s16le", {b"chan"}),  # QuickTime's entry without extras
        ("c.mov", "pcm_s24le", {b"wave", b"chan"}),  # with 16 bytes more
        ("d.mp4", "libopus", {b"dOps"}),
    ],
)
def test_the_boxes_of_sample_entries_are_found(tmp_path: Path, name: str, codec: str, kinds: set[bytes]) -> None:
    index = read_index(write_video(tmp_path / name, 1, sound_codec=codec, layout="quad"))
    assert index is not None
    picture, sound = [table.boxes[0] for table in index.all(b"trak", *ENTRIES)]
    assert picture.kind == b"avc1"
    assert picture.boxes[0].kind == b"avcC"
    assert kinds <= {box.kind for box in sound.boxes}


@pytest.mark.parametrize("options", [INDEX_FIRST, {}])
def test_a_file_whose_index_grows_plays_as_before(tmp_path: Path, options: dict[str, str]) -> None:
    path = write_video(tmp_path / "film.mp4", 2, options=options)
    heard, numbers = decode_audio(path)[0], frame_numbers(path)
    index = read_index(path)
    assert index is not None
    index.boxes.append(Box(b"free", bytes(12_345)))
    write_index(path, index, path)
    again = read_index(path)
    assert again is not None
    assert again.boxes[-1] == Box(b"free", bytes(12_345))
    np.testing.assert_array_equal(decode_audio(path)[0], heard)
    assert frame_numbers(path) == numbers


def test_places_beyond_what_the_index_can_say_are_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 1, options=INDEX_FIRST)
    before = path.read_bytes()
    index = read_index(path)
    assert index is not None
    (table, *_) = index.all(b"trak", b"mdia", b"minf", b"stbl", b"stco")
    table.head = table.head[:-4] + (2**32 - 100).to_bytes(4, "big")
    index.boxes.append(Box(b"free", bytes(1000)))
    with pytest.raises(InputError, match=r"film\.mp4.*4 GB"):
        write_index(path, index, path)
    assert path.read_bytes() == before


def test_a_file_in_fragments_is_refused(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 2, options={"movflags": "+frag_keyframe+empty_moov"})
    index = read_index(path)
    assert index is not None
    with pytest.raises(InputError, match=r"film\.mp4.*fragments"):
        write_index(path, index, path)


def test_a_size_of_64_bits_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", 1)
    content = path.read_bytes()
    start = content.rindex(b"moov") - 4
    size = int.from_bytes(content[start : start + 4], "big")
    wide = (1).to_bytes(4, "big") + b"moov" + (size + 8).to_bytes(8, "big") + content[start + 8 : start + size]
    plain = read_index(path)
    path.write_bytes(content[:start] + wide + content[start + size :])
    found = read_index(path)
    assert plain is not None
    assert found is not None
    assert found.to_bytes() == plain.to_bytes()


@pytest.mark.parametrize("content", [b"", b"\0\0", b"RIFF" * 20, bytes(100), b"\0\0\0\x10ftypisom\0\0\0\0"])
def test_other_files_have_no_index(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "film.mp4").write_bytes(content)
    assert read_index(tmp_path / "film.mp4") is None
    with pytest.raises(InputError, match=r"film\.mp4: no MP4"):
        write_index(tmp_path / "film.mp4", Box(b"moov", b""), tmp_path / "out.mp4")


def test_damage_never_shows_as_anything_but_damage(tmp_path: Path) -> None:
    """Any index with bytes of noise in it is read, is none, or is called malformed."""
    path = write_video(tmp_path / "film.mp4", 1)
    content = path.read_bytes()
    start = content.rindex(b"moov") + 4
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(content)
        place = int(rng.integers(start, len(content) - 8))
        damaged[place : place + 4] = rng.bytes(4)
        path.write_bytes(damaged)
        try:
            outcomes.add(type(read_index(path)))
        except MalformedError:
            outcomes.add(MalformedError)
    assert {Box, MalformedError} <= outcomes
