"""Describes the allowed values of each configuration key in words, for error messages.

The descriptions are derived from the JSON schema of a pydantic model. So each bound is written only
once, beside its key.
"""

import difflib
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
}


class KeySchema:
    """The dotted keys of a settings model.

    Args:
        model: the outermost settings class; each field of a settings class is a section.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        root = model.model_json_schema(by_alias=True)
        self._properties = dict(_flatten(root, root.get("$defs", {}), ""))

    @property
    def keys(self) -> list[str]:
        """The dotted names of all keys without the sections, in the order of the schema."""
        return [key for key, schema in self._properties.items() if "properties" not in schema]

    @property
    def sections(self) -> list[str]:
        """The dotted names of all sections."""
        return [key for key, schema in self._properties.items() if "properties" in schema]

    def allowed(self, key: str) -> str:
        """Returns the allowed values of a key, such as `a whole number from 1 to 64`."""
        schema = self._properties[key]
        if "properties" in schema:
            return f"a section with the keys {', '.join(schema['properties'])}"
        return _in_words(schema)

    def explanation(self, key: str) -> str:
        """Returns the docstring of a key or section, with its choices or its range if limited."""
        schema = self._properties[key]
        docstring = " ".join(schema["description"].split())
        limited = not schema.keys().isdisjoint({"enum", "maximum", "exclusiveMaximum"})
        return f"{docstring} Must be {_in_words(schema)}." if limited else docstring

    def suggestion(self, unknown: str) -> str:
        """Returns the remedy for an unknown key as the end of a sentence.

        It names the closest key, or else all keys of the section.
        """
        close = self._closest(unknown)
        if close is not None:
            return f"did you mean {close}?"
        section = unknown.rpartition(".")[0]
        while section and section not in self._properties:
            section = section.rpartition(".")[0]
        if section in self.keys:
            return f"{section} is not a section, it holds {self.allowed(section)}."
        if section:
            return f"{section} has the keys {', '.join(self._properties[section]['properties'])}."
        names = [key for key in self._properties if "." not in key]
        return f"the keys and sections are {', '.join(names)}."

    def _closest(self, unknown: str) -> str | None:
        """Finds the closest key: a similar spelling, or the same name in another section."""
        # For a key inside a section, the section itself is not a suggestion.
        candidates = [key for key in self._properties if not unknown.startswith(f"{key}.")]
        name = unknown.rpartition(".")[2]
        namesakes = [key for key in candidates if key.rpartition(".")[2] == name]
        if len(namesakes) == 1 and not namesakes[0].startswith(f"{unknown}."):
            return namesakes[0]
        # Two keys with the same section look alike even if their own names do not.
        spelled_alike = [
            key
            for key in difflib.get_close_matches(unknown, candidates, cutoff=0.75)
            if difflib.get_close_matches(name, [key.rpartition(".")[2]], cutoff=0.6)
        ]
        if spelled_alike:
            return spelled_alike[0]
        by_name = {key.rpartition(".")[2]: key for key in reversed(candidates)}
        named_alike = difflib.get_close_matches(name, by_name, n=1, cutoff=0.8)
        return by_name[named_alike[0]] if named_alike else None


def _flatten(
    schema: dict[str, Any], definitions: dict[str, Any], prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields every key below a schema with the key's schema, references resolved."""
    for name, entry in schema["properties"].items():
        if "$ref" in entry:
            entry = definitions[entry["$ref"].rpartition("/")[2]]
        yield prefix + name, entry
        if "properties" in entry:
            yield from _flatten(entry, definitions, f"{prefix}{name}.")


def _in_words(schema: dict[str, Any]) -> str:
    """Returns the constraints of a JSON schema as a noun phrase."""
    if "form" in schema:
        return str(schema["form"])
    if "anyOf" in schema:
        return " or ".join(_in_words(option) for option in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        *others, last = (_as_written(value) for value in schema["enum"])
        return f"{', '.join(others)} or {last}" if others else last
    if schema.get("type") == "array":
        return f"a list whose items are {_in_words(schema['items'])}"
    words = _TYPES[schema["type"]]
    if "pattern" in schema:
        return f"{words} that matches {schema['pattern']}"
    if schema.get("minLength") == 1:
        return f"{words} that is not empty"
    return words + _bounds(schema)


def _as_written(value: Any) -> str:
    """Formats a value as in a YAML file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounds(schema: dict[str, Any]) -> str:
    """Returns the limits of a number in words, to be placed after its type."""
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}" if high < 1e6 else f" from {low:g} to {high}"
    parts = []
    if low is not None:
        parts.append(f"of at least {low:g}")
    if above is not None:
        parts.append(f"greater than {above:g}")
    if high is not None:
        parts.append(f"of at most {high:g}")
    if below is not None:
        parts.append(f"less than {below:g}")
    return f" {' and '.join(parts)}" if parts else ""
