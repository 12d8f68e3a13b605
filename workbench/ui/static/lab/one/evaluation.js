// One evaluation: its figures, its classes, its confusion matrix, curves and calibration, and its images, which a cell or a
// class chooses.
//
// In the address: evaluation, mapping, order (of classes), open (parts that are), and what `matrix.js` and
// `../images.js` keep there.

import { address, getJson, post } from "../../api.js";
import { ask } from "../../dialog.js";
import { h } from "../../dom.js";
import { BY_NAME, FIGURES, provenance, section, withUnit } from "../../evaluation_parts.js";
import { mountMapping } from "../../mapping_table.js";
import { query, setQuery } from "../../place.js";
import { followTask, progressText } from "../../task.js";
import { term } from "../../words.js";
import { EvaluationImages, KEPT as OF_IMAGES } from "../images.js";
import { saveFile } from "../save_plot.js";
import { mountTrust } from "../trust/notices.js";
import { COLUMNS, mountClasses } from "./classes.js";
import { mountScoreCurves } from "./curves.js";
import { fold } from "./fold.js";
import { KEPT as OF_MATRIX, mountMatrix } from "./matrix.js";
import { mountReliability } from "./reliability.js";

export const KEPT = ["order", "open", ...OF_MATRIX, ...OF_IMAGES]; // in the address

const SHAPES = ["boundary_f1", "boundary_iou", "iiou"]; // figures that are counted in the stored maps, apart from the others
const MORE_FIGURES = [
  ["boundary_f1", "boundary F1", ({ boundary }) => boundary?.f1], ["boundary_iou", "boundary IoU", ({ boundary }) => boundary?.iou],
  ["iiou", "instance-weighted IoU", ({ instances }) => instances?.iiou], ["ece", "calibration error (ECE)", ({ calibration }) => calibration.ece],
];

export class OneEvaluation {
  constructor(page, { evaluation, mapping }) {
    Object.assign(this, { page, number: Number(evaluation), mapping: mapping ?? null, what: `Evaluation ${evaluation} belongs` });
  }

  async load(signal) {
    this.data = await getJson(address(`/api/evaluations/${this.number}`, { mapping: this.mapping }), { signal });
    this.ending = new AbortController();
    const beside = (told = false) => provenance({ ...this.data, mapping: this.data.mapping.name }, { told });
    const classes = h("div", { id: "wb-evaluate-classes" });
    const matrix = h("div", { id: "wb-evaluate-matrix" });
    this.images = new EvaluationImages({
      number: this.number, mapping: this.mapping, data: this.data, beside: beside(), onChosen: (chosen) => this.mark(chosen),
      onMatrix: () => {
        matrix.scrollIntoView({ block: "center" });
        this.matrix.focus();
      },
    });
    this.classes = mountClasses(classes, {
      rows: this.data.classes.map((row, index) => ({ ...row, color: this.data.axes.colors[index] })),
      columns: Object.keys(COLUMNS).filter((column) => !SHAPES.includes(column) || this.data.classes.some((row) => row[column] !== null)),
      order: query().order ?? "",
      onOrder: (order) => setQuery({ order }),
      onChoose: (label) => this.images.choose({ class: query().class === label ? null : label, cell: null, sort: null }),
    });
    this.matrix = mountMatrix(matrix, {
      labels: this.data.axes, counts: this.data.confusion, chosen: this.images.cell(), name: `evaluation ${this.number} confusion matrix`,
      alike: async () => (await getJson(this.path("alike"), { signal: this.ending.signal })).classes,
      onCell: (truth, predicted) => this.images.choose({ cell: `${truth},${predicted}`, class: null, sort: null }),
    });
    this.form = h("div", { hidden: true });
    const trust = h("div", { id: "wb-evaluate-trust" });
    mountTrust(trust, { project: this.data.project, evaluation: this.number, mapping: this.mapping, signal: this.ending.signal });
    return [
      this.page.back(), this.head(beside(true)), this.warnings(), trust, this.form, this.figures(), this.shapes(),
      section("Classes", saveFile("The IoU of the classes as bars", (kind) => this.path(`plots/iou.${kind}`), `evaluation ${this.number} iou`), classes),
      section("Confusion matrix", h("p", { class: "wb-provenance" }, "Rows: truth. Columns: prediction. Choose a cell to see its images."), matrix),
      ...this.folds(), this.images.element,
    ];
  }

