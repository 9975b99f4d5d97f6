"""The container images for tests: the script that builds them as a module, and docker."""

import importlib.util
import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
STRANGER = "12345:0"  # a user that no image knows, in the group that OpenShift gives


def build_script() -> ModuleType:
    """`containers/build`, which has no suffix, as a module."""
    name = "containers_build"
    if name not in sys.modules:
        spec = importlib.util.spec_from_loader(name, SourceFileLoader(name, str(ROOT / "containers/build")))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the docker program that `containers/build` would take."""
    return subprocess.run([build_script().docker_program(), *words], capture_output=True, text=True, check=False)


def run(tag: str, *words: str, flags: tuple[str, ...] = ()) -> str:
    """What a command prints as a stranger who has no network and may write to /tmp alone; it must succeed."""
    confined = ("--rm", "--pull=never", "--network=none", "--read-only", "--tmpfs=/tmp", f"--user={STRANGER}", *flags)
    done = docker("run", *confined, tag, *words)
    assert done.returncode == 0, f"{tag} {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def configuration(tag: str) -> dict[str, Any]:
    """What an image says of itself."""
    settings: dict[str, Any] = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", tag).stdout)
    return settings


def packages(tag: str) -> set[str]:
    """The Python packages of an image, `name==version` each, the name in the lock's spelling."""
    listing = (
        "import importlib.metadata as m, re;"
        "print(*{re.sub('[-_.]+', '-', d.name).lower() + '==' + d.version for d in m.distributions()}, sep='\\n')"
    )
    return set(run(tag, "python3", "-c", listing).split())
