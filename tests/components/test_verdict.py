"""A verdict as JSON and as text."""

from components.verdict import Check, Verdict, format_verdict


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
        "  bleu_drop of length_bucket=31+ is 2.5, must be at most 1",
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
    assert "bleu_drop of length_bucket=31+ is missing, must be at most 1" in format_verdict(verdict)


def test_the_first_model_is_said_to_be_the_first() -> None:
    verdict = blocked().model_copy(update={"has_baseline": False})
    assert "No model is live yet: only the floor counts." in format_verdict(verdict)