  path(part) {
    return address(`/api/evaluations/${this.number}/${part}`, { mapping: this.mapping });
  }

  folds() {
    const common = { number: this.number, mapping: this.mapping, name: `Evaluation ${this.number}`, signal: this.ending.signal };
    const { calibration, classes } = this.data;
    return [
      fold("curves", "ROC and precision-recall curves", "each class against the rest, from its probability", (element) => mountScoreCurves(element, common)),
      fold("calibration", "Calibration", "is it right as often as it is sure?", (element) => mountReliability(element, { ...common, whole: calibration, classes })),
    ];
  }

  shown() {
    this.images.shown();
    this.addAreas();
  }

  destroy() {
    this.ending.abort();
    this.counting?.stop();
    this.images.destroy();
    this.matrix.destroy();
  }

  // Say in the classes and in the matrix what chose the images.
  mark({ class: having, cell }) {
    this.classes.update({ chosen: having });
    this.matrix.update({ chosen: cell });
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
      evaluation: this.number, model_classes, classes: axes.truth, rows: mapping.rows, name: mapping.name ?? `${model} to ${dataset}`.replaceAll(/[/\\]/g, " "),
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
    const figure = ([key, label], value) => h("div", {}, h("dt", {}, term(key, label)), h("dd", { dataset: { testid: `figure-${key}` } }, value));
    const auc = figure(["auc", "mean AUC"], "…");
    this.area = auc.lastChild;
    return h("dl", { class: "wb-summary" }, ...FIGURES.map((each) => figure(each, withUnit(this.data[each[0]]))),
      ...MORE_FIGURES.map(([key, label, read]) => figure([key, label], withUnit(read(this.data) ?? null))), auc);
  }

  // The areas below the curves take longer to add up than all other figures.
  async addAreas() {
    try {
      const { mean_auc: area } = await getJson(this.path("curves"), { signal: this.ending.signal });
      this.area.textContent = withUnit(area);
    } catch {
      this.area.textContent = "n/a"; // opening the curves says why
    }
  }

  // What is not counted yet, and how it is; why objects are n/a.
  shapes() {
    const { boundary, instances, predictions } = this.data;
    if (boundary) return instances.note && h("p", { class: "wb-provenance" }, instances.note);
    if (!predictions) return h("p", { class: "wb-provenance" }, "No predictions are stored, in which boundaries and objects could be counted.");
    const said = h("span", { role: "status" }, "Boundaries and objects are not counted yet.");
    const count = h("button", { type: "button", class: "wb-button", id: "wb-evaluate-count", onclick: async () => {
      count.disabled = true;
      try {
        const { task } = await post(this.path("boundary"));
        if (this.ending.signal.aborted) return; // the page was left meanwhile
        this.counting = followTask(task, (now) => this.counted(now, said, count));
      } catch (error) {
        said.textContent = error.message;
        count.disabled = false;
      }
    } }, "Count them");
    return h("p", { class: "wb-provenance wb-bar wb-count-shapes" }, said, count);
  }

  counted(task, said, count) {
    if (task?.state === "running") said.textContent = progressText(task) || "Starting …";
    else if (task?.state === "finished") this.page.show();
    else {
      said.textContent = task ? `${task.title}: ${task.state}. ${task.sentence ?? ""}` : "The task is gone. Try again.";
      count.disabled = false;
    }
  }

  async discard() {
    const text = `Evaluation ${this.number} goes to the trash. It can be restored for 30 days.`;
    if (await ask({ title: `Delete evaluation ${this.number}?`, text, verb: "Delete", danger: true })) {
      this.page.send("discard", { evaluation: this.number }, {});
    }
  }
}
