// Evaluations compared with one of them, the baseline: what keeps them from being compared, every figure and class with its
// verdict, the images, and the models behind them.
//
// In the address: a and b of two; ids of many, with commas between, and base, the number of the baseline where it is not the
// first of them; figure, which one of the classes is shown.

import { address, getJson, post } from "../../api.js";
import { h, name } from "../../dom.js";
import { FIGURES, provenance, section } from "../../evaluation_parts.js";
import { query, setQuery } from "../../place.js";
import { followTask, progressText } from "../../task.js";
import { term } from "../../words.js";
import { CompareImages } from "./images.js";
import { mountMany } from "./many_figures.js";
import { mountModels } from "./models.js";
import { mountTwo } from "./two_figures.js";
import { howSure, labels, letter } from "./words.js";

// What nobody has counted yet is left out. Of the last two no interval is known: what they are made of is kept of all
// images together. Of the calibration error less is better.
const MORE = [["boundary_f1", "boundary F1"], ["boundary_iou", "boundary IoU"], ["iiou", "instance-weighted IoU"], ["ece", "calibration error"]];
const OF_CLASSES = [["iou", "IoU"], ["precision", "precision"], ["recall", "recall"], ["f1", "F1"]];

export class Compared {
  constructor(page, { a, b, ids, base }) {
    const numbers = [...new Set((ids ?? `${a},${b}`).split(",").filter((each) => /^\d{1,9}$/.test(each)).map(Number))];
    const first = numbers.includes(Number(base)) ? Number(base) : numbers[0];
    Object.assign(this, { page, numbers: ids ? numbers : [Number(a), Number(b)], follows: [] });
    // The baseline first, the others as they were chosen. One compared with itself is asked for by a and b alone.
    this.ids = ids ? [first, ...numbers.filter((each) => each !== first)] : this.numbers;
    this.what = `Evaluations ${this.ids.join(", ")} belong`;
  }

  get isTwo() {
    return this.ids.length === 2;
  }

  async load(signal) {
    await this.read(signal);
    this.figures = h("div", { id: "wb-compare-figures" });
    this.classes = h("div", { id: "wb-compare-classes" });
    [this.saveFigures, this.saveClasses] = [h("span", { class: "wb-compared-save" }), h("span", { class: "wb-compared-save" })];
    this.waiting = h("div", {});
    this.images = new CompareImages({ ids: this.ids, evaluations: this.data.evaluations, start: (work, place, done) => this.start(work, place, done) });
    this.models = h("div", { id: "wb-compare-models" });
    this.sure = h("div", { class: "wb-compared-bar" });
    this.draw();
    return [
      this.page.back(), this.head(), this.notes(), this.waiting,
      section("Figures", null, this.sure, this.figures), section("Classes", h("div", { class: "wb-compared-bar" }, this.choice(), this.saveClasses), this.classes),
      this.images.element, section("Models", null, this.models),
    ];
  }

  async read(signal) {
    this.data = await getJson(address("/api/evaluations/compare/several", { ids: this.ids.join(",") }), { signal });
    const told = labels(this.data.evaluations);
    this.data.evaluations.forEach((each, place) => Object.assign(each, { letter: letter(place), told: told[place], text: `evaluation ${each.evaluation} · ${told[place]}` }));
  }

  shown() {
    this.images.shown();
    mountModels(this.models, { ids: this.ids, project: this.data.project, evaluations: this.data.evaluations });
  }

  destroy() {
    this.isGone = true;
    this.images.destroy();
    for (const { stop } of this.follows) stop();
  }

  // ---- what is compared

  head() {
    const title = this.isTwo ? `Evaluations ${this.ids.join(" and ")}` : `${this.ids.length} evaluations compared`;
    const swap = this.isTwo && h("button", { class: "wb-button", type: "button", id: "wb-compare-swap", onclick: () => this.page.go({ a: this.ids[1], b: this.ids[0] }) }, "Swap a and b");
    return h("div", {}, h("div", { class: "wb-page-head" }, h("h1", {}, title), swap), this.isTwo ? this.sides() : this.list());
  }

