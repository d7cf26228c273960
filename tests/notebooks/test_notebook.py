import re

import nbformat
import pytest

from scripts.make_notebook import SOURCE, made_notebook

NOTEBOOK = SOURCE.with_suffix(".ipynb")
LONGEST_CELL_SECONDS = 900
"""Training both models takes half a minute of an idle processor; this one may be busy."""


def test_the_notebook_is_made_from_its_source():
    assert NOTEBOOK.read_text(encoding="utf-8") == made_notebook(), "run `make notebook`"


def test_the_notebook_is_kept_without_outputs():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert all(cell.get("outputs", []) == [] for cell in cells)


def test_the_notebook_cites_the_sections_of_the_chapter():
    cited = re.findall(r"[Ss]ections? (\d)(?: and (\d))?", SOURCE.read_text(encoding="utf-8"))
    assert {number for pair in cited for number in pair if number} == set("1234678")


@pytest.fixture(scope="module")
def executed():
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # Any error of a cell is raised here, with the cell's output.
    client = NotebookClient(
        notebook,
        timeout=LONGEST_CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(SOURCE.parent)}},
    )
    return client.execute()


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
    pictures = [
        output
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3


@pytest.mark.long
def test_the_notebook_shows_that_attention_finds_the_words_and_a_fixed_vector_does_not(executed):
    rates = {
        line.split(":")[0].strip(): float(line.rsplit(" ", 1)[1])
        for line in printed(executed).splitlines()
        if "alignment error rate" in line
    }
    assert rates["bahdanau"] <= 0.1
    assert rates["none"] > 0.5
