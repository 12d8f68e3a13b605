// One evaluation: its figures, its classes, its confusion matrix, and its images, which a cell or a class chooses.
//
// In the address: evaluation, mapping, order (of classes), and what `lab/images.js` keeps there.

import { address, getJson } from "./api.js";
import { mountClassFigures } from "./class_figures.js";
import { ask } from "./dialog.js";
import { h } from "./dom.js";
import { BY_NAME, FIGURES, provenance, section, withUnit } from "./evaluation_parts.js";
import { EvaluationImages } from "./lab/images.js";
import { mountMapping } from "./mapping_table.js";
import { mountMatrix } from "./matrix.js";
import { query, setQuery } from "./place.js";
import { term } from "./words.js";

export class OneEvaluation {
  constructor(page, { evaluation, mapping }) {
    Object.assign(this, { page, number: Number(evaluation), mapping: mapping ?? null, what: `Evaluation ${evaluation} belongs` });
  }

  async load(signal) {
    this.data = await getJson(address(`/api/evaluations/${this.number}`, { mapping: this.mapping }), { signal });
    const beside = (told = false) => provenance({ ...this.data, mapping: this.data.mapping.name }, { told });
    const classes = h("div", { id: "wb-evaluate-classes" });
    const matrix = h("div", { id: "wb-evaluate-matrix" });
    this.images = new EvaluationImages({
      number: this.number, mapping: this.mapping, data: this.data, beside: beside(), onChosen: (chosen) => this.mark(chosen),
      onMatrix: () => {
        matrix.scrollIntoView({ block: "center" });
        matrix.querySelector("[data-chosen], [tabindex='0']")?.focus({ preventScroll: true });
      },
    });
    this.classes = mountClassFigures(classes, {
      rows: this.data.classes.map((row, index) => ({ ...row, color: this.data.axes.colors[index] })),
      order: query().order ?? "",
      onOrder: (order) => setQuery({ order }),
      onChoose: (label) => this.images.choose({ class: query().class === label ? null : label, cell: null, sort: null }),
    });
    this.matrix = mountMatrix(matrix, {
      labels: this.data.axes, counts: this.data.confusion, chosen: this.images.cell(),
      onCell: (truth, predicted) => this.images.choose({ cell: `${truth},${predicted}`, class: null, sort: null }),
    });
    this.form = h("div", { hidden: true });
    const wide = this.data.classes.length > 16 ? "wb-stacked" : null;
    return [
      this.page.back(), this.head(beside(true)), this.warnings(), this.form, this.figures(),
      h("div", { class: `wb-halves ${wide ?? ""}` }, section("Classes", null, classes), section("Confusion matrix", null, matrix)),
      this.images.element,
    ];
  }

  shown() {
    this.images.shown();
  }

  destroy() {
    this.images.destroy();
  }

  // Say in the classes and in the matrix what chose the images.
  mark({ class: having, cell }) {
    this.classes.update({ chosen: having });
    if (!cell) this.matrix.update({ chosen: null });
  }

  // ---- what it is

  head(beside) {
    const { mapping } = this;
    const file = (kind, path, text) => h("a", { class: "wb-button", href: address(path, { mapping }), download: `evaluation-${this.number}.${kind}` }, text);
    const edit = h("button", { class: "wb-button", type: "button", id: "wb-evaluate-edit-mapping", "aria-expanded": false, onclick: () => {
      const open = this.form.hidden;
      this.form.hidden = !open;
      this.form.replaceChildren(...(open ? [this.editor()] : []));
      edit.setAttribute("aria-expanded", open);
    } }, "Edit mapping");
    return h("div", {}, h("div", { class: "wb-page-head" }, h("h1", {}, `Evaluation ${this.number}`),
      h("div", { class: "wb-bar" }, this.switch(), edit,
        file("html", `/api/evaluations/${this.number}/report.html`, "Report"), file("csv", `/api/evaluations/${this.number}/figures.csv`, "CSV"), file("json", `/api/evaluations/${this.number}`, "JSON"),
        h("button", { class: "wb-button", type: "button", id: "wb-evaluate-delete", onclick: () => this.discard() }, "Delete"))), beside);
  }

  switch() {
    const { mappings } = this.page.value;
    const fitting = mappings.filter(({ rows }) => this.fits(rows)).map(({ mapping }) => mapping);
    if (!fitting.length) return null;
    const ways = [["", "as it was made"], [BY_NAME, "classes of the same name"], ...fitting.map((each) => [each, each])];
    const select = h("select", { id: "wb-evaluate-mapping", onchange: () => { setQuery({ mapping: select.value }); this.page.show(); } },
      ...ways.map(([value, text]) => h("option", { value, selected: value === (this.mapping ?? "") }, text)));
    return h("label", { class: "wb-select" }, "Classes read ", select);
  }

  fits(rows) {
    const { model_classes, axes } = this.data;
    return rows.every(([from, to]) => model_classes.includes(from) && (to === null || axes.truth.includes(to)));
  }

  editor() {
    const { mapping, model_classes, axes, model, dataset } = this.data;
    const place = h("div");
    mountMapping(place, {
      model_classes, classes: axes.truth, rows: mapping.rows, name: mapping.name ?? `${model} to ${dataset}`.replaceAll(/[/\\]/g, " "),
      onSave: (title, rows) => this.page.send("save", { evaluation: this.number, name: title, rows }, { evaluation: this.number, mapping: title.trim() }),
    });
    return section("Mapping", h("p", { class: "wb-provenance" }, "Nothing is predicted again: the stored counts are read anew."), place);
  }

  warnings() {
    const { notes, leaks } = this.data;
    if (!notes.length) return null;
    const leaked = leaks.count > 0 ? notes[0] : null;
    return h("ul", { class: "wb-notes" }, ...notes.map((note) => h("li", note === leaked ? { class: "wb-leak", role: "alert" } : {}, h("bdi", {}, note))));
  }

  figures() {
    return h("dl", { class: "wb-summary" }, ...FIGURES.map(([key, label]) =>
      h("div", {}, h("dt", {}, term(key, label)), h("dd", { dataset: { testid: `figure-${key}` } }, withUnit(this.data[key])))));
  }

  async discard() {
    const text = `Evaluation ${this.number} goes to the trash. It can be restored for 30 days.`;
    if (await ask({ title: `Delete evaluation ${this.number}?`, text, verb: "Delete", danger: true })) {
      this.page.send("discard", { evaluation: this.number }, {});
    }
  }
}
