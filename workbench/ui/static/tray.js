// The tray: what is being worked on, in every page. It only watches: closing it, or the tab, stops nothing.

import { base, getJson, post } from "./api.js";
import { h } from "./dom.js";

const EVERY = 1000;
const HIDDEN_EVERY = 10000;
const LIVE = new Set(["running", "queued", "preparing"]);
const WORDS = {
  running: "running", queued: "waiting", preparing: "preparing", finished: "done", failed: "failed",
  cancelled: "cancelled", interrupted: "interrupted", stopped: "stopped",
};

// -> {button, panel}. Sends `wb-task` on the document whenever the state of one changes: {detail: task}.
export function mountTray() {
  const badge = h("span", { class: "wb-tray-badge", hidden: true });
  const button = h("button", { class: "wb-tray-button", type: "button", "aria-expanded": "false", "aria-controls": "wb-tray" },
    "Tasks", badge);
  const list = h("ul", { class: "wb-tray-list" });
  const panel = h("section", { id: "wb-tray", class: "wb-tray", "aria-label": "Tasks", hidden: true },
    h("h2", {}, "Tasks"), list);
  const tray = new Tray(button, badge, panel, list);
  button.addEventListener("click", () => tray.show(panel.hidden));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) tray.show(false);
  });
  document.addEventListener("wb-open-tray", () => tray.show(true));
  document.addEventListener("visibilitychange", () => { if (!document.hidden) tray.poll(); });
  tray.poll();
  return { button, panel };
}

class Tray {
  constructor(button, badge, panel, list) {
    Object.assign(this, { button, badge, panel, list, rows: new Map(), states: new Map(), timer: 0 });
  }

  show(open) {
    this.panel.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (open) this.panel.querySelector("a, button")?.focus();
  }

  async poll() {
    clearTimeout(this.timer);
    try {
      const { tasks } = await getJson("/api/tasks");
      this.draw(tasks);
      this.button.classList.remove("wb-lost");
    } catch (error) {
      this.button.classList.add("wb-lost");
      this.button.title = error.message;
      if (error.status === 401) return;
    }
    this.timer = setTimeout(() => this.poll(), document.hidden ? HIDDEN_EVERY : EVERY);
  }

  draw(tasks) {
    const live = tasks.filter(({ state }) => LIVE.has(state));
    this.badge.hidden = live.length === 0;
    this.badge.textContent = String(live.length);
    const seen = new Set();
    tasks.forEach((task, place) => {
      const key = `${task.kind}-${task.id}`;
      seen.add(key);
      const before = this.states.get(key);
      this.states.set(key, task.state);
      if (!this.rows.has(key)) this.rows.set(key, new Row());
      const row = this.rows.get(key);
      row.update(task);
      if (this.list.children[place] !== row.element) this.list.insertBefore(row.element, this.list.children[place] ?? null);
      if (before !== undefined && before !== task.state) {
        document.dispatchEvent(new CustomEvent("wb-task", { detail: task }));
      }
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
}

class Row {
  constructor() {
    this.title = h("a", { class: "wb-tray-title" });
    this.state = h("span", { class: "wb-tray-state" });
    this.bar = h("progress", { class: "wb-tray-progress" });
    this.figures = h("span", { class: "wb-tray-figures" });
    this.sentence = h("p", { class: "wb-tray-sentence" });
    this.log = h("pre", { class: "wb-tray-log", hidden: true, tabindex: "0" });
    this.cancel = h("button", { type: "button", onclick: () => this.stop() }, "Cancel");
    this.showLog = h("button", { type: "button", onclick: () => this.toggleLog() }, "Log");
    this.copy = h("button", { type: "button", onclick: () => this.copyCommand() }, "Copy command");
    this.command = h("code", { class: "wb-tray-command" });
    this.element = h("li", { class: "wb-tray-row" },
      h("div", { class: "wb-tray-head" }, this.title, this.state), this.bar, this.figures, this.sentence,
      this.command, h("div", { class: "wb-tray-tools" }, this.cancel, this.showLog, this.copy), this.log);
  }

  update(task) {
    this.task = task;
    const live = LIVE.has(task.state);
    this.title.textContent = task.title;
    if (task.link) this.title.setAttribute("href", base + task.link);
    else this.title.removeAttribute("href");
    this.state.textContent = WORDS[task.state] ?? task.state;
    this.element.dataset.state = task.state;
    const { done, total, what } = task.progress ?? {};
    this.bar.hidden = !live;
    if (total) Object.assign(this.bar, { max: total, value: done });
    else this.bar.removeAttribute("value");
    const parts = [what && `${what}: ${done}${total ? ` of ${total}` : ""}`,
      task.rate && `${task.rate.toFixed(1)} a second`, live && task.eta != null && `${lasting(task.eta)} left`];
    this.figures.textContent = live ? parts.filter(Boolean).join(" · ") : "";
    this.sentence.textContent = task.sentence ?? "";
    this.sentence.hidden = !task.sentence;
    this.command.textContent = task.command ?? "";
    this.command.hidden = this.copy.hidden = !task.command;
    this.cancel.hidden = !live;
    this.cancel.textContent = task.kind === "run" ? "Stop" : "Cancel";
    if (!this.log.hidden && live) this.readLog();
  }

  url(rest) {
    return `/api/${this.task.kind === "run" ? "runs" : "tasks"}/${this.task.id}/${rest}`;
  }

  async stop() {
    this.cancel.disabled = true;
    try {
      await post(this.url(this.task.kind === "run" ? "stop" : "cancel"));
    } catch (error) {
      this.sentence.hidden = false;
      this.sentence.textContent = error.message;
    }
    this.cancel.disabled = false;
  }

  toggleLog() {
    this.log.hidden = !this.log.hidden;
    if (!this.log.hidden) this.readLog();
  }

  async readLog() {
    const { text, position } = await getJson(this.url(`log?from=${this.position ?? 0}`));
    this.position = position;
    this.log.append(text);
    this.log.scrollTop = this.log.scrollHeight;
  }

  async copyCommand() {
    await navigator.clipboard.writeText(this.task.command);
    this.copy.textContent = "Copied";
    setTimeout(() => { this.copy.textContent = "Copy command"; }, 1500);
  }
}

// 75 -> "1 min 15 s"
export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
