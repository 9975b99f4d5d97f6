from dataclasses import replace

import numpy as np
import pytest

from leftright.simulation import sounds
from leftright.simulation.choreography import Events
from leftright.simulation.performer import Instrument

SAMPLE_RATE = 32_000
WOOD = Instrument("tapping", "box", (200, 120, 60), (60, 60, 60), 0.05, 600.0)
EVENTS = Events(np.array([0.5, 1.5]), np.array([0.3, 0.3]), np.array([1.0, 1.0]))
NUM_SAMPLES = 2 * SAMPLE_RATE


def made(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    if name == "taps":
        return sounds.taps(EVENTS, WOOD, NUM_SAMPLES, SAMPLE_RATE, rng)
    if name == "strokes":
        return sounds.strokes(EVENTS, WOOD, NUM_SAMPLES, SAMPLE_RATE, rng)
    return sounds.speech(EVENTS, 120.0, name == "whisper", NUM_SAMPLES, SAMPLE_RATE, rng)


@pytest.mark.parametrize("name", ["taps", "strokes", "speech", "whisper"])
def test_sounds_in_its_events_and_not_between(name):
    energy = (made(name) ** 2).reshape(20, -1).mean(axis=-1)  # tenths of a second
    assert energy[[5, 6, 15, 16]].min() > 100 * energy[[0, 3, 9, 10, 13]].max()


def test_voice_is_periodic_at_its_pitch_and_a_whisper_is_not():
    def periodicity(name: str) -> float:
        vowel = made(name)[int(0.62 * SAMPLE_RATE) : int(0.72 * SAMPLE_RATE)]
        correlation = np.correlate(vowel, vowel, "full")[vowel.size - 1 :]
        lags = slice(int(SAMPLE_RATE / 160), int(SAMPLE_RATE / 95))
        return float(correlation[lags].max() / correlation[0])

    assert periodicity("speech") > 0.5 > 0.3 > periodicity("whisper")


def test_whisper_is_brighter_than_voice():
    def centroid(name: str) -> float:
        power = np.abs(np.fft.rfft(made(name))) ** 2
        return float(power @ np.fft.rfftfreq(NUM_SAMPLES, 1 / SAMPLE_RATE) / power.sum())

    assert centroid("whisper") > 1.3 * centroid("speech")


@pytest.mark.parametrize("make", [sounds.taps, sounds.strokes])
def test_thing_of_lower_pitch_sounds_lower(make):
    def centroid(pitch_hz: float) -> float:
        thing = replace(WOOD, pitch_hz=pitch_hz)
        power = np.abs(np.fft.rfft(make(EVENTS, thing, NUM_SAMPLES, SAMPLE_RATE, np.random.default_rng(0)))) ** 2
        return float(power @ np.fft.rfftfreq(NUM_SAMPLES, 1 / SAMPLE_RATE) / power.sum())

    assert centroid(400.0) < 0.8 * centroid(1200.0)


@pytest.mark.parametrize("name", ["taps", "strokes", "speech", "whisper"])
def test_level_is_one_while_it_sounds(name):
    waveform = made(name)
    loud = waveform[np.abs(waveform) > 1e-3 * np.abs(waveform).max()]
    assert np.sqrt(np.mean(loud**2)) == pytest.approx(1, rel=1e-3)
