"""A pipeline's parameters: its own, and every value of the stages that it runs, as `<stage>_<name>`.

The defaults are those of `params.yaml`, or of the file that LEFTRIGHT_PARAMS names, as it is when the pipeline is compiled. The
types are those of the components.
"""

import functools
import inspect
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from kfp.dsl import base_component

from leftright.errors import InputError

VARIABLE = "LEFTRIGHT_PARAMS"
DEFAULT = Path(__file__).parents[1] / "params.yaml"

Stages = Mapping[str, Mapping[str, Any]]
"""For each stage, the pipeline's channels by the names that its component has for them."""


def values() -> dict[str, dict[str, Any]]:
    """The sections of the params file. Raises InputError where it cannot be read."""
    path = Path(os.environ.get(VARIABLE, DEFAULT))
    try:
        sections = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; {VARIABLE} names a file such as params.yaml") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    if not isinstance(sections, dict):
        raise InputError(f"{path}: has no sections; compare it with params.yaml")
    return sections


def of_stages(
    *components: base_component.BaseComponent,
    defaults: Mapping[str, Mapping[str, Any]],
    fixed: Mapping[str, Mapping[str, Any]] | None = None,
    prefix: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that adds the parameters of `components` to a pipeline function's own.

    The function gets them together as its argument `stages`, a `Stages`. defaults : sections of values by stage. fixed :
    likewise, values that the pipeline is made for: no parameters, but among the stages all the same. prefix : whether a
    parameter's name begins with its stage's. Raises InputError where a section lacks a value.
    """
    constant = fixed or {}

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        own = [each for each in inspect.signature(function).parameters.values() if each.name != "stages"]
        added = {
            component.name: _parameters(
                component, defaults, f"{component.name}_" if prefix else "", constant.get(component.name, {})
            )
            for component in components
        }
        every = [*own, *(each for names in added.values() for each in names.values())]
        returns = inspect.signature(function).return_annotation
        signature = inspect.Signature(sorted(every, key=_has_default), return_annotation=returns)

        @functools.wraps(function)
        def pipeline(*channels: Any) -> Any:
            given = dict(zip(signature.parameters, channels, strict=True))
            stages = {
                stage: {**{name: given[each.name] for name, each in names.items()}, **constant.get(stage, {})}
                for stage, names in added.items()
            }
            return function(**{each.name: given[each.name] for each in own}, stages=stages)

        pipeline.__signature__ = signature  # type: ignore[attr-defined]
        return pipeline

    return decorate


def _parameters(
    component: base_component.BaseComponent,
    defaults: Mapping[str, Mapping[str, Any]],
    prefix: str,
    left_out: Collection[str],
) -> dict[str, inspect.Parameter]:
    """The pipeline's parameter for each value of a component but those left out, by the component's name for it."""
    section = defaults.get(component.name, {})
    types = inspect.signature(component.pipeline_func).parameters
    # What a component has a default for is the pipeline's to say, such as the part.
    wanted = [
        name
        for name, spec in component.component_spec.inputs.items()
        if not (_is_artifact(spec) or spec.optional or name in left_out)
    ]
    if missing := [name for name in wanted if name not in section]:
        raise InputError(
            f"{component.name}.{missing[0]}: the params file has no such value; compare it with params.yaml"
        )
    return {
        name: inspect.Parameter(
            f"{prefix}{name}",
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=section[name],
            annotation=types[name].annotation,
        )
        for name in wanted
    }


def _has_default(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty


def _is_artifact(spec: Any) -> bool:
    return "@" in spec.type  # such as system.Dataset@0.0.1
