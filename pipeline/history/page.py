"""A pipeline's history as a web page of one file: the chart, and every run and rollback in a table.

It loads nothing and runs nothing, and every word is escaped.
"""

import base64
import html
from collections.abc import Sequence
from datetime import UTC

from pipeline.history.events import Event, Outcome

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """\
:root { color-scheme: light dark; --ink: #1c2430; --faint: #566072; --ground: #ffffff;
  --line: #e3e8ef; --good: #00507d; --bad: #a03f00; }
body { margin: 0; padding: clamp(1rem, 4vw, 2.5rem); background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; }
img { display: block; max-width: 100%; background: #ffffff; margin: 0 0 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: start; color: var(--faint); padding-bottom: .5rem; }
th, td { text-align: start; vertical-align: top; padding: .35rem .9rem .35rem 0;
  border-bottom: 1px solid var(--line); }
.number { text-align: end; }
.pushed { color: var(--good); font-weight: 600; }
.blocked, .failed { color: var(--bad); font-weight: 600; }
.unchanged { color: var(--faint); }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf4; --faint: #a3afc0; --ground: #161a21; --line: #262d38;
    --good: #7cc4f2; --bad: #ffb083; } }
"""
COLUMNS = ("time (UTC)", "outcome", "version", "BLEU", "floor", "live BLEU", "compared with", "why")
NUMBERS = frozenset({"version", "BLEU", "floor", "live BLEU", "compared with"})


def cells(event: Event) -> tuple[str, ...]:
    """What the columns say of an event; a rollback is compared with nothing."""
    compared = None if event.outcome is Outcome.ROLLBACK else event.live_version
    return (
        f"{event.time.astimezone(UTC):%Y-%m-%d %H:%M}",
        str(event.outcome),
        "" if event.version is None else str(event.version),
        _score(event.bleu),
        "" if event.floor is None else f"{event.floor:g}",
        _score(event.live_bleu),
        "" if compared is None else str(compared),
        "; ".join(event.reasons),
    )


def draw_history(name: str, events: Sequence[Event], chart: bytes | None) -> str:
    """Writes the page.

    Args:
      name: of the pipeline.
      events: oldest first; the table begins with the newest.
      chart: an SVG file; None where there is nothing to draw.

    Returns:
      HTML, whole, ending with a newline; UTF-8 is declared.
    """
    title = f"{html.escape(name)}: history of the gate"
    head = "".join(
        f'<th scope="col"{_class(column)}>{html.escape(column)}</th>' for column in COLUMNS
    )
    rows = "\n".join(_row(event) for event in reversed(events))
    picture = ""
    if chart is not None:
        encoded = base64.b64encode(chart).decode("ascii")
        picture = (
            '<img alt="BLEU of each model, of the live model and the floor; the table has the '
            f'numbers" src="data:image/svg+xml;base64,{encoded}">\n'
        )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{_STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{picture}<div class="scroll" tabindex="0">
<table>
<caption>Every run and rollback, the newest first. BLEU is of the test split of that run.</caption>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
</main>
</body>
</html>
"""


def _row(event: Event) -> str:
    shown = []
    for column, cell in zip(COLUMNS, cells(event), strict=True):
        kind = f' class="{event.outcome.name.lower()}"' if column == "outcome" else _class(column)
        shown.append(f"<td{kind}>{html.escape(cell)}</td>")
    return f"<tr>{''.join(shown)}</tr>"


def _class(column: str) -> str:
    return ' class="number"' if column in NUMBERS else ""


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
