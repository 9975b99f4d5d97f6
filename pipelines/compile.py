"""Write the packages of the pipelines and of every component: `make compile`, or `python -m pipelines.compile FOLDER`."""

import importlib
import sys
from pathlib import Path

from kfp import compiler

from leftright.errors import InputError

ROOT = Path(__file__).parents[1]
PIPELINES = ("full", "retrain")


def main(words: list[str]) -> int:
    """Compile all into the folder that the one word names; returns the exit status."""
    if len(words) != 1:
        print("usage: python -m pipelines.compile FOLDER", file=sys.stderr)
        return 2
    try:
        for path in write(Path(words[0])):
            print(path)
    except InputError as error:
        print(f"compile: {error}", file=sys.stderr)
        return 2
    return 0


def write(folder: Path) -> list[Path]:
    """The packages `pipelines/*.yaml` and `components/*.yaml` in `folder`; returns their paths."""
    names = sorted(path.parent.name for path in (ROOT / "components").glob("*/component.py"))
    modules = {f"components/{name}.yaml": f"components.{name}.component" for name in names}
    modules |= {f"pipelines/{name}.yaml": f"pipelines.{name}" for name in PIPELINES}
    for file, module in modules.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        compiler.Compiler().compile(getattr(importlib.import_module(module), path.stem), str(path))
    return [folder / file for file in modules]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
