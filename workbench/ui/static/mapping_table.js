// From a model's classes to a dataset's: one row a model class, to be changed and saved under a name.
//
// mountMapping(element, {model_classes, classes, rows: [[model class, class or null]], name, onSave(name, rows)})

import { h, name as bdi } from "./dom.js";

const OTHER = ""; // no class is named so

export function mountMapping(element, { model_classes, classes, rows, name, onSave }) {
  const known = new Map(rows);
  const fields = model_classes.map((label) => {
    const target = known.get(label) ?? OTHER;
    const option = (value, text) => h("option", { value, selected: value === target }, text);
    const select = h("select", { "aria-label": `Counts as: ${label}`, onchange: () => mark(row, select) },
      option(OTHER, "other (always an error)"), ...classes.map((each) => option(each, each)));
    const row = h("tr", {}, h("th", { scope: "row" }, bdi(label)), h("td", {}, select));
    mark(row, select);
    return { label, select, row };
  });
  const title = h("input", { type: "text", value: name, required: true, maxlength: "200", autocomplete: "off", "aria-label": "Name of the mapping" });
  const save = (event) => {
    event.preventDefault();
    onSave(title.value, fields.map(({ label, select }) => [label, select.value === OTHER ? null : select.value]));
  };
  element.classList.add("wb-mapping");
  element.replaceChildren(h("form", { onsubmit: save },
    h("div", { class: "wb-wide" }, h("table", { class: "wb-table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "The model's class"), h("th", { scope: "col" }, "counts as the dataset's"))),
      h("tbody", {}, ...fields.map(({ row }) => row)))),
    h("div", { class: "wb-bar" }, h("label", {}, "Save as ", title), h("button", { class: "wb-button wb-primary", type: "submit" }, "Save mapping"),
      h("span", { class: "wb-hint" }, "A mapping of this name is replaced, and evaluations read with it change."))));
}

function mark(row, select) {
  row.classList.toggle("wb-unmapped", select.value === OTHER);
}
