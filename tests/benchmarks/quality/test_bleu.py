import pytest

from benchmarks.common.protocols import Score
from benchmarks.quality.bleu import Measured, comparison, main, report, score_table
from benchmarks.quality.copying import ALL, NAMES, UNKNOWN, WITH_DIGIT, Copies
from pipeline.errors import UserError
from tests.benchmarks.made_up import made_up_system


def measured(seed: int, bleu: float, *, epochs: int = 3) -> Measured:
    return Measured(
        seed=seed,
        system=made_up_system(f"debian-seed{seed}", epochs=epochs, seconds=60.0),
        cased=Score(bleu, "tok:13a"),
        chrf=Score(2 * bleu, "nc:6"),
        lowercased=Score(bleu + 1, "tok:none"),
        copies={
            ALL: Copies(200, 190),
            NAMES: Copies(100, 98),
            WITH_DIGIT: Copies(10, 9),
            UNKNOWN: Copies(),
        },
        hypotheses=[],
        megabytes=31.4,
        sentences_per_second=149.6,
    )


def rows_of(table: str) -> dict[str, list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    return {row[0]: row[1:] for row in rows}


def test_each_seed_has_a_row() -> None:
    rows = rows_of(score_table([measured(1, 27.0), measured(2, 28.0)]))
    assert rows["1"] == [
        "27.00",
        "54.00",
        "28.00",
        "95.0",
        "98.0",
        "90.0",
        "–",
        "30.00",
        "3",
        "3.0",
        "31.4",
        "150",
    ]
    assert rows["2"][0] == "28.00"


def test_the_mean_and_the_sample_standard_deviation_are_over_the_seeds() -> None:
    # Of 26, 27 and 29: mean 82 / 3, sum of squares 14 / 3, over two degrees of freedom.
    table = score_table([measured(1, 26.0), measured(2, 27.0), measured(3, 29.0, epochs=4)])
    rows = rows_of(table)
    assert rows["mean"][0] == "27.33"
    assert rows["deviation"][0] == "1.53"
    assert (rows["mean"][8], rows["mean"][6]) == ("3.3", "–")


def test_one_seed_has_no_deviation() -> None:
    assert "deviation" not in score_table([measured(1, 27.0)])


def test_the_report_says_how_everything_was_measured() -> None:
    text = report("debian", [measured(1, 27.0)], "python -m x", "2 cores", "2 at a time")
    for part in ("tok:13a", "nc:6", "tok:none", "2 cores; CPU, bfloat16", "`python -m x`"):
        assert part in text
    assert "validations included; 2 at a time" in text
    assert rows_of(text)["all"] == ["200", "190", "95.0 %"]


def test_each_gain_is_beside_its_p_value() -> None:
    text = comparison([measured(1, 28.0)], [measured(1, 27.0)], [0.021])
    assert "| 1 | 27.00 | 28.00 | 0.021 |" in " ".join(text.split())


def test_a_baseline_without_changes_is_refused() -> None:
    with pytest.raises(UserError, match="--baseline needs --set"):
        main(with_baseline=True)
