// What other models say of a photo that was tried: all of them at one place and zoom, or two with a divider between them.
//
// mountBeside(element, {project, model, models, item, size, onDone}) -> {destroy()}
//   model: reference of the one it was tried with; models: [{reference, title}]; item: its `beside`, records by model, is
//   kept there; size(): what the network sees

import { address, getJson, post } from "./api.js";
import { paintMap } from "./colorize.js";
import { h, name as bdi, percent } from "./dom.js";
import { Entries } from "./entries.js";
import { Lightbox } from "./lightbox.js";
import { Look } from "./pictures.js";
import { drawTable } from "./table.js";

const MOST = 3; // besides the first

export function mountBeside(element, options) {
  const beside = new Beside(element, options);
  return { destroy: () => beside.destroy() };
}

class Beside {
  constructor(element, { project, models, item, size }) {
    const { model } = item.record;
    Object.assign(this, { project, item, size, chosen: new Set(Object.keys((item.beside ??= {}))) });
    const others = models.filter(({ reference }) => reference !== model);
    this.boxes = others.map(({ reference, title }) => {
      const input = h("input", { type: "checkbox", value: reference, checked: this.chosen.has(reference), onchange: () => this.tick(reference, input.checked) });
      return { input, element: h("label", { class: "wb-others-model" }, input, " ", bdi(title === reference ? reference : `${title} (${reference})`)) };
    });
    this.button = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-others-go", disabled: !this.chosen.size, onclick: () => this.go() }, "Side by side");
    this.told = h("span", { class: "wb-hint", role: "status" });
    this.fault = h("p", { class: "wb-fault-line", role: "alert" });
    this.table = h("div", { class: "wb-others-shares" });
    element.hidden = !others.length;
    this.element = element;
    element.replaceChildren(h("summary", {}, "Beside other models"),
      h("div", { class: "wb-others-models" }, ...this.boxes.map((each) => each.element)),
      h("div", { class: "wb-bar" }, this.button, this.told), this.fault, this.table);
    element.open = this.chosen.size > 0;
    this.limit();
    this.shares().catch((error) => { this.fault.textContent = error.message; });
  }

  destroy() {
    this.gone = true;
    this.lightbox?.destroy();
    this.entries?.close();
  }

  tick(reference, on) {
    if (on) this.chosen.add(reference);
    else this.chosen.delete(reference);
    this.limit();
    this.shares().catch((error) => { this.fault.textContent = error.message; });
  }

  limit() {
    this.button.disabled = !this.chosen.size || this.busy;
    for (const { input } of this.boxes) input.disabled = !input.checked && this.chosen.size >= MOST;
  }

  get records() {
    return [this.item.record, ...[...this.chosen].map((reference) => this.item.beside[reference])].filter(Boolean);
  }

  async go() {
    this.busy = true;
    this.limit();
    this.fault.textContent = "";
    try {
      for (const reference of this.chosen) {
        if (this.item.beside[reference] || this.gone) continue;
        this.told.textContent = `Predicting with ${reference} …`;
        this.item.beside[reference] = await post(address(`/api/projects/${this.project}/tried/${this.item.record.id}/again`, { model: reference, size: this.size() }));
      }
      if (this.gone) return;
      await this.shares();
      if (this.said) this.open();
    } catch (error) {
      this.fault.textContent = error.message;
    } finally {
      this.busy = false;
      this.told.textContent = "";
      this.limit();
    }
  }

  // Each class's share of the photo's pixels by model, and where the models agree.
  async shares() {
    const { records } = this;
    const query = String(new URLSearchParams(records.map(({ id }) => ["tried", id])));
    Object.assign(this, { query, said: null });
    if (records.length < 2) return this.table.replaceChildren();
    const said = await getJson(`/api/beside?${query}`);
    if (this.gone || this.query !== query) return null; // others were ticked meanwhile
    this.said = said;
    const columns = [
      { id: "class", title: "Class", heads: true, cell: ({ name, color }) => h("span", {}, h("span", { class: "wb-chip", style: { background: color } }), bdi(name)) },
      ...records.map((record, place) => ({ id: `m${place}`, title: `${record.model} %`, number: true, cell: ({ shares }) => percent(shares[place]) })),
    ];
    const shown = said.classes.filter(({ shares }) => shares.some(Boolean));
    const both = records.length > 2 ? `all ${records.length} models` : "both models";
    const pairs = said.pairs.map(({ a, b, agree }) => h("li", {}, `${percent(agree)} % from `, bdi(records[a].model), " and ", bdi(records[b].model)));
    this.table.replaceChildren(drawTable({ label: "Share of the photo's pixels", columns, rows: shown }),
      h("p", { class: "wb-others-agree" }, `${percent(said.agree)} % of the pixels get the same class from ${both}.`),
      ...(pairs.length > 1 ? [h("ul", { class: "wb-hint" }, ...pairs)] : []));
    return null;
  }

  open() {
    const source = besides(this.records, this.said.classes, this.item.title);
    this.entries?.close();
    this.entries = new Entries(source);
    const look = new Look(source.classes);
    look.mode = source.modes[0].id;
    this.lightbox?.destroy();
    this.lightbox = new Lightbox(this.entries, look, { onClose: () => { this.lightbox = null; this.button.focus(); } });
    this.lightbox.open(0, this.element);
  }
}

// The photo as each of the models sees it, in the classes of all together.
function besides(records, classes, title) {
  const { id, width, height } = records[0];
  const modes = records.map(({ model, classes: own }, place) => {
    const places = own.map(({ name }) => classes.findIndex((each) => each.name === name));
    const paint = (canvas, [map], look) => {
      const { table } = look;
      const ours = new Uint32Array(256);
      places.forEach((at, index) => { ours[index] = table[at]; });
      paintMap(canvas, map, ours);
    };
    return { id: `m${place}`, label: model, maps: [`m${place}`], paint, own: places.every((at, index) => at === index) };
  });
  return {
    classes,
    modes: [...modes, { id: "photo", label: "Photo", maps: [], paint: null }],
    named: modes.filter(({ own }) => own).map(({ id: layer, label }) => ({ layer, text: label })), // indices as of `classes`
    fourUp: [...(records.length === 3 ? ["photo"] : []), ...modes.map((mode) => mode.id)],
    swipe: modes.slice(0, 2).map((mode) => mode.id),
    empty: "",
    page: async () => ({ total: 1, images: [{ id, width, height }] }),
    key: (entry) => entry.id,
    caption: () => title,
    badge: () => null,
    has: () => true,
    photoUrl: (entry, size) => address(`/api/tried/${id}/photo`, { size }),
    mapUrl: (entry, layer, size) => address(`/api/tried/${records[Number(layer.slice(1))].id}/map`, { size }),
  };
}
