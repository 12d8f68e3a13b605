// The confusion matrix of an evaluation: what is in its cells and in which order, a search for a class, and a list of what
// is confused most. A cell and an entry of the list open the images with those pixels.
//
// mountMatrix(element, {labels: {truth: [...], predicted: [...]}, counts, chosen: [t, m] or null, alike(), name, onCell(t, m)})
//   -> {update({chosen}), focus(), destroy()}
//   alike: asks the server for the order in which confused classes stand together; name: of the files it is saved as
// In the address: values (truth, prediction or pixels), mistakes (1: the diagonal is left out), arrange (pixels or alike)

import { exact, h, isolated, loadStyle, name } from "../../dom.js";
import { keepFocus } from "../../focus.js";
import { query, setQuery } from "../../place.js";
import { savePlot } from "../save_plot.js";
import { MatrixCanvas } from "./matrix_canvas.js";
import { matrixSvg } from "./matrix_svg.js";
import { MODES, MatrixValues, told } from "./matrix_values.js";

export const KEPT = ["values", "mistakes", "arrange"]; // in the address

const ORDERS = [["", "as the classes are listed"], ["pixels", "most pixels first"], ["alike", "confused ones together"]];
const LISTED = 8; // of the most confused at first, and each time more are asked for
const SEARCHED = 12; // classes from which on one is searched for

export function mountMatrix(element, options) {
  loadStyle();
  return new Matrix(element, options);
}

class Matrix {
  constructor(element, options) {
    Object.assign(this, { element, options, shown: LISTED, by: "pixels", given: options.labels.truth.map((_, index) => index), orders: {} });
    this.read = h("p", { class: "wb-read wb-matrix-read" });
    this.place = h("div", { class: "wb-matrix-place" });
    this.list = h("div", { class: "wb-confusions" });
    this.fault = h("p", { class: "wb-bad", role: "alert", hidden: true });
    this.canvas = new MatrixCanvas(this.place, {
      onCell: (t, m) => this.choose(t, m),
      onTell: (t, m, byKeys) => this.tell(t, m, byKeys),
      onZoom: (state) => this.zoomed(state),
    });
    element.classList.add("wb-matrix");
    element.replaceChildren(this.controls(), this.fault, h("div", { class: "wb-matrix-parts" }, h("div", { class: "wb-matrix-main" }, this.place, this.read), this.list));
    this.draw();
  }

  update({ chosen }) {
    this.options.chosen = chosen;
    if (!this.values) return; // its order is still asked for
    this.canvas.show(this.values, { chosen });
    this.drawList();
  }

  focus() {
    this.canvas.focus();
  }

  destroy() {
    this.canvas.destroy();
  }

  // ---- what is chosen

