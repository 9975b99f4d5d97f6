"""What Kubeflow Pipelines tells a stage, and what it wants to be told: the executor input and output, both JSON.

A component passes its executor input as `--executor-input '{{$}}'`. From it a stage takes input artifacts that no placeholder
can spell: those of a list (a fan-in), of which the backend makes the files but gives no paths. Into the output file go the
output artifacts again, the metrics artifact with the stage's numbers and a page of its figures, both of which the UI shows.
Without that file a local run of a container component loses its artifacts.

An input artifact is the flag of its name. Metrics are the exception: several stages' go to one flag, so what is named
`<stage>_metrics` and is no flag itself is one of `--stage_metrics`, or several where the stage ran in parts.
"""

import json
import math
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from leftright.errors import InputError
from leftright.files import replace_file
from leftright.results import Value

FLAG = "--executor-input"
STAGE_METRICS = "stage_metrics"
"""The flag of a command that takes the metrics files of other stages."""
_METRICS, _PAGE = "system.Metrics", "system.HTML"
_HEAD = """<!doctype html>
<meta charset="utf-8">
<title>Figures</title>
<style>
body { font-family: system-ui, sans-serif; margin: 1.5rem; background: #fff; color: #222; }
figure { margin: 0 0 2rem; }
img { max-width: 100%; height: auto; }
figcaption { color: #555; }
</style>
"""
# Where a task finds what lies in an object store: the backend mounts or copies it there.
_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}


@dataclass(frozen=True)
class ExecutorInput:
    """A task's executor input. inputs, outputs : artifacts by name, as lists of JSON objects. output_file : local path."""

    inputs: Mapping[str, list[dict[str, Any]]]
    outputs: Mapping[str, list[dict[str, Any]]]
    output_file: Path

    def flags(self, words: list[str], names: Collection[str] | None = None) -> list[str]:
        """The flags for those input artifacts that `words` do not give.

        names : the flags that there are, where some artifacts have another use than to be one.
        """
        given = {word.partition("=")[0].lstrip("-").replace("-", "_") for word in words if word.startswith("--")}
        missing: dict[str, list[str]] = {}
        for name, artifacts in self.inputs.items():
            flag = _flag_of(name, names)
            if flag is not None and flag not in given and artifacts:
                missing.setdefault(flag, []).extend(local_path(artifact["uri"]) for artifact in artifacts)
        return [word for flag, paths in missing.items() for word in (f"--{flag}", *paths)]

    def finish(self, values: Mapping[str, Value], figures: Sequence[Path] = (), tables: Sequence[Path] = ()) -> None:
        """Write the output file: every output artifact, the metrics artifact with `values` as its metadata.

        An artifact that is a page is written here as well: a copy of the page among `tables`, else one of the `figures`.
        """
        for artifact in (artifact for listed in self.outputs.values() for artifact in listed):
            if _kind(artifact) == _PAGE:
                with replace_file(Path(local_path(artifact["uri"]))) as temporary:
                    temporary.write_text(_page(figures, tables), encoding="utf-8")
        artifacts = {
            name: {"artifacts": [_with_numbers(artifact, values) for artifact in listed]}
            for name, listed in self.outputs.items()
        }
        with replace_file(self.output_file) as temporary:
            temporary.write_text(json.dumps({"artifacts": artifacts}))


def take(words: list[str], names: Collection[str] | None = None) -> tuple[list[str], ExecutorInput | None]:
    """`words` without `--executor-input JSON`, with those flags of `names` that it stands for; and the input, if there is one.

    Raises InputError for text that is no executor input.
    """
    if FLAG not in words:
        return words, None
    position = words.index(FLAG)
    if position + 1 == len(words):
        raise InputError(f"{FLAG}: its JSON is missing; a component writes {FLAG} '{{{{$}}}}'")
    rest = words[:position] + words[position + 2 :]
    given = parse(words[position + 1])
    return rest + given.flags(rest, names), given


def parse(text: str) -> ExecutorInput:
    """Read an executor input. Raises InputError for text that is none."""
    try:
        document = json.loads(text)
        return ExecutorInput(
            inputs=_artifacts(document.get("inputs", {})),
            outputs=_artifacts(document["outputs"]),
            output_file=Path(local_path(document["outputs"]["outputFile"])),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{FLAG} {text[:60]!r}: not an executor input ({error}); pass KFP's '{{{{$}}}}'") from None


def local_path(uri: str) -> str:
    """Where a task finds the artifact `uri`; a path is already one."""
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return mount + uri[len(scheme) :]
    return uri.removeprefix("file://")


def _flag_of(name: str, names: Collection[str] | None) -> str | None:
    """The flag to which the input artifact `name` belongs; None for one that has another use. names : the flags there are."""
    if names is None or name in names:
        return name
    return STAGE_METRICS if name.endswith("_metrics") and STAGE_METRICS in names else None


def _artifacts(side: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    return {name: list(listed["artifacts"]) for name, listed in side.get("artifacts", {}).items()}


def _with_numbers(artifact: dict[str, Any], values: Mapping[str, Value]) -> dict[str, Any]:
    if _kind(artifact) != _METRICS:
        return artifact
    return {**artifact, "metadata": {**artifact.get("metadata", {}), **flat(values)}}


def _kind(artifact: Mapping[str, Any]) -> str:
    return str(artifact.get("type", {}).get("schemaTitle", ""))


def _page(figures: Sequence[Path], tables: Sequence[Path]) -> str:
    """The stage's own page where it wrote one, else a page of its figures, whole in itself."""
    for path in tables:
        if path.suffix == ".html":
            return path.read_text(encoding="utf-8")
    pictures = "\n".join(
        f'<figure><img src="data:image/png;base64,{b64encode(path.read_bytes()).decode()}" alt="{escape(path.stem)}">'
        f"<figcaption>{escape(path.stem)}</figcaption></figure>"
        for path in figures
    )
    return f"{_HEAD}{pictures or '<p>No figures.</p>'}\n"


def flat(values: Mapping[str, Value]) -> dict[str, float]:
    """Each number under its key, the ends of its interval under `<key>.low` and `<key>.high`; what is unknown is left out."""
    numbers = {
        key + suffix: number
        for key, value in values.items()
        for suffix, number in (("", value.value), (".low", value.low), (".high", value.high))
    }
    return {key: float(number) for key, number in numbers.items() if number is not None and math.isfinite(number)}
