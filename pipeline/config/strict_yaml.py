"""YAML as a configuration needs it: YAML 1.2's scalars, no surprises, and a line for every key.

PyYAML follows YAML 1.1, in which `no` is a boolean and `1e-3` is text, and lets the last of two
equal keys win. Here only `true` and `false` are booleans, `1e-3` is a number, and a repeated key is
refused. Aliases are refused as well: no configuration needs them.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str, ...]
"""The keys that lead to a value, outermost first."""

_SCALARS = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL", "~nN"),
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    # 18 digits fit in an int64; longer ones stay text and are refused by their type.
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]{1,18}", "-+0123456789"),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,4})?",
        "-+.0123456789",
    ),
}


class YamlError(ValueError):
    """The text is no configuration; `problems` are sentences, with their lines where known."""

    def __init__(self, problems: list[tuple[int | None, str]]) -> None:
        super().__init__("; ".join(sentence for _, sentence in problems))
        self.problems = problems


@dataclass(frozen=True)
class Document:
    """A mapping and the line (counted from 1) on which each of its keys stands."""

    values: dict[str, Any]
    lines: dict[Path, int]


def _resolvers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Which scalars are not text, by their first character."""
    table: dict[str, list[tuple[str, re.Pattern[str]]]] = {"": []}
    for tag, (pattern, first_characters) in _SCALARS.items():
        for character in first_characters:
            table.setdefault(character, []).append((tag, re.compile(rf"(?:{pattern})\Z")))
    table[""].append(("tag:yaml.org,2002:null", re.compile(r"\Z")))
    return table


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = _resolvers()

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise YamlError([(mark.line + 1, "aliases (`*name`) are not allowed")])
        return super().compose_node(parent, index)

    def construct_number(self, node: yaml.ScalarNode) -> int | float | str:
        if node.tag.endswith(":int"):
            return int(node.value)
        number = float(node.value)
        return number if math.isfinite(number) else node.value


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = _resolvers()

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def parse(text: str) -> Document:
    """Reads a document that must be a mapping.

    Args:
        text: the file's content.

    Raises:
        YamlError: broken syntax, no mapping, an empty document, a repeated key, a key that is not
            text.
    """
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise YamlError([(None, "the file is empty; `nmt config show` prints a complete one")])
        if not isinstance(node, yaml.MappingNode):
            raise YamlError([(None, "the file must hold `key: value` lines")])
        lines: dict[Path, int] = {}
        problems: list[tuple[int | None, str]] = []
        _walk(node, (), lines, problems)
        if problems:
            raise YamlError(problems)
        return Document(loader.construct_document(node), lines)
    except yaml.YAMLError as error:
        raise _syntax_error(error) from error
    except RecursionError as error:
        raise YamlError([(None, "the values are nested too deeply")]) from error
    finally:
        if loader is not None:
            loader.dispose()


def parse_value(text: str) -> Any:
    """The value that `text` would have after `key:` in a file.

    Raises:
        YamlError: broken syntax.
    """
    return parse(f"value: {text}" if text.strip() else "value: null").values["value"]


def dump(values: dict[str, Any]) -> str:
    """The mapping as YAML which `parse` reads back unchanged."""
    return yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )


def _walk(
    node: yaml.Node, path: Path, lines: dict[Path, int], problems: list[tuple[int | None, str]]
) -> None:
    """Collects the line of every key of a mapping, and what is wrong with its keys."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            shown = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
            problems.append((line, f"the key {shown} must be text"))
            continue
        inner = (*path, key.value)
        if inner in lines:
            problems.append(
                (
                    line,
                    f"{'.'.join(inner)} is given twice (first on line {lines[inner]}); "
                    "keep one of them",
                )
            )
            continue
        lines[inner] = line
        _walk(value, inner, lines, problems)


def _syntax_error(error: yaml.YAMLError) -> YamlError:
    """What PyYAML found, as one sentence."""
    if isinstance(error, yaml.MarkedYAMLError):
        line = error.problem_mark.line + 1 if error.problem_mark else None
        found = error.problem or error.context or "unreadable"
        return YamlError([(line, f"not valid YAML: {found}")])
    found = " ".join(str(error).split())
    return YamlError([(None, f"not valid YAML: {found}")])
