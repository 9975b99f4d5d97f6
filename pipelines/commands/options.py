"""Command-line flags whose errors are one line."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from leftright.errors import InputError


class Parser(argparse.ArgumentParser):
    """A parser that raises InputError where argparse would print the usage and exit."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Raise InputError with `message`, and where to find the flags."""
        raise InputError(f"{message}; {self.prog} --help lists the flags")


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    """What says which pipeline is to run, where, and with which values."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a pipeline, such as pipelines/full.py, or a compiled .yaml"
    )
    parser.add_argument(
        "-e", "--experiment", required=True, metavar="NAME", help="made if the cluster has none of this name"
    )
    parser.add_argument("--no-cache", action="store_true", help="run every task, also where a former result would do")


def add_values(parser: argparse.ArgumentParser) -> None:
    """The pipeline's parameters, after the other words."""
    parser.add_argument(
        "values", nargs="*", metavar="key=value", help="the pipeline's parameters; the rest keep their defaults"
    )
