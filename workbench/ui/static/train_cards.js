// The architectures as cards, one of which is chosen, and the options of that one.
//
// mountCards(element, {classes, onChoose(name), onOption(key, value), onNetwork(network), onCard()}) -> {show(form, recipe), ready, card(name)}
//   onCard: what is chosen has become known after `ready`

import { getJson, post } from "./api.js";
import { exact, h, svg } from "./dom.js";
import { mountField } from "./train_field.js";
import { term } from "./words.js";

const AGAIN = 1000; // ms until those are asked for that were not described yet
const PAUSE = 250; // ms after the last key until a network is built of the options
const SHAPES = {
  tags: new Set(["svg", "title", "defs", "marker", "g", "path", "line", "rect", "text"]),
  attributes: new Set(["viewBox", "width", "height", "role", "id", "refX", "refY", "markerWidth", "markerHeight", "orient", "d", "x", "y", "x1", "y1", "x2", "y2", "rx", "fill",
    "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "marker-end", "text-anchor", "font-family", "font-size", "font-style", "font-weight"]),
};
const COST = { light: "light: goes without a GPU", medium: "medium: slow without a GPU", heavy: "heavy: wants a GPU" };

export function mountCards(element, options) {
  const cards = new Cards(element, options);
  return { ready: cards.ready, show: (form, recipe) => cards.show(form, recipe), card: (name) => cards.found.get(name) };
}

class Cards {
  constructor(element, options) {
    Object.assign(this, options, { found: new Map(), turn: 0 });
    this.list = h("div", { class: "wb-archs", role: "radiogroup", "aria-label": "Architecture" });
    this.waits = h("p", { class: "wb-hint", role: "status" }, "Looking up the architectures.");
    this.own = h("div", { class: "wb-arch-options" });
    element.replaceChildren(this.list, this.waits, this.own);
    this.ready = this.load();
  }

  async load() {
    try {
      const { architectures, waiting } = await getJson("/api/architectures");
      const fresh = architectures.filter(({ name }) => !this.found.has(name));
      for (const card of fresh) this.add(card);
      this.waits.textContent = waiting
        ? `${waiting} ${this.found.size ? "more " : ""}${waiting === 1 ? "is" : "are"} being described. The first time this takes some seconds; then they are remembered.`
        : `${this.found.size} architectures, the lightest first.`;
      if (waiting && this.list.isConnected) setTimeout(() => this.load(), AGAIN);
      if (fresh.some(({ name }) => name === this.wanted)) this.onCard();
    } catch (error) {
      this.waits.replaceChildren(h("span", { class: "wb-bad" }, error.message));
    }
  }

  // Before the first that is heavier.
  add(card) {
    this.found.set(card.name, card);
    const heavier = [...this.list.children].find(({ dataset }) => this.found.get(dataset.name).gflops > card.gflops);
    this.list.insertBefore(this.draw(card), heavier ?? null);
  }

  draw(card) {
    return h("label", { class: "wb-arch", dataset: { name: card.name } },
      h("input", { type: "radio", name: "wb-arch", value: card.name, onchange: () => this.onChoose(card.name) }),
      h("span", { class: "wb-arch-title" }, card.title, h("span", { class: "wb-hint" }, ` ${card.year}`)),
      h("span", {}, card.what_it_is),
      h("span", { class: "wb-arch-figures", title: figuresOf(card) }, COST[card.cost]),
      h("span", { class: "wb-arch-paper" }, card.paper));
  }

  show(form, recipe) {
    this.wanted = form.architecture;
    // The figures of one that is no longer chosen are those of its defaults again.
    for (const each of this.found.values()) if (each.name !== form.architecture) this.figure(each);
    for (const input of this.list.querySelectorAll("input")) input.checked = input.value === form.architecture;
    const card = this.found.get(form.architecture);
    if (!card) return;
    this.reveal();
    const key = `${card.name} ${recipe.name}`;
    const fresh = this.shown !== key;
    if (fresh) {
      this.shown = key;
      this.fields = card.options.map((option) => {
        const setting = { ...option, key: `options.${option.key}` };
        return [setting, mountField(setting, { value: form.settings[setting.key], base: baseOf(option, recipe), onChange: (value) => this.onOption(setting.key, value) })];
      });
      this.now = h("div", { class: "wb-arch-now", "aria-live": "polite" });
      this.drawing = h("div", { class: "wb-arch-drawing", tabindex: "0", role: "region", "aria-label": `Drawing of ${card.title}` });
      const fields = h("div", { class: "wb-fields" }, ...this.fields.map(([, field]) => field.element));
      const options = card.options.length ? [h("h3", {}, `Options of ${card.title}`), fields] : [];
      const drawn = h("details", { open: true }, h("summary", {}, "How it works: what a photo of 512×512 passes through"), this.drawing);
      this.own.replaceChildren(...options, h("h3", {}, `${card.title}${options.length ? " with these options" : ""}`), this.now, drawn);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.describe(card, form, recipe), fresh ? 0 : PAUSE);
  }

  // Scrolls the list, and not the page, to what is chosen.
  reveal() {
    const [list, card] = [this.list, this.list.querySelector(".wb-arch:has(input:checked)")].map((element) => element.getBoundingClientRect());
    if (card.top < list.top || card.bottom > list.bottom) this.list.scrollTop += card.top - list.top - 12;
  }

  figure(card) {
    const place = this.list.querySelector(`[data-name="${card.name}"] .wb-arch-figures`);
    place.textContent = COST[card.cost];
    place.title = figuresOf(card);
  }

  // What it is with the options as they are: other options, another size.
  async describe(card, form, recipe) {
    const turn = (this.turn += 1);
    const options = Object.fromEntries([...Object.entries(recipe.values), ...Object.entries(form.settings)]
      .filter(([key]) => key.startsWith("options.")).map(([key, value]) => [key.slice("options.".length), value]));
    try {
      const now = await post(`/api/architectures/${card.name}`, { classes: Math.max(1, this.classes), options });
      if (turn !== this.turn) return;
      this.now.replaceChildren(facts(now));
      this.drawing.replaceChildren(read(now.drawing));
      this.figure(now);
      this.onNetwork(now);
    } catch (error) {
      if (turn !== this.turn) return;
      this.now.replaceChildren(h("p", { class: "wb-bad" }, error.message));
      this.drawing.replaceChildren();
    }
  }
}

export function baseOf(option, recipe) {
  const key = `options.${option.key}`;
  return key in recipe.values ? recipe.values[key] : option.default;
}

function figuresOf(card) {
  return `${millions(card.parameters)} parameters · ${gflops(card.gflops)} · ${mebibytes(card.kept_bytes)} a photo in training`;
}

function facts(card) {
  const held = Object.entries(card.held_bytes).map(([name, bytes]) => `${mebibytes(bytes)} with ${name}`).join(", ");
  const exports = ["bundle", "safetensors", ...card.exports].join(", ");
  const rows = [["Published", `${card.year}: ${card.paper}`], [term("parameters", "Parameters"), `${exact(card.parameters)} for ${card.classes} classes`],
    [term("gflops", "Work"), `${gflops(card.gflops)}, ${COST[card.cost]}`],
    ["Memory of training", `${mebibytes(card.kept_bytes)} a photo of 512×512, and once for weights, gradients and optimiser ${held} (in fp32)`],
    ["Output stride", String(card.output_stride)], ["ImageNet weights", card.imagenet ?? card.imagenet_note], ["Exports", [`${exports}.`, card.exports_note].filter(Boolean).join(" ")]];
  return h("dl", { class: "wb-facts" }, ...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

// A drawing as the server writes it: only shapes and letters are taken from it, whatever else it may hold.
function read(text) {
  return copy(new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
}

function copy(node) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  const attributes = Object.fromEntries([...node.attributes].filter(({ name }) => SHAPES.attributes.has(name)).map(({ name, value }) => [name, value]));
  const children = [...node.childNodes].filter((child) => child.nodeType === Node.TEXT_NODE || SHAPES.tags.has(child.localName));
  return svg(node.localName, attributes, ...children.map(copy));
}

function mebibytes(bytes) {
  return `${exact(Math.round(bytes / 2 ** 20))} MiB`;
}

function millions(count) {
  return `${(count / 1e6).toFixed(1)} M`;
}

function gflops(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} GFLOPs at 512×512`;
}
