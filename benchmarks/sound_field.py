"""How far apart the gate's measures of sound and unsound 360-degree sound lie: what its limits were chosen by.

    python benchmarks/sound_field.py --scenes 150

Encodes scenes of one, two and eight sources (most near the horizon, as in the world), dry and in diffuse reverberation of their
own, holds each in right and wrong ways, with a lossy codec in between where that matters, and prints the measures' quantiles.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from leftright import ambisonics
from leftright.data.sound_field_measures import measure_sound_field
from leftright.video import decode_audio

RATE = 16_000
DURATION_S = 5.0
NUM_REFLECTED = 48  # directions that stand for all
RT60_S = 0.4

Waveform = NDArray[np.floating]


def dry_sound(rng: np.random.Generator) -> Waveform:
    """Bursts of noise whose spectrum falls by 3 dB an octave, as speech and music do about: (samples,)."""
    num_samples = round(DURATION_S * RATE)
    spectrum = np.fft.rfft(rng.normal(size=num_samples)) / np.sqrt(1 + np.arange(num_samples // 2 + 1))
    bursts = np.repeat(rng.random(round(DURATION_S / 0.25)) < 0.6, round(0.25 * RATE))[:num_samples]
    bursts[: RATE // 2] = True
    return np.fft.irfft(spectrum, num_samples) * bursts


def scene(rng: np.random.Generator, num_sources: int, reverberant_db: float | None) -> Waveform:
    """(4, samples) ambiX. reverberant_db : power of the diffuse sound against the direct; None is a dry scene."""
    field = np.zeros((4, round(DURATION_S * RATE)))
    for _ in range(num_sources):
        dry = dry_sound(rng)
        direct = ambisonics.encode(dry, rng.uniform(-180, 180), np.clip(rng.normal(0, 15), -80, 80))
        field += direct * rng.uniform(0.3, 1)
        if reverberant_db is not None:
            late = _diffuse(rng, dry)
            field += late * np.sqrt(np.mean(direct[0] ** 2) / np.mean(late[0] ** 2)) * 10 ** (reverberant_db / 20)
    noise = rng.normal(size=field.shape) * np.sqrt(np.mean(field[0] ** 2)) * 10 ** (-50 / 20)
    return 0.05 * (field + noise) / np.sqrt(np.mean(field[0] ** 2))


def _diffuse(rng: np.random.Generator, dry: Waveform) -> Waveform:
    time_s = np.arange(round(RT60_S * RATE)) / RATE
    late = np.zeros((4, len(dry)))
    up = rng.uniform(-1, 1, NUM_REFLECTED)
    for azimuth, elevation in zip(rng.uniform(-180, 180, NUM_REFLECTED), np.degrees(np.arcsin(up)), strict=True):
        response = rng.normal(size=len(time_s)) * 10 ** (-3 * time_s / RT60_S)
        late += ambisonics.encode(fftconvolve(dry, response)[: len(dry)], azimuth, elevation)
    return late


def coded(waveform: Waveform, codec: str, layout: str, bit_rate: int) -> Waveform:
    """The waveform after a codec."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.mkv"
        rate = 48_000 if codec == "libopus" else RATE
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate, layout=layout)
            stream.bit_rate = bit_rate
            frame = av.AudioFrame.from_ndarray(waveform.astype(np.float32), format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            resampler = av.AudioResampler(format=stream.codec_context.format, layout=layout, rate=rate)
            for block in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(stream.encode(block))
            container.mux(stream.encode(None))
        decoded, rate = decode_audio(path)
    return decoded[:4, rate // 4 : -rate // 4]


def held(waveform: Waveform) -> Iterator[tuple[str, Callable[[], Waveform]]]:
    """Right and wrong ways to hold a sound field."""
    silent = np.zeros_like(waveform[0])
    copied = np.stack([waveform[0]] * 4)
    without = {number: np.where(np.arange(4)[:, None] == number, 0, waveform) for number in (1, 2, 3)}
    yield "ambiX", lambda: waveform
    yield "ambiX, AAC 4.0", lambda: coded(waveform, "aac", "4.0", 256_000)
    yield "ambiX, AAC 5.1", lambda: coded(np.stack([*waveform, silent, silent]), "aac", "5.1", 384_000)
    yield "no Z", lambda: without[2]
    yield "FuMa as ambiX", lambda: ambisonics.convert(waveform, "ambix", "fuma")
    yield "N3D as ambiX", lambda: ambisonics.convert(waveform, "ambix", "n3d")
    yield "mono in all", lambda: copied
    yield "mono in all, AAC 4.0", lambda: coded(copied, "aac", "4.0", 256_000)
    yield "mono in all, Opus", lambda: coded(copied, "libopus", "quad", 256_000)
    yield "no Y, AAC 4.0", lambda: coded(without[1], "aac", "4.0", 256_000)
    yield "no X, AAC 4.0", lambda: coded(without[3], "aac", "4.0", 256_000)
    yield "no Y, Opus", lambda: coded(without[1], "libopus", "quad", 256_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--scenes", type=int, default=60, help="of each kind")
    num_scenes = parser.parse_args().scenes
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(num_scenes):
        for num_sources in (1, 2, 8):
            for place, reverberant_db in enumerate((None, -6.0, 0.0, 6.0)):
                rng = np.random.default_rng([number, num_sources, place])
                made = scene(rng, num_sources, reverberant_db)
                for name, make in held(made):
                    if number >= 10 and ("AAC" in name or "Opus" in name):
                        continue
                    wave = make()
                    rate = 48_000 if "Opus" in name else RATE
                    measures = measure_sound_field(wave, rate)
                    measures["ahead_to_up_db"] = measures["ahead_db"] - measures["up_db"]
                    for room in ("all", "dry" if reverberant_db is None else f"{reverberant_db:+g} dB"):
                        found.setdefault((name, room), []).append(measures)
    names = ("copy_db", "left_db", "up_db", "ahead_db", "ahead_to_up_db", "velocity_db", "directedness")
    print("1 %, 50 %, 99 % of", num_scenes, "scenes of each kind")
    print(f"{'held as':<22}{'room':<8}" + "".join(f"{name:<26}" for name in names))
    for (name, room), rows in found.items():
        if room != "all" and name not in ("ambiX", "FuMa as ambiX", "N3D as ambiX", "no Z"):
            continue
        quantiles = [np.percentile([row[key] for row in rows], (1, 50, 99)) for key in names]
        print(f"{name:<22}{room:<8}" + "".join(f"{' '.join(f'{v:8.2f}' for v in q):<26}" for q in quantiles))


if __name__ == "__main__":
    main()
