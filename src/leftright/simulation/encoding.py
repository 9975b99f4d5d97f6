"""Two ways to damage an MP4 file."""

import os
from pathlib import Path

import numpy as np

_BOX_SIZE, _BOX_HEADER = 4, 8  # bytes: the size, and the size with the name after it


def corrupt(path: Path, rng: np.random.Generator) -> None:
    """Overwrite a file's index, so that it does not open, or its media data, so that nothing decodes; either is as likely."""
    content = bytearray(path.read_bytes())
    name = b"moov" if rng.random() < 0.5 else b"mdat"
    start = content.index(name) - 4
    size = int.from_bytes(content[start : start + 4], "big")
    kept = _BOX_HEADER if name == b"mdat" else _BOX_SIZE  # an index by any other name is none
    content[start + kept : start + size] = rng.bytes(size - kept)
    path.write_bytes(content)


def truncate(path: Path, share: float) -> None:
    """Cut a file off, so that its index is whole and a share (0..1) of its media data is left."""
    start = path.read_bytes().index(b"mdat") - 4
    os.truncate(path, start + round(share * (path.stat().st_size - start)))
