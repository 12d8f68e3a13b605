// Work that a task has to do before a part of a page can show anything: its bar, and what became of it.

import { h } from "./dom.js";
import { followTask, progressText } from "./task.js";

export class Looking {
  // place: what it fills; what: the work, one word that is verb and noun ("count"); start(): emits the event that starts
  // the task; ended(): the part can be shown now
  constructor(place, what, start, ended) {
    Object.assign(this, { place, what, start, ended, failed: false, asked: false });
  }

  destroy() {
    this.follower?.stop();
  }

  // A task that failed is tried again by whoever looks at it, not by us over and over.
  begin(text) {
    if (this.failed || this.asked) return;
    this.asked = true;
    this.fill = h("span", { class: "wb-bar-fill", style: { width: "0%" } });
    this.figures = h("p", { role: "status" }, "Starting …");
    this.text = text;
    this.place.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, text), h("span", { class: "wb-bar-rail", "aria-hidden": "true" }, this.fill), this.figures));
    this.start();
  }

  // Work that takes minutes begins when somebody wants it.
  offer(text, verb, working) {
    if (this.failed || this.asked) return;
    this.place.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, text), h("button", { type: "button", class: "wb-button wb-primary", onclick: () => this.begin(working) }, verb)));
  }

  // What became of the event: {task}, the number of the task; {failed} where it could not be started.
  tell({ task, failed }) {
    if (task) this.watch(task);
    if (failed && this.asked && !this.watched) this.fail(`The ${this.what} could not be started.`);
  }

  watch(task) {
    if (this.watched === task) return;
    this.watched = task;
    this.follower?.stop();
    this.follower = followTask(task, (found) => this.told(found));
  }

  told(found) {
    if (found?.state === "running") {
      const { done, total } = found.progress ?? {};
      if (total) this.fill.style.width = `${(100 * done) / total}%`;
      this.figures.textContent = progressText(found) || "Starting …";
      return;
    }
    Object.assign(this, { watched: null, asked: false });
    if (found?.state === "finished") this.ended();
    else this.fail(found?.sentence ?? `The ${this.what} was ${found?.state ?? "broken off"}.`);
  }

  fail(message) {
    Object.assign(this, { failed: true, asked: false });
    const again = () => { this.failed = false; this.begin(this.text); };
    this.place.replaceChildren(h("div", { class: "wb-message", role: "alert" }, h("p", { class: "wb-bad" }, message),
      h("button", { type: "button", class: "wb-button", onclick: again }, `${this.what[0].toUpperCase()}${this.what.slice(1)} again`)));
  }
}
