// The images of an evaluation: which of them, in which order, and what chose them; below it the gallery.
//
// In the address: cell (truth,predicted as places), class, sort, min and max (of the score, 0..1), part (a role or subset),
// show (what lies over the photos), image (the number of the one that is seen large) and view (how it is).

import { getJson } from "../api.js";
import { exact, h, isolated, name } from "../dom.js";
import { section } from "../evaluation_parts.js";
import { holdFocus } from "../focus.js";
import { mountGallery } from "../gallery.js";
import { query, setQuery } from "../place.js";
import { mountRange } from "./range.js";

export const KEPT = ["cell", "class", "sort", "min", "max", "part", "show", "image", "view"]; // in the address

export class EvaluationImages {
  // data: what the server says of the evaluation; onChosen({class, cell}): what chose the images, told at once and after
  // each change; onMatrix(): back to where cells are chosen
  constructor({ number, mapping, data, beside, onChosen, onMatrix }) {
    Object.assign(this, { number, mapping, data, onChosen, onMatrix, parts: null });
    this.chips = h("div", { class: "wb-bar wb-chips" });
    this.filters = h("div", { class: "wb-bar wb-which" });
    this.place = h("div", { id: "wb-evaluate-gallery" });
    this.element = section("Images", beside, this.chips, this.filters, this.place);
  }

  async shown() {
    this.gallery = mountGallery(this.place, { value: { ...this.wanted(), ...asNumbers(["image"]), layout: query().view }, onSeen: (seen) => this.seen(seen) });
    this.mark();
    try {
      this.parts = (await getJson(`/api/evaluations/${this.number}/parts`)).parts;
    } catch {
      return; // the revision is gone: there is nothing to choose from
    }
    this.mark();
  }

  destroy() {
    this.gallery?.destroy();
  }

  // The cell in the address as [t, m]; null where it has none of this evaluation.
  cell() {
    const found = /^(\d{1,3}),(\d{1,3})$/.exec(query().cell ?? "");
    if (!found) return null;
    const [t, m] = [Number(found[1]), Number(found[2])];
    const { truth, predicted } = this.data.axes;
    return t < truth.length && m < predicted.length ? [t, m] : null;
  }

  order() {
    const { class: having, sort } = query();
    return sort ?? (having && !this.cell() ? `class:${having}` : null);
  }

  wanted() {
    const { class: having, part: on, show } = query();
    const { number: evaluation, mapping } = this;
    return { kind: "evaluation", evaluation, mapping, cell: this.cell(), having, sort: this.order(), on, ...asNumbers(["min", "max"]), mode: show, of: this.data.images };
  }

  // Show others: {class}, {cell: "t,m"}, {sort} ...; null takes a choice back.
  async choose(changes) {
    const isStep = "cell" in changes || "class" in changes;
    setQuery({ ...(isStep ? { show: null, min: null, max: null } : {}), ...changes }, { push: isStep });
    const filled = this.gallery.update(this.wanted());
    this.mark();
    await filled; // an empty wall makes the page too short to scroll to it
    if (changes.cell || changes.class) this.element.scrollIntoView({ block: "start" });
  }

  seen({ mode, layout, image }) {
    const usual = this.cell() ? "cell" : "prediction";
    setQuery({ show: mode === usual ? null : mode, image, view: image === null ? null : layout });
  }

  // Say what chose the images, above them and to whoever asked.
  mark() {
    const { class: having = null } = query();
    const cell = this.cell();
    this.onChosen({ class: having, cell });
    const back = holdFocus(this.element);
    this.chips.replaceChildren(...[cell && this.cellChip(cell), having && this.chip("chip-class", { class: null, sort: null }, "with ", name(having)), this.rangeChip()].filter(Boolean));
    this.chips.hidden = !this.chips.children.length;
    this.filters.replaceChildren(...[this.sorts(having, cell), this.classes(having, cell), this.choiceOfParts(), this.range()].filter(Boolean));
    back();
  }

  chip(testid, changes, ...text) {
    return h("span", { class: "wb-filter", dataset: { testid } }, h("span", {}, ...text),
      h("button", { type: "button", "aria-label": "Show all images", title: "Show all images", onclick: () => this.choose(changes) }, "✕"));
  }

