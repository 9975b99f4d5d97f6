"""The command line of the steps: one line and exit status 2 for bad input, as the stages have it."""

import importlib
import logging
import sys

from leftright import arguments, executor
from leftright.errors import InputError
from pipelines.steps import STEPS


def main(words: list[str]) -> int:
    """Run one step; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if not words or words[0] not in STEPS:
        print(
            f"usage: python -m pipelines.steps STEP [flags], where STEP is one of {', '.join(STEPS)}", file=sys.stderr
        )
        return 2
    try:
        execute(words[0], words[1:])
    except InputError as error:
        print(f"{words[0]}: {error}", file=sys.stderr)
        return 2
    return 0


def execute(step: str, words: list[str]) -> None:
    """Run `step` with its flags, and report to Kubeflow where it is a task. Raises InputError for bad input."""
    module = importlib.import_module(f"pipelines.steps.{step}")
    words, task = executor.take(words)
    description = (module.__doc__ or "").split("\n\n")[0]
    given = arguments.parse(module.run, words, f"python -m pipelines.steps {step}", description)
    values = module.run(**given)
    if task is not None:
        task.finish(values or {})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
