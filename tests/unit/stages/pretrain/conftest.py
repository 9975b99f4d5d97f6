"""A world of bright squares, whose tones are at the squares' side."""

from pathlib import Path

import pytest

from tests.packed_world import write_packed_world


@pytest.fixture(scope="session")
def packed(tmp_path_factory) -> Path:
    return write_packed_world(tmp_path_factory.mktemp("world") / "pack", num_channels=20)
