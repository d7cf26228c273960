"""Turns pydantic's validation errors into sentences for the author of a configuration."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.config.key_schema import KeySchema

_LONGEST_VALUE = 60


def explain(
    error: ValidationError,
    schema: KeySchema,
    *,
    shown: str,
    places: Mapping[tuple[str, ...], str],
) -> list[str]:
    """Returns one sentence for each problem.

    Args:
        error: the error raised by pydantic.
        schema: the existing keys and their allowed values.
        shown: the file's name, for keys missing in it.
        places: the file and line of each key, by its path.
    """
    return [_sentence(problem, schema, shown, places) for problem in error.errors()]


def _sentence(
    problem: ErrorDetails,
    schema: KeySchema,
    shown: str,
    places: Mapping[tuple[str, ...], str],
) -> str:
    path = tuple(part for part in problem["loc"] if isinstance(part, str))
    key = ".".join(path)
    place = places.get(path, shown)
    if problem["type"] == "extra_forbidden":
        return f"{place}: unknown key {key}; {schema.suggestion(key)}"
    if problem["type"] == "missing":
        return f"{place}: {key} is missing; it must be {schema.allowed(key)}."
    if problem["type"] == "value_error":
        subject = f"{key}: " if key else ""
        return f"{place}: {subject}{problem['ctx']['error']}"
    index = [part for part in problem["loc"] if isinstance(part, int)]
    subject, pronoun = (f"item {index[0] + 1} of {key}", key) if index else (key, "it")
    value = problem["input"]
    quotes = problem["type"] == "string_type" and isinstance(value, bool | int | float | date)
    unquoted = _show(value).strip('"')
    hint = f"; text that looks otherwise needs quotes: '{unquoted}'" if quotes else ""
    return (
        f"{place}: {subject} is {_show(value)}, but {pronoun} must be {schema.allowed(key)}{hint}."
    )


def _show(value: Any) -> str:
    """Formats a value as in a file, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."
