"""A heatmap as a web page of one file: a real table, read by eyes, by screen readers and by copy
and paste.

It loads nothing and runs nothing: no scripts, no fonts, no pictures, and a policy in the page that
forbids them. Every word is escaped.
"""

from __future__ import annotations

import html

from serving.heatmap.matrix import Heatmap
from serving.heatmap.table import colour_rules, draw_table, language_attributes

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
    there, here = language_attributes(source_language), language_attributes(target_language)
    table = draw_table(
        heatmap,
        caption="Attention weights",
        caption_id="caption",
        source_language=source_language,
        target_language=target_language,
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
{_STYLE}{colour_rules([heatmap])}</style>
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
{table}
</div>
<div class="legend" aria-hidden="true">0 <span class="strip"></span> 1</div>
</main>
</body>
</html>
"""
