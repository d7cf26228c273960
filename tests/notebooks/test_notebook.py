import re

import nbformat
import pytest

from scripts.make_notebook import SOURCE, made_notebook, run_notebook

NOTEBOOK = SOURCE.with_suffix(".ipynb")


@pytest.fixture(scope="module")
def kept():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_the_notebook_is_made_from_its_source(kept):
    cells, made = kept.cells, made_notebook().cells
    contents = [[(each.cell_type, each.source) for each in some] for some in (cells, made)]
    assert contents[0] == contents[1], "run `make notebook`"


def test_the_notebook_is_kept_with_the_outputs_of_one_run(kept):
    numbers = [each.execution_count for each in kept.cells if each.cell_type == "code"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(pictures(kept)) == 6, "run `make notebook` where a model of multi30k is live"


def test_the_kept_outputs_name_no_folder_of_their_machine(kept):
    assert not re.findall(r"/(?:home|root|work|tmp)/", nbformat.writes(kept))


def test_the_notebook_cites_the_sections_of_the_chapter():
    cited = re.findall(r"[Ss]ections? (\d)(?: and (\d))?", SOURCE.read_text(encoding="utf-8"))
    assert {number for pair in cited for number in pair if number} == set("1234678")


@pytest.fixture(scope="module")
def executed():
    return run_notebook(made_notebook())  # raises any error of a cell, with the cell's output


def pictures(notebook):
    """Returns the drawn outputs of all cells."""
    return [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def printed(notebook):
    """Returns the printed output of all cells."""
    return "".join(
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
    )


@pytest.mark.long
def test_the_notebook_runs_from_top_to_bottom(executed):
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")


@pytest.mark.long
def test_the_notebook_shows_pictures(executed):
    assert len(pictures(executed)) >= 5  # and another where a model of multi30k is live


def rates_of(notebook):
    """Returns the printed alignment error rates, by the kind of attention."""
    return {
        line.split(":")[0].strip(): float(line.rsplit(" ", 1)[1])
        for line in printed(notebook).splitlines()
        if "alignment error rate" in line
    }


def require_that_attention_finds_the_words(notebook):
    rates = rates_of(notebook)
    assert rates["none"] > 0.5
    assert rates["bahdanau"] <= 0.1
    assert max(rates["luong_general"], rates["self-attention"]) <= 0.2


def test_the_kept_outputs_show_that_attention_finds_the_words(kept):
    require_that_attention_finds_the_words(kept)


@pytest.mark.long
def test_the_notebook_shows_that_attention_finds_the_words_and_a_fixed_vector_does_not(executed):
    require_that_attention_finds_the_words(executed)