  sides() {
    return h("div", { class: "wb-halves" }, ...this.data.evaluations.map((each) => h("div", { class: "wb-side" },
      h("strong", {}, `${each.letter}: `, this.page.link({ evaluation: each.evaluation }, `Evaluation ${each.evaluation}`)), provenance(each), this.leaks(each))));
  }

  // Which letter is which, and the choice of the baseline.
  list() {
    const row = (each, place) => {
      const choose = h("input", { type: "radio", name: "wb-compare-base", checked: place === 0, "aria-label": `Evaluation ${each.evaluation} is the baseline`,
        onchange: () => this.rebase(each.evaluation) });
      const drop = this.ids.length > 2 && h("button", { type: "button", class: "wb-button wb-plain", "aria-label": `Leave evaluation ${each.evaluation} out`, title: "Leave it out", onclick: () => this.leave(each.evaluation) }, "✕");
      return h("tr", {}, h("td", {}, choose), h("td", {}, h("strong", {}, `${each.letter}: `), this.page.link({ evaluation: each.evaluation }, `Evaluation ${each.evaluation}`), provenance(each), this.leaks(each)), h("td", {}, drop));
    };
    const heads = ["Baseline", "Evaluation", ""].map((title) => h("th", { scope: "col" }, title));
    return h("div", { class: "wb-wide" }, h("table", { class: "wb-table", id: "wb-compare-list" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...this.data.evaluations.map(row))));
  }

  leaks({ leaks }) {
    return leaks > 0 && h("p", { class: "wb-warn" }, `${leaks} of its images were in the model's training: its figures flatter it.`);
  }

  rebase(base) {
    this.page.go({ ids: this.numbers.join(","), base: base === this.numbers[0] ? null : base, figure: query().figure });
  }

  leave(evaluation) {
    const ids = this.numbers.filter((each) => each !== evaluation);
    this.page.go({ ids: ids.join(","), base: this.ids[0] === evaluation || this.ids[0] === ids[0] ? null : this.ids[0], figure: query().figure });
  }

  // What keeps the figures from being compared as they are comes first, and is marked.
  notes() {
    const told = this.data.comparisons.flatMap(({ notes, doubts }, place) => notes.map((note) => ({ note, doubt: doubts.includes(note), other: this.data.evaluations[place + 1] })));
    const shown = this.isTwo ? told : told.filter(({ doubt }) => doubt);
    const fine = this.isTwo ? "Same images, classes and size: the figures can be compared as they are." : "All have the same images, classes and size: the figures can be compared as they are.";
    const item = ({ note, doubt, other }) => h("li", { class: doubt ? "wb-doubt" : null }, !this.isTwo && h("strong", {}, `${other.letter} beside a: `), h("bdi", {}, this.isTwo ? note : lettered(note, other.letter)));
    const found = [...shown].sort((x, y) => y.doubt - x.doubt);
    return h("ul", { class: "wb-notes", id: "wb-compare-notes" }, ...(found.length ? found.map(item) : [h("li", {}, fine)]));
  }

  beside() {
    const [{ bootstrap, paired }] = this.data.comparisons;
    const all = this.data.comparisons.every((each) => each.paired === paired);
    const said = h("p", { class: "wb-provenance", id: "wb-compare-sure" }, this.isTwo ? "difference b − a in points" : "differences to the baseline a in points", " · ",
      all ? howSure(bootstrap, paired, this.data.computed) : `95 % intervals: bootstrap over images, paired where an evaluation has those of a; ${bootstrap.resamples.toLocaleString("en-US")} resamples, seed ${bootstrap.seed}.`);
    return this.isTwo ? said : h("div", {}, said, h("p", { class: "wb-hint" }, "▲ better · ▼ worse · ○ one cannot tell: the interval holds 0"));
  }

