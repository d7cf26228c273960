"""A heatmap as a web page of one file: a real table, read by eyes, by screen readers and by copy
and paste.

It loads nothing and runs nothing: no scripts, no fonts, no pictures, and a policy in the page that
forbids them. Every word is escaped.
"""

from __future__ import annotations

import html

from serving.heatmap.colours import DARK, LIGHT, Scale
from serving.heatmap.matrix import Heatmap

_LEAST_SHOWN = 0.005
"""What would be printed as 0.00 is left blank, so that the eye finds the rest."""
_MOST_LEVEL_COLUMNS = 14
"""With more columns than these their headings are turned, which keeps the table narrow."""
_LONGEST_LEVEL_HEADING = 12
_LEGEND_STOPS = 11
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE = """\
:root { color-scheme: light dark; --ink: #1c2430; --faint: #566072; --ground: #ffffff;
  --line: #e3e8ef; --accent: #b3540a; }
body { margin: 0; padding: clamp(1rem, 4vw, 2.5rem); background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .75rem; font-size: 1.25rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0 0 1.5rem;
  max-width: 70rem; }
dt, p, caption, .legend { color: var(--faint); }
p { max-width: 44rem; margin: 0 0 1.25rem; font-size: .875rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow: auto; max-width: max-content; max-height: 85vh; }
.scroll:focus-visible { outline: 3px solid var(--accent); outline-offset: 4px; }
table { border-collapse: separate; border-spacing: 1px; font-variant-numeric: tabular-nums; }
caption { text-align: start; font-size: .875rem; padding-bottom: .5rem; }
th { font-weight: 500; background: var(--ground); position: sticky; }
thead th { top: 0; z-index: 1; vertical-align: bottom; padding: .25rem .4rem; }
thead td { position: sticky; top: 0; left: 0; z-index: 2; background: var(--ground); }
tbody th { left: 0; text-align: end; padding: 0 .6rem 0 0; white-space: nowrap; }
tbody td { min-width: 2.9rem; height: 2.1rem; padding: 0; text-align: center; font-size: .8125rem;
  box-shadow: 0 0 0 1px var(--line); }
tbody td:hover, tbody tr:hover th { outline: 2px solid var(--accent); outline-offset: -1px; }
.turned thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
.end { border-left: .5rem solid var(--ground); color: var(--faint); }
.legend { display: flex; align-items: center; gap: .5rem; font-size: .875rem; margin-top: 1rem; }
.strip { width: 9rem; height: .7rem; }
td, .strip { print-color-adjust: exact; -webkit-print-color-adjust: exact;
  forced-color-adjust: none; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf4; --faint: #a3afc0; --ground: #161a21; --line: #262d38;
    --accent: #ffb86b; } }
"""


def draw_page(
    heatmap: Heatmap,
    *,
    source: str,
    translation: str,
    source_language: str | None = None,
    target_language: str | None = None,
) -> str:
    """Writes the page.

    Args:
      heatmap: what to show; without rows or columns it becomes an empty table.
      source: the text that was translated.
      translation: of it.
      source_language: its code, such as `en`, by which a screen reader chooses its voice.
      target_language: the translation's.

    Returns:
      HTML, whole, ending with a newline; UTF-8 is declared.
    """
    there, here = _language(source_language), _language(target_language)
    is_turned = len(heatmap.source) > _MOST_LEVEL_COLUMNS or any(
        len(word) > _LONGEST_LEVEL_HEADING for word in heatmap.source
    )
    last = len(heatmap.source) - 1
    head = "".join(
        f'<th scope="col"{_end_class(heatmap, column == last)}{there}>'
        f"<span>{html.escape(word)}</span></th>"
        for column, word in enumerate(heatmap.source)
    )
    rows = "\n".join(
        f'<tr><th scope="row"{here}>{html.escape(word)}</th>'
        + "".join(
            _cell(weight, heatmap.has_end and column == last) for column, weight in enumerate(row)
        )
        + "</tr>"
        for word, row in zip(heatmap.target, heatmap.weights.tolist(), strict=True)
    )
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Attention: {html.escape(source)}</title>
<style>
{_STYLE}{_colour_rules(heatmap)}</style>
</head>
<body>
<main>
<h1>What the translation looked at</h1>
<dl>
<dt>Source</dt><dd{there}>{html.escape(source)}</dd>
<dt>Translation</dt><dd{here}>{html.escape(translation)}</dd>
</dl>
<p id="legend">A row for each word of the translation, a column for each word of the source: the \
weight that the one put on the other. Each row sums to 1; below 0.005 a cell is blank.</p>
<div class="scroll" role="region" aria-labelledby="caption" aria-describedby="legend" tabindex="0">
<table{' class="turned"' if is_turned else ""}>
<caption id="caption">Attention weights</caption>
<thead><tr><td></td>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>
<div class="legend" aria-hidden="true">0 <span class="strip"></span> 1</div>
</main>
</body>
</html>
"""


def _language(code: str | None) -> str:
    """The attributes of an element whose text is in a language; its direction shows in it."""
    return f' lang="{html.escape(code)}" dir="auto"' if code else ' dir="auto"'


def _end_class(heatmap: Heatmap, is_last: bool) -> str:
    return ' class="end"' if heatmap.has_end and is_last else ""


def _cell(weight: float, is_end: bool) -> str:
    classes = f"w{_percent(weight)}{' end' if is_end else ''}"
    return f'<td class="{classes}">{f"{weight:.2f}" if weight >= _LEAST_SHOWN else ""}</td>'


def _percent(weight: float) -> int:
    return round(100 * weight)


def _colour_rules(heatmap: Heatmap) -> str:
    """The colours of the weights that occur, on light and on dark ground."""
    used = sorted({_percent(weight) for weight in heatmap.weights.ravel().tolist()})
    light, dark = (
        [
            f"td.w{percent} {{ background: {scale.colour(percent / 100)}; "
            f"color: {scale.ink(percent / 100)}; }}"
            for percent in used
        ]
        + [f".strip {{ background: linear-gradient(to right, {_stops(scale)}); }}"]
        for scale in (LIGHT, DARK)
    )
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}", ""])


def _stops(scale: Scale) -> str:
    return ", ".join(str(scale.colour(step / (_LEGEND_STOPS - 1))) for step in range(_LEGEND_STOPS))
