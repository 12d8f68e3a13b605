// One evaluation: its figures, its classes, its confusion matrix, and its images, which a cell or a class chooses.
//
// In the address: evaluation, mapping, cell (truth,predicted as places), class, sort (of images), order (of classes).

import { address, getJson } from "./api.js";
import { mountClassFigures } from "./class_figures.js";
import { ask } from "./dialog.js";
import { exact, h, isolated, name } from "./dom.js";
import { BY_NAME, FIGURES, provenance, section, withUnit } from "./evaluation_parts.js";
import { mountGallery } from "./gallery.js";
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
    this.chips = h("div", { class: "wb-bar wb-chips" });
    this.place = h("div", { id: "wb-evaluate-gallery" });
    this.images = section("Images", beside(), this.chips, this.place);
    this.classes = mountClassFigures(classes, {
      rows: this.data.classes.map((row, index) => ({ ...row, color: this.data.axes.colors[index] })),
      order: query().order ?? "",
      onOrder: (order) => setQuery({ order }),
      onChoose: (label) => this.choose({ class: query().class === label ? null : label, cell: null, sort: null }),
    });
    this.matrix = mountMatrix(matrix, {
      labels: this.data.axes, counts: this.data.confusion, chosen: this.cell(),
      onCell: (truth, predicted) => this.choose({ cell: `${truth},${predicted}`, class: null, sort: null }),
    });
    this.form = h("div", { hidden: true });
    const wide = this.data.classes.length > 16 ? "wb-stacked" : null;
    return [
      this.page.back(), this.head(beside(true)), this.warnings(), this.form, this.figures(),
      h("div", { class: `wb-halves ${wide ?? ""}` }, section("Classes", null, classes), section("Confusion matrix", null, matrix)),
      this.images,
    ];
  }

  shown() {
    this.gallery = mountGallery(this.place, { value: this.wanted() });
    this.mark();
  }

  destroy() {
    this.gallery?.destroy();
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
        file("csv", `/api/evaluations/${this.number}/figures.csv`, "CSV"), file("json", `/api/evaluations/${this.number}`, "JSON"),
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

  // ---- which images

  cell() {
    const found = /^(\d{1,3}),(\d{1,3})$/.exec(query().cell ?? "");
    if (!found) return null;
    const [t, m] = [Number(found[1]), Number(found[2])];
    const { truth, predicted } = this.data.axes;
    return t < truth.length && m < predicted.length ? [t, m] : null;
  }

  wanted() {
    const { class: having, sort } = query();
    const cell = this.cell();
    return { kind: "evaluation", evaluation: this.number, mapping: this.mapping, cell, having, sort: sort ?? (having && !cell ? `class:${having}` : null) };
  }

  async choose(changes) {
    setQuery(changes, { push: "cell" in changes || "class" in changes });
    const filled = this.gallery.update(this.wanted());
    this.mark();
    await filled; // an empty wall makes the page too short to scroll to it
    if (changes.cell || changes.class) this.images.scrollIntoView({ block: "start" });
  }

  // Say what chose the images, in the classes, in the matrix, and above them.
  mark() {
    const { class: having = null, sort } = query();
    const cell = this.cell();
    const { truth, predicted } = this.data.axes;
    this.classes.update({ chosen: having });
    if (!cell) this.matrix.update({ chosen: null });
    const chip = (text, testid, changes) => h("span", { class: "wb-filter", dataset: { testid } }, text,
      h("button", { type: "button", "aria-label": "Show all images", title: "Show all images", onclick: () => this.choose({ ...changes, sort: null }) }, "✕"));
    const orders = [
      ...(cell ? [["cell", "most such pixels first"]] : []),
      ...(having ? [[`class:${having}`, `worst IoU of ${isolated(having)} first`], [`-class:${having}`, `best IoU of ${isolated(having)} first`]] : []),
      ["miou", "worst image first"], ["-miou", "best image first"], ["path", "by name"],
    ];
    const select = h("select", { id: "wb-evaluate-sort", onchange: () => this.choose({ sort: select.value }) },
      ...orders.map(([value, text]) => h("option", { value, selected: value === sort }, text)));
    this.chips.replaceChildren(...[
      cell && chip(h("span", {}, name(truth[cell[0]]), " → ", name(predicted[cell[1]]), h("span", { class: "wb-hint" }, ` ${exact(this.data.confusion[cell[0]][cell[1]])} pixels`)), "chip-cell", { cell: null }),
      having && chip(h("span", {}, "with ", name(having)), "chip-class", { class: null }),
      h("label", { class: "wb-select" }, "Sorted ", select),
    ].filter(Boolean));
  }
}
