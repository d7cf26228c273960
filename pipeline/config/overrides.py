"""`--set section.key=value`: one changed value of a configuration."""

from dataclasses import dataclass
from typing import Any

from pipeline.config import strict_yaml
from pipeline.config.key_schema import KeySchema


@dataclass(frozen=True)
class Override:
    """A value for a key that exists; whether the value is allowed is not yet known."""

    path: tuple[str, ...]
    value: Any


def parse_override(text: str, schema: KeySchema) -> Override | str:
    """Reads `section.key=value`, the value as it would stand in the file.

    Args:
        text: what follows `--set`.
        schema: the keys that exist.

    Returns:
        The override, or the sentence that says what is wrong with it.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        return f"--set {text}: write it as KEY=VALUE, for example --set training.epochs=3."
    if key in schema.sections:
        example = next(name for name in schema.keys if name.startswith(f"{key}."))
        return f"--set {text}: {key} is a section; set one of its keys, for example {example}."
    if key not in schema.keys:
        return f"--set {text}: unknown key {key}; {schema.suggestion(key)}"
    try:
        return Override(tuple(key.split(".")), strict_yaml.parse_value(value))
    except strict_yaml.YamlError as error:
        return f"--set {text}: {error.sentence}."


def apply_override(values: dict[str, Any], override: Override) -> bool:
    """Puts the override's value into the nested mapping.

    Returns:
        False where the file has a value in place of the section: the file's own refusal says so.
    """
    section: Any = values
    for name in override.path[:-1]:
        section = section.setdefault(name, {})
        if not isinstance(section, dict):
            return False
    section[override.path[-1]] = override.value
    return True
