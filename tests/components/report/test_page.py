import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from components.gate.verdict import Check, Verdict
from components.ingestion_report import RejectedLine
from components.report.page import write_report
from components.report.sample import Sample
from components.report.sentences import read_sentences
from serving.attention.diagnostics import Pattern
from tests.components.report.made_up_run import (
    HOSTILE,
    corpus,
    facts,
    serving,
    translation,
    verdict,
)

VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Parses the elements of a page; fails if they are not closed in the right order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.elements.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values[name] for name in ("href", "src") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert found.open == []
    return found


def lines_of(page: str, title: str) -> list[str]:
    """Returns the names of the lines in a chart, from its legend."""
    [chart] = re.findall(rf"<b>{title}</b>.*?</svg>", page, re.DOTALL)
    return re.findall(r">((?:this|live) model)</text>", chart)


def words(page: str) -> str:
    return " ".join(" ".join(outline(page).text).split())


@pytest.fixture(scope="module")
def first() -> str:
    return write_report(facts())


@pytest.fixture(scope="module")
def second() -> str:
    return write_report(facts(with_live=True))


@pytest.mark.parametrize("page", ["first", "second"])
def test_every_element_is_closed(page, request):
    assert outline(request.getfixturevalue(page)).elements[0] == "html"


def test_the_page_loads_and_runs_nothing(second):
    found = outline(second)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.elements)
    assert all(link.startswith("#") for link in found.links)
    assert "default-src 'none'" in second
    assert "url(" not in second
    assert "@import" not in second


def test_every_table_has_a_caption_and_headings_and_can_be_scrolled_by_keyboard(second):
    tables = re.findall(r"<div ([^>]*)>\s*<table[^>]*>\s*<caption(.*?)</table>", second, re.DOTALL)
    assert len(tables) == second.count("<table")
    for scroll, table in tables:
        assert 'class="scroll' in scroll
        assert 'role="region"' in scroll
        assert "aria-label" in scroll
        assert 'tabindex="0"' in scroll
        assert table.count("<th ") == table.count('scope="col"') + table.count('scope="row"')


def test_every_link_of_the_contents_leads_somewhere_and_ids_are_unique(second):
    found = outline(second)
    assert {link[1:] for link in found.links} <= set(found.ids)
    assert len(found.ids) == len(set(found.ids))


def test_what_any_text_says_stays_text():
    source = f"{HOSTILE} two three"
    translated = [translation(HOSTILE, source)]
    hostile = facts(
        card={"name": HOSTILE, "source_language": '"><script>', "limits": [HOSTILE]},
        sentences=read_sentences([(source, HOSTILE)], translated, translated),
        sample=Sample([(source, HOSTILE)], 1, seed=1),
        notes=[HOSTILE],
        verdict=verdict(blessed=False).model_copy(update={"problems": (HOSTILE,)}),
        serving=serving(HOSTILE),
    )
    page = write_report(hostile)
    assert "<script" not in page
    assert HOSTILE in words(page)


def test_a_blessed_model_is_said_to_be_blessed(first):
    assert "Blessed: every check passed" in words(first)


def test_a_blocked_model_is_blocked_with_its_reasons():
    blocked = facts(blessed=False)
    text = words(write_report(blocked))
    assert "Blocked by the gate. What was live stays live." in text
    [reason] = blocked.verdict.reasons
    assert reason in text


def test_an_export_that_cannot_be_served_is_blocked_though_the_gate_blessed_it():
    text = words(write_report(facts(serving=serving("no graph"), sentences=(), coverage={})))
    assert "Blocked: the export cannot be served." in text
    assert "load: no graph" in text


def test_every_check_is_shown(first):
    assert re.search(r"BLEU all 31.25 at least 15 pass", words(first))


def test_the_first_model_is_said_to_be_the_first(first):
    text = words(first)
    assert "It is the first model: none is live to compare with" in text
    assert "It is the first model: there is none to compare it with." in text


def test_ten_typical_sentences_stand_below_the_worst_in_the_same_form(first):
    worst, typical = re.findall(
        r"<h3>(?:Farthest from their references|Typical)</h3>(.*?)(?=<h3>)", first, re.DOTALL
    )
    assert (worst.count("<li>"), typical.count("<li>")) == (15, 10)
    assert typical.count('<span class="score">chrF') == 10


