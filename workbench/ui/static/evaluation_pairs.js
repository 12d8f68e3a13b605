// The images that two evaluations share, a pair of pictures each, those that lost most first.
//
// mountPairs(element, {a, b, counts: {a, b}}) -> {destroy()}; a pair opens large: photo, truth, both predictions.

import { address, getJson } from "./api.js";
import { paintMap } from "./colorize.js";
import { exact, h, name, percent } from "./dom.js";
import { Entries } from "./entries.js";
import { points } from "./evaluation_parts.js";
import { mountControls, mountLegend } from "./legend.js";
import { Lightbox } from "./lightbox.js";
import { Look, Picture } from "./pictures.js";
import { openSource } from "./sources.js";

const MORE = 8; // pairs that a click on "Show more" adds

export function mountPairs(element, options) {
  const pairs = new Pairs(element, options);
  pairs.start();
  return { destroy: () => pairs.destroy() };
}

class Pairs {
  constructor(element, options) {
    Object.assign(this, { element, ...options, pictures: [], abort: new AbortController() });
  }

  async start() {
    const { signal } = this.abort;
    this.element.replaceChildren(h("p", { class: "wb-message", role: "status" }, "Loading …"));
    try {
      const sources = await Promise.all([this.a, this.b].map((evaluation) => openSource({ kind: "evaluation", evaluation }, signal)));
      if (!signal.aborted) this.build(...sources);
    } catch (error) {
      if (!signal.aborted) this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
    }
  }

  build(a, b) {
    const classes = union(a.classes, b.classes);
    this.sides = [a, b].map((source) => ({ ...source, classes, modes: source.modes.map((mode) => translated(mode, source.classes, classes)) }));
    this.source = both(...this.sides, this);
    this.entries = new Entries(this.source);
    this.entries.addEventListener("fault", ({ detail }) => { this.count.textContent = detail; });
    this.look = new Look(classes);
    this.look.mode = "prediction";
    this.controls = mountControls(this.sides[0], this.look);
    this.legend = mountLegend(this.look);
    this.onLook = (event) => this.pictures.forEach((picture) => (event.detail.recolored ? picture.paint() : picture.fade()));
    this.look.addEventListener("change", this.onLook);
    this.count = h("span", { class: "wb-count", role: "status" });
    this.list = h("ol", { class: "wb-boths" });
    this.more = h("button", { class: "wb-button", type: "button", onclick: () => this.add() }, "Show more");
    this.element.classList.add("wb-gallery");
    this.element.replaceChildren(h("div", { class: "wb-bar" }, this.controls.element, this.count), this.legend.element, this.list, this.more);
    this.add();
  }

  async add() {
    this.more.disabled = true; // one click after the other
    const from = this.list.children.length;
    for (let index = from; index < from + MORE; index += 1) {
      const entry = await this.entries.at(index);
      if (this.abort.signal.aborted || !entry) break;
      this.list.append(this.row(entry, index));
    }
    this.more.disabled = false;
    const { total } = this.entries;
    if (total === null) return; // "fault" said why
    this.more.hidden = this.list.children.length >= total;
    this.count.textContent = `${exact(total)} in both, of ${exact(this.counts.a)} (a) and ${exact(this.counts.b)} (b)`;
  }

  row(entry, index) {
    const side = (letter, place) => {
      const picture = new Picture(this.sides[place], this.look, { lazy: true });
      this.pictures.push(picture);
      picture.show(entry[letter], 512);
      picture.element.style.aspectRatio = `${entry.width} / ${entry.height}`;
      const { score } = entry[letter];
      return h("span", { class: "wb-both-side" }, picture.element, h("span", { class: "wb-badge" }, `${letter} ${percent(score)}`));
    };
    return h("li", {}, h("button", { type: "button", class: "wb-both", "aria-label": `${this.source.caption(entry)}, ${this.source.badge(entry).title}`, onclick: () => this.open(index) },
      side("a", 0), side("b", 1),
      h("span", { class: "wb-both-caption" }, name(this.source.caption(entry)), h("span", { class: "wb-hint" }, points(entry.difference)))));
  }

  open(index) {
    this.lightbox?.destroy();
    const look = new Look(this.look.classes);
    Object.assign(look, { mode: "b", opacity: this.look.opacity });
    this.lightbox = new Lightbox(this.entries, look, { onClose: (last) => {
      this.lightbox = null;
      this.list.children[Math.min(last ?? index, this.list.children.length - 1)]?.querySelector("button").focus();
    } });
    this.lightbox.open(index, this.element);
  }

  destroy() {
    this.abort.abort();
    this.lightbox?.destroy();
    this.entries?.close();
    this.controls?.destroy();
    this.legend?.destroy();
    this.look?.removeEventListener("change", this.onLook);
  }
}

// Classes of the first, then those only the second has.
function union(first, second) {
  const known = new Set(first.map((each) => each.name));
  return [...first, ...second.filter((each) => !known.has(each.name))];
}

// A mode that paints the classes of one side in the colours, and with the eyes, of both together.
function translated(mode, own, classes) {
  if (!["prediction", "truth"].includes(mode.id)) return mode;
  const places = own.map(({ name: label }) => classes.findIndex((each) => each.name === label));
  const paint = (canvas, [map], look) => {
    const { table } = look;
    const ours = new Uint32Array(256);
    places.forEach((place, index) => { ours[index] = table[place]; });
    paintMap(canvas, map, ours);
  };
  return { ...mode, paint };
}

// Both sides of an image as one source, for the lightbox.
function both(a, b, { a: first, b: second }) {
  const mode = (source, id) => source.modes.find((each) => each.id === id);
  return {
    classes: a.classes,
    modes: [
      { id: "a", label: `a: evaluation ${first}`, maps: ["a"], paint: mode(a, "prediction").paint },
      { id: "b", label: `b: evaluation ${second}`, maps: ["b"], paint: mode(b, "prediction").paint },
      { id: "truth", label: "Truth", maps: ["truth"], paint: mode(a, "truth").paint },
      mode(a, "photo"),
    ],
    named: [{ layer: "truth", text: "truth" }, { layer: "a", text: "a" }, { layer: "b", text: "b" }],
    fourUp: ["photo", "truth", "a", "b"],
    swipe: ["a", "b"],
    empty: "The two have no image in common.",
    page: async (offset, limit, signal) => {
      const { total, images } = await getJson(address("/api/evaluations/compare/images", { a: first, b: second, offset, limit }), { signal });
      return { total, images: images.map((pair) => ({ ...pair.a, ...pair })) };
    },
    key: (entry) => entry.number,
    caption: (entry) => `${entry.dataset}/${entry.path}`,
    badge: (entry) => {
      const text = `${percent(entry.a.score)} → ${percent(entry.b.score)}`;
      return { text, title: `mIoU ${text} %, ${points(entry.difference)} points` };
    },
    has: () => true,
    photoUrl: (entry, size) => a.photoUrl(entry.a, size),
    mapUrl: (entry, layer, size) => (layer === "truth" ? a.mapUrl(entry.a, "truth", size) : (layer === "a" ? a : b).mapUrl(entry[layer], "prediction", size)),
  };
}
