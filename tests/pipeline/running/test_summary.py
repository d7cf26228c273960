import json
from dataclasses import replace

from components.gate.verdict import Check, Difference, Verdict, unservable_verdict
from pipeline.running.summary import Summary, format_summary

SCORES = {"bleu": 21.5, "chrf": 48.25, "sentence_count": 1612.0}
PASSED = Check(metric="bleu", slice="overall", value=21.5, rule="at least", bound=15.0, passed=True)
FAILED = Check(
    metric="bleu_drop",
    slice="length_bucket=31+",
    value=3.0,
    rule="at most",
    bound=1.0,
    passed=False,
)


def verdict(**changes):
    values = {
        "blessed": True,
        "has_baseline": False,
        "live_version": None,
        "checks": (PASSED,),
        "unjudged": {},
        "problems": (),
        "metrics": {
            "overall": {"candidate": SCORES},
            "length_bucket=01-10": {"candidate": SCORES | {"bleu": 30.0}},
        },
        "signatures": {"bleu": "tok:13a", "chrf": "nc:6"},
    }
    return Verdict(**values | changes)


def summary(**changes):
    made = Summary(
        pipeline="debian",
        verdict=verdict(),
        is_servable=True,
        serving_problems=[],
        export="Trainer/model/6/Format-Serving",
        pushed_to="models/debian/7",
        not_pushed=None,
        is_live=True,
        cached_nodes=3,
        nodes=10,
        seconds=75.4,
        log="run.log",
        report="verdict.txt",
        html_report="report.html",
        next_command="nmt translate",
    )
    return replace(made, **changes)


def test_a_pushed_model_is_summarised_with_scores_signatures_place_and_next_command():
    text = format_summary(summary())
    for part in (
        "debian: BLESSED and pushed",
        "all              21.50   48.25       1,612",
        "01-10            30.00",
        "pass  BLEU (all) is 21.50, must be at least 15",
        "tok:13a",
        "models/debian/7",
        "1 min 15 s, 3 of 10 nodes from the cache",
        "nmt translate",
    ):
        assert part in text


def test_a_blocked_model_is_summarised_with_what_failed():
    blocked = verdict(blessed=False, checks=(PASSED, FAILED))
    text = format_summary(summary(verdict=blocked, pushed_to=None, is_live=False))
    assert "BLOCKED by the gate" in text
    assert "FAIL  drop of BLEU (31+ words) is 3.00, must be at most 1" in text
    assert "the live model stays live" in text


def test_an_export_that_cannot_be_served_is_named():
    text = format_summary(
        summary(
            is_servable=False,
            serving_problems=["empty text: no answer"],
            pushed_to=None,
            is_live=False,
        )
    )
    assert "the export cannot be served" in text
    assert "FAIL  serving: empty text: no answer" in text


def test_an_export_that_was_not_evaluated_is_summarised_with_each_problem_once():
    problems = ["load: no graph"]
    text = format_summary(
        summary(
            verdict=unservable_verdict(problems, False, None),
            is_servable=False,
            serving_problems=problems,
            pushed_to=None,
            is_live=False,
        )
    )
    assert "the export cannot be served" in text
    assert text.count("load: no graph") == 1


def test_the_difference_from_the_live_model_is_told_with_its_interval():
    compared = verdict(difference=Difference(points=0.49, low=-0.39, high=1.37))
    text = format_summary(summary(verdict=compared))
    assert "beside the live model: not distinguishable: BLEU +0.49" in text


def test_small_p_values_keep_their_digits():
    check = Check(
        metric="bleu_drop_p_value",
        slice="overall",
        value=0.003,
        rule="at least",
        bound=0.025,
        passed=False,
    )
    text = format_summary(summary(verdict=verdict(checks=(check,))))
    assert "FAIL  p-value of the drop (all) is 0.0030, must be at least 0.025" in text


def test_the_live_model_has_a_column_where_there_is_one():
    compared = verdict(
        has_baseline=True,
        metrics={"overall": {"candidate": SCORES, "baseline": SCORES | {"bleu": 19.0}}},
    )
    text = format_summary(summary(verdict=compared))
    assert "live BLEU" in text
    assert "19.00" in text


def test_a_model_that_was_pushed_and_is_not_live_is_not_called_live():
    text = format_summary(summary(is_live=False))
    assert "pushed earlier, but another version is live now" in text


def test_the_summary_is_json_for_programs():
    values = json.loads(json.dumps(summary().as_json()))
    assert values["is_live"]
    assert values["verdict"]["checks"][0]["bound"] == 15.0


def test_the_summary_names_the_model_that_was_trained_even_if_it_was_blocked():
    blocked = summary(verdict=verdict(blessed=False), pushed_to=None, is_live=False)
    assert blocked.as_json()["export"] == "Trainer/model/6/Format-Serving"


def test_a_blessed_model_that_was_not_pushed_says_why():
    text = format_summary(
        summary(pushed_to=None, is_live=False, not_pushed="It was taken back by ada@here.")
    )
    assert "debian: BLESSED and not pushed" in text
    assert "model    not pushed. It was taken back by ada@here." in text


def test_the_live_model_that_a_higher_floor_blocks_is_called_blocked():
    text = format_summary(summary(verdict=verdict(blessed=False), is_live=False))
    assert "debian: BLOCKED by the gate" in text


def by_domain(count, **changes):
    """A verdict over that many domains; `domain=d0` has the most sentences, the lowest p-value and
    the longest name."""
    names = [f"domain=d{number}" for number in range(count)]
    return verdict(
        has_baseline=True,
        checks=(
            PASSED,
            *(
                Check(
                    metric="bleu_drop_p_value",
                    slice=name,
                    value=0.1 + number / 100,
                    rule="at least",
                    bound=0.0025,
                    passed=name != changes.get("failed"),
                )
                for number, name in enumerate(names)
            ),
        ),
        metrics={
            name: {"candidate": SCORES | {"sentence_count": 900.0 - place}, "baseline": SCORES}
            for place, name in enumerate(["overall", *names, "length_bucket=01-10"])
        },
    )


def test_many_values_of_a_feature_do_not_flood_the_screen():
    text = format_summary(summary(verdict=by_domain(30)))
    assert sum(line.startswith("domain=d") for line in text.splitlines()) == 5
    assert "domain=d0        21.50   48.25         899       21.50" in text
    assert "domain: 25 more with fewer sentences, see the verdict" in text
    assert text.index("01-10") < text.index("domain=d0")
    lowest = "pass  p-value of the drop (domain, the lowest of 30: domain=d0) is 0.1000"
    assert [line for line in text.splitlines() if "p-value" in line] == [
        f"{lowest}, must be at least 0.0025"
    ]


def test_the_value_of_a_feature_in_which_a_model_collapsed_has_its_own_line():
    text = format_summary(summary(verdict=by_domain(3, failed="domain=d1"), is_live=False))
    assert "FAIL  p-value of the drop (domain=d1) is 0.1100, must be at least 0.0025" in text
    assert "the lowest of 2: domain=d0" in text


def test_the_judge_is_named_with_its_rule_where_it_is_chrf():
    scores = {"candidate": SCORES, "baseline": SCORES | {"chrf": 40.25}}
    judged = verdict(
        has_baseline=True, metrics={"overall": scores}, metric="chrf", rule="BLEU is mute here."
    )
    text = format_summary(summary(verdict=judged))
    assert "chrF judges: BLEU is mute here." in text
    assert "live chrF" in text
    assert "40.25" in text
    assert "judges" not in format_summary(summary(verdict=verdict(rule="enough for BLEU.")))
