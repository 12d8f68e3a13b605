// The learning curves of several runs over one another: what is read at a step stands in the legend, by run.

import { address, getJson } from "./api.js";
import { mountCurves } from "./curves.js";
import { exact, h, name, percent } from "./dom.js";
import { sample } from "./look.js";
import { query, setQuery } from "./place.js";
import { repeat } from "./poll.js";
import { LIVE, pill } from "./run_words.js";
import { modes, runsHead } from "./runs_head.js";

const CHARTS = [{ id: "loss", title: "Training loss", log: true }, { id: "miou", title: "Validation mIoU", percent: true }];
const MINUTES = { word: "minute", write: (value) => String(Number(value.toPrecision(3))) };
const STEPS = { word: "step", write: (value) => exact(Math.round(value)) };

export class RunOverlay {
  constructor(element, { project, runs }) {
    Object.assign(this, { element, project, asked: runs, along: query().x === "minutes" ? "minutes" : "steps", hidden: new Set(), shown: "" });
    this.fault = h("p", { class: "wb-note wb-bad", role: "alert", hidden: true });
    this.charts = h("div", {});
    this.legend = h("div", { class: "wb-table-box" });
    this.files = h("span", { class: "wb-files" });
    const axes = modes("Along the chart", [["steps", "Steps"], ["minutes", "Minutes"]], this.along, (id) => this.turn(id));
    element.replaceChildren(
      runsHead(project, ""), h("p", { class: "wb-back" }, "‹ ", h("a", { href: address("/runs", { project }) }, "All runs")),
      h("h2", {}, "Learning curves"), this.fault,
      h("div", { class: "wb-bar" }, axes, this.files),
      this.charts, h("h3", {}, "Which line is which"), this.legend,
      h("p", { class: "wb-hint" }, "Move along a chart with the pointer or the arrow keys: the legend then tells what each run had there. A loss is the mean over its stretch of the run. Minutes are those of training, pauses left out."));
    this.look = repeat(() => this.read(), 3000);
  }

  turn(along) {
    this.along = along;
    setQuery({ x: along === "minutes" ? along : null });
    this.draw();
  }

  async read() {
    try {
      const { runs } = await getJson(address(`/api/projects/${this.project}/curves`, { runs: this.asked }));
      this.fault.hidden = true;
      const now = JSON.stringify(runs);
      if (now !== this.shown) {
        this.shown = now;
        this.runs = runs;
        this.draw();
      }
      return runs.some(({ state }) => LIVE.has(state));
    } catch (error) {
      this.fault.hidden = false;
      this.fault.textContent = error.message;
      return error.status === 0;
    }
  }

  draw() {
    if (!this.runs) return;
    const seen = this.runs.map((run, look) => ({ run, look })).filter(({ run }) => !this.hidden.has(run.run));
    const charts = CHARTS.map((chart) => ({ ...chart, series: seen.map(({ run, look }) => ({ id: `${chart.id}-${run.run}`, label: run.label, look })) }));
    const curves = mountCurves(this.charts, { charts, along: this.along === "minutes" ? MINUTES : STEPS, onRead: (at, near) => this.tell(at, near) });
    const key = this.along === "minutes" ? "minutes" : "step";
    const points = ({ [key]: x, value }) => x.map((at, place) => [at, value[place]]);
    curves.set(Object.fromEntries(seen.flatMap(({ run }) => CHARTS.map(({ id }) => [`${id}-${run.run}`, points(run[id])]))));
    const file = (kind) => h("a", { class: "wb-button", download: true, href: address(`/api/projects/${this.project}/curves/file/${kind}`, { runs: this.asked, x: this.along }) }, kind.toUpperCase());
    this.files.replaceChildren("Save as ", file("svg"), " ", file("png"), " ", file("csv"));
    this.drawLegend();
  }

  drawLegend() {
    this.cells = new Map();
    const head = (title, number) => h("th", { scope: "col", class: number ? "wb-number" : null }, title);
    const row = (run, look) => {
      const box = h("input", { type: "checkbox", checked: !this.hidden.has(run.run), "aria-label": `Show run ${run.run}`, onchange: () => this.toggle(run.run, box.checked) });
      const cells = [h("td", { class: "wb-number" }), h("td", { class: "wb-number" })];
      this.cells.set(run.run, { cells, run });
      return h("tr", {}, h("td", {}, h("label", { class: "wb-line-choice" }, box, sample(look))),
        h("td", {}, h("a", { href: address("/runs", { project: this.project, run: run.run }) }, `${run.run} `, name(run.name))),
        h("td", { class: "wb-wraps" }, name(run.differences.join(", ") || "like the others")), h("td", {}, pill(run.state)), ...cells,
        h("td", { class: "wb-number" }, run.best === null ? "–" : `${percent(run.best)} %`));
    };
    this.legend.replaceChildren(h("table", { class: "wb-runs-table wb-still", id: "wb-curves-legend" },
      h("thead", {}, h("tr", {}, head("Line"), head("Run"), head("Differs by"), head("State"), head("Loss", true), head("val mIoU", true), head("Best", true))),
      h("tbody", {}, ...this.runs.map(row))));
    this.tell(null);
  }

  tell(at, near = null) {
    for (const { cells: [loss, miou], run } of this.cells.values()) {
      const found = (id) => (near && at !== null && !this.hidden.has(run.run) ? near(`${id}-${run.run}`)?.[1] : run[id].value.at(-1));
      const [a, b] = [found("loss"), found("miou")];
      loss.textContent = a === undefined ? "–" : a.toPrecision(3);
      miou.textContent = b === undefined ? "–" : `${percent(b)} %`;
    }
  }

  toggle(run, on) {
    if (on) this.hidden.delete(run);
    else this.hidden.add(run);
    this.draw();
    this.legend.querySelector(`[aria-label="Show run ${run}"]`).focus();
  }
}
