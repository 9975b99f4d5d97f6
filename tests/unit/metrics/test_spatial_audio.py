"""The published measures: against what their programs do, spelled out with librosa and scipy, and by hand."""

import math

import librosa
import numpy as np
import pytest
from scipy.signal import hilbert

from leftright.audio import swap_channels
from leftright.metrics import spatial_audio

FUNCTIONS = {
    "stft": spatial_audio.stft_distance,
    "env": spatial_audio.envelope_distance,
    "mag": spatial_audio.magnitude_distance,
    "phase": spatial_audio.phase_distance,
    "snr_db": spatial_audio.snr_db,
}


def noise(*shape, seed=0):
    return 0.1 * np.random.default_rng(seed).normal(size=shape)


def transform(channel, padding="reflect"):
    """What librosa.stft gave by default until 0.8, when the numbers were published."""
    return librosa.stft(channel, n_fft=512, hop_length=160, win_length=400, pad_mode=padding)


def wrapped(angle):
    """The same angle, in -pi..pi."""
    return math.remainder(angle, 2 * math.pi)


def naive(predicted, truth, padding="reflect"):
    """One channel, one bin at a time."""
    predicted, truth = (clip / max(1e-20, np.abs(clip).max()) for clip in (predicted, truth))
    total = dict.fromkeys(FUNCTIONS, 0.0)
    for ours, theirs in zip(predicted, truth, strict=True):
        spectra = transform(ours, padding), transform(theirs, padding)
        parts = [np.stack([spectrum.real, spectrum.imag]) for spectrum in spectra]
        total["stft"] += np.mean((parts[0] - parts[1]) ** 2)
        total["mag"] += np.mean(np.abs(spectra[0] - spectra[1]) ** 2)
        total["env"] += math.sqrt(np.mean((np.abs(hilbert(ours)) - np.abs(hilbert(theirs))) ** 2))
    angles = [np.angle(librosa.magphase(transform(left - right, padding))[1]) for left, right in (predicted, truth)]
    total["phase"] = np.mean([abs(wrapped(angle)) for angle in (angles[0] - angles[1]).flat])
    total["snr_db"] = 10 * math.log10((np.mean(truth**2) + 1e-4) / (np.mean((predicted - truth) ** 2) + 1e-4))
    return total


@pytest.mark.parametrize("samples", [4000, 16_001])
@pytest.mark.parametrize("closeness", [0.0, 0.9])
def test_agrees_with_the_published_definitions(samples, closeness):
    truth, other = noise(2, 2, samples, seed=samples)
    truth[0] *= 3  # off centre
    predicted = closeness * truth + (1 - closeness) * other
    expected = naive(predicted, truth)
    for name, function in FUNCTIONS.items():
        assert function(predicted, truth) == pytest.approx(expected[name], rel=1e-6, abs=1e-6), name
    assert spatial_audio.measures(predicted, truth) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_padding_by_reflection_gives_other_numbers_than_todays_default():
    predicted, truth = noise(2, 2, 1600)
    ours, zeros = spatial_audio.stft_distance(predicted, truth), naive(predicted, truth, "constant")["stft"]
    assert ours == pytest.approx(naive(predicted, truth)["stft"], rel=1e-6)
    assert abs(ours - zeros) > 1e-3 * zeros


def test_a_batch_is_its_clips_one_by_one():
    predicted, truth = noise(2, 3, 2, 2, 800)
    for function in FUNCTIONS.values():
        batch = function(predicted, truth)
        assert batch.shape == (3, 2)
        assert batch[2, 1] == pytest.approx(function(predicted[2, 1], truth[2, 1]), rel=1e-9)


def test_single_precision_and_integers_are_taken_as_they_are():
    predicted, truth = (np.round(1000 * noise(2, 800, seed=seed)).astype(np.int16) for seed in (1, 2))
    expected = spatial_audio.measures(predicted.astype(np.float64), truth.astype(np.float64))
    assert spatial_audio.measures(predicted, truth) == pytest.approx(expected)
    assert spatial_audio.measures(predicted.astype(np.float32), truth.astype(np.float32)) == pytest.approx(expected)


def test_the_truth_itself_is_perfect_at_any_level():
    truth = noise(2, 1600)
    found = spatial_audio.measures(0.01 * truth, truth)
    power = np.mean((truth / np.abs(truth).max()) ** 2)
    assert found == pytest.approx(
        {"stft": 0, "env": 0, "mag": 0, "phase": 0, "snr_db": 10 * math.log10(power / 1e-4 + 1)}, abs=1e-6
    )


def test_peak_normalisation_keeps_the_level_difference():
    quiet_right = np.array([[0.2, -0.4, 0.0], [0.1, 0.0, 0.05]])
    assert spatial_audio.peak_normalised(quiet_right) == pytest.approx(np.array([[0.5, -1.0, 0.0], [0.25, 0.0, 0.125]]))
    pair = spatial_audio.peak_normalised(np.stack([quiet_right, 0 * quiet_right]))
    assert np.abs(pair).max(axis=(-2, -1)).tolist() == [1.0, 0.0]


