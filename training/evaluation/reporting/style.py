"""How the report looks: light or dark on screen, as its reader has it; light on paper."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2937; --muted: #6b7280; --line: #e5e7eb; --soft: #f6f7f9;
  --accent: #2563eb; --bar: #dbe6fd; --bad: #b42318; --bad-soft: #fef3f2; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #14171c; --ink: #e5e7eb; --muted: #9aa3b0;
  --line: #2b313a; --soft: #1c2027; --accent: #7aa7ff; --bar: #24375e; --bad: #ff9b8f; --bad-soft: #3a1d1a; } }
* { box-sizing: border-box; }
html { background: var(--paper); }
body { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.015em; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; } h1, h3, td, dd, li, figcaption { overflow-wrap: anywhere; }
.said { font-size: 1.25rem; line-height: 1.4; margin: .75rem 0 1rem; overflow-wrap: anywhere; }
.lead, .beside, figcaption, .missing, footer { color: var(--muted); }
.beside, figcaption, footer { font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem;
  margin: 1.25rem 0 .5rem; }
.tiles div { background: var(--soft); border-radius: 8px; padding: .7rem .9rem; }
.tiles dt { color: var(--muted); font-size: .8rem; } .tiles dd { margin: 0; font-size: 1.45rem; font-weight: 600;
  font-variant-numeric: tabular-nums; }
.tiles .first { background: var(--bar); } .tiles .first dt { color: inherit; }
ul.notes { list-style: none; padding: 0; margin: 1rem 0; }
ul.notes li { border-left: 3px solid var(--line); background: var(--soft); padding: .45rem .8rem; margin: .4rem 0; }
ul.notes li.leak { border-color: var(--bad); background: var(--bad-soft); color: var(--bad); font-weight: 600; }
.about { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 0 2rem; margin: .5rem 0; }
.about div { display: flex; gap: 1rem; justify-content: space-between; border-bottom: 1px solid var(--line);
  padding: .3rem 0; } .about dt { color: var(--muted); flex: none; } .about dd { margin: 0; text-align: right; }
.table { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; width: 100%;
  font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 600; text-align: left; vertical-align: bottom; border-bottom: 1.5px solid
  var(--ink); padding: .3rem .5rem; } td { border-bottom: 1px solid var(--line); padding: .28rem .5rem; }
.number { text-align: right; } td.number { white-space: nowrap; } td.text { min-width: 7rem; }
table:has(th:nth-child(2):last-child) { max-width: 28rem; }
td.bar { background: linear-gradient(90deg, var(--bar) var(--share), transparent var(--share)); }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .5em;
  border: 1px solid rgb(0 0 0 / .25); vertical-align: -.04em; }
figure { margin: 1rem 0; } figcaption { margin-top: .35rem; }
.plot img { display: block; width: 100%; max-width: 100%; background: #fff; border-radius: 6px; padding: .4rem; }
.plot { overflow-x: auto; } .plot.small img { max-width: 30rem; } .plot.large { overflow: auto; max-height: 94vh; }
.plot.large img { width: auto; max-width: none; }
.image { margin: 1.25rem 0; } .image .four { display: grid; grid-template-columns: repeat(4, 1fr); gap: .4rem; }
.image figure { margin: 0; } .image img { width: 100%; display: block; border-radius: 3px; }
.image h3 { display: flex; justify-content: space-between; gap: 1rem; margin: 0 0 .35rem; }
.image h3 span { color: var(--muted); font-weight: 400; white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .82rem; margin: .5rem 0; }
ul.paths { columns: 3 12rem; margin: .3rem 0; padding-left: 1.2rem; font-size: .85rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.how dt { font-weight: 600; margin-top: .5rem; } .how dd { margin: 0; color: var(--muted); }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .8rem; }
@media (max-width: 40rem) { body { padding: 1.25rem 1rem 3rem; } .image .four { grid-template-columns: 1fr 1fr; }
  .plot:not(.small, .large) img { width: 38rem; max-width: none; } }
@page { size: A4; margin: 16mm 15mm 18mm; }
@media print {
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; } h1 { font-size: 18pt; }
  h2 { margin-top: 1.4rem; } h2, h3 { break-after: avoid; } table { font-size: 7.6pt; }
  th, td { padding: .18rem .3rem; } td.text { min-width: 0; } thead { display: table-header-group; }
  tr, figure, .image, .tiles, .about div, .how div, ul.notes li { break-inside: avoid; }
  .table, .plot, .plot.large { overflow: visible; max-height: none; } .plot img, .plot:not(.small) img { width: 100%;
    max-width: 100%; padding: 0; }
}
"""
