// The images that all evaluations hold, a row each: photo, truth, and what each model predicted. Those first on which the
// models are of different minds, or where one lost or gained most. A row opens large, with a divider or all side by side.

import { address, getJson, isAbort } from "../../api.js";
import { DISPUTE_COLORS, paintDisputes, paintMap } from "../../colorize.js";
import { exact, h, isolated, name, percent } from "../../dom.js";
import { Entries } from "../../entries.js";
import { points, section } from "../../evaluation_parts.js";
import { mountGallery } from "../../gallery.js";
import { mountControls, mountLegend } from "../../legend.js";
import { Lightbox } from "../../lightbox.js";
import { Look, Picture } from "../../pictures.js";
import { query, setQuery } from "../../place.js";
import { openSource } from "../../sources.js";

const ROWS = 8; // of a page
const ORDERS = [["disputed", "most differing pixels first"], ["lost", "largest loss in mIoU first"], ["gained", "largest gain in mIoU first"], ["path", "by name"]];

export class CompareImages {
  // start(work, place, done): have the predictions compared by a task
  constructor({ ids, evaluations, start }) {
    Object.assign(this, { ids, evaluations, start, at: 0, abort: new AbortController() });
    this.bar = h("div", { class: "wb-bar" });
    this.note = h("div", {});
    this.place = h("div", { class: "wb-gallery", id: "wb-compare-images" });
    this.element = section("Images", null, this.note, this.bar, this.place);
  }

  get sort() {
    const { sort } = query();
    return ORDERS.some(([id]) => id === sort) ? sort : "disputed";
  }

  async shown() {
    this.say("Loading …");
    try {
      const { signal } = this.abort;
      const sides = await Promise.all(this.ids.map((evaluation) => openSource({ kind: "evaluation", evaluation }, signal)));
      if (signal.aborted) return;
      this.source = together(sides, this.evaluations, (offset, limit, asked) => this.page(offset, limit, asked));
      this.look = new Look(this.source.classes);
      this.look.mode = "truth";
      this.controls = mountControls({ modes: [] }, this.look);
      this.legend = mountLegend(this.look);
      this.onLook = ({ detail }) => this.pictures?.forEach((picture) => (detail.recolored ? picture.paint() : picture.fade()));
      this.look.addEventListener("change", this.onLook);
      await this.fill();
    } catch (error) {
      if (!isAbort(error)) this.say(error.message, true);
    }
  }

  async page(offset, limit, signal) {
    const found = await getJson(address("/api/evaluations/compare/several/images", { ids: this.ids.join(","), sort: this.sort, offset, limit }), { signal });
    this.told = found;
    return { ...found, images: found.images.map((image) => ({ ...image, number: image.numbers[0] })) };
  }

  async fill() {
    this.entries?.close();
    const entries = (this.entries = new Entries(this.source));
    let fault = null;
    entries.addEventListener("fault", ({ detail }) => { fault = detail; });
    await entries.fetch(0);
    if (this.abort.signal.aborted || entries !== this.entries) return; // sorted otherwise meanwhile
    if (this.entries.total === null) return this.say(fault ?? "The images cannot be read.", true);
    this.at = Math.min(this.at, Math.max(0, this.entries.total - 1));
    this.tell();
    if (!this.entries.total) return this.each();
    await this.draw();
  }

  // Without an image in common each of two shows its own.
  each() {
    if (this.ids.length > 2) return this.say("The evaluations have no image in common.");
    const sides = this.evaluations.map(({ evaluation, letter }) => {
      const place = h("div");
      return { evaluation, place, element: h("div", {}, h("h3", { class: "wb-part-title" }, `${letter}: the worst of evaluation ${evaluation}`), place) };
    });
    this.place.replaceChildren(h("p", { class: "wb-hint" }, "The two have no image in common: each shows its own, the worst first."), h("div", { class: "wb-halves" }, ...sides.map(({ element }) => element)));
    this.galleries = sides.map(({ place, evaluation }) => mountGallery(place, { value: { kind: "evaluation", evaluation }, tile: 200 }));
  }

