"""A verdict as JSON and as text."""

import pytest

from components.gate.verdict import (
    Check,
    Difference,
    Verdict,
    describe_difference,
    metric_name,
    slice_key,
    slice_name,
    unservable_verdict,
)
from components.gate.verdict_text import format_verdict


def blocked() -> Verdict:
    return Verdict(
        blessed=False,
        has_baseline=True,
        live_version="1700000000",
        checks=(
            Check(
                metric="bleu", slice="overall", value=31.25, rule="at least", bound=20, passed=True
            ),
            Check(
                metric="bleu_drop",
                slice="length_bucket=31+",
                value=2.5,
                rule="at most",
                bound=1,
                passed=False,
            ),
        ),
        unjudged={"length_bucket=21-30": 12},
        problems=("chrf of overall: Metric not found.",),
        metrics={
            "overall": {
                "candidate": {"sentence_count": 1000.0, "bleu": 31.25, "bleu_drop": -0.5},
                "baseline": {"sentence_count": 1000.0, "bleu": 30.75},
            }
        },
        signatures={"bleu": "nrefs:1|case:mixed"},
    )


def test_json_and_back_is_the_same_verdict() -> None:
    assert Verdict.model_validate_json(blocked().model_dump_json()) == blocked()


def test_the_failures_are_the_checks_that_did_not_pass() -> None:
    assert [check.metric for check in blocked().failures] == ["bleu_drop"]


def test_the_text_says_why_the_model_is_blocked() -> None:
    assert format_verdict(blocked()).splitlines()[:4] == [
        "BLOCKED:",
        "  drop of BLEU (31+ words) is 2.50, must be at most 1",
        "  chrf of overall: Metric not found.",
        "The baseline is the live version 1700000000.",
    ]


def test_the_text_names_the_slices_that_are_too_small() -> None:
    assert "length_bucket=21-30: 12 sentences, too few to count" in format_verdict(blocked())


def test_the_text_names_the_signatures() -> None:
    assert format_verdict(blocked()).endswith("bleu: nrefs:1|case:mixed")


def test_the_columns_of_the_text_are_aligned() -> None:
    _, checks, _, _ = format_verdict(blocked()).split("\n\n")
    _, _, floor, drop = checks.splitlines()
    assert floor.index("at least") == drop.index("at most")


def test_a_number_that_is_missing_is_said_to_be_missing() -> None:
    missing = blocked().failures[0].model_copy(update={"value": None})
    verdict = blocked().model_copy(update={"checks": (missing,)})
    assert "drop of BLEU (31+ words) is missing, must be at most 1" in format_verdict(verdict)


def test_the_first_model_is_said_to_be_the_first() -> None:
    verdict = blocked().model_copy(update={"has_baseline": False})
    assert "No model is live yet: only the floor counts." in format_verdict(verdict)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(0.1, 1.0, "improved"), (-1.0, -0.1, "worse"), (-0.4, 1.4, "not distinguishable"),
     (0.0, 0.0, "not distinguishable")],
)  # fmt: skip
def test_a_difference_counts_only_beyond_noise(low: float, high: float, outcome: str) -> None:
    assert Difference(points=(low + high) / 2, low=low, high=high).outcome == outcome


def test_the_difference_is_told_with_its_confidence_interval() -> None:
    verdict = blocked().model_copy(
        update={"difference": Difference(points=0.49, low=-0.39, high=1.37)}
    )
    assert describe_difference(verdict) == (
        "not distinguishable: BLEU +0.49, 95 % confidence interval -0.39 to +1.37"
    )
    assert "Beside it the model is not distinguishable" in format_verdict(verdict)


def test_a_failed_test_is_told_with_both_scores() -> None:
    test = Check(
        metric="bleu_drop_p_value",
        slice="length_bucket=31+",
        value=0.001,
        rule="at least",
        bound=0.0125,
        passed=False,
    )
    scores = {"candidate": {"bleu": 12.5}, "baseline": {"bleu": 25.25}}
    verdict = blocked().model_copy(
        update={"checks": (test,), "metrics": {"length_bucket=31+": scores}, "problems": ()}
    )
    assert verdict.reasons == (
        "p-value of the drop (31+ words) is 0.0010, must be at least 0.0125: "
        "BLEU was 25.25 and is 12.50",
    )


def test_a_verdict_that_was_written_before_there_were_differences_can_be_read() -> None:
    old = blocked().model_dump(exclude={"difference"})
    assert Verdict.model_validate(old) == blocked()


def test_an_export_that_cannot_be_served_is_blocked_with_every_problem() -> None:
    verdict = unservable_verdict(["load: no graph", "signatures: none"], True, "7")
    assert not verdict.blessed
    assert format_verdict(verdict).splitlines() == [
        "BLOCKED:",
        "  the export cannot be served: load: no graph",
        "  the export cannot be served: signatures: none",
        "The baseline is the live version 7.",
    ]


def test_scores_and_shares_have_tables_of_their_own() -> None:
    numbers = {"sentence_count": 10.0, "bleu": 31.25, "empty_outputs": 0.1}
    verdict = blocked().model_copy(update={"metrics": {"overall": {"candidate": numbers}}})
    _, _, scores, shares, _ = format_verdict(verdict).split("\n\n")
    assert scores.splitlines()[0].split() == ["slice", "model", "sentence_count", "bleu"]
    assert shares.splitlines()[0].split() == ["slice", "model", "empty_outputs"]


@pytest.mark.parametrize(
    ("value", "name"), [(b"01-10", "f=01-10"), (7, "f=7"), (b"\xff", "f=\ufffd")]
)
def test_a_slice_is_called_by_its_feature_and_value(value: object, name: str) -> None:
    assert slice_key("f", value) == name


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("overall", "all"),
        ("length_bucket=01-10", "1–10 words"),
        ("length_bucket=31+", "31+ words"),
        ("domain=law", "domain=law"),
    ],
)
def test_slices_are_named_for_people(name, written):
    assert slice_name(name) == written


def test_a_metric_that_is_not_known_keeps_its_name():
    assert metric_name("share_of_loops") == "share of loops"
