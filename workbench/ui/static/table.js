// A table whose columns sort it.
//
// drawTable({label, columns, rows, sort, onSort, empty, testid}) -> element
//   columns: [{id, title, number, cell(row) -> node or text, value(row), heads}]; without `value` it does not sort by it;
//            rows whose value is null come last either way; `number` sets figures flush right and sorts the largest first;
//            `heads`: its cells are the rows' headings
//   testid(row): what tests find a row by, null for nothing
//   sort: {id, down}; null keeps the order of the rows; onSort(sort) is told the next one

import { h } from "./dom.js";

export function drawTable({ label, columns, rows, sort = null, onSort = null, empty = "Nothing here.", testid = () => null }) {
  if (!rows.length) return h("p", { class: "wb-message" }, empty);
  const head = h("tr", {}, ...columns.map((column) => header(column, sort, onSort)));
  const body = sorted(rows, columns, sort).map((row) => {
    const id = testid(row);
    return h("tr", { dataset: id === null ? {} : { testid: id } }, ...columns.map((column) => cell(column, row)));
  });
  const table = h("table", { "aria-label": label }, h("thead", {}, head), h("tbody", {}, ...body));
  return h("div", { class: "wb-sheet", role: "group", tabindex: 0, "aria-label": label }, table);
}

// Draw a table into a place of its own, scrolled to where the one before it was.
export function showTable(place, options) {
  const { scrollLeft = 0, scrollTop = 0 } = place.firstElementChild ?? {};
  place.replaceChildren(drawTable(options));
  place.firstElementChild.scrollTo(scrollLeft, scrollTop);
}

function header({ id, title, number, value }, sort, onSort) {
  const chosen = sort?.id === id;
  const order = chosen ? (sort.down ? "descending" : "ascending") : null;
  const next = { id, down: chosen ? !sort.down : Boolean(number) };
  const mark = h("span", { class: "wb-order", "aria-hidden": "true" }, chosen ? (sort.down ? "▼" : "▲") : "");
  const content = value && onSort
    ? h("button", { type: "button", class: "wb-sheet-sort", onclick: ({ currentTarget }) => again(currentTarget, () => onSort(next)) }, title, mark)
    : title;
  return h("th", { scope: "col", class: number ? "wb-number" : null, "aria-sort": order }, content);
}

function cell({ number, heads, cell: content }, row) {
  return h(heads ? "th" : "td", { scope: heads ? "row" : null, class: number ? "wb-number" : null }, content(row));
}

function sorted(rows, columns, sort) {
  const value = sort && columns.find(({ id }) => id === sort.id)?.value;
  if (!value) return rows;
  const isMissing = (row) => value(row) === null || value(row) === undefined;
  return [...rows].sort((a, b) => isMissing(a) - isMissing(b) || compare(value(a), value(b)) * (sort.down ? -1 : 1));
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

// Sorting draws the table anew: the focus stays on the column.
function again(button, sort) {
  const place = button.closest(".wb-sheet").parentElement;
  const column = button.closest("th").cellIndex;
  sort();
  place.querySelector("thead tr").cells[column].querySelector("button").focus();
}
