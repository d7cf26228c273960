"""Reads and writes YAML 1.2 for configurations: plain values, with the line of every key.

The reader is ruamel.yaml. It leaves `no` as text, reads `1e-3` as a number and rejects a repeated
key. Aliases are rejected here, because no configuration needs them.
"""

import io
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.composer import Composer
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node
from ruamel.yaml.representer import RoundTripRepresenter

Path = tuple[str, ...]
"""The keys on the path to a value, outermost first."""

_WIDTH = 98
"""Columns of a comment, without the `# ` before it."""

_LONGEST_NUMBER = 18
"""Largest number of digits sure to fit an int64, as in protocol buffers and ML Metadata."""


class YamlError(Exception):
    """The text is not a valid configuration file.

    Args:
        sentence: the problem, without a full stop.
        line: the number of the line, from 1, if known.
    """

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line


@dataclass(frozen=True)
class Document:
    """A mapping, and the line number (from 1) of each of its keys."""

    values: dict[str, Any]
    lines: dict[Path, int]


class _Representer(RoundTripRepresenter):
    """Writes null as `null` instead of nothing."""


_Representer.add_representer(
    type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null")
)


class _Composer(Composer):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.parser.check_event(AliasEvent):
            line = self.parser.peek_event().start_mark.line + 1
            raise YamlError("aliases (`*name`) are not allowed", line)
        return super().compose_node(parent, index)


def parse(text: str) -> Document:
    """Reads a document; it must be a mapping.

    Args:
        text: the file's content.

    Raises:
        YamlError: broken syntax, no mapping, an empty document, an alias, a repeated key, a key
            other than text, a number of too many digits, or too deep nesting.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Composer
    try:
        node = yaml.compose(text)
        if node is None:
            raise YamlError("the file is empty; `nmt config show` prints a complete one")
        if not isinstance(node, MappingNode):
            raise YamlError("the file must hold `key: value` lines")
        lines = dict(_lines(node, ()))
        return Document(yaml.constructor.construct_document(node), lines)
    except DuplicateKeyError as error:
        found = error.problem.partition(" with value")[0]
        raise YamlError(f"{found}; keep one of them", error.problem_mark.line + 1) from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        found = error.problem or error.context or "unreadable"
        raise YamlError(f"not valid YAML: {found}", mark.line + 1 if mark else None) from error
    except (YAMLError, ValueError) as error:
        raise YamlError(f"not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise YamlError("the values are nested too deeply") from error


def parse_value(text: str) -> Any:
    """Reads a value as it stands after `key:` in a file.

    Raises:
        YamlError: broken syntax.
    """
    return parse(f"value: {text}").values["value"]


def dump(values: dict[str, Any], comments: Mapping[Path, str] | None = None) -> str:
    """Formats a mapping as YAML; `parse` reads it back unchanged.

    Args:
        values: the mapping.
        comments: sentences to write above a key, by its path.
    """
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.indent(sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_commented(values, comments or {}, ()), stream)
    return stream.getvalue().lstrip()


def _commented(values: dict[str, Any], comments: Mapping[Path, str], path: Path) -> CommentedMap:
    """Adds the comments to a mapping, with a blank line before each outermost key."""
    mapping = CommentedMap()
    indent = 2 * len(path)
    for key, value in values.items():
        inner = (*path, key)
        mapping[key] = _commented(value, comments, inner) if isinstance(value, dict) else value
        if inner in comments:
            comment = textwrap.fill(comments[inner], _WIDTH - indent, break_on_hyphens=False)
            before = comment if path else f"\n{comment}"
            mapping.yaml_set_comment_before_after_key(key, before, indent)
    return mapping


def _lines(mapping: MappingNode, path: Path) -> Iterator[tuple[Path, int]]:
    """Yields the path and the line of every key of a mapping."""
    for key, value in mapping.value:
        line = key.start_mark.line + 1
        if _type(key) != "str":
            raise YamlError("a key must be text", line)
        if _type(value) == "int" and len(value.value) > _LONGEST_NUMBER:
            raise YamlError(f"{key.value} has more than {_LONGEST_NUMBER} digits", line)
        yield (*path, key.value), line
        if isinstance(value, MappingNode):
            yield from _lines(value, (*path, key.value))


def _type(node: Node) -> str:
    """Returns the last part of a node's tag, such as `str` of `tag:yaml.org,2002:str`."""
    return str(node.tag).rpartition(":")[2]
