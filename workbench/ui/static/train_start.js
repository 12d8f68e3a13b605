// The end of the form: what it would train on, what stands in the way, an estimate, the start, and the command.
//
// new StartPanel(element, {project, kept, save(), onForm(part), onEstimate(result)}) -> {show(form, plan), say(text, bad)}
//   onEstimate: told what was measured for the settings as they are, null where nothing was
//   kept: what of it outlives a reload, {start, estimate}: {task, command}; `save` keeps it

import { getJson, post } from "./api.js";
import { mountCommand } from "./command.js";
import { exact, h } from "./dom.js";
import { follow } from "./follow.js";
import { dataPage } from "./place.js";
import { followTask, lasting, progressText } from "./task.js";
import { term } from "./words.js";

const WARNINGS = 3; // findings that are shown

export class StartPanel {
  constructor(element, { project, kept, save, onForm, onEstimate }) {
    Object.assign(this, { project, kept, save, onForm, onEstimate, form: null, plan: null, begun: null });
    this.device = h("select", { id: "wb-train-device", class: "wb-input", onchange: () => onForm({ device: this.device.value }) }, h("option", { value: "auto" }, "Choose for me"));
    this.name = h("input", { id: "wb-train-name", class: "wb-input", type: "text", maxlength: 200, autocomplete: "off", oninput: () => onForm({ name: this.name.value }) });
    this.waits = h("p", { class: "wb-note", hidden: true });
    this.data = h("p", { class: "wb-plan-data", "aria-live": "polite" });
    this.obstacle = h("div", { class: "wb-obstacle", role: "alert", hidden: true, id: "wb-train-obstacle" });
    this.warnings = h("div", { id: "wb-train-warnings" });
    this.estimate = h("button", { type: "button", class: "wb-button", id: "wb-train-estimate", onclick: () => this.run("estimate") }, "Estimate");
    this.start = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-train-start", onclick: () => this.run("start") }, "Start training");
    this.said = h("p", { class: "wb-note", role: "status", hidden: true });
    this.figures = h("dl", { class: "wb-facts", id: "wb-train-figures", hidden: true });
    this.command = mountCommand();
    Object.assign(this.command.element, { id: "wb-train-command", open: true });
    element.replaceChildren(h("h2", {}, "Start"),
      h("label", { class: "wb-stack" }, "Device", this.device), this.waits,
      h("label", { class: "wb-stack" }, "Name (may stay empty)", this.name),
      this.data, this.obstacle, this.warnings,
      h("div", { class: "wb-buttons" }, this.start, this.estimate), this.said, this.figures,
      this.command.element);
    this.lookAtDevices();
    document.addEventListener("wb-task", () => this.lookAtDevices());
    follow(element, project, async (signal) => {
      this.checked = (await getJson(`/api/projects/${project}/care/findings`, { signal })).check;
      this.drawWarnings();
    }, () => {}); // the start looks at the data again, and says what is wrong
    for (const what of ["start", "estimate"]) if (kept[what]) this.follow(what, kept[what].task);
  }

  async lookAtDevices() {
    try {
      this.devices = (await getJson("/api/devices")).devices;
    } catch {
      return; // it says "Choose for me", which is true anyway
    }
    const value = this.form?.device ?? "auto";
    this.device.replaceChildren(...this.devices.map(({ name, title }) => h("option", { value: name }, name === "auto" ? title : `${name}: ${title}`)));
    this.device.value = value;
    this.drawWaits();
  }

  drawWaits() {
    const busy = this.devices?.find(({ name }) => name === this.form?.device)?.busy_with;
    this.waits.hidden = !busy;
    this.waits.textContent = busy ? `Busy: ${busy} has this device. A training or an estimate started now waits in line and begins when that one ends.` : "";
  }

  // What the check of the data as they are found. A frozen revision may not have it any more, or not yet.
  drawWarnings() {
    const { datasets = [], revision = null } = this.form ?? {};
    const found = revision ? [] : (this.checked?.findings ?? [])
      .filter(({ severity, dataset }) => severity !== "note" && (!dataset || !datasets.length || datasets.includes(dataset)));
    const more = found.length - WARNINGS;
    this.warnings.replaceChildren(...(found.length ? [h("div", { class: "wb-note" },
      ...found.slice(0, WARNINGS).map(({ severity, text }) => h("p", {}, h("strong", {}, severity === "error" ? "Cannot be trained: " : "Warning: "), text)),
      h("a", { class: "wb-button", href: dataPage(this.project, "care") }, more > 0 ? `${more} more, and what to do` : "What to do"))] : []));
  }

