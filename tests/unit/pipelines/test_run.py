"""What `leftright run` says where it cannot run; tests/containers runs it for real."""

from pathlib import Path

import pytest

from leftright import cli
from leftright.errors import InputError
from pipelines import parameters

EXAMPLE = str(Path(__file__).with_name("example.py"))


def failure(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["run", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def test_no_engine_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = failure(capsys, EXAMPLE, "--root", str(tmp_path / "runs"), "sha=abc")
    assert line.startswith(f"leftright run: no Docker engine answers at unix://{tmp_path}/none.sock")
    assert line.endswith("start one, or set DOCKER_HOST")


def test_a_mount_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = failure(capsys, EXAMPLE, "--root", str(tmp_path / "runs"), "--mount", str(tmp_path / "gone"), "sha=abc")
    assert line == f"leftright run: --mount {tmp_path / 'gone'}: no such file or folder"


def test_an_unknown_parameter_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "has no such parameter" in failure(capsys, EXAMPLE, "--root", str(tmp_path / "runs"), "nonsense=1")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("a: [", "cannot be read as YAML"), ("- a", "has no sections"), (None, "LEFTRIGHT_PARAMS names a file")],
)
def test_a_wrong_params_file_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None, complaint: str
) -> None:
    path = tmp_path / "params.yaml"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("LEFTRIGHT_PARAMS", str(path))
    with pytest.raises(InputError, match=complaint) as caught:
        parameters.values()
    assert "\n" not in str(caught.value)


def test_a_section_that_lacks_a_value_is_one_line() -> None:
    from components.pack.component import pack

    with pytest.raises(InputError, match=r"pack\.jpeg_quality: the params file has no such value"):
        parameters.of_stages(pack, defaults={"pack": {"frame_rate": 6.0, "frame_size": 64}})(lambda stages: None)
