// The tray: what is being worked on, in every page. It only watches: closing it, or the tab, stops nothing.

import { getJson, post } from "./api.js";
import { copyButton } from "./copy.js";
import { h } from "./dom.js";
import { repeat } from "./poll.js";
import { RunLog } from "./run_log.js";
import { lasting, preparingText, progressText } from "./task.js";

const LIVE = new Set(["running", "queued", "preparing"]);
const WORDS = {
  running: "running", queued: "waiting", preparing: "preparing", finished: "done", failed: "failed",
  cancelled: "cancelled", interrupted: "interrupted", stopped: "stopped",
};

// -> {button, panel, said}: `said` tells those who do not see the badge. Sends `wb-task` on the document whenever the state of one changes: {detail: task}.
export function mountTray() {
  const badge = h("span", { class: "wb-tray-badge", hidden: true });
  const button = h("button", { class: "wb-tray-button", type: "button", "aria-expanded": "false", "aria-controls": "wb-tray" },
    "Tasks", badge);
  const list = h("ul", { class: "wb-tray-list" });
  const panel = h("section", { id: "wb-tray", class: "wb-tray", "aria-label": "Tasks", hidden: true },
    h("h2", {}, "Tasks"), list);
  const said = h("p", { class: "wb-unseen", role: "status" });
  const tray = new Tray(button, badge, panel, list, said);
  button.addEventListener("click", () => tray.show(panel.hidden));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden || document.querySelector("dialog[open]")) return;
    const inside = panel.contains(document.activeElement);
    tray.show(false);
    if (inside) button.focus();
  });
  document.addEventListener("wb-open-tray", () => tray.show(true));
  repeat(() => tray.look());
  return { button, panel, said };
}

class Tray {
  constructor(button, badge, panel, list, said) {
    Object.assign(this, { button, badge, panel, list, said, rows: new Map(), states: null });
  }

  show(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.panel.querySelector("a, button")?.focus();
  }

  async look() {
    try {
      const { tasks } = await getJson("/api/tasks");
      this.lost("");
      this.draw(tasks);
      this.tell(tasks);
    } catch (error) {
      if (error.status === undefined) throw error;
      this.lost(error.message);
      return error.status !== 401;
    }
  }

  // No answer: what is shown is old. Said on the button, and aloud once.
  lost(text) {
    if (this.button.title === text) return;
    this.button.classList.toggle("wb-lost", Boolean(text));
    this.button.title = text;
    this.said.textContent = text;
  }

  draw(tasks) {
    const live = tasks.filter(({ state }) => LIVE.has(state));
    this.badge.hidden = live.length === 0;
    this.badge.textContent = String(live.length);
    const seen = new Set();
    tasks.forEach((task, place) => {
      const key = keyOf(task);
      seen.add(key);
      if (!this.rows.has(key)) this.rows.set(key, new Row());
      const row = this.rows.get(key);
      row.update(task);
      if (this.list.children[place] !== row.element) this.list.insertBefore(row.element, this.list.children[place] ?? null);
    });
    for (const [key, row] of this.rows) {
      if (seen.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    this.empty ??= h("li", { class: "wb-tray-empty" }, "Nothing is being worked on. Imports, trainings and exports show here.");
    if (tasks.length === 0) this.list.replaceChildren(this.empty);
    else this.empty.remove();
  }

  // Tell the page what changed since the last look. One that is new was started after the page was opened: it may have
  // ended between two looks.
  tell(tasks) {
    const before = this.states;
    this.states = new Map([...(before ?? []), ...tasks.map((task) => [keyOf(task), task.state])]);
    for (const task of before ? tasks : []) {
      if (before.get(keyOf(task)) === task.state) continue;
      this.said.textContent = `${task.title}: ${WORDS[task.state] ?? task.state}`;
      document.dispatchEvent(new CustomEvent("wb-task", { detail: task }));
    }
  }
}

function keyOf({ kind, id }) {
  return `${kind}-${id}`;
}

class Row {
  constructor() {
    this.title = h("a", { class: "wb-tray-title" });
    this.state = h("span", { class: "wb-tray-state" });
    this.bar = h("progress", { class: "wb-tray-progress" });
    this.figures = h("span", { class: "wb-tray-figures" });
    this.sentence = h("p", { class: "wb-tray-sentence" });
    this.logPlace = h("div", { class: "wb-tray-log", hidden: true });
    this.cancel = h("button", { type: "button", class: "wb-button", onclick: () => this.stop() }, "Cancel");
    this.showLog = h("button", { type: "button", class: "wb-button", "aria-expanded": false, onclick: () => this.toggleLog() }, "Log");
    this.copy = copyButton("Copy command", () => this.task.command);
    this.command = h("code", { class: "wb-tray-command" });
    this.element = h("li", { class: "wb-tray-row" },
      h("div", { class: "wb-tray-head" }, this.title, this.state), this.bar, this.figures, this.sentence,
      this.command, h("div", { class: "wb-tray-tools" }, this.cancel, this.showLog, this.copy), this.logPlace);
  }

  update(task) {
    this.task = task;
    const live = LIVE.has(task.state);
    this.title.textContent = task.title;
    if (task.link) this.title.setAttribute("href", task.link);
    else this.title.removeAttribute("href");
    this.state.textContent = WORDS[task.state] ?? task.state;
    this.element.dataset.state = task.state;
    const { done, total } = task.progress ?? {};
    this.bar.hidden = !live;
    if (total) Object.assign(this.bar, { max: total, value: done });
    else this.bar.removeAttribute("value");
    const parts = [task.state === "preparing" ? preparingText(task.progress) : progressText(task), task.rate && `${task.rate.toFixed(1)} a second`, live && task.eta != null && `${lasting(task.eta)} left`];
    this.figures.textContent = live ? parts.filter(Boolean).join(" · ") : "";
    this.sentence.textContent = task.sentence ?? "";
    this.sentence.hidden = !task.sentence;
    this.command.textContent = task.command ?? "";
    this.command.hidden = this.copy.hidden = !task.command;
    if (!live) this.asked = false;
    const [verb, goesOn] = task.kind === "run" ? ["Stop", "Stopping…"] : ["Cancel", "Cancelling…"];
    const ending = Boolean(this.asked || task.stopping);
    this.cancel.hidden = !live;
    this.cancel.disabled = ending;
    this.cancel.textContent = ending ? goesOn : verb;
    if (!this.logPlace.hidden && (live || !this.log.ended)) this.log.read();
  }

  url(rest) {
    return `/api/${this.task.kind === "run" ? "runs" : "tasks"}/${this.task.id}/${rest}`;
  }

  async stop() {
    this.asked = true;
    this.update(this.task);
    try {
      await post(this.url(this.task.kind === "run" ? "stop" : "cancel"));
    } catch (error) {
      this.asked = false;
      this.update(this.task);
      this.sentence.hidden = false;
      this.sentence.textContent = error.message;
    }
  }

  toggleLog() {
    this.log ??= new RunLog(this.logPlace, this.url("log"));
    this.logPlace.hidden = !this.logPlace.hidden;
    this.showLog.setAttribute("aria-expanded", String(!this.logPlace.hidden));
    if (!this.logPlace.hidden) this.log.read();
  }
}