def test_the_difference_from_the_live_model_is_a_sentence(second):
    assert (
        "compared with the model that was live then, version 17. Beside it this one is not "
        "distinguishable: BLEU +1.25, 95 % confidence interval -0.50 to +3.00."
    ) in words(second)


def test_scores_come_with_signatures_and_intervals(second):
    text = words(second)
    assert "nrefs:1|case:mixed" in text
    assert "+1.25 (−0.50 to +3.00)" in text
    assert "95 % interval of 29.50 to 33.00" in text


def test_a_metric_that_the_report_does_not_know_is_shown(second):
    assert "a_metric_of_tomorrow" in words(second)


def test_the_length_curve_has_a_line_for_each_model(first, second):
    assert lines_of(first, "BLEU by source length") == ["this model"]
    assert lines_of(second, "BLEU by source length") == ["this model", "live model"]


def test_the_live_models_training_is_drawn_beside_ours(first, second):
    assert lines_of(first, "Validation BLEU") == ["this model"]
    assert lines_of(second, "Validation BLEU") == ["this model", "live model"]


def test_the_epoch_that_was_exported_is_named(first):
    assert "The weights of epoch 3 were the best" in words(first)


def test_rejected_lines_are_counted_and_the_first_are_shown(first):
    text = words(first)
    assert "1 of 4 lines (25.00 %) were rejected as malformed" in text
    assert "train-0.tsv:7" in text


def test_a_corpus_without_rejected_lines_says_so():
    found = corpus()
    for counts in found.splits.values():
        counts.rejected.clear()
    assert "None of its 3 lines was rejected." in words(write_report(facts(corpus=found)))


def test_pairs_found_by_filters_are_counted_by_split_and_the_first_are_shown():
    found = corpus()
    row = RejectedLine("train-1.tsv", 8, "identical_sides", HOSTILE, "untranslated")
    found.splits["train"].add_found(row, is_filtered=True)
    found.splits["test"].add_found(row._replace(shard="test-0.tsv"), is_filtered=False)
    page = write_report(facts(corpus=found))
    text = words(page)
    assert "Filters left out 1 training pairs" in text
    assert "identical sides 1 0 1" in text
    assert "train-1.tsv:8" in text
    assert "test-0.tsv:8" in text
    assert HOSTILE not in page


def test_a_corpus_without_filters_has_no_table_of_them(first):
    assert "Filters left out" not in words(first)


def test_twelve_heatmaps_show_the_four_patterns(first):
    headings = [f"spurious {number}" for number in range(5)]
    assert first.count('class="scroll heatmap"') == 12
    assert sum(f"four {name}</span>" in first for name in headings) >= 3


def test_only_the_colours_of_weights_that_occur_are_in_the_page(first):
    assert "td.w100 {" in first
    assert "td.w37 {" not in first


def test_what_changed_against_the_live_model_is_marked(second):
    assert re.search(r"<ins>vier fünf</ins>", second)
    assert re.search(r"<del>acht neun</del>", second)
    assert "12 became better and 8 worse" in words(second)


def test_what_is_missing_is_said():
    silent = replace(
        facts(), sentences=(), coverage={}, interval=None, notes=["The model gave no answers."]
    )
    text = words(write_report(silent))
    assert "The model gave no answers." in text
    assert text.count("Nothing was translated, so there is nothing to show.") == 2


def test_a_training_without_a_history_says_so():
    assert "The training left no history." in words(write_report(facts(history=[])))


def test_the_size_of_the_sample_is_said(first):
    assert "a sample of 20 of the 50 test sentences (seed 3)" in words(first)


def test_a_whole_split_is_no_sample():
    whole = facts(sample=Sample(facts().sample.pairs, 20, seed=3))
    assert "of the whole test split, 20 sentences" in words(write_report(whole))


