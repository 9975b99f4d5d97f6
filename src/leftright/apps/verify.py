"""Read every byte of training shards and name what is damaged."""

from pathlib import Path

from leftright.data import shards as shard_files
from leftright.errors import InputError


def run(*, shards: tuple[Path, ...]) -> None:
    """Check the shards of `pack`.

    shards : the directories that it wrote. Raises InputError where anything is damaged, after naming each thing.
    """
    problems = shard_files.verify(shards)
    for problem in problems:
        print(problem)
    if problems:
        raise InputError(f"{len(problems)} damaged or missing; remove the directory and run pack again")
    print(f"{', '.join(map(str, shards))}: whole")
