"""The model card, from the export's own `model_card.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.report.facts import ReportFacts
from components.report.markup import Content, Html, details, join, tag
from components.report.wording import number

_LISTS = {"intended_use": "Intended use", "limits": "Limits", "citations": "To cite"}
_MADE_FROM = ("corpus_checksum", "code_digest", "lock_digest", "seed", "machine")


def card_section(facts: ReportFacts) -> Html:
    """Writes what the model is, what it is for and what it is not for."""
    card = facts.card
    data, sizes = _mapping(card, "data"), _mapping(card, "sizes")
    configuration = _mapping(card, "configuration")
    model = _mapping(configuration, "model")
    rows: list[tuple[str, Content]] = [
        ("model", card.get("name")),
        ("languages", " to ".join(filter(None, facts.languages))),
        ("corpus", data.get("name", card.get("corpus"))),
        ("origin", data.get("origin")),
        ("licence of the data", data.get("licence")),
        ("attention", model.get("attention")),
        ("cell", model.get("cell")),
        *((name.replace("_", " "), _size(value)) for name, value in sizes.items()),
    ]
    rows += [(name.replace("_", " "), tag("code", _plain(card.get(name)))) for name in _MADE_FROM]
    return join(
        tag(
            "dl",
            [(tag("dt", name), tag("dd", value)) for name, value in rows if value],
            class_="facts",
        ),
        [
            (tag("h3", title), tag("ul", [tag("li", str(line)) for line in card[name]]))
            for name, title in _LISTS.items()
            if isinstance(card.get(name), list)
        ],
        details(
            "The whole configuration",
            tag("pre", json.dumps(configuration, indent=2, ensure_ascii=False)),
        )
        if configuration
        else None,
    )


def _mapping(card: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = card.get(name)
    return value if isinstance(value, dict) else {}


def _size(value: object) -> str:
    return number(value, 0) if isinstance(value, int | float) else str(value)


def _plain(value: object) -> str:
    return "not recorded" if value is None else str(value)
