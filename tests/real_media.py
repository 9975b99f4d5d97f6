"""Real recordings for tests marked `media`, found through LEFTRIGHT_MEDIA; see that directory's MANIFEST."""

import os
from pathlib import Path

import pytest


def media(name: str) -> Path:
    """A file of the collection, or a skipped test."""
    directory = os.environ.get("LEFTRIGHT_MEDIA")
    if not directory:
        pytest.skip("LEFTRIGHT_MEDIA is not set: it names the directory of real recordings")
    return Path(directory) / name
