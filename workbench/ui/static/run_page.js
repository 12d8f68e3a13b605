// One run, live: how far it is, its curves, its predictions, its log, what it was asked to do, and what to do with it.

import { address, getJson, post } from "./api.js";
import { mountBars } from "./bars.js";
import { mountCurves } from "./curves.js";
import { ask } from "./dialog.js";
import { exact, h, isolated, moment, percent } from "./dom.js";
import { repeat } from "./poll.js";
import { mountDetails } from "./run_details.js";
import { mountExport } from "./run_export.js";
import { RunLog } from "./run_log.js";
import { RunSamples } from "./run_samples.js";
import { bestVal, left, LIVE, pill, RESUMABLE, score, steps } from "./run_words.js";
import { marked } from "./train_field.js";
import { followTask, preparingText } from "./task.js";
import { otherProject } from "./which_project.js";
import { term } from "./words.js";

const CHARTS = [
  { id: "loss", title: "Loss", word: "loss", log: true, series: [{ id: "loss", label: "train" }] },
  { id: "miou", title: "mIoU", percent: true, series: [{ id: "val", label: "val" }, { id: "train", label: "train (running)", dashed: true }] },
  { id: "lr", title: "Learning rate", word: "rate", series: [{ id: "lr", label: "learning rate" }] },
  { id: "speed", title: "Photos a second", series: [{ id: "speed", label: "trained on" }] },
];

const TOLD = {
  Step: () => [term("step", "Step")], "Best val mIoU": bestVal, "Waits for data": () => [term("waits", "Waits for data")], Computes: () => [term("computes", "Computes")],
};
const PREPARING = "Preparing: photos are decoded, the network is built and its speed is measured.";
const BEGINS = "The first steps are under way. The curves begin with them.";
const MEASURED = "on photos at the size they are trained at; an evaluation takes them at their own size, so its figure differs a little";
const STOPPING = { running: "Stopping after this step, then saving…", preparing: "Stopping…", queued: "Stopping…" };

export class RunPage {
  constructor(element, { project, run }) {
    Object.assign(this, { element, project, run, position: 0, points: {}, validations: [], waiting: "", asked: null, refused: "", lost: false });
    this.open();
  }

