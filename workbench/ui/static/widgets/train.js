// The page that starts a training. value: {project, wanted: {init, arch}}; project null where there is none.
// What is entered stays in the tab: a reload, and a way to the data and back, lose nothing.

import { getJson, post } from "../api.js";
import { exact, h, loadStyle, moment } from "../dom.js";
import { mountCards } from "../train_cards.js";
import { mountRecipe } from "../train_recipe.js";
import { StartPanel } from "../train_start.js";
import { noProject } from "../which_project.js";
import { term } from "../words.js";

const PAUSE = 250; // ms after the last key until the form is looked at

export function mount(element, value) {
  loadStyle();
  element.classList.add("wb-train");
  let page = null;
  const update = (next) => {
    if (next && !page) page = new TrainPage(element, next);
  };
  update(value);
  return { update };
}

class TrainPage {
  constructor(element, { project, wanted }) {
    Object.assign(this, { element, project, wanted, plan: null, turn: 0 });
    if (project) this.open();
    else element.replaceChildren(noProject());
  }

  async open() {
    try {
      this.setup = await getJson(`/api/projects/${this.project}/train`);
    } catch (error) {
      this.element.replaceChildren(h("p", { class: "wb-message wb-bad" }, error.message));
      return;
    }
    this.restore();
    const part = (title, id, ...children) => h("section", { class: "wb-part", id }, h("h2", {}, title), ...children);
    const [cards, recipe, start] = [h("div", {}), h("div", {}), h("aside", { class: "wb-start", "aria-label": "Start" })];
    this.drawData();
    this.element.replaceChildren(h("div", { class: "wb-page-head" }, h("h1", {}, "Train")),
      h("div", { class: "wb-train-columns" },
        h("div", { class: "wb-train-form" }, part("Architecture", "wb-train-architecture", cards), part("Data", "wb-train-data", this.data), part("Recipe", "wb-train-recipe", recipe)),
        start));
    this.cards = mountCards(cards, {
      classes: this.setup.classes, onChoose: (name) => this.chooseArchitecture(name), onOption: (key, value) => this.set(key, value), onNetwork: (network) => this.recipe.tell(network),
      onCard: () => this.show(),
    });
    this.recipe = mountRecipe(recipe, this.setup, {
      onRecipe: (name) => this.chooseRecipe(name), onSetting: (key, value) => this.set(key, value), onFetch: (name) => this.fetchWeights(name),
    });
    this.start = new StartPanel(start, { project: this.project, kept: this.kept, save: () => this.save(), onForm: (part) => this.change(part), onEstimate: (result) => this.recipe.time(result) });
    this.show(); // the data and the recipe need not wait for the architectures
    await this.cards.ready;
    this.show();
    document.addEventListener("wb-task", ({ detail }) => { if (detail.kind === "task" && detail.state === "finished") this.again(); });
  }

  // ---- what is kept in the tab

  restore() {
    try {
      this.kept = JSON.parse(sessionStorage.getItem(this.storeName())) ?? {};
    } catch {
      this.kept = {};
    }
    const usual = { architecture: "lraspp_mobilenetv3", recipe: "default", revision: null, datasets: [], on: "train", settings: {}, device: "auto", name: "" };
    this.form = { ...usual, ...this.kept.form };
    const { arch, init } = this.wanted;
    if (arch) Object.assign(this.form, { architecture: arch });
    if (init) this.form.settings = { ...this.form.settings, init };
    // What was chosen may be gone by now.
    if (!this.setup.revisions.some(({ digest }) => digest.startsWith(this.form.revision))) this.form.revision = null;
    this.form.datasets = this.form.datasets.filter((name) => this.setup.datasets.includes(name));
    this.save();
  }

  storeName() {
    return `wb-train-${this.project}`;
  }

  save() {
    this.kept.form = this.form;
    const plain = Object.fromEntries(Object.entries(this.kept).map(([name, value]) => [name, name === "form" ? value : { ...value, seen: undefined }]));
    sessionStorage.setItem(this.storeName(), JSON.stringify(plain));
  }

  // ---- changes

  change(part) {
    Object.assign(this.form, part);
    this.save();
    this.ask();
  }

  set(key, value) {
    const settings = { ...this.form.settings };
    delete settings[key];
    if (value !== undefined) settings[key] = value;
    this.change({ settings });
    if (key.startsWith("options.")) this.cards.show(this.form, this.chosen());
  }

