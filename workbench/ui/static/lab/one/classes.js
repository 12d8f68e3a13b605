// The figures of every class as a table: IoU as a bar, the others as numbers, and what they rest on; by any of them.
//
// mountClasses(element, {rows: [{name, color, iou, ...}], columns: of `COLUMNS`, order, chosen, onChoose(name), onOrder(order)})
//   -> {update(options)}
//   order: a column, with "-" before it the highest first; "" as the data has them; n/a comes last either way

import { exact, h, isolated, name, percent } from "../../dom.js";

export const COLUMNS = {
  iou: "IoU", precision: "precision", recall: "recall", f1: "F1", boundary_f1: "boundary F1", boundary_iou: "boundary IoU", iiou: "iIoU", ece: "ECE",
  images: "images", pixels: "pixels",
};
const COUNTS = new Set(["images", "pixels"]);
const SEARCHED = 16; // classes from which on one is searched for

export function mountClasses(element, options) {
  const current = { searched: "" };
  const body = h("div", { class: "wb-bars wb-class-figures", role: "group", tabindex: 0, "aria-label": "Figures by class" });
  const draw = () => {
    const { scrollLeft, scrollTop } = body;
    const focused = body.contains(document.activeElement) && document.activeElement.dataset.key;
    body.replaceChildren(table(current, update));
    body.scrollTo(scrollLeft, scrollTop);
    if (focused) [...body.querySelectorAll("[data-key]")].find(({ dataset }) => dataset.key === focused)?.focus({ preventScroll: true });
  };
  const update = (changes) => {
    Object.assign(current, changes);
    draw();
  };
  Object.assign(current, options);
  const told = h("span", { class: "wb-hint", role: "status" });
  const field = h("input", { type: "search", class: "wb-find-class", placeholder: "Find a class", "aria-label": "Find a class in the table", oninput: () => {
    update({ searched: field.value.trim().toLowerCase() });
    told.textContent = current.searched ? `${current.rows.filter((row) => isFound(row, current)).length} of ${current.rows.length}` : "";
  } });
  element.replaceChildren(...(current.rows.length > SEARCHED ? [h("div", { class: "wb-bar" }, field, told)] : []), body);
  draw();
  return { update };
}

function table({ rows, columns, order = "", searched, chosen = null, onChoose, onOrder }, update) {
  const [by, down] = [order.replace(/^-/, ""), order.startsWith("-")];
  const sort = (column) => {
    // A first click shows what one looks for: the worst classes, the largest ones, names from A on.
    const isLargestFirst = COUNTS.has(column) || column === "ece";
    const [first, other] = isLargestFirst ? [`-${column}`, column] : [column, `-${column}`];
    const next = order === first ? other : order === other ? "" : first;
    onOrder(next);
    update({ order: next });
  };
  const heads = [["name", "class"], ...columns.map((column) => [column, COUNTS.has(column) ? COLUMNS[column] : `${COLUMNS[column]} %`])];
  const head = heads.map(([column, title]) => h("th", {
    scope: "col", colspan: column === "iou" ? 2 : null, "aria-sort": column !== by ? null : down ? "descending" : "ascending",
  }, h("button", { class: "wb-sort", type: "button", dataset: { key: `sort ${column}` }, onclick: () => sort(column) },
    title, column === by ? (down ? " ↓" : " ↑") : "")));
  const shown = sorted(rows.filter((row) => isFound(row, { searched })), by, down);
  return h("table", {}, h("thead", {}, h("tr", {}, ...head)),
    h("tbody", {}, ...(shown.length ? shown.map((row) => line(row, columns, chosen === row.name, onChoose))
      : [h("tr", {}, h("td", { colspan: columns.length + 2, class: "wb-message" }, "No class is called so."))])));
}

function isFound({ name: label }, { searched }) {
  return label.toLowerCase().includes(searched);
}

function sorted(rows, by, down) {
  if (by !== "name" && !(by in COLUMNS)) return rows;
  const compare = by === "name" ? (a, b) => a.name.localeCompare(b.name) : (a, b) => a[by] - b[by];
  const isMissing = (row) => row[by] === null || row[by] === undefined;
  return [...rows].sort((a, b) => isMissing(a) - isMissing(b) || (down ? -1 : 1) * compare(a, b));
}

function line(row, columns, chosen, onChoose) {
  const { name: label, color, iou } = row;
  const choose = () => onChoose(label);
  const bar = h("span", { class: "wb-bar-fill", style: { width: `${100 * (iou ?? 0)}%`, "--bar": color } });
  const title = iou === null ? "In neither truth nor prediction: left out of the means" : `Images by the IoU of ${isolated(label)}`;
  return h("tr", { class: chosen ? "wb-chosen" : null, title },
    h("th", { scope: "row" }, h("button", { type: "button", class: "wb-choose", "aria-pressed": chosen, dataset: { key: `class ${label}` }, onclick: choose },
      h("span", { class: "wb-chip", style: { background: color } }), name(label))),
    h("td", { class: "wb-track", "aria-hidden": "true", onclick: choose }, h("span", { class: "wb-bar-rail" }, bar)),
    ...columns.map((column) => h("td", { class: "wb-number" }, COUNTS.has(column) ? exact(row[column]) : percent(row[column]))));
}
