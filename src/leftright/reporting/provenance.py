"""Which code and which parameters a report was made with."""

import hashlib
import subprocess
from pathlib import Path

PARAMETERS = Path("params.yaml")
# A run itself rewrites the lock file, and the parameters have a digest of their own.
_NOT_CODE = (":(top,exclude)dvc.lock", ":(top,exclude)params.yaml")


def commit() -> str:
    """The git commit of the working directory, shortened, and whether files differ from it; "unknown" outside a checkout."""
    name = _git("rev-parse", "--short=12", "HEAD")
    if not name:
        return "unknown"
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", *_NOT_CODE)
    return f"{name}, with uncommitted changes" if changed else name


def parameters_digest(path: Path = PARAMETERS) -> str:
    """The first 16 digits of the parameter file's SHA-256, as tracking tags its runs; "unknown" where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else "unknown"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(("git", *arguments), capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()
