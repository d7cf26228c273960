"""`--set section.key=value`: one changed value of a configuration."""

from dataclasses import dataclass
from typing import Any

from pipeline.config import strict_yaml
from pipeline.config.key_schema import KeySchema


@dataclass(frozen=True)
class Override:
    """A value for an existing key; the value itself is not checked yet."""

    path: tuple[str, ...]
    value: Any


def parse_override(text: str, schema: KeySchema) -> Override | str:
    """Reads `section.key=value`, with the value written as in a YAML file.

    Args:
        text: the value of `--set`.
        schema: the existing keys.

    Returns:
        The override, or an error message if it is wrong.
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
        False if the file has a plain value in place of the section; the validation of the file
        reports this error.
    """
    section: Any = values
    for name in override.path[:-1]:
        section = section.setdefault(name, {})
        if not isinstance(section, dict):
            return False
    section[override.path[-1]] = override.value
    return True
