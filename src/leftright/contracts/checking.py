"""Holds a table against a suite and says in one line what is wrong with it, and where."""

import functools
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from leftright.errors import InputError

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult
    from great_expectations.expectations.expectation import Expectation

SUITES = ("clips", "filtered", "curated")
"""The tables under contract, each named as the file that it is kept in."""

logging.getLogger("great_expectations").setLevel(logging.WARNING)

_MAX_EXAMPLES = 3
_MAX_PROBLEMS = 3


def check(suite: str, table: pd.DataFrame, source: Path) -> None:
    """Hold `table` against a suite of SUITES.

    source : the file that the table was read from or is about to be written to. Raises InputError, which names it, the column,
    the expectation and example rows, where one does not hold.
    """
    logging.getLogger("great_expectations").setLevel(logging.WARNING)  # else a hundred lines of its start-up
    if found := problems(suite, table):
        more = f"; and {len(found) - _MAX_PROBLEMS} more" if len(found) > _MAX_PROBLEMS else ""
        raise InputError(
            f"{source}: breaks the contract `{suite}`: {'; '.join(found[:_MAX_PROBLEMS])}{more}; "
            "run the stage that writes it again"
        )


def problems(suite: str, table: pd.DataFrame) -> list[str]:
    """What `check` would say is wrong with `table`, an item for each expectation that does not hold."""
    from leftright.contracts import suites  # Great Expectations takes seconds to import

    contract = suites.CONTRACTS[suite]
    # The columns first: without them the rest cannot be asked.
    return list(_failures(table, contract.columns)) or list(_failures(contract.widen(table), contract.rows))


def _failures(table: pd.DataFrame, expectations: "tuple[Expectation, ...]") -> "Iterator[str]":
    import great_expectations

    batch = _whole_table().get_batch({"dataframe": table})
    suite = great_expectations.ExpectationSuite(name="suite", expectations=list(expectations))
    wanted: dict[str, object] = {"result_format": "COMPLETE"}
    if "clip" in table:
        wanted["unexpected_index_column_names"] = ["clip"]
    for result in batch.validate(suite, result_format=wanted).results:
        if not result.success:
            yield _describe(result)


@functools.cache
def _whole_table() -> "BatchDefinition[Any]":
    """Great Expectations' handle for "a table that is handed over", in a context that lives in memory."""
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # It sets this one back to talking when it is imported.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return (
        context.data_sources.add_pandas("tables")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("whole")
    )


def _describe(result: "ExpectationValidationResult") -> str:
    config = result.expectation_config
    assert config is not None
    kwargs, found = config.kwargs, result.result
    column = kwargs.get("column") or " and ".join(str(kwargs[key]) for key in ("column_A", "column_B") if key in kwargs)
    name = f"column {column}: {config.type}" if column else config.type
    if raised := _exception(result.exception_info):
        return f"{name} cannot be asked ({raised})"
    if "details" in found:
        return f"{name}: missing {', '.join(found['details']['mismatched'].get('missing', []))}"
    if "unexpected_count" not in found:
        return f"{name}: found {found.get('observed_value')}"
    return f"{name} fails in {found['unexpected_count']} of {found['element_count']} rows, such as {_examples(found)}"


def _examples(found: Mapping[str, Any]) -> str:
    rows = found.get("partial_unexpected_index_list") or []
    values = found.get("partial_unexpected_list") or []
    pairs = [f"{row['clip']} ({value})" for row, value in zip(rows, values, strict=False)]
    return ", ".join(pairs[:_MAX_EXAMPLES])


def _exception(info: Any) -> str:
    """The message of an expectation that could not be computed, in one line, or ""."""
    if not isinstance(info, dict):
        return ""
    entries = [info] if "raised_exception" in info else [entry for entry in info.values() if isinstance(entry, dict)]
    return next(
        (" ".join(str(entry["exception_message"]).split()) for entry in entries if entry["raised_exception"]), ""
    )
