// One setting as a control, made from what the server says of it (`training.settings.Setting`).
//
// mountField(setting, {value, base, onChange(value)}) -> {element, changed(), show(value, base)}
//   value: JSON; what cannot be read as the setting's kind is passed on as text, and the server says what it expected.
//   base: what the recipe says. `onChange(undefined)` takes the recipe's value again.

import { h } from "./dom.js";
import { term } from "./words.js";

const LABELS = {
  batch: "Photos per step", crop: "Crop", init: "Starting weights", "optimizer.lr": "Learning rate", "augment.scale": "Random scale",
  "augment.flip": "Chance of a left-right flip", "optimizer.name": "Optimiser", "schedule.name": "Curve",
  "optimizer.no_decay": "Without weight decay", "loss.at": "Compared at", "schedule.eta_min": "Rate at the end",
  "optimizer.clip_norm": "Largest gradient norm", ema: "Averaged weights (EMA)", frozen_bn: "Frozen batch norm",
  init_parts: "What is taken", freeze_encoder: "Frozen encoder", thaw_at: "Thaws after", "optimizer.layer_decay": "Rate by block",
  "augment.balance": "Drawn by class",
  channels_last: "Channels last", pack: "Pack photos", "schedule.every": "Steps between changes", accumulate: "Passes per step",
};
// Whose help says what it is for, not what it is.
const WORDS = { "options.encoder": "encoder", "options.backbone": "encoder", "options.output_stride": "stride" };
const PAIRS = { crop: ["height", "width"], "augment.scale": ["from", "to"], "optimizer.betas": ["mean", "square"] };

export function mountField(setting, { value, base, onChange }) {
  const { key, help } = setting;
  const id = `wb-set-${key.replaceAll(/[^\w]/g, "-")}`;
  const control = makeControl(setting, id, (next) => take(next));
  const reset = h("button", { type: "button", class: "wb-field-reset", onclick: () => take(undefined) });
  const label = control.group ? h("span", { class: "wb-field-label", id: `${id}-label` }, labelOf(key)) : h("label", { class: "wb-field-label", for: id }, WORDS[key] ? term(WORDS[key], labelOf(key)) : labelOf(key));
  const element = h("div", { class: "wb-field", dataset: { key } },
    h("div", { class: "wb-field-head" }, label, h("code", {}, key)),
    control.element, h("p", { class: "wb-field-help", id: `${id}-help` }, ...marked(help)), reset);
  let current;
  const draw = () => {
    const changed = !same(current, base);
    element.classList.toggle("wb-changed", changed);
    reset.hidden = !changed;
    reset.textContent = `Back to ${written(base)}`;
  };
  const take = (next) => {
    current = next === undefined ? base : next;
    if (next === undefined) control.write(base);
    draw();
    onChange(same(current, base) ? undefined : current);
  };
  const show = (next, nextBase) => {
    base = nextBase;
    current = next === undefined ? base : next;
    control.write(current);
    draw();
  };
  show(value, base);
  return { element, changed: () => !same(current, base), show };
}

export function labelOf(key) {
  if (LABELS[key]) return LABELS[key];
  const words = key.split(".").pop().replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

// A value for people: 240 x 320, none, encoder: 10.
export function written(value) {
  if (value === null || value === undefined) return "none";
  if (value === "") return "nothing";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.length ? value.join(", ") : "an empty list";
  if (typeof value === "object") return Object.entries(value).map(([name, item]) => `${name}: ${item}`).join(", ") || "nothing";
  return String(value);
}

export function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

// Help texts name settings and values in `backquotes`.
export function marked(text) {
  return text.split("`").map((part, place) => (place % 2 ? h("code", {}, part) : part)).filter((part) => part !== "");
}

// ---- controls, a kind each: {element, write(value), group}

function makeControl(setting, id, take) {
  if (setting.kind === "boolean") return checkbox(id, take);
  if (setting.kind === "choice") return setting.also ? suggest(setting, id, take) : select(setting, id, take);
  if (setting.kind === "pair") return pair(setting, id, take);
  const [read, write] = READERS[setting.kind];
  const placeholder = setting.optional ? "none" : { list: "one, two, three", table: "name: number, name: number" }[setting.kind];
  return line(id, placeholder, (text) => take(text.trim() === "" && setting.optional ? null : read(text)), write);
}

const READERS = {
  integer: [number, String],
  number: [number, String],
  text: [(text) => text.trim(), String],
  list: [(text) => parts(text).map(number), (values) => values.join(", ")],
  table: [readTable, (values) => Object.entries(values).map(([name, value]) => `${name}: ${value}`).join(", ")],
};

function number(text) {
  const trimmed = text.trim();
  const value = Number(trimmed);
  return trimmed === "" || Number.isNaN(value) ? trimmed : value;
}

function parts(text) {
  return text.split(",").map((part) => part.trim()).filter(Boolean);
}

function readTable(text) {
  const pairs = parts(text).map((part) => part.split(":").map((side) => side.trim()));
  return pairs.every((pair) => pair.length === 2) ? Object.fromEntries(pairs.map(([name, value]) => [name, number(value)])) : text;
}

function line(id, placeholder, onText, write) {
  const input = h("input", { type: "text", id, class: "wb-input", placeholder, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-help`, oninput: () => onText(input.value) });
  return { element: input, write: (value) => { input.value = value === null ? "" : typeof value === "string" ? value : write(value); } };
}

function checkbox(id, take) {
  const input = h("input", { type: "checkbox", id, "aria-describedby": `${id}-help`, onchange: () => take(input.checked) });
  return { element: h("span", { class: "wb-field-check" }, input), write: (value) => { input.checked = value === true; } };
}

function select({ choices, optional }, id, take) {
  const values = optional ? [null, ...choices] : choices;
  const input = h("select", { id, class: "wb-input", "aria-describedby": `${id}-help`, onchange: () => take(values[Number(input.value)]) },
    ...values.map((value, place) => h("option", { value: place }, written(value))));
  return { element: input, write: (value) => { input.value = String(values.findIndex((choice) => same(choice, value))); } };
}

// A choice that also takes text of some form, such as `timm:NAME`: its choices are suggestions.
function suggest({ choices, also }, id, take) {
  const list = `${id}-choices`;
  const { element: input, write } = line(id, also, (text) => take(text.trim()), String);
  input.setAttribute("list", list);
  return { element: h("span", {}, input, h("datalist", { id: list }, ...choices.map((choice) => h("option", { value: choice })))), write };
}

function pair({ key, optional }, id, take) {
  const names = PAIRS[key] ?? ["first", "second"];
  const read = () => {
    const values = inputs.map((input) => number(input.value));
    take(optional && values.every((value) => value === "") ? null : values);
  };
  const inputs = names.map((name, place) => h("input", {
    type: "text", inputmode: "decimal", id: place ? null : id, class: "wb-input", "aria-label": `${labelOf(key)}, ${name}`, placeholder: optional ? "none" : name,
    autocomplete: "off", "aria-describedby": `${id}-help`, oninput: read,
  }));
  const element = h("span", { class: "wb-pair", role: "group", "aria-labelledby": `${id}-label` }, inputs[0], h("span", { "aria-hidden": "true" }, key === "crop" ? "×" : "to"), inputs[1]);
  const write = (value) => inputs.forEach((input, place) => { input.value = value === null ? "" : String(Array.isArray(value) ? value[place] : value); });
  return { element, write, group: true };
}
