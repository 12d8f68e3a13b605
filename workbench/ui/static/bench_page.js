// One bench: how far it is, its table, what accuracy costs, IoU by class, and what is the matter with what failed.

import { address, getJson, post } from "./api.js";
import { mountCommand } from "./command.js";
import { exact, h, name, percent } from "./dom.js";
import { mountPareto } from "./pareto.js";
import { query, setQuery } from "./place.js";
import { repeat } from "./poll.js";
import { pill } from "./run_words.js";
import { modes, runsHead } from "./runs_head.js";
import { showTable } from "./table.js";

const AXES = { images_per_second: "Speed", parameters: "Size" };
const NONE = -1; // what is not known is sorted below all

export class BenchPage {
  constructor(element, { project, bench }) {
    Object.assign(this, { project, bench, shown: "", sorts: { figures: { id: "miou", down: true }, classes: { id: "miou", down: true } } });
    this.axis = query().cost === "parameters" ? "parameters" : "images_per_second";
    this.path = `/api/projects/${project}/benches/${encodeURIComponent(bench)}`;
    this.state = h("span", { "aria-live": "polite" });
    this.fault = h("p", { class: "wb-note wb-bad", role: "alert", hidden: true });
    this.goOn = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-bench-go-on", hidden: true, onclick: () => this.act() }, "Go on");
    this.curves = h("a", { class: "wb-button", id: "wb-bench-curves" }, "Learning curves");
    const file = (form, title) => h("a", { class: "wb-button", download: true, href: `${this.path}/table/${form}` }, title);
    this.bar = h("progress", { class: "wb-run-bar", "aria-label": "Trainings done" });
    this.far = h("p", { class: "wb-hint", role: "status" });
    this.parts = Object.fromEntries(["figures", "classes", "faults", "entries", "about"].map((part) => [part, h("div", { id: `wb-bench-${part}` })]));
    this.chart = h("div", {});
    this.pareto = mountPareto(this.chart);
    const axes = modes("mIoU against", Object.entries(AXES), this.axis, (axis) => this.turn(axis));
    this.command = mountCommand();
    const part = (title, ...children) => h("section", { class: "wb-part" }, h("h2", {}, title), ...children);
    this.rest = h("div", { hidden: true },
      this.bar, this.far, h("div", { class: "wb-buttons" }, this.goOn, this.curves, file("markdown", "Save as Markdown"), file("csv", "Save as CSV")),
      this.parts.faults, part("Table", this.parts.figures, this.parts.about),
      part("What accuracy costs", h("div", { class: "wb-bar" }, axes), this.chart,
        h("p", { class: "wb-hint" }, "Diamonds, joined by the line, are those that no other beats in both. Bars: the standard deviation over seeds.")),
      part("IoU by class, %", this.parts.classes), part("Trainings", this.parts.entries), this.command.element);
    element.replaceChildren(runsHead(project, "benches"), h("p", { class: "wb-back" }, "‹ ", h("a", { href: address("/runs", { project, tab: "benches" }) }, "All benches")),
      h("h2", { class: "wb-bench-name" }, name(bench), " ", this.state), this.fault, this.rest);
    this.look = repeat(() => this.read(), 2000);
    document.addEventListener("wb-task", () => this.look.wake());
  }

  async read() {
    try {
      const found = await getJson(this.path);
      this.tell("");
      const now = JSON.stringify(found);
      if (now !== this.shown) this.draw(found);
      this.shown = now;
      return found.state === "running";
    } catch (error) {
      this.tell(error.status === 404 ? "There is no such bench yet. One that was just started appears here as soon as its data are frozen." : error.message);
      return error.status === 0 || error.status === 404;
    }
  }

  tell(text) {
    this.fault.hidden = !text;
    this.fault.textContent = text;
  }

  async act() {
    this.goOn.disabled = true;
    try {
      await post(`${this.path}/go-on`);
      document.dispatchEvent(new Event("wb-open-tray"));
    } catch (error) {
      this.tell(error.message);
    }
    this.goOn.disabled = false;
    this.look.wake();
  }

  turn(axis) {
    this.axis = axis;
    setQuery({ cost: axis === "parameters" ? axis : null });
    this.pareto.show(this.found?.rows ?? [], axis);
  }

  // ---- drawing

  draw(found) {
    this.found = found;
    this.rest.hidden = false;
    const { entries, rows, state, plan, about, command } = found;
    this.state.replaceChildren(pill(state));
    const done = entries.filter((entry) => entry.measures || entry.fault).length;
    Object.assign(this.bar, { max: entries.length, value: done });
    this.bar.hidden = state !== "running";
    this.far.textContent = `${done} of ${entries.length} trainings done${this.now(entries)}`;
    this.goOn.hidden = state === "running" || state === "finished";
    this.goOn.textContent = state === "failed" ? "Try again what failed" : "Go on";
    const runs = entries.map(({ run }) => run).filter((run) => run !== null).slice(0, 20);
    this.curves.hidden = !runs.length;
    this.curves.href = address("/runs", { project: this.project, runs: runs.join(",") });
    this.parts.about.replaceChildren(h("details", { class: "wb-about" }, h("summary", {}, "How this was trained, tested and measured"), h("ul", {}, ...about.map((line) => h("li", {}, line)))));
    this.command.say(command);
    this.drawFaults(rows);
    this.drawFigures();
    this.drawClasses(plan.classes);
    this.drawEntries(entries);
    this.pareto.show(rows, this.axis);
  }

