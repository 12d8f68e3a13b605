// Figures of two evaluations, a row each: both, the difference with its interval, and what that says. Sorted by any column.
//
// mountTwo(element, {label, first, rows, computed, sort, title}) -> the menu that saves it; rows: [{id, name, head: node, pair}]; title: of the saved plot

import { h, percent } from "../../dom.js";
import { points } from "../../evaluation_parts.js";
import { showTable } from "../../table.js";
import { savePlot } from "../save_plot.js";
import { forest, intervalPlot, rangeAxis, rangeOf } from "./intervals.js";
import { intervalText, lookOfVerdict, signOf, verdict } from "./words.js";

const ORDER = { better: 2, "cannot tell": 1, worse: 0 };

export function mountTwo(element, { label, first, rows, computed, sort = null, title = label }) {
  const place = h("div", { class: "wb-stuck wb-compared" });
  let chosen = sort;
  const range = rangeOf(rows.map(({ pair }) => pair));
  const figure = (id, heading, of) => ({ id, title: heading, number: true, cell: ({ pair }) => percent(of(pair)), value: ({ pair }) => of(pair) });
  const columns = [
    { id: "name", title: first, heads: true, cell: ({ head }) => head, value: ({ name }) => name },
    figure("a", "a %", ({ a }) => a), figure("b", "b %", ({ b }) => b),
    { id: "difference", title: "b − a", number: true, cell: ({ pair }) => h("span", { class: lookOfVerdict(pair, computed) }, h("span", { class: "wb-compared-sign", "aria-hidden": "true" }, signOf(pair, computed)), points(pair.difference)), value: ({ pair }) => pair.difference },
    { id: "plot", title: rangeAxis(range), cell: ({ pair }) => intervalPlot(pair, range) },
    { id: "interval", title: "95 % interval", number: true, cell: ({ pair }) => h("span", { class: "wb-hint" }, computed ? intervalText(pair) : "–"), value: ({ pair }) => (pair.low === null ? null : pair.high - pair.low) },
    { id: "verdict", title: "b is", cell: ({ pair }) => verdict(pair, computed), value: ({ pair }) => (pair.difference === null ? null : ORDER[pair.verdict] ?? null) },
  ];
  const draw = () => showTable(place, {
    label, columns, rows, sort: chosen, testid: ({ id }) => id,
    onSort: (next) => { chosen = next; draw(); },
  });
  draw();
  const said = ({ pair }) => (pair.difference === null ? "n/a" : `${points(pair.difference)} (${intervalText(pair)}) ${computed ? pair.verdict ?? "" : ""}`);
  const inOrder = () => [...place.querySelectorAll("tbody tr")].map(({ dataset }) => rows.find(({ id }) => id === dataset.testid));
  const plot = () => forest(inOrder().map((row) => ({ name: row.name, pair: row.pair, said: said(row) })));
  element.replaceChildren(place);
  return savePlot(plot, label, { title });
}
