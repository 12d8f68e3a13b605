// How the model's classes are read as the dataset's: the mapping, which changes no prediction, and the restricted argmax, which is
// another evaluation.

import { h } from "../../dom.js";
import { BY_NAME } from "../../evaluation_parts.js";
import { mountMapping } from "../../mapping_table.js";
import { term } from "../../words.js";

// known: {model_classes, truth, mapping: {name, rows}}; mappings: [{mapping, rows}]; open: whether it is unfolded; without it,
// where a class counts as none; onChange(changes), onSave(name, rows) -> promise
export function drawReading({ known, mappings, asked, open, onChange, onSave }) {
  const { model_classes: theirs, truth, mapping, evaluation } = known;
  const unmapped = mapping.rows.filter(([, target]) => target === null).length;
  const fitting = mappings.filter(({ rows }) => rows.every(([from, to]) => theirs.includes(from) && (to === null || truth.includes(to))));
  const ways = [["", "as each evaluation was made"], [BY_NAME, "classes of the same name"], ...fitting.map(({ mapping: each }) => [each, each])];
  const select = h("select", { id: "wb-shift-mapping", onchange: () => onChange({ mapping: select.value }) },
    ...ways.map(([value, text]) => h("option", { value, selected: value === asked.mapping }, text)));
  const editor = h("div");
  const fault = h("p", { class: "wb-bad", role: "alert", hidden: true });
  mountMapping(editor, {
    evaluation, model_classes: theirs, classes: truth, rows: mapping.rows, name: mapping.name ?? `${asked.model} here`.replaceAll(/[/\\:]/g, " "),
    onSave: async (title, rows) => {
      try {
        await onSave(title, rows);
      } catch (error) {
        Object.assign(fault, { hidden: false, textContent: error.message });
      }
    },
  });
  const all = h("input", { type: "checkbox", checked: asked.restrict, id: "wb-shift-restrict", onchange: () => onChange({ restrict: all.checked }) });
  const said = unmapped ? `${unmapped} of the model's ${theirs.length} classes count as none of the dataset's` : "all of the model's classes count as one of the dataset's";
  return h("details", { class: "wb-section wb-open", open: open ?? unmapped > 0 },
    h("summary", {}, h("h2", {}, term("mapping", "How classes are read")), h("span", { class: "wb-hint" }, said)),
    h("div", {},
      h("div", { class: "wb-bar" }, h("label", { class: "wb-select" }, "Classes read ", select),
        (unmapped > 0 || asked.restrict) && h("label", { class: "wb-shift-check" }, all, " Restricted argmax: pixels only get classes that count as one of the dataset's. These are evaluations of their own.")),
      h("p", { class: "wb-provenance" }, "Nothing is predicted again when the mapping changes: the stored counts are read anew."), fault, editor));
}