def test_the_card_says_what_the_model_is_for():
    card = {
        "name": "x",
        "data": {"name": "manuals", "licence": "CC BY 4.0", "origin": "a shelf"},
        "sizes": {"parameters": 4_900_000},
        "intended_use": ["to read manuals"],
        "limits": ["novels"],
        "citations": ["Bahdanau"],
        "configuration": {"model": {"attention": "bahdanau", "cell": "gru"}},
    }
    text = words(write_report(facts(card=card)))
    for fact in ("CC BY 4.0", "a shelf", "4,900,000", "to read manuals", "novels", "Bahdanau"):
        assert fact in text


def test_a_card_of_another_age_is_no_reason_to_fail():
    strange = {"name": 3, "data": "none", "configuration": [], "limits": "many", "history": "long"}
    assert write_report(facts(card=strange, live_card=strange, with_live=True))


def test_an_evaluation_without_slices_is_no_reason_to_fail():
    empty = Verdict(
        blessed=False,
        has_baseline=False,
        live_version=None,
        checks=(),
        unjudged={},
        problems=("the evaluation lacks slices that the gate asks for",),
        metrics={},
        signatures={},
    )
    assert "lacks slices" in words(write_report(facts(verdict=empty)))


def test_the_same_run_has_the_same_report(second):
    assert write_report(facts(with_live=True)) == second


def test_right_to_left_texts_go_their_own_way() -> None:
    pair = ("apt היא חבילה חדשה", "apt is a new package")
    live = translation("apt is an old package", pair[0])
    read = read_sentences([pair], [translation(pair[1], pair[0])], [live])
    card = {"source_language": "he", "target_language": "en"}
    page = write_report(facts(with_live=True, card=card, sentences=read))
    assert f'<dd lang="he" dir="rtl">{pair[0]}</dd>' in page
    assert f'<dd lang="en" dir="ltr">{pair[1]}</dd>' in page
    assert '<div class="scroll heatmap" dir="rtl"' in page
    spurious = translation(pair[1], pair[0], Pattern.SPURIOUS)
    page = write_report(facts(sentences=read_sentences([pair], [spurious], None)))
    assert "never looked at: \u2067היא\u2069" in page.replace("apt, ", "")


def test_the_slices_of_a_feature_stand_in_every_table_and_not_in_the_length_curve() -> None:
    plain = verdict(with_live=True)
    name = f"domain={HOSTILE}"
    check = Check(
        metric="bleu_drop_p_value",
        slice=name,
        value=0.001,
        rule="at least",
        bound=0.0125,
        passed=False,
    )
    sliced = plain.model_copy(
        update={
            "checks": (*plain.checks, check),
            "unjudged": plain.unjudged | {"domain=law": 4},
            "metrics": plain.metrics
            | dict.fromkeys((name, "domain=law"), plain.metrics["overall"]),
        }
    )
    page = write_report(facts(with_live=True, verdict=sliced))
    outline(page)
    assert HOSTILE not in page
    assert f"p-value of the drop {name} 0.0010 at least 0.0125 FAIL" in words(page)
    assert "domain=law: 4 sentences, too few to count." in words(page)
    [chart] = re.findall(r"<svg(?:(?!</svg>).)*BLEU by source length.*?</svg>", page, re.DOTALL)
    assert "domain" not in chart


def test_a_report_shows_the_score_that_judged_and_why() -> None:
    plain = verdict(with_live=True)
    against = {"chrf_drop": -0.5, "chrf_difference_low": -0.25, "chrf_difference_high": 1.25}
    models = plain.metrics["overall"]
    models = models | {"candidate": models["candidate"] | against}
    judged = plain.model_copy(
        update={
            "metric": "chrf",
            "rule": "BLEU is mute here.",
            "metrics": dict.fromkeys(plain.metrics, models),
        }
    )
    values = {"validation_chrf": 22.5, "validation_metric": "chrf"}
    history = [entry | values for entry in facts().history]
    page = write_report(facts(with_live=True, verdict=judged, history=history))
    outline(page)
    text = words(page)
    assert "chrF judges: BLEU is mute here." in text
    assert "difference of chrF (95 % interval)" in text
    assert "+0.50 (-0.25 to +1.25)" in text.replace("−", "-")
    assert "validation chrF 22.50" in text
    assert "chrF by source length" in page
    assert "Validation chrF" in page
