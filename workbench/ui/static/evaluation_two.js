// Two evaluations side by side: what differs between them, every figure, the drop per class, and their images.

import { address, getJson } from "./api.js";
import { mountBars } from "./bars.js";
import { h, percent } from "./dom.js";
import { FIGURES, points, provenance, section } from "./evaluation_parts.js";
import { mountPairs } from "./evaluation_pairs.js";
import { mountGallery } from "./gallery.js";
import { term } from "./words.js";

export class TwoEvaluations {
  constructor(page, { a, b }) {
    Object.assign(this, { page, a: Number(a), b: Number(b), galleries: [], what: `Evaluations ${a} and ${b} belong` });
  }

  async load(signal) {
    const both = { a: this.a, b: this.b };
    [this.data, this.pairs] = await Promise.all([
      getJson(address("/api/evaluations/compare", both), { signal }),
      getJson(address("/api/evaluations/compare/images", { ...both, limit: 1 }), { signal }),
    ]);
    const bars = h("div", { id: "wb-compare-classes" });
    mountBars(bars, { rows: this.rows(), titles: ["a %", "b %"], onChoose: null });
    this.place = h("div", { id: "wb-compare-images" });
    return [
      this.page.back(), this.head(), this.notes(),
      h("div", { class: "wb-halves wb-narrow-first" }, section("Figures", this.beside(), this.figures()), section("IoU per class, the largest drop first", this.beside(), bars)),
      section("Images", this.beside(), this.place),
    ];
  }

  shown() {
    if (this.pairs.total) {
      this.shownPairs = mountPairs(this.place, { a: this.a, b: this.b, counts: { a: this.data.a.images, b: this.data.b.images } });
      return;
    }
    const sides = ["a", "b"].map((letter) => {
      const place = h("div");
      return { place, letter, element: h("div", {}, h("h3", {}, `${letter}: the worst of evaluation ${this[letter]}`), place) };
    });
    this.place.replaceChildren(h("p", { class: "wb-hint-line" }, "The two have no image in common: each shows its own, the worst first."),
      h("div", { class: "wb-halves" }, ...sides.map(({ element }) => element)));
    this.galleries = sides.map(({ place, letter }) => mountGallery(place, { value: { kind: "evaluation", evaluation: this[letter] }, tile: 200 }));
  }

  destroy() {
    for (const gallery of this.galleries) gallery.destroy();
    this.shownPairs?.destroy();
  }

  head() {
    const side = (letter) => h("div", { class: "wb-side" },
      h("strong", {}, `${letter}: `, this.page.link({ evaluation: this[letter] }, `Evaluation ${this[letter]}`)), provenance(this.data[letter]),
      this.data[letter].leaks > 0 && h("p", { class: "wb-warn" }, `${this.data[letter].leaks} of its images were in the model's training: its figures flatter it.`));
    const swap = h("button", { class: "wb-button", type: "button", id: "wb-compare-swap", onclick: () => this.page.go({ a: this.b, b: this.a }) }, "Swap a and b");
    return h("div", {}, h("div", { class: "wb-page-head" }, h("h1", {}, `Evaluations ${this.a} and ${this.b}`), swap),
      h("div", { class: "wb-halves" }, side("a"), side("b")));
  }

  notes() {
    const { notes } = this.data;
    const found = notes.length ? notes : ["Same images, classes and size: the figures can be compared as they are."];
    return h("ul", { class: "wb-notes", id: "wb-compare-notes" }, ...found.map((note) => h("li", {}, h("bdi", {}, note))));
  }

  beside() {
    const { a, b } = this.data;
    const one = (letter, { model, dataset, on }) => h("bdi", {}, `${letter}: ${model} on ${dataset} / ${on}`);
    return h("p", { class: "wb-provenance" }, one("a", a), " · ", one("b", b), " · difference b − a in points");
  }

  figures() {
    const change = (value) => (value === null || Math.abs(value) < 0.0005 ? "" : value < 0 ? "wb-down" : "wb-up");
    const rows = FIGURES.map(([key, label]) => {
      const { a, b, difference } = this.data.metrics[key];
      return h("tr", { dataset: { testid: `figure-${key}` } }, h("th", { scope: "row" }, term(key, label)),
        ...[a, b].map((value) => h("td", { class: "wb-number" }, percent(value))),
        h("td", { class: `wb-number ${change(difference)}` }, points(difference)));
    });
    const head = ["figure", "a %", "b %", "difference"].map((title, place) => h("th", { scope: "col", class: place ? "wb-number" : null }, title));
    return h("table", { class: "wb-table" }, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows));
  }

  rows() {
    const drop = ({ iou }) => iou.difference ?? Infinity;
    return [...this.data.classes].sort((x, y) => drop(x) - drop(y)).map(({ name, color, iou }) => ({
      name, color, value: iou.a, other: iou.b, title: iou.difference === null ? "n/a in one of the two: no difference" : null,
    }));
  }
}
