// Why the domain differs: asks for it, as a task, and shows what was found (why.js).

import { getJson } from "../../api.js";
import { h } from "../../dom.js";
import { section } from "../../evaluation_parts.js";
import { domainName } from "./choose.js";
import { Doing } from "./doing.js";

export class Reason {
  constructor(project) {
    this.project = project;
    this.doing = new Doing(project, "shift", { told: () => this.allow(), ended: () => { this.allow(); this.load(); } });
    this.body = h("div");
    this.bar = h("div", { class: "wb-bar" });
    this.element = section("Why", null, this.bar, this.doing.element, this.body);
    this.element.id = "wb-shift-why";
  }

  show(asked, domain) {
    const key = JSON.stringify([asked.model, asked.size, asked.home, domain]);
    if (key === this.key) return;
    Object.assign(this, { key, asked, domain });
    this.load();
    this.doing.find([asked.model, `--from=${asked.home}`, `--to=${domain}`]).catch(() => {});
  }

  async load() {
    const { key } = this;
    try {
      const { shifts } = await getJson(`/api/projects/${this.project}/shifts`);
      if (key !== this.key) return;
      this.draw(shifts.find((shift) => this.fits(shift))?.shift ?? null);
    } catch (error) {
      if (key === this.key) this.body.replaceChildren(h("p", { class: "wb-bad", role: "alert" }, error.message));
    }
  }

  fits({ model, home, targets, size }) {
    const text = ({ dataset, on }) => `${dataset}:${on}`;
    return model === this.asked.model && text(home) === this.asked.home && size === this.asked.size && targets.some((target) => text(target) === this.domain);
  }

  // One at a time: not while one is asked for, nor while it runs.
  allow() {
    if (this.button) this.button.disabled = this.doing.isBusy;
  }

  async begin() {
    const begun = this.doing.begin(this.ask());
    this.allow();
    await begun;
    this.allow();
  }

  async ask() {
    const { model, home, size } = this.asked;
    const { askWhy } = await import("./why.js");
    return askWhy(this.project, { model, home, to: [this.domain], size });
  }

  // What draws it, a map of many photos among it, is loaded by who asks for it.
  async fill(shift) {
    const { key } = this;
    const { mountWhy } = await import("./why.js");
    if (key !== this.key) return;
    if (this.part) this.part.update({ shift, at: this.domain });
    else this.part = mountWhy(this.body.appendChild(h("div")), { project: this.project, shift, at: this.domain });
  }

  draw(shift) {
    this.button = h("button", { type: "button", class: `wb-button ${shift ? "" : "wb-primary"}`, id: "wb-shift-ask-why",
      onclick: () => this.begin() }, shift ? "Measure again" : "Measure what differs");
    this.bar.replaceChildren(h("span", {}, "How the photos of ", domainName(this.domain), " differ from home's: their light and fine detail, how often and how large classes are, and what the network makes of them."), this.button);
    this.allow();
    if (shift === null) {
      this.part?.destroy();
      this.part = null;
      this.body.replaceChildren();
    } else this.fill(shift);
  }

  destroy() {
    this.doing.stop();
    this.part?.destroy();
  }
}
