// What a gallery of a project's images shows: filters and order, as the address has them.
//
// mountFilters(element, {datasets, classes}, onChange(filters)) -> {filters, destroy()}

import { h } from "./dom.js";
import { query, setQuery } from "./place.js";

const NAMES = ["dataset", "role", "subset", "class", "labelled", "text", "order"];
const TYPING = 250; // ms of rest before a typed text counts

const ROLES = [["train", "train"], ["val", "val"], ["test", "test"], ["none", "no role"]];
const LABELLED = [["true", "labelled"], ["false", "not labelled"]];
const ORDERS = [["-path", "path, Z to A"], ["newest", "labelled last first"]];

export function readFilters() {
  const values = query();
  return Object.fromEntries(NAMES.map((name) => [name, values[name] ?? ""]));
}

export function mountFilters(element, { datasets, classes }, onChange) {
  const filters = readFilters();
  const change = (changes) => {
    Object.assign(filters, changes);
    setQuery(filters);
    clear.hidden = !NAMES.some((name) => name !== "order" && filters[name]);
    onChange({ ...filters });
  };
  const choice = (name, label, all, options) => {
    const chosen = filters[name];
    // What the address names and is not there stays visible, so that it can be taken away.
    const shown = chosen && !options.some(([value]) => value === chosen) ? [...options, [chosen, `${chosen} (not there)`]] : options;
    const select = h("select", { "aria-label": label, id: `wb-filter-${name}`, onchange: () => change({ [name]: select.value }) },
      h("option", { value: "" }, all), ...shown.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    return select;
  };
  const same = (names) => [...new Set(names)].sort().map((name) => [name, name]);
  const lists = datasets.flatMap(({ subsets }) => Object.keys(subsets));
  const selects = [
    choice("dataset", "Dataset", "All datasets", same(datasets.map(({ name }) => name))),
    choice("role", "Role", "All roles", ROLES),
    choice("subset", "List", "All lists", same(lists)),
    choice("class", "Class", "All classes", classes.filter(({ index }) => index !== null).map(({ name }) => [name, name])),
    choice("labelled", "Labels", "Labelled or not", LABELLED),
  ];
  let typed = 0;
  const text = h("input", {
    type: "search", "aria-label": "Part of the path", placeholder: "Part of the path", id: "wb-filter-text", value: filters.text,
    oninput: () => {
      clearTimeout(typed);
      typed = setTimeout(() => change({ text: text.value.trim() }), TYPING);
    },
  });
  const order = choice("order", "Order", "path, A to Z", ORDERS);
  const clear = h("button", {
    type: "button", class: "wb-button wb-plain", id: "wb-filter-clear", hidden: !NAMES.some((name) => name !== "order" && filters[name]),
    onclick: () => {
      for (const select of selects) select.value = "";
      text.value = "";
      change(Object.fromEntries(NAMES.filter((name) => name !== "order").map((name) => [name, ""])));
    },
  }, "Clear filters");
  element.replaceChildren(...selects, text, h("label", { class: "wb-by" }, "by ", order), clear);
  return { filters, destroy: () => clearTimeout(typed) };
}
