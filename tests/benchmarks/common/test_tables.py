import math

import pytest

from benchmarks.common.tables import number, percent, table


def test_a_table_is_markdown_with_aligned_columns() -> None:
    assert table(["system", "BLEU"], [["basic", "9.50"], ["attention", "38.60"]]) == (
        "| system    |  BLEU |\n| --------- | ----: |\n| basic     |  9.50 |\n| attention | 38.60 |"
    )


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_not_there_is_a_dash(value: float | None) -> None:
    assert number(value) == "–"


def test_thousands_are_set_apart() -> None:
    assert number(4_694_128, 0) == "4,694,128"


def test_a_share_is_written_in_percent() -> None:
    assert (percent(0.9046), percent(None)) == ("90.5 %", "–")