  cellChip([t, m]) {
    const { axes, confusion } = this.data;
    const [count, all] = [confusion[t][m], confusion[t].reduce((sum, each) => sum + each, 0)];
    const said = t === m ? `, right: ${exact(count)} pixels` : `: ${exact(count)} pixels, ${share(count, all)} of `;
    const whole = t === m ? null : name(axes.truth[t]);
    return h("span", { class: "wb-bar wb-cell-said" },
      this.chip("chip-cell", { cell: null, sort: null }, h("span", { class: "wb-lit" }), name(axes.truth[t]), " → ", name(axes.predicted[m]), h("span", { class: "wb-hint" }, said, whole)),
      h("button", { type: "button", class: "wb-button wb-plain", onclick: () => this.onMatrix() }, "Back to the matrix"));
  }

  rangeChip() {
    const { min = 0, max = 1 } = asNumbers(["min", "max"]);
    return (min > 0 || max < 1) && this.chip("chip-score", { min: null, max: null }, h("bdi", {}, this.scored()), ` ${Math.round(100 * min)}–${Math.round(100 * max)} %`);
  }

  sorts(having, cell) {
    const groups = [
      cell && ["This confusion", [["cell", "most such pixels first"]]],
      having && [`IoU of ${isolated(having)}`, [[`class:${having}`, `worst IoU of ${isolated(having)} first`], [`-class:${having}`, `best IoU of ${isolated(having)} first`]]],
      ["mIoU of the image", [["miou", "worst image first"], ["-miou", "best image first"]]],
      ["Entropy", [["-entropy", "least sure first"], ["entropy", "surest first"]]],
      ["Name", [["path", "by name"]]],
    ].filter(Boolean);
    const chosen = this.order() ?? (cell ? "cell" : "miou");
    const options = groups.map(([label, orders]) => h("optgroup", { label }, ...orders.map(([value, text]) => h("option", { value, selected: value === chosen }, text))));
    const select = h("select", { id: "wb-evaluate-sort", onchange: () => this.choose({ sort: select.value }) }, ...options);
    return h("label", { class: "wb-select" }, "Sorted ", select);
  }

  classes(having, cell) {
    const names = this.data.axes.truth;
    const select = h("select", { id: "wb-evaluate-class", onchange: () => this.choose({ class: select.value, sort: cell ? query().sort : null }) },
      h("option", { value: "" }, "any class"), ...names.map((value) => h("option", { value, selected: value === having }, value)));
    return h("label", { class: "wb-select" }, "With ", select);
  }

  choiceOfParts() {
    const parts = Object.entries(this.parts ?? {}).filter(([, count]) => count < this.data.images);
    if (!parts.length) return null; // all images are in all of them
    const { part = "" } = query();
    const select = h("select", { id: "wb-evaluate-part", onchange: () => this.choose({ part: select.value }) },
      h("option", { value: "" }, `all (${exact(this.data.images)})`),
      ...parts.map(([value, count]) => h("option", { value, selected: value === part }, `${isolated(value)} (${exact(count)})`)));
    return h("label", { class: "wb-select" }, "Of ", select);
  }

  range() {
    const { min, max } = asNumbers(["min", "max"]);
    return mountRange({ label: this.scored(), low: min, high: max, onChange: (low, high) => this.choose({ min: low, max: high }) });
  }

  // What the score on the tiles is.
  scored() {
    const found = /^-?class:(.*)$/s.exec(this.order() ?? "");
    return found ? `IoU of ${isolated(found[1])}` : "mIoU";
  }
}

// Numbers of the address by their names, those that are none left out.
function asNumbers(names) {
  const asked = query();
  return Object.fromEntries(names.filter((each) => /^\d+(\.\d+)?$/.test(asked[each] ?? "")).map((each) => [each, Number(asked[each])]));
}

function share(count, all) {
  const percents = (100 * count) / all;
  return percents > 0 && percents < 0.1 ? "under 0.1 %" : `${percents.toFixed(1)} %`;
}
