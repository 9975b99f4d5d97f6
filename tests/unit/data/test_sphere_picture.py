import pytest

from leftright.data.sphere_picture import DOUBTS, picture_doubts
from leftright.spherical import Metadata

SPHERE = "equirectangular"


@pytest.mark.parametrize(
    ("declared", "size", "doubts"),
    [
        (Metadata(SPHERE, "mono"), (480, 240), ()),
        (Metadata(SPHERE), (1920, 1080), ()),  # squeezed: the declaration counts
        (Metadata(), (480, 240), ("undeclared",)),
        (Metadata(), (854, 420), ("undeclared",)),
        (Metadata(), (640, 360), ("not_a_sphere",)),
        (Metadata(), (240, 480), ("not_a_sphere",)),
        (Metadata("cubemap"), (480, 240), ("not_equirectangular",)),
        (Metadata(SPHERE, cropped=(0.25, 0.25, 0, 0)), (480, 120), ("cropped",)),
        (Metadata(SPHERE, "top_bottom", yaw_deg=30.0), (480, 480), ("two_pictures", "turned")),
        (Metadata(), (0, 0), ()),
    ],
)
def test_doubts_are_what_the_declaration_and_the_shape_give(
    declared: Metadata, size: tuple[int, int], doubts: tuple[str, ...]
) -> None:
    assert picture_doubts(declared, *size) == doubts
    assert set(doubts) <= set(DOUBTS)
