// The recipe: one is chosen, the plain settings are open, the rest is folded; what differs from the recipe is marked.
//
// mountRecipe(element, setup, {onRecipe(name), onSetting(key, value)}) -> {show(form, recipes)}

import { h } from "./dom.js";
import { lasting } from "./task.js";
import { marked, mountField } from "./train_field.js";
import { term } from "./words.js";

const LENGTHS = ["steps", "epochs", "minutes"];

export function mountRecipe(element, setup, handlers) {
  const recipe = new RecipeForm(element, setup, handlers);
  return { show: (form, offered) => recipe.show(form, offered), tell: (network) => recipe.tell(network), time: (estimate) => recipe.time(estimate) };
}

class RecipeForm {
  constructor(element, setup, handlers) {
    Object.assign(this, { setup, ...handlers });
    this.choice = h("select", { id: "wb-recipe", class: "wb-input", onchange: () => this.onRecipe(this.choice.value) });
    this.about = h("p", { class: "wb-field-help" });
    this.body = h("div", {});
    this.weights = h("p", { class: "wb-field-help", "aria-live": "polite" });
    element.replaceChildren(
      h("div", { class: "wb-field" }, h("div", { class: "wb-field-head" }, h("label", { class: "wb-field-label", for: "wb-recipe" }, "Recipe")), this.choice, this.about),
      this.body);
  }

  show(form, offered) {
    const names = offered.map(({ name }) => name).join(" ");
    if (this.names !== names) {
      this.names = names;
      this.choice.replaceChildren(...offered.map(({ name, claims }) => h("option", { value: name }, claims ? `${name} (as published)` : name)));
    }
    this.choice.value = form.recipe;
    const recipe = offered.find(({ name }) => name === form.recipe);
    this.about.replaceChildren(...told(recipe));
    if (this.recipe !== recipe) this.build(form, recipe);
    this.recipe = recipe;
    this.count();
  }

  build(form, recipe) {
    this.groups = this.setup.groups.map((group) => {
      const settings = group.settings.filter(({ key }) => !LENGTHS.includes(key));
      const fields = settings.map((setting) => this.field(setting, form, recipe));
      const badge = h("span", { class: "wb-group-changed" });
      const grid = h("div", { class: "wb-fields" }, ...(group.basic ? [this.length(form, recipe)] : []), ...fields.map(({ element }) => element));
      const element = group.basic
        ? h("div", {}, grid)
        : h("details", { class: "wb-group", open: settings.some(({ key }) => key in form.settings) }, h("summary", {}, group.title, badge), grid);
      return { element, fields, badge };
    });
    this.body.replaceChildren(...this.groups.map(({ element }) => element));
  }

  field(setting, form, recipe) {
    const { key } = setting;
    const onChange = (value) => {
      this.onSetting(key, value);
      this.count();
    };
    const given = { value: form.settings[key], base: recipe.values[key], onChange };
    return key === "init" ? this.start(setting, given) : mountField(setting, given);
  }

  // Starting weights: words, models, and where the server allows it a file.
  start(setting, given) {
    const { models, files_below: root } = this.setup;
    const choices = ["auto", "scratch", "imagenet", ...models.map(({ reference }) => reference)];
    const field = mountField(setting, given);
    const input = field.element.querySelector("input");
    input.setAttribute("list", "wb-init-choices");
    const titles = { auto: "ImageNet weights if they are here, else from scratch", scratch: "random weights", imagenet: "ImageNet weights" };
    for (const { reference, title } of models) titles[reference] = title;
    field.element.append(
      h("datalist", { id: "wb-init-choices" }, ...choices.map((choice) => h("option", { value: choice }, titles[choice]))), this.weights);
    field.element.querySelector(".wb-field-help").replaceChildren(...marked(
      "`auto`: ImageNet weights if they are here, else random ones; `scratch`; `imagenet`; a model of this project, such as `12:best`"
      + (root ? "; or the path of a weights file on this computer." : ".")));
    return field;
  }

