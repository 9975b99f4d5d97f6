"""Run a pipeline in containers on this machine.

    leftright run pipelines/full.py key=value ...

Needs a Docker engine, and the images (`make images`). Tasks whose inputs are those of a former run are not run again.
Resources, retries and Kubernetes settings hold on a cluster alone. Exit status: 0 when the run succeeds, 1 when a task fails,
2 for bad input.
"""

import argparse
import re
import sys
import time
import warnings
from pathlib import Path

from kfp import components

from leftright.errors import InputError
from pipelines.commands import docker_runner, options, package

ROOT = Path("build/runs")


def main(words: list[str]) -> int:
    """Run the command; returns the exit status. Raises InputError for bad input."""
    flags = _parser().parse_intermixed_args(words)
    # Pauses between tries are for a cluster that is busy; here whoever looks on wants to know at once.
    with package.compiled(flags.file, cache=True, retries=False) as compiled:
        values = package.parameters(flags.values, compiled)
        root = flags.root.resolve()
        mounts = [_existing(path) for path in flags.mount]
        docker_runner.use(root, cache=not flags.no_cache, mounts=mounts, network=flags.network)
        # Of each task it would say that resources mean nothing here, which our help says once.
        warnings.filterwarnings("ignore", message=".*have no effect in the current local runner")
        pipeline = components.load_component_from_file(str(compiled.path))
        started = time.monotonic()
        try:
            pipeline(**values)
        except RuntimeError as error:
            print(
                f"{compiled.name}: failed after {time.monotonic() - started:.0f} s: {_reason(error)}", file=sys.stderr
            )
            return 1
    print(f"{compiled.name}: succeeded after {time.monotonic() - started:.0f} s; results are in {root}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = options.Parser(
        prog="leftright run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a pipeline, such as pipelines/full.py, or a compiled .yaml"
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, metavar="DIR", help=f"gets what the tasks write (default: {ROOT})"
    )
    parser.add_argument("--no-cache", action="store_true", help="run every task, also where a former result would do")
    parser.add_argument(
        "--mount",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="what tasks may read, under the same path",
    )
    parser.add_argument(
        "--network", default="", metavar="NAME", help="Docker's network, such as host (default: Docker's)"
    )
    options.add_values(parser)
    return parser


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"--mount {path}: no such file or folder")
    return path.resolve()


def _reason(error: Exception) -> str:
    """Kfp's message without its colours, from where it names the tasks: the innermost first."""
    plain = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())
    return plain[plain.find("Inner task failed") :].replace("Inner task failed:", "task").rstrip(".")