  // ---- the figures

  draw() {
    const { comparisons, computed } = this.data;
    const whole = FIGURES.map(([key, label]) => ({ id: `figure-${key}`, name: label, head: term(key, label), pairs: comparisons.map(({ metrics }) => metrics[key]) }));
    const bare = (pair) => ({ low: null, high: null, verdict: null, ...pair });
    const more = MORE.map(([key, label]) => ({ id: `figure-${key}`, name: label, head: term(key, label), pairs: comparisons.map((each) => bare(each.more[key])) }));
    const known = more.filter(({ pairs }) => pairs.some(({ a, b }) => a !== null || b !== null));
    this.table(this.figures, "Figures", "figure", [...whole, ...known], null, this.saveFigures);
    this.sure.replaceChildren(this.beside(), this.saveFigures);
    this.drawClasses();
    this.waiting.replaceChildren(...(computed ? [] : [this.compute()]));
  }

  drawClasses() {
    const figure = this.figure();
    const known = this.data.comparisons.map(({ classes }) => new Map(classes.map((row) => [row.name, row[figure]])));
    const rows = this.data.classes.map(({ name: label, color }) => ({
      id: `class-${label}`, name: label, head: h("span", { class: "wb-compared-class" }, h("span", { class: "wb-chip", style: { background: color } }), name(label)),
      pairs: known.map((each) => each.get(label) ?? null),
    }));
    const [, title] = OF_CLASSES.find(([id]) => id === figure);
    this.table(this.classes, `${title} per class`, "class", rows, { id: "difference", down: false }, this.saveClasses);
  }

  table(place, label, first, rows, sort, save) {
    const { evaluations, computed } = this.data;
    const [base, ...others] = evaluations;
    const title = `${label}: ${others.map(({ text }) => text).join(", ")} minus ${base.text}`;
    if (this.isTwo) save.replaceChildren(mountTwo(place, { label, first, rows: rows.map(({ pairs: [pair], ...row }) => ({ ...row, pair })), computed, sort, title }));
    else mountMany(place, { label, first, base, others, rows, computed });
  }

  figure() {
    const { figure } = query();
    return OF_CLASSES.some(([id]) => id === figure) ? figure : "iou";
  }

  choice() {
    const select = h("select", { id: "wb-compare-figure", onchange: () => { setQuery({ figure: select.value === "iou" ? null : select.value }); this.drawClasses(); } },
      ...OF_CLASSES.map(([id, label]) => h("option", { value: id, selected: id === this.figure() }, label)));
    return h("label", { class: "wb-select" }, "Figure ", select);
  }

  // ---- what takes longer than a page waits

  compute() {
    const place = h("span", { role: "status" });
    const button = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-compare-compute", onclick: () => {
      button.disabled = true;
      this.start({ ids: this.ids }, place, async () => { await this.read(); this.draw(); });
    } }, "Compute the intervals");
    return h("div", { class: "wb-bar wb-compare-wait" }, h("span", {}, "With so many images the intervals take some seconds; they are computed once and kept."), button, place);
  }

  async start(work, place, done) {
    place.textContent = "Starting …";
    try {
      const { id } = await post("/api/evaluations/compare/several/start", work);
      if (this.isGone) return; // the page was left meanwhile
      this.follows.push(followTask(id, (task) => {
        if (task?.state === "running") place.textContent = progressText(task) || "Computing …";
        else if (task?.state === "finished") { place.textContent = ""; done(); }
        else place.textContent = task ? `${task.state}. ${task.sentence ?? ""}` : "The task is gone. Try again.";
      }));
    } catch (error) {
      place.textContent = error.message;
    }
  }
}

// A note of two says a and b; beside the same baseline, b is the letter that the evaluation has here.
function lettered(note, to) {
  return note.replace(/\bb = /, `${to} = `).replace(/ in b\b/, ` in ${to}`);
}
