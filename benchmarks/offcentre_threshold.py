"""Which level difference of a time bin is "significantly different from zero"? Measures it on centred and on off-centre sound.

    python benchmarks/offcentre_threshold.py [MEDIA FILE ...]

For each condition: the share of time bins that a threshold calls off-centre, as the median over draws, and the worst draw in
brackets (the largest share of centred sound, the smallest of off-centre sound). A clip is kept from a share of 0.6 on. Sounds
are the simulated world's: speech, whisper, taps and strokes at 0.45 m from a spherical head, plus the room's diffuse answer,
plus noise that is independent in the two ears.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leftright.audio import SAMPLE_RATE, resample, stft
from leftright.data.sound_measures import level_differences
from leftright.simulation import acoustics, sounds
from leftright.simulation.choreography import Events
from leftright.simulation.performer import Instrument
from leftright.video import decode_audio

Array = NDArray[np.float64]

BIN_S, LOWEST_HZ = 0.25, 300.0
THRESHOLDS_DB = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
AZIMUTHS_DEG = (0.0, 3.0, 6.0, 10.0, 20.0, 45.0)
ROOMS = {"no room": (0.0, 30.0), "RT60 0.2 s": (0.2, 30.0), "RT60 0.5 s": (0.5, 30.0)}
NOISE_DB = (-40.0, -20.0)  # of the sound's level
DISTANCE_M = 0.45
DURATION_S = 10.0
DRAWS_PER_SOUND = 3


def main(files: list[str]) -> None:
    header = " | ".join(f"> {threshold} dB" for threshold in THRESHOLDS_DB)
    print(f"| sound | {header} |\n|---|{'---|' * len(THRESHOLDS_DB)}")
    for azimuth_deg in AZIMUTHS_DEG:
        worst = np.max if azimuth_deg == 0 else np.min
        for room in ROOMS:
            for noise_db in NOISE_DB:
                draws = np.array([shares(sound) for sound in draw_sounds(azimuth_deg, room, noise_db)])
                cells = [f"{np.median(column):.2f} ({worst(column):.2f})" for column in draws.T]
                print(f"| {azimuth_deg:g} deg, {room}, noise {noise_db:g} dB | {' | '.join(cells)} |")
    for file in files:
        waveform, sample_rate = decode_audio(Path(file))
        cells = [f"{share:.2f}" for share in shares(resample(waveform, sample_rate))]
        print(f"| {Path(file).name} | {' | '.join(cells)} |")


def shares(waveform: NDArray[np.floating]) -> list[float]:
    """The share of time bins beyond each threshold. waveform : (2, samples) at SAMPLE_RATE."""
    differences_db = np.abs(level_differences(stft(waveform), BIN_S, LOWEST_HZ))
    return [float(np.mean(differences_db > threshold)) for threshold in THRESHOLDS_DB]


def draw_sounds(azimuth_deg: float, room: str, noise_db: float) -> Iterator[Array]:
    """Stereo sounds, (2, samples) each, of every kind and several seeds."""
    rt60_s, volume_m3 = ROOMS[room]
    azimuth = np.radians(azimuth_deg)
    position = DISTANCE_M * np.array([[np.cos(azimuth), np.sin(azimuth), 0.0]] * 2)
    for kind in KINDS.values():
        for seed in range(DRAWS_PER_SOUND):
            rng = np.random.default_rng(seed)
            dry = kind(rng)
            ears = acoustics.spherical_head(dry, position, SAMPLE_RATE)
            if rt60_s:
                ears = ears + acoustics.reverberation(dry, rt60_s, volume_m3, SAMPLE_RATE, rng)
            level = np.sqrt(np.mean(ears**2))
            yield 0.05 * (ears / level + 10 ** (noise_db / 20) * rng.standard_normal(ears.shape))


def events(rng: np.random.Generator, period_s: float, busy: float) -> Events:
    """Events about every `period_s`, each lasting the share `busy` of it, with a pause after every fifth."""
    onsets = np.arange(0.2, DURATION_S - 0.5, period_s)
    onsets = onsets[np.arange(onsets.size) % 6 != 5]
    return Events(onsets, np.full(onsets.size, period_s * busy), rng.uniform(0.6, 1.4, onsets.size))


def speech(rng: np.random.Generator, is_whispered: bool) -> Array:
    pitch_hz = rng.uniform(100, 240)
    return sounds.speech(events(rng, 0.22, 0.9), pitch_hz, is_whispered, _num_samples(), SAMPLE_RATE, rng)


def instrument(rng: np.random.Generator) -> Instrument:
    return Instrument("cup", "round", (0, 0, 0), (0, 0, 0), 0.03, rng.uniform(300, 1500))


def _num_samples() -> int:
    return int(DURATION_S * SAMPLE_RATE)


KINDS: dict[str, Callable[[np.random.Generator], Array]] = {
    "speech": lambda rng: speech(rng, False),
    "whisper": lambda rng: speech(rng, True),
    "taps": lambda rng: sounds.taps(events(rng, 0.3, 0.5), instrument(rng), _num_samples(), SAMPLE_RATE, rng),
    "strokes": lambda rng: sounds.strokes(events(rng, 0.8, 0.9), instrument(rng), _num_samples(), SAMPLE_RATE, rng),
}


if __name__ == "__main__":
    main(sys.argv[1:])
