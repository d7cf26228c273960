"""Shows an evaluation on the screen, or as a JSON document."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from components.gate.family_of_tests import share_of_slice
from components.gate.settings import GateSettings
from components.gate.verdict import (
    OVERALL,
    Difference,
    difference_in_words,
    metric_name,
    slice_name,
)
from pipeline.commands.answer_lines import one_line
from pipeline.commands.text_streams import destination
from pipeline.evaluation.scores import METRICS, Evaluation, SliceScore
from pipeline.evaluation.sentences import TranslatedSentence
from text.direction import isolate
from text.visible import visible, visible_json

_NO_WIDTH = 10_000
_LABEL_WIDTH = 11


@dataclass(frozen=True)
class EvaluationOutput:
    """An evaluation with the names of its texts and systems."""

    references: str
    """The files with the references, or the split."""
    system: str
    against: str | None
    """The other system; None if there is none."""
    sentences: int
    settings: GateSettings
    evaluation: Evaluation
    to_read: Sequence[TranslatedSentence]

    def show(self) -> None:
        """Prints the tables of scores, how they were made, and the sentences to read."""
        with destination(None) as output:
            # In a narrow terminal, lines that go on below are better than numbers cut off.
            console = Console(file=output, highlight=False, markup=False, width=_NO_WIDTH)
            for line in self._headline():
                console.print(visible(line), soft_wrap=True)
            console.print()
            console.print(self._scores() if self.against is None else self._comparison())
            console.print()
            for label, words in self._notes():
                console.print(f"{label:<{_LABEL_WIDTH}}{words}", soft_wrap=True)
            for sentence in self.to_read:
                self._print_sentence(console, sentence)

    def show_json(self) -> None:
        """Prints the JSON document that docs/evaluation.md describes."""
        with destination(None) as output:
            document = json.dumps(self._document(), ensure_ascii=False, indent=2, allow_nan=False)
            output.write(visible_json(document) + "\n")

    def _headline(self) -> list[str]:
        lines = [
            f"{self.sentences:,} sentences, references {self.references}",
            _labelled("system", self.system),
        ]
        if self.against is not None:
            lines += [_labelled("against", self.against), *self._difference()]
        return lines

    def _difference(self) -> list[str]:
        """Returns the gate's sentence about the difference over all."""
        metric = self.evaluation.judge.metric
        found = [score.comparison for score in self._by_slice()[0] if score.metric == metric]
        return [
            difference_in_words(
                Difference(points=each.difference, low=each.low, high=each.high), metric
            )
            for each in found
            if each is not None
        ]

    def _scores(self) -> Table:
        """Returns the scores of one system: a row for each slice."""
        table = _table("slice", "sentences", *map(metric_name, METRICS))
        for scores in self._by_slice():
            numbers = (f"{score.system:.2f}" for score in scores)
            table.add_row(_place(scores[0]), f"{scores[0].sentences:,}", *numbers)
        return table

    def _comparison(self) -> Table:
        """Returns the scores of two systems: a row for each metric of each slice."""
        table = _table("slice", "", "system", "against", "difference", "95 % interval", "p")
        for scores in self._by_slice():
            labels = [_place(scores[0]), f"{scores[0].sentences:,} sentences"]
            for place, score in enumerate(scores):
                table.add_row(
                    labels[place] if place < len(labels) else "",
                    metric_name(score.metric),
                    f"{score.system:.2f}",
                    f"{score.against:.2f}",
                    _signed(score.difference or 0.0),
                    *_tested(score),
                )
        return table

    def _by_slice(self) -> list[list[SliceScore]]:
        scores = self.evaluation.scores
        return [list(scores[at : at + len(METRICS)]) for at in range(0, len(scores), len(METRICS))]

    def _notes(self) -> list[tuple[str, str]]:
        """Returns how the numbers are made, each with a label."""
        signatures = self.evaluation.signatures
        notes = [(metric_name(metric), signatures[metric]) for metric in METRICS]
        if self.against is None:
            return notes
        settings = self.settings
        notes.append(
            (
                "p",
                f"paired bootstrap (Koehn 2004), {settings.bootstrap_resamples:,} resamples, seed "
                f"{settings.seed}: share of them on which the better system is not better",
            )
        )
        slices = {score.slice for score in self.evaluation.scores if score.comparison} - {OVERALL}
        if slices:
            bound = settings.significance * share_of_slice(len(slices))
            notes.append(
                (
                    "slices",
                    f"a difference counts if p is below {bound:.4g}, the share of each slice in "
                    f"a significance of {settings.significance:g}",
                )
            )
        if any(score.comparison is None for score in self.evaluation.scores):
            notes.append(
                ("few", f"fewer than {settings.min_slice_sentences} sentences, not tested")
            )
        return notes

    def _print_sentence(self, console: Console, sentence: TranslatedSentence) -> None:
        change = ""
        if sentence.against_chrf is not None and sentence.change is not None:
            change = f", {_signed(sentence.change)} against {sentence.against_chrf:.1f}"
        console.print(
            Text(f"\nline {sentence.line}, chrF {sentence.chrf:.1f}{change}", style="bold")
        )
        sides = [("source", sentence.source)]
        sides += [("reference", reference) for reference in sentence.references]
        sides += [("system", sentence.system), ("against", sentence.against)]
        for label, text in sides:
            if text is not None:
                shown = isolate(visible(one_line(text)))
                console.print(f"  {label:<{_LABEL_WIDTH}}{shown}".rstrip(), soft_wrap=True)

    def _document(self) -> dict[str, Any]:
        evaluation, settings = self.evaluation, self.settings
        bootstrap = None
        if self.against is not None:
            bootstrap = {
                "resamples": settings.bootstrap_resamples,
                "seed": settings.seed,
                "significance": settings.significance,
                "min_slice_sentences": settings.min_slice_sentences,
                "drop_adjusted_p_value": evaluation.adjusted_p_value,
            }
        return {
            "references": self.references,
            "system": self.system,
            "against": self.against,
            "sentences": self.sentences,
            "metric": evaluation.judge.metric,
            "rule": evaluation.judge.rule,
            "tokeniser": settings.tokeniser,
            "signatures": evaluation.signatures,
            "bootstrap": bootstrap,
            "slices": [
                {
                    "slice": scores[0].slice,
                    "sentences": scores[0].sentences,
                    "scores": {score.metric: _score_document(score) for score in scores},
                }
                for scores in self._by_slice()
            ],
            "to_read": [_sentence_document(sentence) for sentence in self.to_read],
        }


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_text = column in ("slice", "")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    return table