  controls() {
    const chosen = MODES.some(([mode]) => mode === query().values) ? query().values : "truth";
    const mode = h("select", { id: "wb-matrix-values", onchange: () => { setQuery({ values: mode.value === "truth" ? null : mode.value }); this.draw(); } },
      ...MODES.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
    const mistakes = h("input", { type: "checkbox", id: "wb-matrix-mistakes", checked: query().mistakes === "1", onchange: () => { setQuery({ mistakes: mistakes.checked ? 1 : null }); this.draw(); } });
    const order = h("select", { id: "wb-matrix-order", onchange: () => { setQuery({ arrange: order.value }); this.draw(); } },
      ...ORDERS.map(([value, text]) => h("option", { value, selected: value === (query().arrange ?? "") }, text)));
    const zoom = (label, title, act) => h("button", { type: "button", class: "wb-button", "aria-label": title, title, onclick: act }, label);
    this.smaller = zoom("−", "Smaller", () => this.canvas.zoom(1 / 1.6));
    this.larger = zoom("+", "Larger", () => this.canvas.zoom(1.6));
    this.fitting = zoom("Fit", "Fit", () => this.canvas.fit());
    this.zooms = h("span", { class: "wb-bar wb-matrix-zoom", hidden: true }, this.smaller, this.larger, this.fitting);
    Object.assign(this, { mode, mistakes });
    return h("div", { class: "wb-bar" },
      h("label", { class: "wb-select" }, "Cells ", mode), h("label", { class: "wb-tickable" }, mistakes, "mistakes only"),
      h("label", { class: "wb-select" }, "Order ", order),
      this.options.labels.truth.length >= SEARCHED && this.search(), this.zooms,
      savePlot(() => matrixSvg(this.values), this.options.name, { title: () => `${this.options.name}: rows truth, columns prediction, ${MODES.find(([value]) => value === mode.value)[1]}` }));
  }

  search() {
    const field = h("input", { type: "search", placeholder: "Find a class", "aria-label": "Find a class in the matrix", class: "wb-find-class", oninput: () => {
      const asked = field.value.trim().toLowerCase();
      this.found = asked ? this.values.rows.filter((index) => this.options.labels.truth[index].toLowerCase().includes(asked)) : [];
      this.canvas.show(this.values, { found: new Set(this.found) });
      this.say(asked ? `${exact(this.found.length)} ${this.found.length === 1 ? "class" : "classes"} found${this.found.length ? "; Enter goes to each in turn" : ""}` : "", true);
      this.next = 0;
    }, onkeydown: (event) => {
      if (event.key !== "Enter" || !this.found?.length) return;
      event.preventDefault();
      this.canvas.goTo(this.found[this.next % this.found.length]);
      this.next += 1;
    } });
    return field;
  }

  zoomed({ isLeast, isMost, can }) {
    this.zooms.hidden = !can;
    Object.assign(this.smaller, { disabled: isLeast });
    Object.assign(this.fitting, { disabled: isLeast });
    Object.assign(this.larger, { disabled: isMost });
  }

  // ---- drawing

  async draw() {
    const asked = query().arrange ?? "";
    const order = await this.order(asked);
    if (asked !== (query().arrange ?? "")) return; // another one was chosen meanwhile
    const { labels, counts, chosen } = this.options;
    this.values = new MatrixValues({ labels, counts, order, mode: this.mode.value, mistakes: this.mistakes.checked });
    this.canvas.show(this.values, { chosen });
    if (chosen) this.tell(...chosen, false);
    this.drawList();
  }

  async order(asked) {
    if (asked === "pixels") {
      const pixels = this.options.counts.map((row) => row.reduce((sum, count) => sum + count, 0));
      return [...this.given].sort((a, b) => pixels[b] - pixels[a]);
    }
    if (asked !== "alike") return this.given;
    try {
      this.orders.alike ??= await this.options.alike();
      this.fault.hidden = true;
    } catch (error) {
      this.fault.hidden = false;
      this.fault.textContent = error.message;
    }
    return this.orders.alike ?? this.given;
  }

  drawList() {
    const found = this.values.mistakenMost(this.by, this.shown + 1);
    const { labels, chosen } = this.options;
    const way = (by, text) => h("button", { type: "button", class: "wb-button", "aria-pressed": this.by === by, onclick: () => { this.by = by; this.drawList(); } }, text);
    const entry = ({ t, m, pixels, share }) => h("li", {}, h("button", {
      type: "button", class: "wb-confusion", "aria-pressed": chosen?.[0] === t && chosen?.[1] === m, dataset: { testid: `confusion-${t}-${m}` }, onclick: () => this.choose(t, m),
      onpointerenter: () => this.tell(t, m, false),
      "aria-label": `${isolated(labels.truth[t])} taken for ${isolated(labels.predicted[m])}: ${told(share)} of it, ${exact(pixels)} pixels`,
    }, h("span", { class: "wb-confusion-names" }, name(labels.truth[t]), " → ", name(labels.predicted[m])),
    h("span", { class: "wb-confusion-figures" }, h("b", {}, told(share)), ` · ${exact(pixels)} px`),
    h("span", { class: "wb-confusion-share", style: { width: `${100 * share}%` } })));
    keepFocus(this.list, () => this.list.replaceChildren(
      h("div", { class: "wb-bar" }, h("h3", {}, "Confused most"), way("pixels", "by pixels"), way("share", "by share of the class")),
      found.length ? h("ol", {}, ...found.slice(0, this.shown).map(entry)) : h("p", { class: "wb-message" }, "Nothing: every pixel is right."),
      ...(found.length > this.shown ? [h("button", { type: "button", class: "wb-button", onclick: () => { this.shown += LISTED; this.drawList(); } }, "More")] : [])));
  }

  // What the keys ask for is read aloud; what the pointer passes over is only seen.
  tell(t, m, byKeys) {
    this.say(this.values.sentence(t, m), byKeys);
  }

  say(text, aloud) {
    this.read.toggleAttribute("aria-live", aloud);
    if (aloud) this.read.setAttribute("aria-live", "polite");
    this.read.textContent = text;
  }

  choose(t, m) {
    this.update({ chosen: [t, m] });
    this.tell(t, m, false);
    this.options.onCell(t, m);
  }
}
