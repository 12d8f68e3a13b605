// The head of the pages of runs: their parts, each with an address of its own, and what one can begin.

import { address } from "./api.js";
import { h } from "./dom.js";

export function runsHead(project, here, ...actions) {
  const part = (id, title, values = {}) =>
    h("a", { class: "wb-mode", href: address("/runs", { project, ...values }), "aria-current": here === id ? "page" : null }, title);
  return h("div", { class: "wb-page-head" }, h("h1", {}, "Runs"),
    h("nav", { class: "wb-modes", "aria-label": "Parts of the runs" }, part("runs", "Runs"), part("benches", "Benches", { tab: "benches" })), ...actions);
}

// One of a few ways to look at something: radio buttons in a row. choices: [[id, title], ...]; onChoose(id) -> element
export function modes(label, choices, chosen, onChoose) {
  const group = `wb-modes-${label}`;
  return h("div", { class: "wb-modes", role: "radiogroup", "aria-label": label }, ...choices.map(([id, title]) =>
    h("label", { class: "wb-mode" }, h("input", { type: "radio", name: group, checked: id === chosen, onchange: () => onChoose(id) }), title)));
}
