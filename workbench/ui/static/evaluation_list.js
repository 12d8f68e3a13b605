// The evaluations of a project as a table, the newest first, with those that are being made above it.

import { getJson, isAbort } from "./api.js";
import { partName } from "./dataset_part.js";
import { exact, h, moment, name, percent } from "./dom.js";
import { wayByName } from "./evaluation_parts.js";
import { keepFocus } from "./focus.js";
import { followTask, progressText } from "./task.js";
import { drawTrash } from "./trash.js";
import { term } from "./words.js";

const PAGE = 25;
const MOST = 20; // in one comparison

export class EvaluationList {
  constructor(page) {
    Object.assign(this, { page, at: 0, ticked: new Set(), follows: [] });
  }

  async load(signal) {
    this.signal = signal;
    await this.read();
    this.pending = h("div", { class: "wb-pending", role: "status" });
    this.body = h("div");
    this.draw();
    return [this.pending, this.body, this.trash()];
  }

  async read() {
    const { project } = this.page.value;
    this.rows = (await getJson(`/api/projects/${project}/evaluations`, { signal: this.signal })).evaluations;
  }

  shown() {
    this.follows = this.page.value.pending.map((task) => this.follow(task, this.pending.appendChild(h("p", {}, "Starting …"))));
  }

  destroy() {
    for (const { stop } of this.follows) stop();
  }

  follow(id, row) {
    let watched = false; // what ended before anybody looked leads nowhere
    return followTask(id, (task) => {
      const awaited = task?.state !== "running" && this.page.over(id) && watched;
      if (!task) row.remove();
      else if (task.state === "finished") this.finished(task.result, row, awaited);
      else if (task.state === "running") {
        watched = true;
        const { progress } = task;
        const text = progressText(task) || "Loading the model …";
        if (row.dataset.shown === text) return; // an endless bar would begin anew
        row.dataset.shown = text;
        const bar = h("progress", { class: "wb-run-bar", ...(progress?.total ? { max: progress.total, value: progress.done } : {}) });
        row.replaceChildren(name(task.title), h("span", { class: "wb-hint" }, text), bar);
      } else {
        row.className = "wb-bad";
        row.replaceChildren(h("span", {}, name(task.title), `: ${task.state}. ${task.sentence ?? ""}`));
        this.draw(); // that there is none yet is true again
      }
    });
  }

  // Whoever waits for it is led there; anybody else stays where they are, and is told.
  async finished({ evaluation }, row, awaited) {
    if (awaited) return this.page.go({ evaluation });
    row.replaceChildren(this.page.link({ evaluation }, `Evaluation ${evaluation} is done`));
    try {
      await this.read();
      this.draw();
    } catch (error) {
      if (!isAbort(error)) row.append(h("span", { class: "wb-bad" }, ` ${error.message}`));
    }
  }

  // ---- the table

  draw() {
    keepFocus(this.body, () => this.body.replaceChildren(...this.content()));
  }

  content() {
    if (!this.rows.length) {
      return this.page.value.pending.length ? [] : [h("p", { class: "wb-message" },
        "No evaluation yet. Choose a model and images above: the result shows where it fails, class by class and image by image.")];
    }
    const { size } = this.ticked;
    const compare = h("button", { class: "wb-button", type: "button", id: "wb-evaluate-compare", disabled: size < 2 || size > MOST,
      onclick: () => this.compare() }, size > 2 ? `Compare ${size}` : "Compare");
    const text = size > MOST ? `At most ${MOST} can be compared at once.` : size === 1 ? "Tick another one, or more, to compare them." : size ? "" : "Tick two or more to compare them.";
    const hint = h("span", { class: "wb-hint", role: "status" }, text);
    const none = size > 0 && h("button", { class: "wb-button wb-plain", type: "button", onclick: () => { this.ticked.clear(); this.draw(); } }, "Tick none");
    const columns = [[""], ["Evaluation"], ["Model"], ["Tested on"], [term("miou", "mIoU"), " %"], [term("pa", "Pixel accuracy"), " %"], ["Images"], ["Size"], ["Refined by"], ["Made"]];
    const numbers = new Set([4, 5, 6]); // places of the columns that are
    const table = h("table", { class: "wb-table", id: "wb-evaluate-list" },
      h("thead", {}, h("tr", {}, ...columns.map((title, place) => h("th", { scope: "col", class: numbers.has(place) ? "wb-number" : null }, ...title)))),
      h("tbody", {}, ...this.rows.slice(this.at, this.at + PAGE).map((row) => this.row(row))));
    return [h("div", { class: "wb-bar" }, compare, hint, none, this.pager()), h("div", { class: "wb-wide" }, table)];
  }

  row(row) {
    const { evaluation, model, images, miou, pa, size, refinement, created_at, leaks, note } = row;
    const tick = h("input", { type: "checkbox", checked: this.ticked.has(evaluation), "aria-label": `Compare evaluation ${evaluation}`,
      onchange: () => this.tick(evaluation, tick.checked) });
    const warning = leaks > 0 && h("span", { class: "wb-warn", title: `${exact(leaks)} of ${exact(images)} images were in the model's training` }, `${exact(leaks)} seen in training`);
    const cell = (child, className = null) => h("td", { class: className }, child);
    return h("tr", {}, cell(tick), cell(this.page.link({ evaluation }, `Evaluation ${evaluation}`)), cell(name(model)),
      h("td", {}, partName(row), " ", warning, note && h("span", { class: "wb-warn wb-fault-note" }, note, " ", wayByName(this.page, evaluation))),
      cell(percent(miou), "wb-number"), cell(percent(pa), "wb-number"), cell(exact(images), "wb-number"), cell(size), cell(refinement || ""),
      h("td", { title: created_at }, moment(created_at)));
  }

  tick(evaluation, on) {
    if (on) this.ticked.add(evaluation);
    else this.ticked.delete(evaluation);
    this.draw();
  }

  compare() {
    const ids = [...this.ticked].sort((x, y) => x - y); // the oldest is the baseline
    this.page.go(ids.length === 2 ? { a: ids[0], b: ids[1] } : { ids: ids.join(",") });
  }

  pager() {
    if (this.rows.length <= PAGE) return null;
    const turn = (label, by) => h("button", { class: "wb-button", type: "button", disabled: this.at + by < 0 || this.at + by >= this.rows.length,
      onclick: () => { this.at += by; this.draw(); } }, label);
    const last = Math.min(this.at + PAGE, this.rows.length);
    return h("span", { class: "wb-pager" }, `${this.at + 1}–${last} of ${exact(this.rows.length)}`, turn("Newer", -PAGE), turn("Older", PAGE));
  }

  trash() {
    const { trash } = this.page.value;
    if (!trash.length) return null;
    return drawTrash(trash.map(({ evaluation, model, gone_at: gone, ...tested }) => ({
      what: [`evaluation ${evaluation}: `, name(model), " on ", partName(tested)], label: `evaluation ${evaluation}`, gone,
      restore: () => this.page.send("restore", { evaluation }),
    })));
  }
}