  now(entries) {
    const entry = entries.find(({ state }) => ["running", "preparing", "queued", "testing"].includes(state));
    if (!entry || this.found.state !== "running") return "";
    const far = entry.state === "running" && entry.steps ? `, step ${exact(entry.step)} of ${exact(entry.steps)}` : `: ${entry.state}`;
    return `; now ${entry.architecture}, seed ${entry.seed}${far}`;
  }

  drawFaults(rows) {
    const faults = rows.flatMap(({ architecture, faults: found }) => found.map((text) => h("li", {}, h("strong", {}, architecture), `, ${text}`)));
    this.parts.faults.replaceChildren(...(faults.length ? [h("div", { class: "wb-note" }, h("p", {}, "Not trained or not tested:"), h("ul", {}, ...faults))] : []));
  }

  table(part, columns) {
    showTable(this.parts[part], {
      label: part === "figures" ? "Figures by architecture" : "IoU by class", columns, rows: this.found.rows, sort: this.sorts[part],
      onSort: (sort) => {
        this.sorts[part] = sort;
        this.table(part, columns);
      },
    });
  }

  drawFigures() {
    const figure = (id, title, read, write) => ({ id, title, number: true, value: (row) => read(row) ?? NONE, cell: (row) => (read(row) === null || read(row) === undefined ? "n/a" : write(read(row), row)) });
    const best = (axis) => (text, row) => (row.frontier.includes(axis) ? h("span", { title: "No other is as accurate and as good in this" }, text, h("span", { "aria-label": ", on the frontier" }, " ◆")) : text);
    this.table("figures", [
      ARCHITECTURE, MIOU,
      figure("seeds", "Seeds", (row) => row.seeds.length, (count, row) => `${count} of ${row.planned}`),
      figure("parameters", "Parameters, M", (row) => row.parameters, (value, row) => best("parameters")((value / 1e6).toFixed(1), row)),
      figure("speed", "Photos/s", (row) => row.images_per_second, (value, row) => best("images_per_second")(value.toFixed(1), row)),
      figure("memory", "Memory, GiB", (row) => row.memory, (value) => (value / 2 ** 30).toFixed(2)),
      figure("steps", "Steps", (row) => row.steps, (value) => exact(Math.round(value))),
      figure("minutes", "Minutes", (row) => row.minutes, (value) => value.toFixed(1)),
    ]);
  }

  drawClasses(classes) {
    const column = (title, place) => ({ id: `class-${place}`, title: name(title), number: true, value: (row) => row.iou[place]?.mean ?? NONE, cell: (row) => spread(row.iou[place]) });
    this.table("classes", [ARCHITECTURE, MIOU, ...classes.map(column)]);
  }

  drawEntries(entries) {
    const row = ({ architecture, seed, run, state, step, steps: planned, measures }) => h("tr", {},
      h("td", {}, architecture), h("td", { class: "wb-number" }, String(seed)), h("td", {}, pill(state)),
      h("td", { class: "wb-number" }, planned ? `${exact(step)} / ${exact(planned)}` : "–"),
      h("td", { class: "wb-number" }, measures ? percent(measures.miou) : "–"),
      h("td", {}, run === null ? "–" : h("a", { href: address("/runs", { project: this.project, run }) }, `Run ${run}`)),
      h("td", {}, ...(measures?.evaluations ?? []).map((evaluation) => h("a", { href: address("/evaluate", { project: this.project, evaluation }) }, `Evaluation ${evaluation}`))));
    const heads = [["Architecture"], ["Seed", 1], ["State"], ["Step", 1], ["mIoU %", 1], ["Run"], ["Evaluation"]];
    this.parts.entries.replaceChildren(h("div", { class: "wb-table-box" }, h("table", { class: "wb-runs-table wb-still" },
      h("thead", {}, h("tr", {}, ...heads.map(([title, number]) => h("th", { scope: "col", class: number ? "wb-number" : null }, title)))), h("tbody", {}, ...entries.map(row)))));
  }
}

function spread(value) {
  return value ? `${percent(value.mean)}${value.deviation === null ? "" : ` ± ${percent(value.deviation)}`}` : "n/a";
}

const ARCHITECTURE = { id: "architecture", title: "Architecture", value: (row) => row.architecture, cell: (row) => row.architecture };
const MIOU = { id: "miou", title: "mIoU %", number: true, value: (row) => row.miou?.mean ?? NONE, cell: (row) => spread(row.miou) };
