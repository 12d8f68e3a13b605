// Figures of many evaluations beside a baseline: a row a figure or class, a column an evaluation.
//
// mountMany(element, {label, first, base, others, rows: [{id, name, head: node, pairs}], computed})
//   base, others: evaluations {letter, told, text}, a column each; pairs: of each of the others, null where it has none

import { h, name, percent } from "../../dom.js";
import { points } from "../../evaluation_parts.js";
import { showTable } from "../../table.js";
import { intervalText, lookOfVerdict, signOf, verdict } from "./words.js";

export function mountMany(element, { label, first, base, others, rows, computed }) {
  const place = h("div", { class: "wb-stuck wb-compared wb-compared-many" });
  let chosen = null;
  const columns = [
    { id: "name", title: first, heads: true, cell: ({ head }) => head, value: (row) => row.name },
    { id: "base", title: headed(base), number: true, cell: ({ pairs }) => percent(pairs.find(Boolean)?.a ?? null), value: ({ pairs }) => pairs.find(Boolean)?.a ?? null },
    ...others.map((other, at) => ({
      id: other.letter, title: headed(other), number: true,
      cell: ({ pairs }) => cell(pairs[at], computed), value: ({ pairs }) => pairs[at]?.difference ?? null,
    })),
  ];
  const draw = () => showTable(place, { label, columns, rows, sort: chosen, testid: ({ id }) => id, onSort: (next) => { chosen = next; draw(); } });
  draw();
  element.replaceChildren(place);
}

function headed({ letter, told, text }) {
  return h("span", { class: "wb-compared-head", title: text }, h("strong", {}, letter), " ", name(told));
}

function cell(pair, computed) {
  if (!pair || (pair.b === null && pair.difference === null)) return "n/a";
  const told = pair.difference === null ? "n/a" : `${signOf(pair, computed)} ${points(pair.difference)}`;
  const title = computed && pair.verdict ? `${points(pair.difference)} points, 95 % interval ${intervalText(pair)}: ${pair.verdict}` : null;
  return h("span", { class: "wb-compared-cell", title }, h("span", {}, percent(pair.b)), h("span", { class: lookOfVerdict(pair, computed) }, told, h("span", { class: "wb-unseen" }, " ", verdict(pair, computed).textContent)));
}
