"""The look of a report: quiet, light and dark, on wide and narrow screens, and on paper."""

STYLE = """\
:root { color-scheme: light dark; --ink: #1c2430; --faint: #566072; --ground: #ffffff;
  --raised: #f6f8fb; --line: #e3e8ef; --accent: #b3540a; --ours: #09429e; --theirs: #b3540a;
  --other: #5b6f8a; --good: #1b6e3c; --good-ground: #eaf6ee;
  --bad: #a3262a; --bad-ground: #fcedec; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf4; --faint: #a3afc0; --ground: #161a21; --raised: #1d222b; --line: #2b323e;
    --accent: #ffb86b; --ours: #80beff; --theirs: #ffb86b; --other: #93a3b8; --good: #7fd6a0;
    --good-ground: #17291f; --bad: #ff9d98; --bad-ground: #321c1d; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header, main, footer { max-width: 66rem; margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem); }
header { padding-top: clamp(1.5rem, 5vw, 3.5rem); }
main { padding-bottom: 3rem; }
footer { padding-block: 1.5rem; color: var(--faint); font-size: .875rem;
  border-top: 1px solid var(--line); }
h1 { margin: 0; font-size: clamp(1.6rem, 5vw, 2.25rem); line-height: 1.2; font-weight: 650;
  letter-spacing: -.015em; overflow-wrap: anywhere; }
h2 { margin: 3.25rem 0 1rem; padding-top: 1.25rem; border-top: 1px solid var(--line);
  font-size: 1.35rem; font-weight: 650; letter-spacing: -.01em; }
h3 { margin: 2rem 0 .75rem; font-size: 1.05rem; font-weight: 600; }
p, ul { max-width: 44rem; }
p { margin: 0 0 1rem; }
li { margin-bottom: .35rem; }
.subtitle { margin: .35rem 0 1.5rem; color: var(--faint); }
.note, .faint { color: var(--faint); }
.note { font-size: .9rem; }
code, pre { font: .85em/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
pre { margin: 0; padding: 1rem; background: var(--raised); border-radius: .5rem; overflow: auto; }
a { color: var(--ours); text-underline-offset: .2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
nav ul { display: flex; flex-wrap: wrap; gap: .35rem 1.25rem; list-style: none; margin: 1.75rem 0 0;
  padding: 0; max-width: none; font-size: .95rem; }
nav li { margin: 0; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }

.decision { margin: 0 0 1.5rem; padding: 1rem 1.25rem; border-left: .3rem solid;
  border-radius: .25rem .5rem .5rem .25rem; }
.decision > p:first-child { margin: 0; font-size: 1.1rem; font-weight: 600; max-width: none; }
.decision ul { margin: .5rem 0 0; padding-left: 1.25rem; }
.decision .note { margin: .35rem 0 0; }
.decision.passed { background: var(--good-ground); border-color: var(--good); }
.decision.failed { background: var(--bad-ground); border-color: var(--bad); }
.decision.passed b { color: var(--good); }
.decision.failed b { color: var(--bad); }

.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 0; }
.tiles div { padding: .85rem 1rem; background: var(--raised); border-radius: .5rem; }
.tiles dt { color: var(--faint); font-size: .875rem; }
.tiles dd { margin: 0; }
.tiles b { display: block; font-size: 1.6rem; line-height: 1.35; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.tiles span { color: var(--faint); font-size: .875rem; }

.scroll { position: relative; overflow: auto; margin: 0 0 1rem; max-width: 100%; }
table { border-collapse: collapse; font-size: .925rem; font-variant-numeric: tabular-nums; }
caption { text-align: start; color: var(--faint); font-size: .9rem; padding-bottom: .4rem; }
th, td { padding: .4rem .9rem .4rem 0; text-align: start; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { font-weight: 500; }
tbody th { white-space: nowrap; }
thead th { color: var(--faint); font-size: .85rem; vertical-align: bottom; }
th.number, td.number { text-align: end; padding-left: .5rem; white-space: nowrap; }
thead th.number { white-space: normal; min-width: 4.5rem; max-width: 9rem; }
tr.failed td, tr.failed th { color: var(--bad); font-weight: 600; }
tr.passed td:last-child { color: var(--good); }
tr.best td, tr.best th { background: var(--raised); font-weight: 600; }
.bar { display: block; height: .7rem; min-width: 1px; background: var(--ours); border-radius: 2px; }
td:has(.bar) { width: 10rem; min-width: 6rem; vertical-align: middle; }

.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }

details { margin: 0 0 1rem; }
summary { cursor: pointer; color: var(--ours); padding: .25rem 0; width: fit-content; }
details[open] > summary { margin-bottom: .5rem; }
dl.facts { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .3rem 1.25rem;
  margin: 0 0 1rem; }
.facts dt { color: var(--faint); }
.facts dd { margin: 0; overflow-wrap: anywhere; max-width: 44rem; }

figure { margin: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
  gap: 1.5rem; margin-bottom: .5rem; }
.chart { max-width: 34rem; margin-bottom: 1rem; }
.chart figcaption { font-size: .95rem; }
.chart b { font-weight: 600; }
.legend { display: inline-flex; flex-wrap: wrap; gap: .25rem 1rem; color: var(--faint);
  font-size: .875rem; margin-left: .5rem; }
.entry { display: inline-flex; align-items: center; gap: .4rem; }
.key { width: 1.1rem; height: 0; border-top: 2.5px solid; }
.key.ours { border-color: var(--ours); }
.key.theirs { border-color: var(--theirs); border-top-style: dashed; }
.key.other { border-color: var(--other); border-top-style: dotted; }
svg { display: block; width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--faint); }
svg text.line0 { fill: var(--ink); }
svg text.axis { fill: var(--faint); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg polyline { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round; }
svg .ours { stroke: var(--ours); }
svg .theirs { stroke: var(--theirs); stroke-dasharray: 6 4; }
svg .other { stroke: var(--other); stroke-dasharray: 1.5 5; }
svg circle { stroke-width: 2; }
svg circle.ours { fill: var(--ours); }
svg circle.theirs { fill: var(--theirs); stroke-dasharray: none; }
svg circle.hollow { fill: var(--ground); stroke-dasharray: none; }

.badge { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .85rem;
  font-weight: 500; border: 1px solid currentColor; white-space: nowrap; }
.badge.diagonal { color: var(--good); }
.badge.spread { color: var(--ours); }
.badge.reordering { color: var(--theirs); }
.badge.spurious { color: var(--bad); }

.strip-legend { display: flex; align-items: center; gap: .5rem; color: var(--faint);
  font-size: .875rem; margin: 0 0 .5rem; }
.strip { width: 9rem; height: .7rem; border-radius: 2px; border: 1px solid var(--line); }
.heatmaps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 2rem 2.5rem; align-items: start; }
.heatmaps figure { min-width: 0; }
.heatmaps figcaption { margin-bottom: .5rem; font-size: .925rem; line-height: 1.4; }
.heatmaps figcaption > span { display: block; }
.heatmaps .source { font-weight: 600; }
.heatmap { margin: 0; }
.heatmap table { border-collapse: separate; border-spacing: 1px; font-size: .8125rem; }
.heatmap caption { caption-side: bottom; font-size: .8rem; padding: .35rem 0 0; }
.heatmap th, .heatmap td { border: 0; }
.heatmap thead th { padding: .2rem .15rem; color: var(--ink); text-align: center;
  font-size: .8125rem; }
.heatmap tbody th { text-align: end; padding: 0 .5rem 0 0; white-space: nowrap;
  vertical-align: middle; }
.heatmap tbody td { width: 1.72rem; min-width: 1.72rem; height: 1.5rem; padding: 0;
  text-align: center; vertical-align: middle; font-size: .625rem;
  box-shadow: 0 0 0 1px var(--line); }
.heatmap thead td { padding: 0; }
.turned thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
.heatmap .end { border-left: .4rem solid var(--ground); }
.heatmap thead .end { color: var(--faint); }

.texts { margin: 0; padding: 0; list-style: none; }
.texts > li { margin: 0 0 1rem; padding: .75rem 1rem; background: var(--raised);
  border-radius: .5rem; }
.texts dl { display: grid; grid-template-columns: 5.5rem 1fr; gap: .15rem .75rem; margin: 0; }
.texts dt { color: var(--faint); font-size: .875rem; }
.texts dd { margin: 0; overflow-wrap: anywhere; }
.texts .score { float: right; margin-left: 1rem; color: var(--faint); font-size: .875rem;
  font-variant-numeric: tabular-nums; }
ins, del { text-decoration: none; border-radius: 2px; padding: 0 .15em; }
ins { background: var(--good-ground); color: var(--good); text-decoration: underline;
  text-underline-offset: .2em; }
del { background: var(--bad-ground); color: var(--bad); text-decoration: line-through; }

@media (max-width: 34rem) {
  .texts dl, dl.facts { grid-template-columns: 1fr; gap: 0; }
  .texts dd, .facts dd { margin-bottom: .5rem; }
  .texts .score { float: none; display: block; margin: 0 0 .25rem; } }
@media print { body { font-size: 10pt; } nav { display: none; } .scroll { overflow: visible; } }
td, .strip, .bar { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
.heatmap td, .strip { forced-color-adjust: none; }
"""
