// ROC and precision-recall curves of an evaluation's classes, each against the rest, with the areas below them; those that
// are ticked are drawn, with a mark where the argmax lies.
//
// mountScoreCurves(element, {number, mapping, name, signal}) loads and draws

import { address, getJson, isAbort } from "../../api.js";
import { exact, h, name, percent, svg } from "../../dom.js";
import { lookOf, mark, sample } from "../../look.js";
import { showTable } from "../../table.js";
import { term } from "../../words.js";
import { savePlot } from "../save_plot.js";
import { place, unitPlot } from "./unit_plot.js";

const FIRST = 4; // classes that are drawn at first: the worst
const LOOKS = 20; // lines that can be told apart
const PLOTS = [
  { id: "roc", title: "ROC", across: "false positive rate", up: "recall", x: "false_positive_rate", y: "recall", area: "auc" },
  { id: "precision-recall", title: "Precision and recall", across: "recall", up: "precision", x: "recall", y: "precision", area: "average_precision" },
];

export async function mountScoreCurves(element, options) {
  element.replaceChildren(h("p", { class: "wb-message", role: "status" }, "Loading …"));
  try {
    const found = await getJson(address(`/api/evaluations/${options.number}/curves`, { mapping: options.mapping }), { signal: options.signal });
    const curves = new ScoreCurves(element, { ...options, found });
    await curves.draw();
  } catch (error) {
    if (!isAbort(error)) element.replaceChildren(h("p", { class: "wb-bad", role: "alert" }, error.message));
  }
}

class ScoreCurves {
  constructor(element, options) {
    Object.assign(this, { element, ...options, points: new Map(), sort: { id: "auc", down: false } });
    const drawable = this.found.classes.filter(({ auc }) => auc !== null).sort((a, b) => a.auc - b.auc);
    this.looks = new Map(drawable.slice(0, FIRST).map((each, look) => [each.name, look]));
    this.plots = h("div", { class: "wb-unit-plots" });
    this.table = h("div", { class: "wb-curve-table" });
    element.replaceChildren(
      h("p", { class: "wb-hint-line" }, `Probabilities of sampled pixels in ${this.found.bins} bins. The marks are where the `, "argmax lies. Ticked classes are drawn; at first those with the smallest area."),
      this.plots, this.table);
  }

  async draw() {
    this.drawTable();
    const wanted = [...this.looks.keys()];
    await Promise.all(wanted.filter((each) => !this.points.has(each)).map(async (each) => {
      this.points.set(each, await getJson(address(`/api/evaluations/${this.number}/curves`, { mapping: this.mapping, class: each }), { signal: this.signal }));
    }));
    if (String(wanted) === String([...this.looks.keys()])) this.plots.replaceChildren(...PLOTS.map((plot) => this.plot(plot)));
  }

  plot({ id, title, across, up, x, y, area }) {
    const chosen = [...this.looks].map(([label, look]) => ({ label, look, ...this.points.get(label) }));
    const lines = chosen.map(({ label, look, points }) => ({
      look, label, points: points.map((point) => [point[x], point[y]]),
      tell: (at) => `${label}: ${across} ${percent(points[at][x])} %, ${up} ${percent(points[at][y])} %, from a probability of ${percent(points[at].threshold, 0)} % on`,
    }));
    const [low, high] = [place(0, 0), place(1, 1)];
    const chance = id === "roc" ? [svg("line", { x1: low[0], y1: low[1], x2: high[0], y2: high[1], class: "wb-chance" })] : [];
    const marks = chosen.filter(({ working_point: at }) => at[x] !== null && at[y] !== null).map(({ label, look, working_point: at }) => {
      const { color, shape } = lookOf(look);
      const element = mark(shape, ...place(at[x], at[y]), color, 5);
      element.append(svg("title", {}, `${label}, argmax: ${across} ${percent(at[x])} %, ${up} ${percent(at[y])} %`));
      return element;
    });
    const { plot, said } = unitPlot({ label: `${title}, each class against the rest`, across, up, lines, parts: chance });
    plot.append(...marks);
    const legend = chosen.map(({ label, look, ...areas }) => ({ label: `${label} (${AREAS[area]} ${percent(areas[area])} %)`, color: lookOf(look).color, dash: lookOf(look).dash }));
    return h("figure", { class: "wb-chart", id: `wb-plot-${id}` },
      h("figcaption", {}, h("strong", {}, title), savePlot(plot, `${this.name} ${id}`, { title: `${this.name}: ${title}, each class against the rest`, legend })), plot, said);
  }

  drawTable() {
    const tick = ({ name: label, auc }) => {
      if (auc === null) return "";
      const box = h("input", { type: "checkbox", checked: this.looks.has(label), "aria-label": `Draw ${label}`, disabled: !this.looks.has(label) && this.looks.size >= LOOKS, onchange: () => this.toggle(label, box.checked) });
      return h("label", { class: "wb-line-choice" }, box, this.looks.has(label) && sample(this.looks.get(label)));
    };
    const within = (value, low, high) => (value === null ? null : `${percent(low)} to ${percent(high)} %`);
    showTable(this.table, {
      label: "Areas below the curves", rows: this.found.classes, sort: this.sort, onSort: (sort) => { this.sort = sort; this.drawTable(); },
      columns: [
        { id: "tick", title: "drawn", cell: tick },
        { id: "name", title: "class", value: (row) => row.name, cell: (row) => h("span", { title: row.note }, name(row.name)) },
        { id: "auc", title: "AUC %", number: true, value: (row) => row.auc, cell: (row) => (row.auc === null ? "n/a" : h("span", { title: `± ${percent(row.auc_error, 2)} by binning` }, percent(row.auc))) },
        { id: "ap", title: "AP %", number: true, value: (row) => row.average_precision, cell: (row) => (row.average_precision === null ? "n/a" : h("span", { title: within(row.average_precision, row.average_precision_low, row.average_precision_high) }, percent(row.average_precision))) },
        { id: "recall", title: "recall of the argmax %", number: true, value: (row) => row.working_point.recall, cell: (row) => percent(row.working_point.recall) },
        { id: "precision", title: "precision %", number: true, value: (row) => row.working_point.precision, cell: (row) => percent(row.working_point.precision) },
        { id: "pixels", title: "sampled pixels", number: true, value: (row) => row.pixels, cell: (row) => exact(row.pixels) },
      ],
    });
    const unable = this.found.classes.filter(({ note }) => note);
    if (unable.length) this.table.append(h("details", { class: "wb-about" }, h("summary", {}, `${unable.length} without curves`), h("ul", {}, ...unable.map((row) => h("li", {}, name(row.name), `: ${row.note}`)))));
    this.table.prepend(h("p", { class: "wb-hint-line" }, "Mean ", term("auc", "AUC"), ` ${percent(this.found.mean_auc)} %, mean `, term("ap", "average precision"), ` ${percent(this.found.mean_average_precision)} %`));
  }

  async toggle(label, on) {
    if (on) this.looks.set(label, [...Array(LOOKS).keys()].find((look) => ![...this.looks.values()].includes(look)));
    else this.looks.delete(label);
    try {
      await this.draw();
    } catch (error) {
      if (!isAbort(error)) this.plots.replaceChildren(h("p", { class: "wb-bad", role: "alert" }, error.message));
    }
    [...this.table.querySelectorAll("input")].find((box) => box.getAttribute("aria-label") === `Draw ${label}`)?.focus({ preventScroll: true });
  }
}

const AREAS = { auc: "AUC", average_precision: "AP" };
