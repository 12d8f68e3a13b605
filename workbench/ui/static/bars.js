// A figure of every class as a bar.
//
// mountBars(element, {rows: [{name, color, value, title}], empty}) -> {update(options), destroy()}
//   value: 0..1, null for n/a; empty: what stands there while there are no rows

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

function draw({ rows, empty }) {
  if (!rows.length) return h("p", { class: "wb-message" }, empty);
  return h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "class"), h("td", {}), h("th", { scope: "col" }, name("IoU")))),
    h("tbody", {}, ...rows.map(line)));
}

function line({ name: label, color, value, title }) {
  const bar = h("span", { class: "wb-bar-fill", style: { width: `${100 * (value ?? 0)}%`, "--bar": color } });
  return h("tr", { title },
    h("th", { scope: "row" }, h("span", {}, h("span", { class: "wb-chip", style: { background: color } }), name(label))),
    h("td", { class: "wb-track", "aria-hidden": "true" }, h("span", { class: "wb-bar-rail" }, bar)),
    h("td", { class: "wb-number" }, percent(value)));
}
