"""Writes notebooks/attention.ipynb from notebooks/attention.py, without outputs.

`make notebook` runs it. The source is plain Python with the text in comments (Jupytext's percent
format), so it can be read, linted and compared; the notebook opens in Jupyter. The same source
always gives the same file.
"""

from pathlib import Path

import jupytext
import nbformat

SOURCE = Path(__file__).resolve().parent.parent / "notebooks" / "attention.py"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def made_notebook(source: Path = SOURCE) -> str:
    """Returns the notebook made from a source, as text."""
    notebook = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    for number, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{number}"  # instead of a random one
        cell.metadata = {}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


if __name__ == "__main__":
    SOURCE.with_suffix(".ipynb").write_text(made_notebook(), encoding="utf-8")
