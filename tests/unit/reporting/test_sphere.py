"""The 360 results in the report: published beside measured, each number in its own cell, and what was not run by its reason."""

import json

import pytest

from leftright.errors import InputError
from leftright.reporting import sphere
from leftright.reporting.published import NUM_SPHERE_CLIPS, TABLE_2, TABLE_3
from leftright.reporting.sections import sphere as section
from tests import finished_sphere


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    root = tmp_path_factory.mktemp("evaluate360")
    finished_sphere.make(root / "out", root / "evaluate360.json")
    return root / "out"


def test_a_result_is_read(directory):
    found = sphere.read(directory)
    assert len(found.checked) == finished_sphere.NUM_CLIPS
    assert found.not_run == {"supervised": "no network"}
    assert found.azimuth == directory / "azimuth.png"
    assert [path.name for path in found.overlays] == ["sp001_0_10000.png"]


def test_an_incomplete_result_is_named(directory, tmp_path):
    with pytest.raises(InputError, match=r"checked\.parquet: no such table"):
        sphere.read(tmp_path)
    (tmp_path / "checked.parquet").write_bytes((directory / "checked.parquet").read_bytes())
    with pytest.raises(InputError, match=r"not_run\.json: missing or not JSON"):
        sphere.read(tmp_path)
    (tmp_path / "not_run.json").write_text(json.dumps({}))
    assert sphere.read(tmp_path).azimuth is None


def test_the_published_accuracies_are_counts():
    for entry in TABLE_2:
        assert round(entry.num_right / NUM_SPHERE_CLIPS, 5) == entry.accuracy


def test_rows_ask_for_variants_that_exist():
    from leftright.training.sphere_variants import KNOWN

    names = {variant.name for variant in KNOWN}
    assert {entry.variant for entry in (*TABLE_2, *TABLE_3)} == names
    assert {TABLE_3[0].published(group) for group in section.CONFIDENCES} == {65.34, 50.51, 19.06}
