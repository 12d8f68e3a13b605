// The work that a part of the page waits for: a line with its bar, and what became of it.

import { getJson } from "../../api.js";
import { h, name } from "../../dom.js";
import { followTask, progressText } from "../../task.js";

export class Doing {
  // command: the first word of the task's command, by which one that was begun earlier is found again
  // told(task): at each look; ended(task): once it has ended, however
  constructor(project, command, { told = () => {}, ended }) {
    Object.assign(this, { project, command, told, ended, id: null, isAsking: false, turn: 0 });
    this.element = h("div", { class: "wb-shift-doing", role: "status", hidden: true });
  }

  // From the moment it is begun, not to be begun twice.
  get isBusy() {
    return this.isAsking || this.id !== null;
  }

  // Is there one that goes on, begun in another tab or before a reload?
  // words: what its command has, each one or one of several; what goes on about something else is followed no more
  async find(words = []) {
    const about = JSON.stringify(words);
    if (about !== this.about) {
      this.about = about;
      this.stop();
      this.element.hidden = true;
    }
    if (this.isBusy) return;
    const { turn } = this;
    const { tasks } = await getJson("/api/tasks");
    for (const { id } of tasks.filter((task) => this.isOurs(task))) {
      const task = await getJson(`/api/tasks/${id}`);
      if (turn !== this.turn) return; // one was begun, or the page left, meanwhile
      if (this.isOurs(task) && words.every((word) => [word].flat().some((each) => task.argv.includes(each)))) return this.follow(task);
    }
  }

  isOurs({ kind, state, project_id: project, command }) {
    return kind === "task" && state === "running" && project === this.project && command.startsWith(`workbench ${this.command} `);
  }

  async begin(asking) {
    const turn = (this.turn += 1);
    this.isAsking = true;
    this.say(h("p", {}, "Starting …"));
    try {
      const task = await asking;
      if (turn === this.turn) this.follow(task);
    } catch (error) {
      if (turn !== this.turn) return;
      this.isAsking = false;
      this.say(h("p", { class: "wb-bad", role: "alert" }, error.message));
    }
  }

  follow({ id, title }) {
    this.stop();
    this.id = id;
    const text = h("span", { class: "wb-hint" }, "Starting …");
    const bar = h("progress", { class: "wb-run-bar", "aria-label": title });
    this.say(h("p", {}, name(title), " ", text), bar);
    this.follower = followTask(id, (task) => {
      if (task?.state === "running") {
        const { done, total } = task.progress ?? {};
        text.textContent = progressText(task) || "Loading the model …";
        if (total) Object.assign(bar, { max: total, value: done });
        else bar.removeAttribute("value");
        return this.told(task);
      }
      this.id = null;
      if (task?.state === "finished" || !task) this.element.hidden = true;
      else this.say(h("p", { class: "wb-bad", role: "alert" }, name(task.title), `: ${task.state}. ${task.sentence ?? ""}`));
      this.ended(task);
    });
  }

  say(...content) {
    this.element.hidden = false;
    this.element.replaceChildren(...content);
  }

  // What is asked for by now is another's: of a later look, or nobody's any more.
  stop() {
    this.turn += 1;
    this.follower?.stop();
    Object.assign(this, { id: null, isAsking: false });
  }
}
