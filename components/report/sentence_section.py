"""Sentences to read: the worst, those to doubt, and those that changed most."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from components.report.facts import ReportFacts
from components.report.markup import Content, Html, details, join, tag
from components.report.sentences import Sentence, most_improved, most_worsened, worst
from components.report.wording import number, signed
from serving.attention.corpus_diagnostics import CorpusDiagnostics, Judged

_SHOWN_OPEN = 5
_SHOWN = 15


def worst_section(facts: ReportFacts) -> Html:
    """Writes the translations that are farthest from their references."""
    return _list(facts, worst(facts.sentences, _SHOWN), with_live=False)


def doubtful_section(facts: ReportFacts) -> Html:
    """Writes the translations that `nmt diagnose` would name, which needs no references."""
    found = CorpusDiagnostics()
    by_line = dict(enumerate(facts.sentences, 1))
    for line, sentence in by_line.items():
        if sentence.diagnosis is not None:
            found.add(
                Judged(
                    line=line,
                    source=sentence.source,
                    translation=sentence.candidate.text,
                    score=sentence.candidate.score,
                    truncated=sentence.candidate.truncated,
                    diagnosis=sentence.diagnosis,
                )
            )
    items = [
        _sentence(facts, by_line[judged.line], findings=judged.findings)
        for judged in found.worth_reading(_SHOWN)
    ]
    if not items:
        return tag("p", "Nothing in the sample looks suspicious.")
    return _some_open(items)


def comparison_section(facts: ReportFacts) -> Html:
    """Writes the sentences that gained and lost most against the live model."""
    if not facts.verdict.has_baseline:
        return tag("p", "It is the first model: there is none to compare it with.")
    if any(sentence.live is None for sentence in facts.sentences) or not facts.sentences:
        return tag("p", "The live model's translations are missing; see the notes above.")
    changes = [sentence.change for sentence in facts.sentences]
    better, worse = (sum(sign * change > 0 for change in changes) for sign in (1, -1))
    same = sum(
        sentence.live is not None and sentence.live.text == sentence.candidate.text
        for sentence in facts.sentences
    )
    said = (
        f"By chrF of the single sentence {better:,} became better and {worse:,} worse; {same:,} "
        f"of {len(changes):,} have the very same words. Words that only one of the two models "
        "wrote are marked."
    )
    return join(
        tag("p", said),
        tag("h3", "Better than live"),
        _list(facts, most_improved(facts.sentences, _SHOWN), with_live=True),
        tag("h3", "Worse than live"),
        _list(facts, most_worsened(facts.sentences, _SHOWN), with_live=True),
    )


def _list(facts: ReportFacts, sentences: Sequence[Sentence], *, with_live: bool) -> Html:
    if not sentences:
        return tag("p", "None.")
    return _some_open([_sentence(facts, each, with_live=with_live) for each in sentences])


def _some_open(items: Sequence[Html]) -> Html:
    """Shows the first few, and the others on demand."""
    first, others = items[:_SHOWN_OPEN], items[_SHOWN_OPEN:]
    rest = details(f"{len(others)} more", tag("ol", others, start=1 + len(first), class_="texts"))
    return join(tag("ol", first, class_="texts"), rest if others else None)


def _sentence(
    facts: ReportFacts,
    sentence: Sentence,
    *,
    with_live: bool = False,
    findings: Sequence[str] = (),
) -> Html:
    source, target = facts.languages
    ours: Content = sentence.candidate.text or tag("em", "(empty)")
    rows: list[tuple[str, Content, str | None]] = [
        ("source", sentence.source, source),
        ("reference", sentence.reference, target),
    ]
    score = f"chrF {number(sentence.chrf, 1)}"
    if with_live and sentence.live is not None and sentence.live_chrf is not None:
        theirs, ours = _marked(sentence.live.text, sentence.candidate.text)
        rows.append(("live", theirs, target))
        score = (
            f"chrF {number(sentence.live_chrf, 1)} → {number(sentence.chrf, 1)} "
            f"({signed(sentence.change, 1)})"
        )
    rows.append(("this model", ours, target))
    if findings:
        rows.append(("why", "; ".join(findings), None))
    return tag(
        "li",
        tag("span", score, class_="score"),
        tag(
            "dl",
            [
                (tag("dt", name), tag("dd", text, lang=language, dir="auto"))
                for name, text, language in rows
            ],
        ),
    )


def _marked(before: str, after: str) -> tuple[Html, Html]:
    """Marks the words that only one of two texts has."""
    old, new = before.split(), after.split()
    removed: list[Content] = []
    added: list[Content] = []
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        for words, start, end, element, parts in (
            (old, old_start, old_end, "del", removed),
            (new, new_start, new_end, "ins", added),
        ):
            text = " ".join(words[start:end])
            if text:
                parts += [" " if parts else None, text if kind == "equal" else tag(element, text)]
    return join(removed), join(added)
