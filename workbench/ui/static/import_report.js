// The third step: how the import goes, and what it did, file by file.
//
// mountReport(element, {project, task, onBack, onNew, onDone}) -> {destroy()}
//   onBack: change the answers; onNew: import something else; onDone: it has succeeded

import { address, getJson, isAbort, post } from "./api.js";
import { mountCommand } from "./command.js";
import { exact, h, name as bdi } from "./dom.js";
import { dataPage } from "./place.js";
import { lasting } from "./task.js";
import { term } from "./words.js";

const EVERY = 700; // ms
const PAGE = 50;
const FEW = 10; // files that are read one by one
const COUNTS = [
  ["imported", "imported"], ["updated", "updated"], ["unchanged", "unchanged"], ["conflicts", "conflicts", "conflict"], ["repaired", "repaired", "repaired"],
  ["skipped", "skipped", "skipped"],
];
const WORDS = { "role kept": "role kept", gone: "gone at the source", conflict: "conflict" };

export function mountReport(element, options) {
  const report = new Report(element, options);
  return { destroy: () => report.destroy() };
}

class Report {
  constructor(element, options) {
    Object.assign(this, { element, ...options, action: "", text: "", kind: "", offset: 0, abort: new AbortController() });
    this.command = mountCommand();
    this.watch();
  }

  destroy() {
    clearTimeout(this.timer);
    this.abort.abort();
  }

  ask() {
    const { task, action, text, kind, offset } = this;
    return getJson(address(`/api/imports/${task}`, { action, text, kind, offset, limit: PAGE }), { signal: this.abort.signal });
  }

  async watch() {
    try {
      const told = await this.ask();
      this.command.say(told.command);
      if (told.state === "finished") return this.done(told);
      if (told.state !== "running") return this.failed(told);
      this.running(told);
    } catch (error) {
      if (isAbort(error)) return;
      if (error.status) return this.lost(error.message);
    }
    this.timer = setTimeout(() => this.watch(), EVERY); // also where the workbench does not answer for a while
  }

  running({ title, progress, rate, eta }) {
    if (!this.bar) {
      this.bar = h("progress", { "aria-label": "Progress" });
      this.figures = h("p", { class: "wb-figure-line", role: "status" });
      this.stop = h("button", { type: "button", class: "wb-button", onclick: () => this.cancel() }, "Cancel");
      this.element.replaceChildren(h("h2", {}, bdi(title)), this.bar, this.figures,
        h("p", { class: "wb-hint" }, "It goes on when this page is closed; the tasks above show it."), this.stop, this.command.element);
    }
    if (progress?.total) Object.assign(this.bar, { max: progress.total, value: progress.done });
    const parts = [progress ? `${exact(progress.done)}${progress.total ? ` of ${exact(progress.total)}` : ""} ${progress.what}` : "Starting …",
      rate && `${rate.toFixed(1)} a second`, eta !== null && progress && `${lasting(eta)} left`];
    this.figures.textContent = parts.filter(Boolean).join(" · ");
  }

  async cancel() {
    this.stop.disabled = true;
    await post(`/api/tasks/${this.task}/cancel`).catch((error) => { this.figures.textContent = error.message; });
  }

  failed({ title, state, sentence }) {
    const word = state === "cancelled" ? "was cancelled" : "did not succeed";
    this.element.replaceChildren(h("h2", {}, bdi(title)),
      h("p", { class: "wb-fault-line", role: "alert" }, `It ${word}. ${sentence ?? ""}`),
      h("p", {}, "What it had read until then stays; importing again goes on from there."),
      h("div", { class: "wb-bar" }, this.button("Change the answers and try again", this.onBack, true), this.button("Import something else", this.onNew)),
      this.command.element);
  }

  lost(text) {
    this.element.replaceChildren(h("p", { class: "wb-message", role: "alert" }, `${text} The report is kept no longer; the images are in the gallery.`),
      h("div", { class: "wb-bar" }, this.button("Import something else", this.onNew)));
  }

  done({ report }) {
    this.onDone();
    const told = COUNTS.filter(([key]) => report[key]);
    const counts = (told.length ? told : COUNTS.slice(0, 1)).map(([key, text, word]) =>
      h("div", { dataset: { count: key } }, h("dt", {}, word ? term(word, text) : text), h("dd", {}, exact(report[key]))));
    this.filesPlace = h("div", { class: "wb-report-files" });
    const link = (href, text, primary = false) => h("a", { class: `wb-button ${primary ? "wb-primary" : ""}`, href }, text);
    this.element.replaceChildren(...[
      h("h2", { id: "wb-import-done" }, "Imported into ", bdi(report.dataset)),
      h("dl", { class: "wb-figures" }, ...counts),
      report.unlabelled > 0 && h("p", { id: "wb-import-labelled" }, `${exact(report.labelled)} of the photos came with labels, ${exact(report.unlabelled)} without.`),
      report.notes.length > 0 && h("ul", { class: "wb-notes" }, ...report.notes.map((each) => h("li", {}, bdi(each)))),
      h("p", {}, `The project now has ${exact(report.classes.length)} classes: `, bdi(report.classes.join(", "))),
      h("h3", {}, "What comes next"),
      h("div", { class: "wb-bar wb-next" },
        link(dataPage(this.project, "images", { dataset: report.dataset }), "Look at the images", true),
        link(dataPage(this.project, "roles"), "Deal out roles"),
        link(address("/train", { project: this.project }), "Train"),
        link(address("/evaluate", { project: this.project, tab: "domains", to: `${report.dataset}:all` }), "See what a model makes of them"),
        this.button("Import something else", this.onNew)),
      this.filesPlace, this.command.element,
    ].filter(Boolean));
    this.files(report);
  }