  // Whether the predictions were compared pixel by pixel, and how that is done.
  tell() {
    const { compared, obstacle, total } = this.told;
    const running = h("span", { role: "status" });
    const button = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-compare-predictions", onclick: () => {
      button.disabled = true;
      this.start({ ids: this.ids, predictions: true }, running, () => { this.at = 0; this.fill(); });
    } }, "Compare the predictions");
    const offer = total > 0 && !compared && !obstacle && h("div", { class: "wb-bar wb-compare-wait" },
      h("span", {}, `Where do the models differ? Comparing the predictions of ${exact(total)} ${total === 1 ? "image" : "images"} pixel by pixel ranks them; it is done once and kept.`), button, running);
    this.note.replaceChildren(...[obstacle && total > 0 && h("p", { class: "wb-warn" }, obstacle), offer].filter(Boolean));
    const options = ORDERS.filter(([id]) => compared || id !== "disputed");
    const select = h("select", { id: "wb-compare-sort", onchange: () => { setQuery({ sort: select.value }); this.at = 0; this.fill(); } },
      ...options.map(([value, text]) => h("option", { value, selected: value === this.told.sort }, text)));
    this.pager = h("span", { class: "wb-pager" });
    this.bar.replaceChildren(...(total ? [h("label", { class: "wb-select" }, "Sorted ", select), this.controls.element, this.pager, this.legend.element] : []));
  }

  async draw() {
    const { entries: found, at } = this;
    const { total } = found;
    const last = Math.min(total, at + ROWS);
    const turn = (label, by) => h("button", { type: "button", class: "wb-button", "aria-label": by < 0 ? "Images before" : "Images after", disabled: this.at + by < 0 || this.at + by >= total, onclick: () => { this.at += by; this.draw(); } }, label);
    this.pager.replaceChildren(`${exact(at + 1)}–${exact(last)} of ${exact(total)} in all `, turn("◀", -ROWS), turn("▶", ROWS));
    const indices = Array.from({ length: last - at }, (_, place) => at + place);
    const entries = await Promise.all(indices.map((index) => found.at(index)));
    if (this.abort.signal.aborted || found !== this.entries || at !== this.at) return;
    for (const picture of this.pictures ?? []) picture.drop();
    this.pictures = [];
    this.place.replaceChildren(h("ol", { class: "wb-rows-of" }, ...entries.map((entry, place) => entry && this.row(entry, indices[place]))));
  }

  row(entry, index) {
    const tile = (mode, badge) => {
      const picture = new Picture(this.source, this.look, { mode: mode.id, lazy: true });
      this.pictures.push(picture);
      picture.show(entry, 512);
      picture.element.style.aspectRatio = `${entry.width} / ${entry.height}`;
      return h("span", { class: "wb-row-tile" }, picture.element, h("span", { class: "wb-row-label" }, name(mode.label), badge && h("span", { class: "wb-hint" }, badge)));
    };
    const modes = this.source.fourUp.map((id) => this.source.modes.find((mode) => mode.id === id));
    const tiles = modes.map((mode) => tile(mode, mode.side === undefined ? null : ` mIoU ${percent(entry.scores[mode.side])} %`));
    return h("li", {}, h("button", { type: "button", class: "wb-row-of", "aria-label": this.source.caption(entry), onclick: () => this.open(index) },
      h("span", { class: "wb-row-tiles" }, ...tiles)), h("p", { class: "wb-row-caption" }, name(this.source.caption(entry)), ...this.source.facts(entry).map((fact) => h("span", { class: "wb-hint" }, " · ", fact))));
  }

  open(index) {
    this.lightbox?.destroy();
    const look = new Look(this.source.classes);
    Object.assign(look, { mode: this.source.modes[0].id, opacity: this.look.opacity });
    this.lightbox = new Lightbox(this.entries, look, { onClose: (last) => {
      this.lightbox = null;
      const row = (last ?? index) - this.at;
      this.place.querySelectorAll(".wb-row-of")[Math.max(0, Math.min(row, ROWS - 1))]?.focus();
    } });
    this.lightbox.open(index, this.element);
  }

  say(text, fault = false) {
    this.place.replaceChildren(h("p", { class: fault ? "wb-message wb-bad" : "wb-message", role: fault ? "alert" : "status" }, text));
  }

  destroy() {
    this.abort.abort();
    for (const picture of this.pictures ?? []) picture.drop();
    for (const gallery of this.galleries ?? []) gallery.destroy();
    this.lightbox?.destroy();
    this.entries?.close();
    this.controls?.destroy();
    this.legend?.destroy();
    this.look?.removeEventListener("change", this.onLook);
  }
}

