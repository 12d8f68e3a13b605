// Bars, one a class: a figure of one series, or of two with their difference.
//
// mountBars(element, {rows: [{name, color, value, other, title}], titles: [first, second], unit, onChoose(name), chosen})
//   -> {update(options), destroy()}
//   value, other: 0..1, null for n/a; `other` undefined everywhere: one series

import { h, loadStyle, name, percent } from "./dom.js";
import { keepFocus } from "./focus.js";

export function mountBars(element, options) {
  loadStyle();
  element.classList.add("wb-bars");
  const current = {};
  const update = (changes) => {
    Object.assign(current, changes);
    keepFocus(element, () => element.replaceChildren(draw(current)));
  };
  update(options);
  return { update, destroy: () => element.replaceChildren() };
}

function draw({ rows, titles = ["IoU"], onChoose, chosen = null, empty = "No class yet." }) {
  if (!rows.length) return h("p", { class: "wb-message" }, empty);
  const two = rows.some(({ other }) => other !== undefined);
  const heads = two ? [...titles, "difference"] : titles;
  return h("table", { class: two ? "wb-two" : null },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "class"), h("td", {}), ...heads.map((title) => h("th", { scope: "col" }, name(title))))),
    h("tbody", {}, ...rows.map((row) => line(row, two, onChoose, chosen === row.name))));
}

function line({ name: label, color, value, other, title }, two, onChoose, chosen) {
  const chip = h("span", { class: "wb-chip", style: { background: color } });
  const head = onChoose
    ? h("button", { type: "button", class: "wb-choose", "aria-pressed": chosen, onclick: () => onChoose(label) }, chip, name(label))
    : h("span", {}, chip, name(label));
  const bar = (share, className) =>
    h("span", { class: `wb-bar-fill ${className}`, style: { width: `${100 * (share ?? 0)}%`, "--bar": color } });
  const track = h("td", { class: "wb-track", "aria-hidden": "true", onclick: onChoose ? () => onChoose(label) : null },
    h("span", { class: "wb-bar-rail" }, bar(value, "wb-first"), two && bar(other, "wb-second")));
  const values = [value, ...(two ? [other] : [])].map((share) => h("td", { class: "wb-number" }, percent(share)));
  if (two) values.push(difference(value, other));
  return h("tr", { title, class: chosen ? "wb-chosen" : null }, h("th", { scope: "row" }, head), track, ...values);
}

function difference(before, after) {
  if (before === null || after === null) return h("td", { class: "wb-number" }, "n/a");
  const points = 100 * (after - before);
  const text = `${points > 0 ? "+" : points < 0 ? "−" : ""}${Math.abs(points).toFixed(1)}`;
  return h("td", { class: `wb-number ${points <= -0.05 ? "wb-down" : points >= 0.05 ? "wb-up" : ""}` }, text);
}
