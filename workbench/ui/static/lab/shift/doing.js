// The work that a part of the page waits for: a line with its bar, and what became of it.

import { getJson } from "../../api.js";
import { h, name } from "../../dom.js";
import { followTask, progressText } from "../../task.js";

export class Doing {
  // command: the first word of the task's command, by which one that was begun earlier is found again
  // told(task): at each look; ended(task): once it has ended, however
  constructor(project, command, { told = () => {}, ended }) {
    Object.assign(this, { project, command, told, ended, id: null });
    this.element = h("div", { class: "wb-shift-doing", role: "status", hidden: true });
  }

  get isBusy() {
    return this.id !== null;
  }

  // Is there one that goes on, begun in another tab or before a reload?
  async find() {
    if (this.isBusy) return;
    const { tasks } = await getJson("/api/tasks");
    const mine = tasks.find(({ kind, state, project_id: project, command }) =>
      kind === "task" && state === "running" && project === this.project && command.startsWith(`workbench ${this.command} `));
    if (mine && !this.isBusy && this.element.isConnected) this.follow(mine); // nor was one begun, or the page left, meanwhile
  }

  async begin(asking) {
    this.say(h("p", {}, "Starting …"));
    try {
      this.follow(await asking);
    } catch (error) {
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

  stop() {
    this.follower?.stop();
    this.id = null;
  }
}
