// From a model's classes to a dataset's: one row a model class, to be changed and saved under a name.
//
// mountMapping(element, {model_classes, classes, rows: [[model class, class or null]], name, onSave(name, rows), evaluation})
//
// With the number of an evaluation of the model it also says where each class is predicted there, to be taken by a click.

import { getJson } from "./api.js";
import { exact, h, name as bdi, percent } from "./dom.js";

const OTHER = ""; // no class is named so

export function mountMapping(element, { model_classes, classes, rows, name, onSave, evaluation = null }) {
  const known = new Map(rows);
  const fields = model_classes.map((label) => {
    const target = known.get(label) ?? OTHER;
    const option = (value, text) => h("option", { value, selected: value === target }, text);
    const select = h("select", { "aria-label": `Counts as: ${label}`, onchange: () => mark(row, select) },
      option(OTHER, "other (always an error)"), ...classes.map((each) => option(each, each)));
    const lies = h("td", { class: "wb-hint", hidden: evaluation === null });
    const row = h("tr", {}, h("th", { scope: "row" }, bdi(label)), h("td", {}, select), lies);
    mark(row, select);
    return { label, select, row, lies };
  });
  const title = h("input", { type: "text", value: name, required: true, maxlength: "200", autocomplete: "off", "aria-label": "Name of the mapping" });
  const save = (event) => {
    event.preventDefault();
    onSave(title.value, fields.map(({ label, select }) => [label, select.value === OTHER ? null : select.value]));
  };
  const take = h("button", { class: "wb-button", type: "button", hidden: true }, "Fill in from where they are predicted");
  element.classList.add("wb-mapping");
  element.replaceChildren(h("form", { onsubmit: save },
    h("div", { class: "wb-wide" }, h("table", { class: "wb-table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "The model's class"), h("th", { scope: "col" }, "counts as the dataset's"),
        h("th", { scope: "col", hidden: evaluation === null }, "where it is predicted, the truth is mostly"))),
      h("tbody", {}, ...fields.map(({ row }) => row)))),
    h("div", { class: "wb-bar" }, take, h("label", {}, "Save as ", title), h("button", { class: "wb-button wb-primary", type: "submit" }, "Save mapping"),
      h("span", { class: "wb-hint" }, "A mapping of this name is replaced, and evaluations read with it change."))));
  if (evaluation !== null) addAdvice(evaluation, fields, take);
}

// Without it everything works as well, so a fault is not told.
async function addAdvice(evaluation, fields, take) {
  const found = await getJson(`/api/evaluations/${evaluation}/where-classes-lie`).catch(() => null);
  if (!found) return;
  const set = ({ select, row }, target) => { select.value = target ?? OTHER; mark(row, select); };
  for (const [place, field] of fields.entries()) {
    const { mostly, share, pixels } = found.classes[place];
    field.lies.replaceChildren(...mostly === null ? ["never predicted"] : [h("button", { class: "wb-choose", type: "button",
      title: `Of ${exact(pixels)} pixels predicted as ${field.label}, ${percent(share)} % are ${mostly}: count it so`, onclick: () => set(field, mostly) },
    bdi(mostly), ` ${percent(share)} %`)]);
  }
  take.hidden = false;
  take.title = "Classes that lie more than half on one of the dataset's. Look them through: a class that the dataset lacks lies on something, too.";
  take.onclick = () => fields.forEach((field, place) => set(field, found.rows[place][1]));
}

function mark(row, select) {
  row.classList.toggle("wb-unmapped", select.value === OTHER);
}