  // How long: the recipe's own length, or one of three measures.
  length(form, recipe) {
    const own = LENGTHS.find((key) => recipe.values[key] !== null);
    const usual = own ? `${recipe.values[own]} ${own}` : `${recipe.default_epochs} epochs`;
    const text = `as the recipe says: ${usual}`;
    this.usual = { text, option: h("option", { value: "" }, text) };
    const chosen = LENGTHS.find((key) => key in form.settings) ?? "";
    const titles = { minutes: "minutes by the clock", epochs: "epochs (passes over the photos)", steps: "steps" };
    const unit = h("select", { id: "wb-length-unit", class: "wb-input", "aria-label": "How long, measure" },
      this.usual.option, ...["minutes", "epochs", "steps"].map((key) => h("option", { value: key }, titles[key])));
    const amount = h("input", { id: "wb-length", type: "text", inputmode: "decimal", class: "wb-input", autocomplete: "off", value: chosen ? form.settings[chosen] : "", "aria-label": "How long" });
    unit.value = chosen;
    const element = h("div", { class: "wb-field", dataset: { key: "length" } },
      h("div", { class: "wb-field-head" }, h("label", { class: "wb-field-label", for: "wb-length-unit" }, "How long")),
      h("span", { class: "wb-pair" }, amount, unit),
      h("p", { class: "wb-field-help" }, "Longer is better up to a point, and most of all without ImageNet weights. An ", term("epoch", "epoch"), " is once through the photos, a ", term("step", "step"), " a handful of them; minutes become steps after a short measurement, so that a resumed training ends where it would have."));
    const draw = () => {
      amount.hidden = !unit.value;
      element.classList.toggle("wb-changed", Boolean(unit.value));
    };
    const take = () => {
      draw();
      const value = Number(amount.value);
      for (const key of LENGTHS) {
        this.onSetting(key, key === unit.value ? (amount.value.trim() === "" || Number.isNaN(value) ? amount.value : value) : undefined);
      }
    };
    unit.addEventListener("change", () => {
      if (unit.value && !amount.value) amount.value = { minutes: 20, epochs: 60, steps: 1000 }[unit.value];
      take();
    });
    amount.addEventListener("input", take);
    draw();
    return element;
  }

  // What the length that the recipe gives takes here, once it was measured.
  time(estimate) {
    if (!this.usual) return;
    const { option, text } = this.usual;
    option.textContent = estimate && option.selected ? `${text}, about ${lasting(estimate.seconds)} here` : text;
  }

  // What `auto` and `imagenet` come to with the chosen network.
  tell(network) {
    const { imagenet, imagenet_is_here: here, imagenet_by_hand: byHand, imagenet_note: note } = network;
    const weights = term("imagenet", "ImageNet weights");
    const text = !imagenet ? [note || "No ImageNet weights fit this architecture."]
      : [weights, here ? ` ${imagenet} are on this computer.` : ` ${imagenet} fit, but are not on this computer. `, ...(here || !byHand ? [] : marked(`To have them, ${byHand}.`))];
    const fetch = imagenet && !here && !byHand && h("button", { type: "button", class: "wb-button", id: "wb-train-fetch", onclick: () => this.onFetch(imagenet) }, `Fetch ${imagenet} from the internet`);
    this.weights.replaceChildren(...text, ...(fetch ? [fetch] : []));
  }

  count() {
    for (const { fields, badge } of this.groups) {
      const changed = fields.filter((field) => field.changed()).length;
      badge.textContent = changed ? `${changed} changed` : "";
    }
  }
}

function told({ about, claims }) {
  if (!claims) return [about];
  return [`${about} Published: mIoU ${(100 * claims.miou).toFixed(1)} % on ${claims.dataset}. Reproduced here: ${claims.reproduced}.`];
}
