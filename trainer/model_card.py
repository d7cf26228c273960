"""The model card: description, origin, intended use and limits of a model.

The export contains it as `model_card.json` for programs and as `MODEL_CARD.md` for people (after
Mitchell et al., "Model Cards for Model Reporting", 2019). Scores on the test split are measured
after the export, so the card only names their place.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.attention_kinds import ATTENTION_KINDS
from trainer.scoring import best_epoch

_SUBWORDS = (
    "Subwords: Sennrich, Haddow and Birch, Neural Machine Translation of Rare Words with Subword "
    "Units, ACL 2016, arXiv:1508.07909"
)
_SELF_ATTENTION = (
    "Self-attention: Vaswani et al., Attention Is All You Need, NeurIPS 2017, arXiv:1706.03762"
)
_COPYING = (
    "Copying: See, Liu and Manning, Get To The Point: Summarization with Pointer-Generator "
    "Networks, ACL 2017, arXiv:1704.04368"
)
_RECURRENT = "recurrent"
_SPLITS = ("train", "validation", "test")


def make_card(
    record: Mapping[str, Any],
    *,
    machine: str,
    history: Sequence[Mapping[str, Any]],
    sizes: Mapping[str, int],
) -> dict[str, Any]:
    """Makes the card.

    Args:
      record: the pipeline's record of the model's origin: `name`, languages, `configuration`, and
        `data` with the corpus' name, origin, licence and counts, as far as known.
      machine: the training machine.
      history: history of the training, an entry for each epoch; of several models that of the
        first.
      sizes: names and counts, such as `parameters`.

    Returns:
      JSON values.
    """
    best = best_epoch(history)
    configuration = record["configuration"]
    return {
        **record,
        "machine": machine,
        "sizes": dict(sizes),
        "training": {
            "epochs": len(history),
            "exported_epoch": best["epoch"],
            "steps": history[-1]["step"],
            "seconds": round(sum(entry.get("seconds", 0.0) for entry in history), 1),
            "validation_bleu": best["validation_bleu"],
            "validation_chrf": best["validation_chrf"],
            "validation_loss": best["validation_loss"],
        },
        "intended_use": _intended_use(record),
        "limits": _limits(record, configuration),
        "scores": "Scores on the test split are measured after the export. They are in the report "
        "of the run that made this model: report.html and verdict.json, in "
        f"reports/{record['name']} of its workspace.",
        "citations": _citations(configuration["model"]),
        "history": [dict(entry) for entry in history],
    }


def as_markdown(card: Mapping[str, Any]) -> str:
    """Formats a card as text for people; missing entries are left out.

    Args:
      card: a card from `make_card`, or a part of it.

    Returns:
      Markdown, ending with a newline.
    """
    lines = [f"# {card.get('name', 'Translation model')}", ""]
    lines += [*_lines("Model", _model_facts(card)), *_lines("Data", _data_facts(card))]
    lines += _lines("Training", _training_facts(card))
    for name, title in (("intended_use", "Intended use"), ("limits", "Limits")):
        lines += _lines(title, card.get(name, ()))
    lines += _lines("Scores", [card["scores"]] if "scores" in card else ())
    lines += _lines("To cite", card.get("citations", ()))
    return "\n".join(lines).rstrip() + "\n"


def _intended_use(record: Mapping[str, Any]) -> list[str]:
    source, target = record["source_language"], record["target_language"]
    return [
        f"Translating single sentences from {source} to {target}, similar to those of its corpus. "
        "A person should check important translations before they are used.",
        "Showing the attention weights of each translation, as a hint to the origin of each word; "
        "and aligning the words of given translations.",
        "Studying sequence-to-sequence models.",
    ]


def _limits(record: Mapping[str, Any], configuration: Mapping[str, Any]) -> list[str]:
    model, decoding = configuration["model"], configuration["decoding"]
    corpus = record.get("data", {}).get("name", record.get("corpus", "its corpus"))
    limits = [
        f"It knows the language of {corpus} and little else. Its translation of other text may be "
        "fluent and wrong. The commands and clients of this project warn of many such answers, but "
        "not of all.",
        "It translates each sentence without the sentences before and after it.",
        f"A source of more than {decoding['max_source_tokens']} subwords is cut; the reply marks "
        "this (truncated).",
        "It repeats biases of its corpus, for example about the gender of people. There is no "
        "filter against this.",
    ]
    if not _attends(model):
        limits.append(
            "It has no attention: its weights only show the origin of its single context vector, "
            "and it translates long sentences worse."
        )
    else:
        limits.append(
            "Attention shows the source words used for a word, but this need not be the reason for "
            "writing it (Jain and Wallace, 2019; Wiegreffe and Pinter, 2019)."
        )
    if not model["copying"] or not _attends(model):
        limits.append(
            "Names and numbers that are rare in the corpus are spelled from subwords and may come "
            "out changed."
        )
    return limits


def _citations(model: Mapping[str, Any]) -> list[str]:
    kinds = {model["encoder"], model["decoder"]}
    copies = model["copying"] and _attends(model)
    return [
        *([ATTENTION_KINDS[model["attention"]].citation] if model["decoder"] == _RECURRENT else []),
        *([_SELF_ATTENTION] if "self_attention" in kinds else []),
        _SUBWORDS,
        *([_COPYING] if copies else []),
    ]


def _attends(model: Mapping[str, Any]) -> bool:
    """As `ModelSettings.attends`."""
    return model["decoder"] != _RECURRENT or model["attention"] != "none"


def _model_facts(card: Mapping[str, Any]) -> list[str]:
    model = card.get("configuration", {}).get("model", {})
    facts = []
    if "source_language" in card:
        facts.append(f"Languages: {card['source_language']} to {card['target_language']}")
    if model:
        facts += [_layers(model, "encoder"), _layers(model, "decoder")]
        if model.get("decoder", _RECURRENT) == _RECURRENT:
            facts.append(f"Attention: {model['attention']}")
    sizes = card.get("sizes", {})
    return facts + [f"{name.replace('_', ' ')}: {count:,}" for name, count in sizes.items()]


def _layers(model: Mapping[str, Any], side: str) -> str:
    """Describes the encoder or the decoder; a card of an older version has recurrent ones."""
    if model.get(side, _RECURRENT) == _RECURRENT:
        kind = model["cell"].upper()
        if side == "encoder":
            kind = f"{'bidirectional' if model['bidirectional'] else 'forward'} {kind}"
    else:
        kind = f"self-attention ({model['attention_heads']} heads)"
    count, units = model[f"{side}_layers"], model[f"{side}_units"]
    return f"{side.capitalize()}: {count} {kind} layer(s) of {units} units"


def _data_facts(card: Mapping[str, Any]) -> list[str]:
    data = card.get("data", {})
    facts = [f"{name}: {data[name]}" for name in ("name", "origin", "licence") if name in data]
    pairs = data.get("pairs", {})
    facts += [f"{split}: {pairs[split]:,} pairs" for split in _SPLITS if split in pairs]
    digest = card.get("corpus_checksum")
    return facts + ([f"checksum of the text: {digest}"] if digest else [])


def _training_facts(card: Mapping[str, Any]) -> list[str]:
    training = card.get("training", {})
    facts = [
        f"{name.replace('_', ' ')}: {value:,.2f}"
        if isinstance(value, float)
        else f"{name.replace('_', ' ')}: {value:,}"
        for name, value in training.items()
    ]
    made_from = ("machine", "seed", "code_digest", "lock_digest")
    return facts + [f"{name.replace('_', ' ')}: {card[name]}" for name in made_from if name in card]


def _lines(title: str, facts: Sequence[str]) -> list[str]:
    """Formats a heading with its list; returns nothing without facts."""
    return [f"## {title}", "", *(f"- {_on_one_line(fact)}" for fact in facts), ""] if facts else []


def _on_one_line(fact: str) -> str:
    """Formats a fact as one line of Markdown, with HTML escaped."""
    return html.escape(" ".join(str(fact).split()), quote=False)