  // The files that were not simply imported, a page at a time.
  files(report) {
    const actions = Object.entries(report.actions);
    const all = actions.reduce((sum, [, count]) => sum + count, 0);
    if (!all) return this.filesPlace.replaceChildren();
    const select = h("select", { "aria-label": "What happened", onchange: () => this.page({ action: select.value, kind: "", offset: 0 }) },
      h("option", { value: "" }, `all (${exact(all)})`),
      ...actions.map(([name, count]) => h("option", { value: name, selected: name === this.action }, `${WORDS[name] ?? name} (${exact(count)})`)));
    const field = h("input", { type: "search", placeholder: "Part of a path", "aria-label": "Part of a path", value: this.text, oninput: () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.page({ text: field.value, offset: 0 }), 250);
    } });
    this.rows = h("div");
    this.select = select;
    const save = h("a", { class: "wb-button", href: `/api/imports/${this.task}/files.csv`, download: `import-${this.task}.csv` }, "Save as CSV");
    this.filesPlace.replaceChildren(...[
      h("h3", {}, "Files to look at"), all > FEW && report.kinds.length < all / 2 && this.kinds(report.kinds),
      h("div", { class: "wb-bar" }, select, field, save), this.rows,
    ].filter(Boolean));
    this.drawRows(report);
  }

  // What went wrong, each kind once with its first file; a click lists the others.
  kinds(kinds) {
    const row = ({ key, action, count, file, reason }) => {
      const button = h("button", { type: "button", class: "wb-button", onclick: () => {
        const chosen = this.kind === key && this.action === action;
        this.page({ kind: chosen ? "" : key, action: chosen ? "" : action, offset: 0 });
      } }, count === 1 ? "1 file" : `${exact(count)} files`);
      this.chosen.push(() => button.setAttribute("aria-pressed", this.kind === key && this.action === action));
      return h("tr", {}, h("td", {}, button), h("td", {}, WORDS[action] ?? action), h("td", {}, bdi(file), ": ", bdi(reason)));
    };
    this.chosen = [];
    const rows = kinds.map(row);
    this.chosen.forEach((mark) => mark());
    return h("div", { class: "wb-wide wb-kinds" }, h("table", { class: "wb-table", "aria-label": "Kinds of trouble" },
      h("thead", {}, h("tr", {}, ...["Show", "What happened", "Such as"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...rows)));
  }

  async page(change) {
    Object.assign(this, change);
    this.select.value = this.action;
    for (const mark of this.chosen ?? []) mark();
    try {
      this.drawRows((await this.ask()).report);
    } catch (error) {
      if (!isAbort(error)) this.rows.replaceChildren(h("p", { class: "wb-fault-line" }, error.message));
    }
  }

  drawRows({ total, files }) {
    const body = files.map(({ file, action, reason }) => h("tr", {}, h("th", { scope: "row" }, bdi(file)), h("td", {}, WORDS[action] ?? action), h("td", {}, bdi(reason))));
    const last = Math.min(total, this.offset + PAGE);
    const step = (text, offset, possible) => h("button", { type: "button", class: "wb-button", disabled: !possible, onclick: () => this.page({ offset }) }, text);
    this.rows.replaceChildren(...[
      h("div", { class: "wb-wide" }, h("table", { class: "wb-table", "aria-label": "Files" },
        h("thead", {}, h("tr", {}, ...["File", "What happened", "Why"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, ...body))),
      total === 0 && h("p", { class: "wb-hint" }, "No file fits."),
      total > PAGE && h("div", { class: "wb-bar" }, step("Back", this.offset - PAGE, this.offset > 0), h("span", { class: "wb-hint" }, `${exact(this.offset + 1)} to ${exact(last)} of ${exact(total)}`), step("Next", this.offset + PAGE, last < total)),
    ].filter(Boolean));
  }

  button(text, act, primary = false) {
    return h("button", { type: "button", class: `wb-button ${primary ? "wb-primary" : ""}`, onclick: act }, text);
  }
}
