"""Runs notebooks/attention.py and writes notebooks/attention.ipynb with the outputs.

`make notebook` does it. The source is plain Python with the text in comments (Jupytext's percent
format), so it can be read, linted and compared; the notebook opens in Jupyter, and whoever reads it
on the web sees what its cells print and draw.
"""

from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "attention.py"
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_LONGEST_CELL_SECONDS = 900
"""The trainings take a minute or two of an idle processor; this one may be busy."""


def made_notebook(source: Path = SOURCE) -> nbformat.NotebookNode:
    """Returns the notebook made from a source, without outputs; the same each time."""
    notebook = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = _METADATA
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"  # instead of a random one
        cell.metadata = {}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def run_notebook(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Runs all cells, and keeps what they print on standard output and draw.

    Raises:
      nbclient.exceptions.CellExecutionError: a cell failed; the message has its output.
    """
    client = NotebookClient(
        notebook,
        timeout=_LONGEST_CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(SOURCE.parent)}},
        record_timing=False,
    )
    client.execute()
    notebook.metadata = _METADATA  # without what the kernel says of this machine
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    made = run_notebook(made_notebook())
    SOURCE.with_suffix(".ipynb").write_text(nbformat.writes(made) + "\n", encoding="utf-8")
