"""How the training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from components.report.charts import Series, epochs_axis, line_chart
from components.report.facts import ReportFacts
from components.report.markup import Html, details, join, table, tag
from components.report.wording import counted, duration, number

_COLUMNS = {
    "epoch": ("epoch", 0),
    "step": ("steps", 0),
    "train_loss": ("training loss", 3),
    "validation_loss": ("validation loss", 3),
    "validation_bleu": ("validation BLEU", 2),
    "seconds": ("seconds", 0),
}
"""What is shown of a history: the heading and the decimals of each column."""


def training_section(facts: ReportFacts) -> Html:
    """Writes the curves of loss and BLEU, the live model's beside them, and their numbers."""
    history = facts.history
    if not history:
        return tag("p", "The training left no history.")
    best = max(history, key=lambda entry: entry["validation_bleu"])
    theirs = _history(facts.live_card)
    axis = epochs_axis(int(max(entry["epoch"] for entry in [*history, *theirs])))
    bleu = [_series("this model", "ours", history, "validation_bleu")]
    if theirs:
        bleu.append(_series("live model", "theirs", theirs, "validation_bleu"))
    loss = [
        _series("training", "ours", history, "train_loss"),
        _series("validation", "other", history, "validation_loss"),
    ]
    seconds = sum(entry.get("seconds", 0) for entry in history)
    machine = facts.card.get("machine")
    steps = number(history[-1]["step"] / len(history), 0)
    said = (
        f"{counted(len(history), 'epoch')} of {steps} steps on the average took "
        f"{duration(seconds)}{f' ({machine})' if machine else ''}. The weights of epoch "
        f"{int(best['epoch'])} were the best on the validation split and were exported."
    )
    columns = [name for name in _COLUMNS if name in history[0]]
    numbers = table(
        "Every epoch",
        [_COLUMNS[name][0] for name in columns],
        [[number(entry[name], _COLUMNS[name][1]) for name in columns] for entry in history],
        numbers=range(len(columns)),
        row_classes=["best" if entry is best else None for entry in history],
    )
    return join(
        tag("p", said),
        tag(
            "div",
            line_chart("Validation BLEU", axis, bleu),
            line_chart("Loss", epochs_axis(len(history)), loss),
            class_="charts",
        ),
        tag(
            "p",
            "Loss is in nats per subword. The training loss is that of the network with dropout "
            "and smoothed labels, so it does not compare with the validation loss.",
            class_="note",
        ),
        details("Numbers of every epoch", numbers),
    )


def _series(name: str, look: str, history: Sequence[Mapping[str, float]], quantity: str) -> Series:
    return Series(name, look, [(entry["epoch"], entry[quantity]) for entry in history])


def _history(card: Mapping[str, object]) -> list[Mapping[str, float]]:
    """The history in a model card of any age."""
    history = card.get("history")
    if not isinstance(history, list):
        return []
    return [
        entry
        for entry in history
        if isinstance(entry, dict) and {"epoch", "validation_bleu"} <= entry.keys()
    ]
