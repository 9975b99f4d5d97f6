"""Ask which commit a revision names now.

A branch moves. A task that is given the commit's own name may be answered from a cache; one that is given the branch's may not.
"""

import logging
from pathlib import Path

from leftright.files import replace_file
from pipelines.steps.fetch import commit_of
from pipelines.steps.repositories import cloned, shown

_log = logging.getLogger(__name__)


def run(*, repo: str = "", rev: str = "", commit: Path) -> None:
    """Write the full name of the commit that `rev` names in `repo` to the file `commit`; nothing where there is no repository.

    rev : a commit, tag or branch; without one, the head of the default branch. Raises InputError where there is no such one.
    """
    found = ""
    if repo:
        with cloned(repo) as clone:
            found = commit_of(clone, repo, rev)
        _log.info("resolve: %s of %s is %s", rev or "the head", shown(repo), found)
    with replace_file(commit) as temporary:
        temporary.write_text(found)
