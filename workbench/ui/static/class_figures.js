// The figures of every class as a table: IoU as a bar, precision, recall, F1, pixels; by any of them.
//
// mountClassFigures(element, {rows: [{name, color, iou, precision, recall, f1, pixels}], order, chosen, onChoose(name), onOrder(order)})
//   -> {update(options)}
//   order: a column, with "-" before it the highest first; "" as the data has them; n/a comes last either way

import { exact, h, isolated, name, percent } from "./dom.js";

const COLUMNS = [["name", "class"], ["iou", "IoU %"], ["precision", "precision %"], ["recall", "recall %"], ["f1", "F1 %"], ["pixels", "pixels"]];

export function mountClassFigures(element, options) {
  const current = {};
  const update = (changes) => {
    Object.assign(current, changes);
    const focused = element.contains(document.activeElement) && document.activeElement.dataset.key;
    element.replaceChildren(draw(current, update));
    if (focused) [...element.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === focused)?.focus();
  };
  element.classList.add("wb-bars", "wb-class-figures");
  update(options);
  return { update };
}

function draw({ rows, order = "", chosen = null, onChoose, onOrder }, update) {
  const [by, down] = [order.replace(/^-/, ""), order.startsWith("-")];
  const sort = (column) => {
    // A first click shows what one looks for: the worst classes, the largest ones, names from A on.
    const first = column === "pixels" ? "-pixels" : column;
    const other = column === "pixels" ? "pixels" : `-${column}`;
    const next = order === first ? other : order === other ? "" : first;
    onOrder(next);
    update({ order: next });
  };
  const head = COLUMNS.map(([column, title]) => h("th", {
    scope: "col", colspan: column === "iou" ? 2 : null, "aria-sort": column !== by ? null : down ? "descending" : "ascending",
  }, h("button", { class: "wb-sort", type: "button", dataset: { key: `sort ${column}` }, onclick: () => sort(column) },
    title, column === by ? (down ? " ↓" : " ↑") : "")));
  return h("table", {}, h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...sorted(rows, by, down).map((row) => line(row, chosen === row.name, onChoose))));
}

function sorted(rows, by, down) {
  if (!COLUMNS.some(([column]) => column === by)) return rows;
  const compare = by === "name" ? (a, b) => a.name.localeCompare(b.name) : (a, b) => a[by] - b[by];
  return [...rows].sort((a, b) => (a[by] === null) - (b[by] === null) || (down ? -1 : 1) * compare(a, b));
}

function line(row, chosen, onChoose) {
  const { name: label, color, iou, pixels } = row;
  const choose = () => onChoose(label);
  const bar = h("span", { class: "wb-bar-fill", style: { width: `${100 * (iou ?? 0)}%`, "--bar": color } });
  const title = iou === null ? "In neither truth nor prediction: left out of the means" : `Images by the IoU of ${isolated(label)}`;
  return h("tr", { class: chosen ? "wb-chosen" : null, title },
    h("th", { scope: "row" }, h("button", { type: "button", class: "wb-choose", "aria-pressed": chosen, dataset: { key: `class ${label}` }, onclick: choose },
      h("span", { class: "wb-chip", style: { background: color } }), name(label))),
    h("td", { class: "wb-track", "aria-hidden": "true", onclick: choose }, h("span", { class: "wb-bar-rail" }, bar)),
    ...["iou", "precision", "recall", "f1"].map((figure) => h("td", { class: "wb-number" }, percent(row[figure]))),
    h("td", { class: "wb-number" }, exact(pixels)));
}
