// The pixel under the pointer in words: what it is by every map of its picture, and how sure the network was of it.

import { IGNORE } from "./colorize.js";
import { h, name, percent } from "./dom.js";
import { mapAt } from "./pictures.js";

export class Pointed {
  // source.named: [{layer, text, sure}]: the maps that are asked, and what they say; `sure`: 0..255 of a probability
  constructor(source, look) {
    Object.assign(this, { source, look, maps: [], turn: 0 });
    this.element = h("output", { class: "wb-pointed", "aria-live": "off" });
    this.clear();
  }

  // Another entry, or the same at another size: its maps are fetched, so that a word needs no waiting.
  async show(entry, size) {
    const turn = (this.turn += 1);
    this.maps = [];
    this.clear();
    const { named } = this.source;
    if (!this.source.has(entry)) return;
    const found = await Promise.all(named.map(({ layer }) => mapAt(this.source.mapUrl(entry, layer, size)).catch(() => null)));
    if (turn === this.turn) this.maps = found;
  }

  // x, y: the place in the picture, 0..1
  at(x, y) {
    const inside = x >= 0 && y >= 0 && x < 1 && y < 1;
    const words = inside ? this.source.named.map((each, index) => this.word(each, this.maps[index], x, y)).filter(Boolean) : [];
    if (words.length) this.element.replaceChildren(...words);
    else this.clear();
  }

  clear() {
    this.element.replaceChildren(h("span", { class: "wb-hint" }, "Point at a pixel, or tap it: it is named here."));
  }

  word({ text, sure = false }, map, x, y) {
    if (!map) return null; // not there yet
    const value = map.data[Math.floor(y * map.height) * map.width + Math.floor(x * map.width)];
    if (sure) return h("span", {}, `${percent(value / 255, 0)} % ${text}`);
    const { name: label, color } = this.look.classes[value] ?? { name: value === IGNORE ? "ignored" : `index ${value}`, color: "#0000" };
    return h("span", {}, h("span", { class: "wb-hint" }, `${text} `), h("span", { class: "wb-chip", style: { background: color } }), name(label));
  }
}
