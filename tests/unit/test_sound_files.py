"""A FLAC file gives back what was written: every sample, left before right."""

from pathlib import Path

import numpy as np
import pytest

from leftright.sound_files import write_flac
from leftright.video import decode_audio


@pytest.mark.parametrize("num_channels", [1, 2])
def test_what_is_written_is_read_again_to_a_step_of_16_bits(tmp_path: Path, num_channels: int) -> None:
    waveform = np.random.default_rng(0).uniform(-1, 1, (num_channels, 16_017))
    write_flac(tmp_path / "a.flac", waveform)
    read, sample_rate = decode_audio(tmp_path / "a.flac")
    assert (read.shape, sample_rate) == (waveform.shape, 16_000)
    assert np.abs(read - waveform).max() <= 1 / 2**15


def test_left_stays_left(tmp_path: Path) -> None:
    write_flac(tmp_path / "a.flac", np.array([[0.5], [0.0]]) * np.ones(4000))
    read, _ = decode_audio(tmp_path / "a.flac")
    assert np.allclose(read[0], 0.5)
    assert not read[1].any()


def test_what_is_too_loud_is_cut_off_and_does_not_wrap_around(tmp_path: Path) -> None:
    write_flac(tmp_path / "a.flac", np.full((1, 4000), 1.5))
    assert decode_audio(tmp_path / "a.flac")[0].min() > 0.99


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_flac(tmp_path / f"{name}.flac", np.linspace(-1, 1, 8000)[np.newaxis])
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


def test_other_numbers_of_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one or two channels"):
        write_flac(tmp_path / "a.flac", np.zeros((4, 10)))