def test_stft_distance_of_a_click_by_hand():
    """A click is the window's value at its place in every bin: 257 bins of 11 frames, each with |difference|^2 = w^2 / 4."""
    truth = np.zeros((2, 1600))
    truth[0, [400, 1120]] = 1.0
    predicted = truth.copy()
    predicted[0, 1120] = 0.5
    # Frame k is centred on sample 160 k; its window is 0.5 + 0.5 cos(2 pi distance / 400) up to a distance of 200.
    distances = [abs(1120 - 160 * frame) for frame in range(11)]
    squares = [(0.5 + 0.5 * math.cos(2 * math.pi * distance / 400)) ** 2 for distance in distances if distance < 200]
    expected = 0.25 * sum(squares) / 11
    assert len(squares) == 3
    assert spatial_audio.magnitude_distance(predicted, truth) == pytest.approx(expected, rel=1e-6)
    assert spatial_audio.stft_distance(predicted, truth) == pytest.approx(expected / 2, rel=1e-6)


def test_envelope_of_tones_by_hand():
    """Tones of amplitude 1 and 0.5 have flat envelopes: swapped, each channel is 0.5 off, whatever the phase."""
    turns = np.arange(1600) / 1600
    truth = np.stack([np.cos(2 * np.pi * 100 * turns), 0.5 * np.cos(2 * np.pi * 100 * turns)])
    predicted = np.stack([0.5 * np.sin(2 * np.pi * 100 * turns), np.sin(2 * np.pi * 100 * turns)])
    assert spatial_audio.envelope_distance(predicted, truth) == pytest.approx(1.0)
    assert spatial_audio.envelope_distance(np.stack([truth[0], truth[0]]), truth) == pytest.approx(0.5)


def test_snr_by_hand():
    truth = np.stack([np.ones(8), np.zeros(8)])
    # Power of the truth 0.5; of the error 0.5 for both channels alike, 1 for the swapped ones.
    assert spatial_audio.snr_db(np.ones((2, 8)), truth) == pytest.approx(0.0)
    assert spatial_audio.snr_db(truth[::-1], truth) == pytest.approx(10 * math.log10(0.5001 / 1.0001))
    assert spatial_audio.snr_db(truth, truth) == pytest.approx(10 * math.log10(5001))


def test_swapped_channels_turn_the_phase_by_half_a_turn():
    truth = noise(2, 1600)
    assert spatial_audio.phase_distance(swap_channels(truth), truth) == pytest.approx(math.pi, abs=1e-6)
    assert spatial_audio.phase_distance(truth, truth) == 0.0


def test_a_click_one_sample_late_by_hand():
    """Bin k of 512 turns by 2 pi k / 512, k = 0..256: by pi / 2 on average, in the two of three frames that reach the click."""
    truth, late = np.zeros((2, 2, 401))
    truth[:, 200] = late[:, 201] = [1.0, 0.5]
    assert spatial_audio.phase_distance(late, truth) == pytest.approx(2 / 3 * math.pi / 2, rel=1e-6)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_mono_is_at_chance_of_the_phase(zero):
    truth = noise(2, 16_000)
    mono = np.stack([truth.mean(axis=0)] * 2) + zero
    assert spatial_audio.phase_distance(mono, truth) == pytest.approx(math.pi / 2, abs=0.02)
    assert spatial_audio.phase_distance(zero * truth, truth) == spatial_audio.phase_distance(mono, truth)


def test_a_source_panned_to_its_side_is_better_than_mono_and_mono_than_the_other_side():
    source = noise(16_000)
    truth = np.stack([source, 0.4 * source])
    guesses = [spatial_audio.measures(np.stack(pan), truth) for pan in (
        [source, 0.5 * source], [source, source], [0.4 * source, source])]  # fmt: skip
    for name in ("stft", "env", "mag"):
        assert guesses[0][name] < guesses[1][name] < guesses[2][name]
    assert guesses[0]["snr_db"] > guesses[1]["snr_db"] > guesses[2]["snr_db"]
    assert guesses[0]["phase"] < 1e-3 < 1 < guesses[1]["phase"] < guesses[2]["phase"]


def test_silence_has_no_distance_to_silence():
    silence = np.zeros((2, 800))
    assert spatial_audio.measures(silence, silence) == {"stft": 0, "env": 0, "mag": 0, "phase": 0, "snr_db": 0}


@pytest.mark.parametrize(("first", "second"), [((2, 800), (2, 801)), ((1, 800), (1, 800)), ((800,), (800,))])
def test_other_shapes_are_refused(first, second):
    for function in FUNCTIONS.values():
        with pytest.raises(ValueError, match=r"shape|channels"):
            function(np.zeros(first), np.zeros(second))


def test_one_clip_at_a_time():
    with pytest.raises(ValueError, match="one clip"):
        spatial_audio.measures(noise(3, 2, 800), noise(3, 2, 800))
