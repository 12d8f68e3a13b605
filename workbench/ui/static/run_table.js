// The runs of a project, the newest first, a page at a time, as they go on.

import { address, getJson, post } from "./api.js";
import { exact, h, moment } from "./dom.js";
import { query, setQuery } from "./place.js";
import { repeat } from "./poll.js";
import { bestVal, left, pill, score, steps } from "./run_words.js";
import { runsHead } from "./runs_head.js";
import { drawTrash } from "./trash.js";
import { term } from "./words.js";

const PAGE = 50;
const MOST = 20; // curves on one chart
const HEADS = [[""], ["Run", "number"], ["Name"], ["State"], ["Step", "number"], ["Best val mIoU", "number"], ["Photos/s", "number"], ["Architecture"], ["Revision"], ["Started"]];
const TOLD = { Step: () => [term("step", "Step")], "Best val mIoU": bestVal, Revision: () => [term("revision", "Revision")] };

export class RunTable {
  constructor(element, { project }) {
    Object.assign(this, { project, offset: Math.max(0, Number(query().offset) || 0), shown: "", ticked: new Set() });
    this.body = h("tbody", {});
    this.table = h("div", { class: "wb-table-box" }, h("table", { class: "wb-runs-table", id: "wb-runs-table" },
      h("thead", {}, h("tr", {}, ...HEADS.map(([title, kind]) => h("th", { scope: "col", class: kind ? "wb-number" : null }, ...(TOLD[title]?.() ?? [title]))))), this.body));
    this.newer = h("button", { type: "button", class: "wb-button", onclick: () => this.go(this.offset - PAGE) }, "Newer");
    this.older = h("button", { type: "button", class: "wb-button", onclick: () => this.go(this.offset + PAGE) }, "Older");
    this.place = h("span", { class: "wb-count" });
    this.pages = h("div", { class: "wb-bar", hidden: true }, this.newer, this.older, this.place);
    this.fault = h("p", { class: "wb-note wb-bad", role: "alert", hidden: true });
    this.trash = h("div", {});
    this.curves = h("button", { type: "button", class: "wb-button", id: "wb-runs-curves", onclick: () => location.assign(address("/runs", { project, runs: [...this.ticked].sort((a, b) => a - b).join(",") })) }, "Learning curves");
    this.chosen = h("span", { class: "wb-hint", role: "status" });
    this.choice = h("div", { class: "wb-bar", hidden: true }, this.curves, this.chosen);
    this.empty = h("div", { class: "wb-message", hidden: true }, h("p", {}, "Nothing has been trained here yet."),
      h("a", { class: "wb-button wb-primary", href: `/train?project=${project}` }, "Train a model"));
    element.replaceChildren(
      runsHead(project, "runs", h("a", { class: "wb-button wb-primary", href: `/train?project=${project}` }, "New training")),
      this.fault, this.empty, this.choice, this.table, this.pages, this.trash);
    this.table.hidden = true;
    this.look = repeat(() => this.read(), 2000);
  }

  go(offset) {
    this.offset = Math.max(0, offset);
    setQuery({ offset: this.offset || null });
    this.look.wake();
  }

  async read() {
    try {
      const found = await getJson(address(`/api/projects/${this.project}/runs`, { offset: this.offset, limit: PAGE }));
      this.tell("");
      if (!found.runs.length && this.offset) this.go(PAGE * Math.floor((Math.max(1, found.total) - 1) / PAGE)); // beyond the last
      else this.draw(found);
    } catch (error) {
      this.tell(error.message);
      return error.status !== 401 && error.status !== 404;
    }
    return true;
  }

  tell(text) {
    this.fault.hidden = !text;
    this.fault.textContent = text;
  }

  draw({ total, runs, trash }) {
    const now = JSON.stringify([total, runs, trash]);
    if (now === this.shown) return; // what is selected or focused stays so
    this.shown = now;
    this.empty.hidden = total > 0;
    this.table.hidden = total === 0;
    this.choice.hidden = total < 2;
    this.count();
    const active = document.activeElement;
    const focused = active?.closest("tr")?.dataset.run;
    this.body.replaceChildren(...runs.map((run) => this.row(run)));
    if (focused) this.body.querySelector(`tr[data-run="${focused}"] ${active.matches("input") ? "input" : "a"}`)?.focus();
    this.pages.hidden = total <= PAGE;
    this.newer.disabled = this.offset === 0;
    this.older.disabled = this.offset + PAGE >= total;
    this.place.textContent = `${exact(this.offset + 1)} to ${exact(this.offset + runs.length)} of ${exact(total)}`;
    const open = this.trash.querySelector("details")?.open ?? false;
    this.trash.replaceChildren(...(trash.length ? [drawTrash(trash.map((run) => this.trashed(run)), open)] : []));
  }

  row(run) {
    const cell = (kind, ...children) => h("td", { class: kind }, ...children);
    const link = h("a", { href: `/runs?project=${this.project}&run=${run.run}` }, h("bdi", {}, run.name));
    const box = h("input", { type: "checkbox", checked: this.ticked.has(run.run), "aria-label": `Draw the curves of run ${run.run}`, onchange: () => this.tick(run.run, box.checked) });
    return h("tr", { dataset: { run: run.run }, onclick: (event) => { if (!event.target.closest("a, input, label") && !String(getSelection())) link.click(); } },
      cell("wb-tick", h("label", {}, box)),
      cell("wb-number", String(run.run)), cell(null, link), cell(null, pill(run.state), " ", h("span", { class: "wb-hint" }, run.state === "running" ? left(run.eta) : "")),
      cell("wb-number", steps(run.steps, run.steps_planned)), cell("wb-number", score(run.best?.miou)),
      cell("wb-number", run.images_per_second ? run.images_per_second.toFixed(1) : "–"), cell(null, run.architecture), cell(null, h("code", {}, run.revision.slice(0, 8))), cell(null, moment(run.created_at)));
  }

  tick(run, on) {
    if (on) this.ticked.add(run);
    else this.ticked.delete(run);
    this.count();
  }

  count() {
    const { size } = this.ticked;
    this.curves.disabled = size === 0 || size > MOST;
    this.chosen.textContent = size > MOST ? `${size} ticked; ${MOST} at most can be told apart.` : size ? `${size} ticked` : "Tick runs to lay their curves over one another.";
  }

  trashed({ run, name, gone_at: gone }) {
    return { what: [`run ${run} `, h("bdi", {}, name)], label: `run ${run}`, gone, restore: () => this.restore(run) };
  }

  async restore(run) {
    try {
      await post(`/api/projects/${this.project}/runs/${run}/restore`);
      this.look.wake();
    } catch (error) {
      this.tell(error.message);
    }
  }
}
