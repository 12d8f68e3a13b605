// The benches of a project, the newest first, and the form that begins one.

import { address, getJson, post } from "./api.js";
import { mountCommand } from "./command.js";
import { exact, h, moment, name, percent } from "./dom.js";
import { repeat } from "./poll.js";
import { pill } from "./run_words.js";
import { runsHead } from "./runs_head.js";

const PAUSE = 250; // ms after the last key until the server is asked what it thinks
const LENGTHS = [["", "as the recipe says"], ["minutes", "minutes"], ["epochs", "passes (epochs)"], ["steps", "steps"]];

export class BenchList {
  constructor(element, { project }) {
    Object.assign(this, { project, shown: "" });
    this.list = h("div", { id: "wb-benches" });
    this.fault = h("p", { class: "wb-note wb-bad", role: "alert", hidden: true });
    this.form = h("details", { class: "wb-part wb-bench-form", id: "wb-bench-form" }, h("summary", {}, "New bench"));
    element.replaceChildren(runsHead(project, "benches"),
      h("p", {}, "A bench trains several architectures alike on one revision, tests each, and puts what they reach and what they cost into one table."),
      this.fault, this.form, this.list);
    this.look = repeat(() => this.read(), 3000);
    document.addEventListener("wb-task", () => this.look.wake());
  }

  async read() {
    try {
      const found = await getJson(`/api/projects/${this.project}/benches`);
      this.fault.hidden = true;
      if (!this.fields) this.build(found);
      const now = JSON.stringify(found.benches);
      if (now !== this.shown) this.draw(found.benches);
      this.shown = now;
      return found.benches.some(({ state }) => state === "running");
    } catch (error) {
      this.tell(error.message);
      return error.status === 0;
    }
  }

  tell(text) {
    this.fault.hidden = !text;
    this.fault.textContent = text;
  }

  draw(benches) {
    if (!benches.length) {
      this.form.open = true;
      this.list.replaceChildren(h("p", { class: "wb-message" }, "No bench yet. Choose architectures above: the table grows while they are trained, one after the other."));
      return;
    }
    const heads = [["Bench"], ["State"], ["Trainings", 1], ["Best so far"], ["Begun"]];
    const row = ({ bench, state, entries, rows, created_at: at }) => {
      const [best] = rows.filter(({ miou }) => miou);
      return h("tr", {}, h("td", {}, h("a", { href: address("/runs", { project: this.project, bench }) }, name(bench))), h("td", {}, pill(state)),
        h("td", { class: "wb-number" }, `${exact(entries.filter(({ measures }) => measures).length)} / ${exact(entries.length)}`),
        h("td", {}, best ? `${best.architecture}, ${percent(best.miou.mean)} % mIoU` : "–"), h("td", {}, moment(at)));
    };
    this.list.replaceChildren(h("div", { class: "wb-table-box" }, h("table", { class: "wb-runs-table wb-still" },
      h("thead", {}, h("tr", {}, ...heads.map(([title, number]) => h("th", { scope: "col", class: number ? "wb-number" : null }, title)))), h("tbody", {}, ...benches.map(row)))));
  }

  // ---- the form

  build({ architectures, recipes }) {
    const changed = () => this.later();
    const input = (id, value, more = {}) => h("input", { id: `wb-bench-${id}`, class: "wb-input", value, autocomplete: "off", spellcheck: "false", oninput: changed, ...more });
    const select = (id, choices) => h("select", { id: `wb-bench-${id}`, class: "wb-input", onchange: changed }, ...choices.map(([value, text]) => h("option", { value }, text)));
    this.fields = {
      seeds: input("seeds", "1"), recipe: select("recipe", recipes.map((recipe) => [recipe, recipe])), length: select("length", LENGTHS),
      amount: input("amount", "10", { inputmode: "decimal", "aria-label": "How many" }), on: input("on", "val"), device: input("device", "auto"), name: input("name", ""),
      settings: h("textarea", { id: "wb-bench-settings", class: "wb-input", rows: 3, placeholder: "batch=4\nunet:options.width=32", spellcheck: "false", oninput: changed }),
    };
    this.boxes = architectures.map((each) => h("input", { type: "checkbox", value: each, onchange: changed }));
    const all = h("button", { type: "button", class: "wb-button", onclick: () => this.tick(!this.boxes.every(({ checked }) => checked)) }, "All or none");
    const field = (title, hint, ...controls) => h("div", { class: "wb-stack" }, h("label", { for: controls[0].id }, title), ...controls, h("span", { class: "wb-hint" }, hint));
    const { seeds, recipe, length, amount, on, device, name: named, settings } = this.fields;
    this.command = mountCommand();
    this.obstacle = h("p", { class: "wb-note", role: "status", hidden: true });
    this.begin = h("button", { type: "submit", class: "wb-button wb-primary", id: "wb-bench-start" }, "Start the bench");
    this.form.append(h("form", { onsubmit: (event) => { event.preventDefault(); this.start(); } },
      h("fieldset", { class: "wb-bench-archs" }, h("legend", {}, "Architectures ", all), ...architectures.map((each, place) => h("label", {}, this.boxes[place], each))),
      h("div", { class: "wb-fields" },
        field("Length of each training", "", length, amount), field("Seeds", "how many (3), or which (0,1,2); several tell chance from merit", seeds),
        field("Recipe", "the same for all", recipe), field("Tested on", "a subset or role", on), field("Device", "auto, cpu, cuda or cuda:N", device),
        field("Name (may stay empty)", "a bench of this name is gone on with", named),
        field("Other settings", "a line each; ARCHITECTURE:KEY=VALUE is for that one only", settings)),
      this.obstacle, h("div", { class: "wb-buttons" }, this.begin), this.command.element));
    recipe.value = "default";
    this.measure();
    length.addEventListener("change", () => this.measure());
    this.later();
  }

  measure() {
    this.fields.amount.hidden = !this.fields.length.value;
  }

  tick(on) {
    for (const box of this.boxes) box.checked = on;
    this.later();
  }

  body() {
    const { seeds, recipe, length, amount, on, device, name: named, settings } = this.fields;
    const lines = settings.value.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => [line.split("=", 1)[0].trim(), line.slice(line.indexOf("=") + 1).trim()]);
    return {
      architectures: this.boxes.filter(({ checked }) => checked).map(({ value }) => value), seeds: seeds.value, recipe: recipe.value, length: length.value,
      amount: length.value ? Number(amount.value) : 1, on: on.value.trim() || "val", device: device.value.trim() || "auto", name: named.value, settings: Object.fromEntries(lines),
    };
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const body = this.body();
    if (!body.architectures.length) return this.stand("Choose the architectures to train.", "");
    const turn = (this.turn = (this.turn ?? 0) + 1);
    try {
      const { command, obstacle } = await post(`/api/projects/${this.project}/benches/plan`, body);
      if (turn === this.turn) this.stand(obstacle ?? "", command);
    } catch (error) {
      if (turn === this.turn) this.stand(error.message, "");
    }
    return null;
  }

  stand(obstacle, command) {
    this.obstacle.hidden = !obstacle;
    this.obstacle.textContent = obstacle;
    this.begin.disabled = Boolean(obstacle);
    this.command.say(command);
  }

  async start() {
    this.begin.disabled = true;
    try {
      const { bench } = await post(`/api/projects/${this.project}/benches/start`, this.body());
      location.assign(address("/runs", { project: this.project, bench }));
    } catch (error) {
      this.stand(error.message, "");
    }
  }
}