  async open() {
    const back = h("a", { href: `/runs?project=${this.project}` }, "All runs");
    try {
      this.info = await getJson(`/api/runs/${this.run}`);
    } catch (error) {
      this.element.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, error.message), back));
      return;
    }
    const { project_id: project } = this.info;
    if (project !== this.project) {
      this.element.replaceChildren(otherProject(`Run ${this.run} belongs`, address("/runs", { project, run: this.run })));
      return;
    }
    this.build(back);
    this.look = repeat(() => this.read(), 1000);
    document.addEventListener("wb-task", ({ detail }) => {
      if (detail.kind === "run" && detail.id === this.run) this.look.wake();
      if (detail.kind === "task") this.exports.look().catch((error) => this.tell(error.message));
    });
  }

  build(back) {
    const { name, architecture, created_at: at, revision } = this.info;
    const about = [`run ${this.run}`, !name.startsWith(architecture) && architecture, `revision ${revision.slice(0, 8)}`, moment(at)].filter(Boolean);
    this.state = h("span", { "aria-live": "polite" });
    this.sentence = h("p", { class: "wb-note", role: "status", hidden: true });
    this.fault = h("p", { class: "wb-note wb-bad", role: "alert", hidden: true });
    this.bar = h("progress", { class: "wb-run-bar", "aria-label": "Steps done" });
    this.figures = h("dl", { class: "wb-figures", id: "wb-run-figures" });
    const button = (id, text, act, kind = "") => h("button", { type: "button", id: `wb-run-${id}`, class: `wb-button ${kind}`, onclick: act }, text);
    this.stop = button("stop", "Stop", () => this.act("stop"));
    this.resume = button("resume", "Resume", () => this.act("resume"), "wb-primary");
    this.remove = button("delete", "Delete", () => this.discard());
    const link = (id, text) => h("a", { id: `wb-run-${id}`, class: "wb-button" }, text);
    this.uses = [link("evaluate", "Evaluate"), link("use", "Use"), link("further", "Train on from it")];
    const part = (title, id, open, ...children) => h("details", { class: "wb-part", id: `wb-run-${id}`, open }, h("summary", {}, title), ...children);
    const [charts, bars, samples, log, details, exported] = Array.from({ length: 6 }, () => h("div", {}));
    this.barsPart = part("IoU by class", "classes", true, bars);
    this.samples = new RunSamples(samples, this.run);
    const logPart = part("Log", "log", false, log);
    this.log = new RunLog(log, `/api/runs/${this.run}/log`);
    this.readLog = () => logPart.open && this.log.read();
    logPart.addEventListener("toggle", this.readLog);
    this.element.replaceChildren(
      h("p", { class: "wb-back" }, "‹ ", back),
      h("div", { class: "wb-page-head" }, h("h1", {}, h("bdi", {}, name), h("span", { class: "wb-hint" }, ` ${about.join(" · ")}`)), this.state),
      this.bar, this.sentence, this.fault, h("div", { class: "wb-buttons" }, this.stop, this.resume, ...this.uses, this.remove), this.figures,
      charts, h("div", { class: "wb-two-columns" }, this.barsPart, part("Predictions at each validation", "samples", true, samples)),
      part("Weights to take away", "weights", true, exported), logPart, part("Recipe as used", "recipe", false, details));
    this.curves = mountCurves(charts, { charts: CHARTS });
    this.bars = mountBars(bars, { rows: [], empty: "The first validation will fill this." });
    this.exports = mountExport(exported, this.run, this.project, () => this.info.checkpoints);
    this.details = mountDetails(details, this.run);
    this.show();
  }

  // ---- what is new

  async read() {
    try {
      const series = await getJson(`/api/runs/${this.run}/series?after=${this.position}`);
      this.take(series);
      const live = LIVE.has(series.state) && !(series.state === "queued" && /^Not started/.test(series.figures.sentence ?? ""));
      await Promise.all([this.readLog(), this.refresh(series)]);
      this.lost = false;
      this.tell("");
      return live;
    } catch (error) {
      this.lost = error.status === 0;
      this.show();
      this.tell(error.message);
      return error.status !== 401 && error.status !== 404;
    }
  }

  take({ position, state, figures, rewind, steps: added, validations, messages }) {
    this.position = position;
    if (rewind !== null) this.goBackTo(rewind);
    const columns = { loss: added.loss, lr: added.lr, train: added.train_miou, speed: added.images_per_second };
    const fresh = {};
    for (const [id, values] of Object.entries(columns)) fresh[id] = values.map((value, i) => [added.step[i], value]).filter(([, value]) => value !== null);
    fresh.val = validations.filter(({ miou }) => miou !== null).map(({ step, miou }) => [step, miou]);
    for (const [id, points] of Object.entries(fresh)) (this.points[id] ??= []).push(...points);
    this.validations.push(...validations);
    if (rewind === null) this.curves.append(fresh);
    else this.curves.set(this.points);
    this.curves.mark(figures.best_step ?? null);
    this.waiting = messages.reduce((last, { kind, text }) => (kind === "queued" ? text.replace(/^queued: /, "") : kind === "started" || kind === "end" ? "" : last), this.waiting);
    Object.assign(this, { stateNow: state, numbers: figures });
    this.show();
    if (validations.length || rewind !== null) this.drawBars();
  }

  goBackTo(step) {
    for (const id of Object.keys(this.points)) this.points[id] = this.points[id].filter(([x]) => x <= step);
    this.validations = this.validations.filter((point) => point.step <= step);
  }

  // What other routes tell, asked again only when a validation or the end may have changed it.
  async refresh({ validations, state }) {
    const changed = state !== this.lastState;
    this.isOld ||= changed || validations.length > 0;
    if (!this.isOld) return;
    this.info = await getJson(`/api/runs/${this.run}`);
    await Promise.all([this.samples.read(LIVE.has(state)), this.exports.look(), changed && this.details.read()]);
    Object.assign(this, { lastState: state, isOld: false }); // not before: what failed is asked for again
    this.show();
  }

  // ---- drawing

  show() {
    const state = this.stateNow ?? this.info.state;
    const known = this.numbers ?? {};
    const stopping = LIVE.has(state) && (known.stopping || this.asked === "stop");
    const old = this.lost && LIVE.has(state); // what is shown was so when the workbench last answered
    const badge = old ? "no answer" : stopping ? "stopping" : state;
    if (this.shownState !== badge) this.state.replaceChildren(pill(badge));
    this.shownState = badge;
    document.title = `${this.info.name}: ${state === "running" ? steps(known.step, known.steps) : state}`;
    const { done, total } = state === "preparing" ? known.preparing ?? {} : { done: known.step ?? 0, total: known.steps };
    this.bar.hidden = old || !LIVE.has(state) || !total;
    this.bar.setAttribute("aria-label", state === "preparing" ? "Prepared" : "Steps done");
    if (total) Object.assign(this.bar, { max: total, value: done });
    const preparing = [PREPARING, preparingText(known.preparing)].filter(Boolean).join("\n");
    const waits = { queued: this.waiting || known.sentence, preparing, running: known.step ? "" : BEGINS }[state] ?? known.sentence;
    const said = old ? "" : stopping ? STOPPING[state] : this.asked === "resume" ? "Resuming: the trainer is being started…" : waits;
    this.sentence.hidden = !said;
    this.sentence.replaceChildren(...marked(said ?? ""));
    this.sentence.classList.toggle("wb-bad", state === "failed" || state === "interrupted");
    this.stop.hidden = !LIVE.has(state);
    this.stop.disabled = stopping;
    this.resume.disabled = this.asked === "resume";
    this.resume.hidden = !RESUMABLE.has(state) && !(state === "queued" && /^Not started/.test(known.sentence ?? ""));
    this.remove.hidden = LIVE.has(state) && this.resume.hidden;
    const [kind] = this.info.checkpoints; // the best, else the last
    const model = `${this.run}:${kind}`;
    const ways = [["/evaluate", { model }], ["/use", { model }], ["/train", { init: model, arch: this.info.architecture }]];
    this.uses.forEach((link, i) => {
      link.hidden = !kind;
      link.href = address(ways[i][0], { project: this.project, ...ways[i][1] });
    });
    this.drawFigures(this.facts(state, known));
  }

  // Only what is another now is drawn: the others may be marked, to be copied.
  drawFigures(facts) {
    this.cells ??= new Map();
    const titles = facts.map(([title]) => title);
    for (const [title, value] of facts) {
      const cell = this.cells.get(title) ?? { term: h("dt", {}, ...(TOLD[title]?.() ?? [title])), value: h("dd", {}) };
      this.cells.set(title, cell);
      const [figure, beside] = [value].flat();
      if (cell.shown === figure) continue;
      cell.shown = figure;
      cell.value.replaceChildren(...marked(figure), ...(beside ? [h("span", { class: "wb-hint wb-beside" }, beside)] : []));
    }
    if (this.titles === titles.join()) return;
    this.titles = titles.join();
    this.figures.replaceChildren(...titles.map((title) => h("div", {}, this.cells.get(title).term, this.cells.get(title).value)));
  }

  // [title, figure] or [title, [figure, what is said beside it]]
  facts(state, known) {
    const settled = this.details?.settled;
    const rows = [
      ["Step", steps(known.step, known.steps)], state === "running" && known.eta != null && ["Time", left(known.eta)],
      ["Best val mIoU", known.best_step === undefined ? "–" : [`${score(known.best_miou)} at step ${exact(known.best_step)}`, MEASURED]],
      ["Speed", known.images_per_second ? `${known.images_per_second.toFixed(1)} photos/s` : "–"],
      ["Waits for data", known.data_wait_share == null ? "–" : `${percent(known.data_wait_share)} % of the time`],
      settled && ["Computes", `${settled.precision} on ${settled.device}`], settled && ["Photos", `${exact(settled.images)} to train on, ${exact(settled.validation_images)} to validate on`],
      known.init && ["Starts from", known.init.split(/\n|\. /)[0]],
    ];
    return rows.filter(Boolean);
  }

  drawBars() {
    const last = this.validations[this.validations.length - 1];
    if (!last) return;
    const rows = this.info.classes.map(({ name, color }, i) => ({ name, color, value: last.iou[i] ?? null, title: last.iou[i] === null ? "n/a: in neither truth nor prediction" : null }));
    this.barsPart.querySelector("summary").textContent = `IoU by class at step ${exact(last.step)}, in percent`;
    this.bars.update({ rows });
  }

  // What an action was refused with stays until the next one; what a look met, until one goes well.
  tell(fault) {
    const text = fault || this.refused;
    this.fault.hidden = !text;
    this.fault.textContent = text;
  }

  // ---- acting

  // Acknowledged at once: it is a task, which takes seconds until anything of it shows.
  async act(what) {
    this.asked = what;
    this.refused = "";
    this.show();
    try {
      const { id } = await post(`/api/runs/${this.run}/${what}`);
      followTask(id, (task) => task?.state !== "running" && this.done(what, task?.state === "finished" ? "" : task?.sentence));
    } catch (error) {
      this.done(what, error.message);
    }
  }

  async done(what, fault) {
    if (this.asked !== what) return; // the next thing was asked for meanwhile
    this.refused = fault ?? "";
    this.tell("");
    await this.look.wake();
    this.asked = null;
    this.show();
  }

  async discard() {
    const text = "Its weights, curves and predictions go to the trash. It can be restored for 30 days, from the list of runs.";
    if (!await ask({ title: `Delete run ${this.run}, ${isolated(this.info.name)}?`, text, verb: "Delete", danger: true })) return;
    try {
      await post(`/api/runs/${this.run}/discard`);
      location.href = `/runs?project=${this.project}`;
    } catch (error) {
      this.tell(error.message);
    }
  }
}