// All sides of an image as one source: the classes of the first, then those that only others have.
function together(sides, evaluations, page) {
  const classes = [...new Map(sides.flatMap((side) => side.classes).map((each) => [each.name, each])).values()];
  const place = new Map(classes.map(({ name: label }, index) => [label, index]));
  const tables = sides.map((side) => side.classes.map(({ name: label }) => place.get(label)));
  const painted = (at) => (canvas, [map], { table }) => {
    const ours = new Uint32Array(256);
    tables[at].forEach((index, own) => { ours[own] = table[index]; });
    paintMap(canvas, map, ours);
  };
  const inAll = (at, index) => tables[Math.max(0, at)][index] ?? 254;
  const layers = sides.map((_, at) => `side${at}`);
  const modes = sides.map((_, at) => ({
    id: layers[at], side: at, label: `${evaluations[at].letter} · evaluation ${evaluations[at].evaluation}`, maps: [layers[at]], paint: painted(at),
  }));
  const words = sides.length === 2
    ? [...["a", "b"].map((each, at) => ({ label: `only ${each} is right`, color: DISPUTE_COLORS.right[at] })), { label: "neither is right", color: DISPUTE_COLORS.none }]
    : [{ label: "they differ, some are right", color: DISPUTE_COLORS.some }, { label: "they differ, none is right", color: DISPUTE_COLORS.none }];
  const truth = { id: "truth", label: "Truth", maps: ["truth"], paint: painted(0) };
  const photo = { id: "photo", label: "Photo", maps: [], paint: null };
  const differ = {
    id: "differ", label: "Where they differ", maps: ["truth", ...layers], words: [...words, { label: "they differ, no label", color: DISPUTE_COLORS.ignored, hatched: true }],
    paint: (canvas, [labels, ...maps]) => paintDisputes(canvas, labels, maps, inAll),
  };
  return {
    classes, modes: [differ, ...modes, truth, photo], page, empty: "The evaluations have no image in common.",
    named: [{ layer: "truth", text: "truth" }, ...layers.map((layer, at) => ({ layer, text: evaluations[at].letter }))],
    fourUp: ["photo", "truth", ...layers], swipe: layers,
    key: (entry) => entry.number, caption: (entry) => `${entry.dataset}/${entry.path}`, badge: () => null, has: () => true,
    facts: ({ dispute, scores }) => [
      scores.length === 2 && scores.every((score) => score !== null) ? `mIoU ${points(scores[1] - scores[0])} points` : null,
      dispute && `${percent(dispute.disputed / dispute.pixels)} % of the pixels differ`,
      dispute?.labelled ? `of these right: ${dispute.right.map((count, at) => `${isolated(evaluations[at].letter)} ${percent(count / dispute.labelled)} %`).join(", ")}` : null,
    ].filter(Boolean),
    photoUrl: (entry, size) => sides[0].photoUrl({ ...entry, number: entry.numbers[0] }, size),
    mapUrl: (entry, layer, size) => {
      const at = Math.max(0, layers.indexOf(layer));
      return sides[at].mapUrl({ ...entry, number: entry.numbers[at] }, layer === "truth" ? "truth" : "prediction", size);
    },
  };
}
