// Storage and care of the whole workbench: what takes the space, checks, freeing space, backups.

import { getJson, post, remove } from "./api.js";
import { ask } from "./dialog.js";
import { h, name as bdi, size } from "./dom.js";
import { followTask, progressText } from "./task.js";

const SHOWN = 12; // shares of the space; the smallest are summed up
const SAID = { error: "Lost", warning: "To do", note: "Note" };

// Draws into `element`, and loads when it is first opened.
export function mountStorage(element) {
  element.replaceChildren(new Storage().element);
}

class Storage {
  constructor() {
    const button = (text, id, act) => h("button", { type: "button", class: "wb-button", id: `wb-storage-${id}`, onclick: act }, text);
    this.buttons = [
      button("Check", "check", () => this.check(false)), button("Check everything", "check-full", () => this.check(true)),
      button("Free space …", "free", () => this.free()), button("Back up", "backup", () => this.backUp()),
    ];
    this.said = h("p", { class: "wb-say", role: "status" });
    this.findings = h("ul", { class: "wb-doctor", id: "wb-storage-findings" });
    this.body = h("div", {});
    this.element = h("details", { class: "wb-fold wb-storage", id: "wb-storage", ontoggle: () => this.element.open && this.load() },
      h("summary", {}, "Storage, checks and backups"),
      h("div", { class: "wb-tools" }, ...this.buttons), this.said, this.findings, this.body);
  }

  say(text, bad = false) {
    this.said.textContent = text;
    this.said.classList.toggle("wb-bad", bad);
  }

  async load() {
    try {
      this.draw(await getJson("/api/storage"));
    } catch (error) {
      this.say(error.message, true);
    }
  }

  draw({ shares, bytes, free, backups }) {
    const rest = shares.slice(SHOWN).reduce((sum, share) => sum + share.bytes, 0);
    const rows = shares.slice(0, SHOWN).map((share) => this.share(share, bytes));
    this.body.replaceChildren(
      h("h3", {}, `Space: ${size(bytes)} used, ${size(free)} free on this disk`),
      h("table", { class: "wb-space" }, h("thead", {}, h("tr", {}, h("th", {}, "Project"), h("th", {}, "What"), h("th", {}, "Size"), h("th", { "aria-hidden": "true" }))),
        h("tbody", {}, ...rows, rest > 0 && h("tr", {}, h("td", {}, "the rest"), h("td", {}), h("td", {}, size(rest)), h("td", {})))),
      h("h3", {}, "Backups here"),
      backups.length
        ? h("ul", { class: "wb-backups" }, ...backups.map((backup) => this.backup(backup)))
        : h("p", {}, "None yet. ", h("b", {}, "Back up"), " writes one."),
      h("p", { class: "wb-hint" }, "A backup holds everything but linked photos and caches. Copy it to another disk; on this one it is lost with the rest."));
  }

  share({ project, kind, bytes }, all) {
    return h("tr", {}, h("td", {}, project === null ? h("span", { class: "wb-hint" }, "all") : bdi(project)), h("td", {}, kind), h("td", {}, size(bytes)),
      h("td", { "aria-hidden": "true" }, h("span", { class: "wb-space-bar", style: { width: `${Math.max(1, (100 * bytes) / all)}%` } })));
  }

  backup({ name, path, bytes }) {
    const drop = async () => {
      const text = "It is gone for good. Your data stay as they are.";
      if (!await ask({ title: `Delete the backup ${name}?`, text, verb: "Delete", danger: true })) return;
      await this.act(() => remove(`/api/storage/backups/${encodeURIComponent(name)}`));
    };
    return h("li", {}, h("code", {}, path), h("span", { class: "wb-hint" }, ` ${size(bytes)} `),
      h("button", { type: "button", class: "wb-button", "aria-label": `Delete ${name}`, onclick: drop }, "Delete"));
  }

  // Do it, then show what there is now.
  async act(what) {
    this.say("");
    try {
      await what();
    } catch (error) {
      return this.say(error.message, true);
    }
    return this.load();
  }

  // Start a task and follow it to its end; returns the task, null where it did not begin.
  async run(url, body, title) {
    for (const each of this.buttons) each.disabled = true;
    this.findings.replaceChildren();
    this.say(`${title} …`);
    try {
      const { id } = await post(url, body);
      return await new Promise((resolve) => {
        followTask(id, (task) => {
          if (task?.state === "running") this.say(`${title}: ${progressText(task) || "begins"}`);
          else resolve(task);
        });
      });
    } catch (error) {
      this.say(error.message, true);
      return null;
    } finally {
      for (const each of this.buttons) each.disabled = false;
    }
  }

  async check(full) {
    const task = await this.run("/api/storage/doctor", { full }, full ? "Reading everything" : "Checking");
    if (!task) return;
    const { report, sentence } = await getJson(`/api/storage/doctor/${task.id}`);
    if (!report) return this.say(sentence, true);
    this.say(report.sentence, !report.clean);
    this.findings.replaceChildren(...report.findings.map(({ severity, what, remedy }) => h("li", { class: `wb-doctor-${severity}` },
      h("b", {}, SAID[severity]), h("span", {}, bdi(what)), h("span", { class: "wb-hint" }, bdi(remedy)))));
  }

  async free() {
    const text = "Goes: what nothing refers to any more, what was deleted over 30 days ago, thumbnails and packs, which are made again. What images, their history, revisions or the trash need stays.";
    if (!await ask({ title: "Free space?", text, verb: "Free space" })) return;
    const task = await this.run("/api/storage/free", undefined, "Freeing space");
    if (task) this.say(task.sentence ?? task.state, task.state !== "finished");
    await this.load();
  }

  async backUp() {
    const task = await this.run("/api/storage/backup", undefined, "Backing up");
    if (task) this.say(task.sentence ?? task.state, task.state !== "finished");
    await this.load();
  }
}
