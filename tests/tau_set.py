"""A small set of sound events in TAU's form: noise from known directions."""

import wave
from pathlib import Path

import numpy as np

from leftright import ambisonics
from leftright.audio import to_pcm

RATE = 24_000


def write_events(root: Path, *, num_recordings: int = 2, num_events: int = 6, seed: int = 0) -> Path:
    """Recordings of events of 1 s, 0.5 s apart, at multiples of 10 degrees; the last one is overlapped by another."""
    generator = np.random.default_rng(seed)
    for folder in ("foa_dev", "metadata_dev"):
        (root / folder).mkdir(parents=True)
    for recording in range(num_recordings):
        waveform = np.zeros((ambisonics.NUM_CHANNELS, round((1.5 * num_events + 1) * RATE)))
        lines = ["sound_event_recording,start_time,end_time,ele,azi,dist"]
        for number in range(num_events + 1):
            start_s = 1.5 * min(number, num_events - 1) + 0.4 * (number == num_events)
            azimuth = 10 * int(generator.integers(-18, 18))
            first = round(start_s * RATE)
            noise = generator.normal(0, 0.1, RATE)
            waveform[:, first : first + RATE] += ambisonics.encode(noise, azimuth, 10)
            lines.append(f"noise,{start_s:.3f},{start_s + 1:.3f},10,{azimuth},1")
        with wave.open(str(root / "foa_dev" / f"r{recording}.wav"), "wb") as file:
            file.setnchannels(ambisonics.NUM_CHANNELS)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(to_pcm(waveform).T.astype("<i2").tobytes())
        (root / "metadata_dev" / f"r{recording}.csv").write_text("\n".join(lines) + "\n")
    return root
