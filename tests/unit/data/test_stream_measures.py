import math
from dataclasses import replace
from pathlib import Path

import pytest

from leftright.data.stream_measures import measure_streams
from leftright.errors import InputError
from tests.stereo_clips import DURATION_S, valid_clip, write_clip


@pytest.mark.parametrize(("suffix", "sound_codec"), [("mkv", "pcm_s16le"), ("mp4", "aac")])
def test_durations_of_a_whole_file(tmp_path: Path, suffix: str, sound_codec: str) -> None:
    streams = measure_streams(write_clip(tmp_path / f"clip.{suffix}", valid_clip(), sound_codec=sound_codec))
    assert streams.audio_duration_s == pytest.approx(DURATION_S, abs=0.15)  # AAC fills up its last block
    assert streams.video_duration_s == pytest.approx(DURATION_S, abs=0.01)
    assert abs(streams.missing_s) < 0.15
    assert (streams.info.num_channels, streams.info.width) == (2, 256)


def test_a_file_that_was_cut_off_declares_more_than_it_holds(tmp_path: Path) -> None:
    """With its index first, as for the web, a file opens though its end is missing."""
    path = write_clip(tmp_path / "clip.mp4", valid_clip(), sound_codec="aac", options={"movflags": "+faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: round(0.6 * len(content))])
    streams = measure_streams(path)
    assert streams.info.video_duration_s == pytest.approx(DURATION_S, abs=0.1)
    assert 0.5 < streams.missing_s < 2.0
    assert streams.duration_s < DURATION_S - 0.5


def test_a_missing_stream_has_no_duration_and_misses_nothing(tmp_path: Path) -> None:
    mute = measure_streams(write_clip(tmp_path / "mute.mkv", replace(valid_clip(), waveform=None)))
    assert math.isnan(mute.audio_duration_s)
    assert mute.video_duration_s == mute.duration_s == pytest.approx(DURATION_S, abs=0.01)
    assert mute.missing_s == pytest.approx(0, abs=0.01)
    dark = measure_streams(write_clip(tmp_path / "dark.mkv", replace(valid_clip(), frames=None)))
    assert math.isnan(dark.video_duration_s)
    assert dark.duration_s == pytest.approx(DURATION_S, abs=0.01)


def test_what_is_no_media_is_named(tmp_path: Path) -> None:
    path = tmp_path / "page.mp4"
    path.write_text("<html>not found</html>")
    with pytest.raises(InputError, match=r"page\.mp4"):
        measure_streams(path)