  chooseArchitecture(architecture) {
    const settings = Object.fromEntries(Object.entries(this.form.settings).filter(([key]) => !key.startsWith("options.")));
    this.change({ architecture, settings });
    this.show();
  }

  chooseRecipe(recipe) {
    this.change({ recipe });
    this.show();
  }

  // Recipes whose options the architecture has.
  offered() {
    const card = this.cards.card(this.form.architecture);
    if (!card) return [this.chosen() ?? this.setup.recipes[0]];
    const known = new Set(card.options.map(({ key }) => `options.${key}`));
    return this.setup.recipes.filter(({ values }) => Object.keys(values).every((key) => !key.startsWith("options.") || known.has(key)));
  }

  chosen() {
    return this.setup.recipes.find(({ name }) => name === this.form.recipe);
  }

  show() {
    const offered = this.offered();
    if (!offered.some(({ name }) => name === this.form.recipe)) this.form.recipe = "default";
    this.recipe.show(this.form, offered);
    this.cards.show(this.form, this.chosen());
    this.start.show(this.form, this.plan);
    this.ask(0);
  }

  // ---- data

  drawData() {
    const { revisions, datasets } = this.setup;
    const revision = h("select", { id: "wb-train-revision", class: "wb-input", onchange: () => this.change({ revision: revision.value || null, on: "train" }) },
      h("option", { value: "" }, "The data as they are now (frozen at the start)"),
      ...revisions.map(({ digest, images, created_at: at }) => h("option", { value: digest.slice(0, 12) }, `${digest.slice(0, 8)} · ${moment(at)} · ${exact(total(images))} photos: ${roles(images)}`)));
    revision.value = this.form.revision ?? "";
    this.on = h("select", { id: "wb-train-on", class: "wb-input", onchange: () => this.change({ on: this.on.value }) });
    const boxes = datasets.map((name) => {
      const box = h("input", { type: "checkbox", checked: !this.form.datasets.length || this.form.datasets.includes(name), onchange: () => {
        const chosen = datasets.filter((_, place) => boxes[place].box.checked);
        this.change({ datasets: chosen.length === datasets.length ? [] : chosen });
      } });
      return { box, element: h("label", { class: "wb-choice" }, box, h("bdi", {}, name)) };
    });
    this.data = h("div", { class: "wb-fields" },
      h("label", { class: "wb-stack" }, h("span", {}, term("revision", "Revision")), revision),
      h("label", { class: "wb-stack" }, "Train on", this.on),
      datasets.length > 1 && h("fieldset", { class: "wb-choices" }, h("legend", {}, "Datasets"), ...boxes.map((each) => each.element)));
  }

  drawOn() {
    const known = Object.entries(this.plan.choices);
    if (!known.some(([name]) => name === this.form.on)) known.unshift([this.form.on, this.plan.train]);
    this.on.replaceChildren(...known.map(([name, count]) => h("option", { value: name }, `${name === "all" ? "all photos" : name} (${exact(count)})`)));
    this.on.value = this.form.on;
  }

  // ---- what it comes to

  ask(pause = PAUSE) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.again(), pause);
  }

  async again() {
    const turn = (this.turn += 1);
    try {
      const plan = await post(`/api/projects/${this.project}/train/plan`, this.form);
      if (turn !== this.turn) return;
      this.plan = plan;
      this.drawOn();
      this.start.show(this.form, plan);
    } catch (error) {
      if (turn === this.turn) this.start.say(error.message, true);
    }
  }

  async fetchWeights(weights) {
    try {
      const { id } = await post(`/api/projects/${this.project}/train/weights`, { weights });
      document.dispatchEvent(new Event("wb-open-tray"));
      const ended = ({ detail }) => {
        if (detail.kind !== "task" || detail.id !== id || detail.state === "running") return;
        document.removeEventListener("wb-task", ended);
        this.cards.show(this.form, this.chosen());
      };
      document.addEventListener("wb-task", ended);
    } catch (error) {
      this.start.say(error.message, true);
    }
  }
}

function total(images) {
  return Object.values(images).flatMap((each) => Object.values(each)).reduce((sum, count) => sum + count, 0);
}

function roles(images) {
  const counts = {};
  for (const each of Object.values(images)) for (const [role, count] of Object.entries(each)) counts[role] = (counts[role] ?? 0) + count;
  return ["train", "val", "test", "none"].filter((role) => counts[role]).map((role) => `${counts[role]} ${role === "none" ? "without role" : role}`).join(", ");
}
