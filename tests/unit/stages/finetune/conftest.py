"""Clips of moving squares, untrained pretext models, and a run of all variants on them."""

from pathlib import Path

import pytest

from tests.finetune_runs import CONFIG, run, write_pretext_models
from tests.packed_world import write_moving_world


@pytest.fixture(scope="session")
def packed(tmp_path_factory) -> Path:
    return write_moving_world(tmp_path_factory.mktemp("world") / "pack", num_channels=10)


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    return write_pretext_models(tmp_path_factory.mktemp("pretrain"))


@pytest.fixture(scope="session")
def everything(packed, models, tmp_path_factory) -> Path:
    """An undisturbed run of CONFIG, whose supervised variants cannot be: the networks are small."""
    directory = tmp_path_factory.mktemp("everything")
    run(CONFIG, packed, models, directory)
    return directory
