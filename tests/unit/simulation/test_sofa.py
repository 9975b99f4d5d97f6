import os
from pathlib import Path

import numpy as np
import pytest

from leftright.audio import LEFT, RIGHT, log_energy_difference
from leftright.errors import InputError
from leftright.simulation import acoustics, camera, sofa

h5py = pytest.importorskip("h5py", reason="reading SOFA files needs h5py")

SAMPLE_RATE = 32_000
DELAY, QUIET = 8, 0.5  # samples and gain of the far ear in the made set


@pytest.fixture
def made_set(tmp_path: Path) -> Path:
    """Three directions: left, front and right; the far ear hears half as much, eight samples later."""
    responses = np.zeros((3, 2, 32))
    responses[1, :, 0] = 1
    for direction, near in ((0, LEFT), (2, RIGHT)):
        responses[direction, near, 0] = 1
        responses[direction, 1 - near, DELAY] = QUIET
    path = tmp_path / "made.sofa"
    with h5py.File(path, "w") as file:
        file["Data.IR"] = responses
        file["SourcePosition"] = [[60.0, 0.0, 1.4], [0.0, 0.0, 1.4], [300.0, 0.0, 1.4]]
        file["Data.SamplingRate"] = [float(SAMPLE_RATE)]
    return path


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(3).standard_normal(int(seconds * SAMPLE_RATE)).astype(np.float32)


def test_resting_source_is_the_convolution_with_its_direction(made_set):
    responses = sofa.read(made_set, SAMPLE_RATE)
    dry = noise(0.3)
    place = camera.place(np.array([55.0, 55.0]), np.array(0.7), np.array(0.0))
    ears = responses.render(dry, place)
    gain = ears[LEFT, 1000] / dry[1000]
    np.testing.assert_allclose(ears[LEFT], gain * dry, atol=1e-5)
    np.testing.assert_allclose(ears[RIGHT, DELAY:], QUIET * gain * dry[:-DELAY], atol=1e-5)


def test_moving_source_changes_sides(made_set):
    path = camera.place(np.linspace(50, -50, 20), np.array(0.5), np.array(0.0))
    ears = sofa.read(made_set, SAMPLE_RATE).render(noise(1.0), path)
    first, last = (
        log_energy_difference(ears[:, : SAMPLE_RATE // 8]),
        log_energy_difference(ears[:, -SAMPLE_RATE // 8 :]),
    )
    assert first == pytest.approx(20 * np.log10(QUIET), abs=0.5)
    assert last == pytest.approx(-20 * np.log10(QUIET), abs=0.5)


def test_file_of_another_kind_is_named(tmp_path):
    other = tmp_path / "other.sofa"
    other.write_text("not a SOFA file")
    with pytest.raises(InputError, match=r"other\.sofa: not a SOFA file"):
        sofa.read(other, SAMPLE_RATE)
    with pytest.raises(InputError, match=r"missing\.sofa: no such SOFA file"):
        sofa.read(tmp_path / "missing.sofa", SAMPLE_RATE)


@pytest.mark.media
def test_measured_head_agrees_with_the_sphere():
    media = os.environ.get("LEFTRIGHT_MEDIA")
    if not media:
        pytest.skip("LEFTRIGHT_MEDIA names no folder of real media")
    kemar = sofa.read(Path(media) / "hrtf" / "MIT_KEMAR_normal_pinna.sofa", SAMPLE_RATE)
    dry = noise(0.5)
    for azimuth in (-40.0, -15.0, 15.0, 40.0):
        place = camera.place(np.array([azimuth, azimuth]), np.array(1.0), np.array(0.0))
        measured = log_energy_difference(kemar.render(dry, place))
        modelled = log_energy_difference(acoustics.spherical_head(dry, place, SAMPLE_RATE))
        assert np.sign(measured) == np.sign(modelled) == -np.sign(azimuth)
        assert 0.4 < measured / modelled < 2.5