  show(form, plan) {
    Object.assign(this, { form, plan });
    this.device.value = form.device;
    if (this.name.value !== form.name) this.name.value = form.name;
    this.name.placeholder = [form.architecture, ...form.datasets].join("-"); // what it is called otherwise
    this.drawWaits();
    this.drawWarnings();
    if (!plan) return;
    this.command.say(plan.command);
    this.obstacle.hidden = !plan.obstacle;
    this.data.hidden = Boolean(plan.obstacle);
    this.data.textContent = `${photos(plan.train)} to train on, ${exact(plan.val)} to validate on.`
      + (plan.val ? "" : " Without any to validate on, there is no score, and the last checkpoint is the model.")
      + (plan.unlabelled ? ` ${photos(plan.unlabelled)} without labels left out.` : "");
    if (plan.obstacle) this.obstacle.replaceChildren(h("p", {}, plan.obstacle.text), ...this.way(plan.obstacle.fix));
    this.draw();
  }

  way(fix) {
    const target = { import: ["Bring photos in", "import"], label: ["Go to the data", ""], roles: ["Deal out roles", "roles"] }[fix];
    if (!target) return [];
    const tab = target[1] ? `&tab=${target[1]}` : "";
    return [h("a", { class: "wb-button wb-primary", href: `/data?project=${this.project}${tab}` }, target[0])];
  }

  // ---- estimate and start are tasks; both are found again after a reload

  async run(what) {
    this.say("");
    this[what].disabled = true;
    try {
      const task = await post(`/api/projects/${this.project}/train/${what}`, this.form);
      this.kept[what] = { task: task.id, command: task.starts };
      if (what === "start") this.begun = task.id;
      this.save();
      this.follow(what, task.id);
    } catch (error) {
      this.say(error.message, true);
      this.draw();
    }
  }

  follow(what, id) {
    this.follower?.[what]?.stop();
    this.follower = { ...this.follower, [what]: followTask(id, (task) => this.told(what, task)) };
  }

  told(what, task) {
    const kept = this.kept[what];
    if (!kept || (task && task.id !== kept.task)) return;
    if (!task || (task.state !== "running" && what === "start")) {
      delete this.kept[what];
      this.save();
    }
    kept.seen = task;
    if (what === "start" && task) this.toldOfStart(task);
    this.draw();
  }

  toldOfStart(task) {
    if (task.state === "running") this.say(["Starting.", progressText(task)].filter(Boolean).join(" "));
    else if (task.state === "finished") this.started(task);
    else this.say(task.sentence ?? `The start was ${task.state}.`, true);
  }

  // Who waited for it is led to the run; who comes back later may want to start another one.
  started({ id, result: { run } }) {
    const url = `/runs?project=${this.project}&run=${run}`;
    if (this.begun === id) location.href = url;
    else this.say(h("a", { href: url }, `Run ${run} was started.`));
  }

  draw() {
    const { start, estimate } = this.kept;
    const blocked = !this.plan || Boolean(this.plan.obstacle);
    this.start.disabled = blocked || Boolean(start);
    const seen = estimate?.seen;
    const measuring = seen?.state === "running";
    const before = Boolean(seen) && Boolean(this.plan) && estimate.command !== this.plan.command;
    this.estimate.disabled = blocked || measuring;
    this.estimate.textContent = measuring ? "Measuring…" : "Estimate";
    this.figures.hidden = !seen;
    this.figures.classList.toggle("wb-before", before);
    if (seen) this.figures.replaceChildren(...(before ? [h("p", { class: "wb-hint" }, "For the settings before:")] : []), ...facts(seen));
    this.onEstimate(before || seen?.state !== "finished" ? null : seen.result);
  }

  say(text, bad = false) {
    this.said.hidden = !text;
    this.said.replaceChildren(text);
    this.said.classList.toggle("wb-bad", bad);
  }
}

function facts(task) {
  if (task.state === "running") return [h("div", {}, h("dt", {}, "Measuring"), h("dd", {}, progressText(task) || "loading"))];
  if (task.state !== "finished") return [h("div", { class: "wb-bad" }, h("dt", {}, "No estimate"), h("dd", {}, task.sentence ?? task.state))];
  const { steps, seconds, peak_memory: memory, images_per_second: speed, precision, device, init } = task.result;
  const rows = [["Time", `about ${lasting(seconds)}`], [term("step", "Steps"), exact(steps)], ["Peak memory", `${(memory / 2 ** 30).toFixed(1)} GiB`],
    ["Speed", `${speed.toFixed(1)} photos/s`], [term("computes", "Computes"), `${precision} on ${device}`], ["Starts from", init]];
  return rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)));
}

function photos(count) {
  return `${exact(count)} photo${count === 1 ? "" : "s"}`;
}
