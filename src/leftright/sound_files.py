"""Sound as a file that a browser plays and that loses nothing: FLAC with 16 bits a sample."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from leftright.audio import SAMPLE_RATE, to_pcm
from leftright.files import replace_file

_LAYOUTS = {1: "mono", 2: "stereo"}
# Without the encoder's version in the file.
_FILE, _STREAM = {"fflags": "+bitexact"}, {"flags": "+bitexact"}


def write_flac(path: Path, waveform: NDArray[np.floating], sample_rate: int = SAMPLE_RATE) -> None:
    """Write one or two channels, in one step. The same samples give the same bytes.

    waveform : (channels, samples), full scale 1, beyond which it is cut off. Raises ValueError for another number of channels.
    """
    if waveform.ndim != 2 or len(waveform) not in _LAYOUTS:
        raise ValueError(f"expected one or two channels (channels, samples), got {waveform.shape}")
    layout = _LAYOUTS[len(waveform)]
    samples = to_pcm(waveform)
    # Packed samples: left, right, left, right, ... in one row.
    frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="s16", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
    with (
        replace_file(path) as temporary,
        av.open(str(temporary), "w", format="flac", options=_FILE) as container,
    ):
        stream = container.add_stream("flac", rate=sample_rate, layout=layout, format="s16", options=_STREAM)
        container.mux([*stream.encode(frame), *stream.encode(None)])