def _labelled(label: str, text: str) -> str:
    return f"{label:<{_LABEL_WIDTH}}{text}"


def _place(score: SliceScore) -> str:
    return visible(slice_name(score.slice))


def _tested(score: SliceScore) -> tuple[str, str]:
    """Returns the interval and the p-value."""
    comparison = score.comparison
    if comparison is None or score.p_value is None:
        return "few", ""
    interval = f"{_signed(comparison.low)} to {_signed(comparison.high)}"
    return interval, f"{score.p_value:.4f}"


def _signed(points: float) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return f"{round(points, 2) + 0.0:+.2f}"


def _score_document(score: SliceScore) -> dict[str, Any]:
    comparison = score.comparison
    return {
        "system": score.system,
        "against": score.against,
        "difference": score.difference,
        "low": comparison.low if comparison else None,
        "high": comparison.high if comparison else None,
        "drop_p_value": comparison.p_value if comparison else None,
        "gain_p_value": comparison.gain_p_value if comparison else None,
        "outcome": score.outcome if score.slice == OVERALL else None,
    }


def _sentence_document(sentence: TranslatedSentence) -> dict[str, Any]:
    return {
        "line": sentence.line,
        "source": sentence.source,
        "references": list(sentence.references),
        "system": sentence.system,
        "against": sentence.against,
        "chrf": sentence.chrf,
        "against_chrf": sentence.against_chrf,
        "change": sentence.change,
    }
