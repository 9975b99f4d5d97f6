"""The command line: one table of commands, each a function whose signature is its flags.

    leftright STAGE --help
    leftright STAGE --params params.yaml --out data/STAGE --metrics metrics/STAGE.json ...

`--params FILE` stands for the flags of the stage's section in that file; a flag beside it wins over the file's.
An app that has a stage's parameters (`SECTIONS`) takes it too.
`--executor-input JSON` is what a task of Kubeflow Pipelines passes, to a stage or an app (see `leftright.executor`);
`--data-rev` and `--kfp-run` say which version of the data a stage works on, and which run it belongs to (`leftright.lineage`).
Bad input prints one line and exits with status 2.
"""

import importlib
import importlib.util
import inspect
import logging
import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from leftright import arguments, executor, lineage, tracking
from leftright.errors import InputError, UnusableError
from leftright.results import Outcome
from leftright.stages import STAGES

APPS = ("summary", "verify", "compare", "lineage", "fairplay", "check360")
"""What is run beside the stages: a module of `leftright.apps` each, whose `run` may return numbers for a task's metrics."""

SECTIONS = {"fairplay": "pack"}
"""Apps with a stage's parameters, and the section in which `--params FILE` finds them."""

COMMANDS: dict[str, str] = {stage: f"leftright.stages.{stage}" for stage in STAGES} | {
    app: f"leftright.apps.{app}" for app in APPS
}
"""What a person may type, and the module whose `run` it calls."""

CLUSTER = {command: f"pipelines.commands.{command}" for command in ("submit", "schedule", "run")}
"""What runs pipelines: modules with `main(words)` that lie in the project's folder, not in this package."""
COMMANDS |= CLUSTER


PROCESSES = "LEFTRIGHT_PROCESSES"
"""The environment variable that makes a stage run under torchrun, in so many processes: a GPU of this machine each."""
IN_PROCESSES = ("pretrain", "finetune", "evaluate360")
"""The stages that several processes can share."""


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # it tells of the cache that it makes in a new container
    words = sys.argv[1:] if words is None else words
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0
    try:
        return execute(words[0], words[1:])
    except InputError as error:
        print(f"leftright {words[0]}: {error}", file=sys.stderr)
        return 2
    except UnusableError as error:
        print(f"leftright {words[0]}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"leftright {words[0]}: interrupted", file=sys.stderr)
        return 130


def execute(command: str, words: list[str]) -> int:
    """Run `command` with its flags. Raises InputError for bad input or an unknown command."""
    if command not in COMMANDS:
        raise InputError(f"no such command; there are {', '.join(COMMANDS)}")
    if command in CLUSTER:
        return _execute_for_cluster(command, words)
    if command in IN_PROCESSES and _num_processes() > 1:
        return _execute_in_processes(command, words)
    module = importlib.import_module(COMMANDS[command])
    description = (module.__doc__ or "").split("\n\n")[0]
    words, task = executor.take(words, inspect.signature(module.run).parameters)
    if command in STAGES:
        outcome = _run_stage(command, module, words, description, is_task=task is not None)
    else:
        words = arguments.with_params(words, SECTIONS[command]) if command in SECTIONS else words
        outcome = Outcome(module.run(**arguments.parse(module.run, words, f"leftright {command}", description)) or {})
    if task is not None and os.environ.get("RANK", "0") == "0":
        task.finish(outcome.values, outcome.figures, outcome.tables)
    return 0


def _run_stage(stage: str, module: ModuleType, words: list[str], description: str, *, is_task: bool) -> Outcome:
    """Run a stage under tracking."""
    words, made_by = lineage.take(words)
    words = arguments.with_params(words, stage)
    given = arguments.parse(module.run, words, f"leftright {stage}", description)
    with lineage.handed(made_by), tracking.stage_run(stage, asdict(given["config"]), is_task=is_task) as run:
        outcome: Outcome = module.run(**given)
        run.finish(outcome)
    return outcome


def _num_processes() -> int:
    """In how many processes to run a stage; 1 within each of them. Raises InputError for what is no number."""
    text = "1" if "RANK" in os.environ else os.environ.get(PROCESSES, "1")
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{PROCESSES}={text}: give the number of processes, one for each GPU")
    return int(text)


def _execute_in_processes(command: str, words: list[str]) -> int:
    """Become torchrun, which starts the same command once a GPU, and ends all when one fails."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={_num_processes()}"]
    os.execv(sys.executable, [*torchrun, "-m", "leftright", command, *words])


def _execute_for_cluster(command: str, words: list[str]) -> int:
    """Run a command of the project's folder. Raises InputError where that is not the working directory, or without kfp."""
    _look_in_working_directory()
    try:
        module = importlib.import_module(CLUSTER[command])
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] not in ("pipelines", "kfp", "kfp_server_api"):
            raise
        raise InputError(
            f"no module {missing.name}: run this in the project's folder, with leftright[pipelines] installed"
        ) from None
    status: int = module.main(words)
    return status


def _look_in_working_directory() -> None:
    """Let modules of the working directory be imported; a console script does not look there."""
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))


def _overview() -> str:
    lines = [
        "usage: leftright COMMAND [flags]; leftright COMMAND --help says more",
        "a stage reads its parameters from flags, or from a file by --params params.yaml",
        "",
    ]
    _look_in_working_directory()
    for command, name in COMMANDS.items():
        try:
            spec = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            lines.append(f"  {command:<12}(in the project's folder only)")
            continue
        lines.append(f"  {command:<12}{_first_line(spec)}")
    return "\n".join(lines)


def _first_line(spec: Any) -> str:
    """The first line of a module's docstring, read without importing it (and all that it imports)."""
    source = inspect.cleandoc(spec.loader.get_source(spec.name) or "").lstrip('"')
    return source.split("\n", 1)[0].rstrip('."')
