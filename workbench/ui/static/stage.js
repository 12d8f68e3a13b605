// What one entry is seen in: one picture, two with a divider between them, or four (or more) side by side, all at the same
// place.

import { h } from "./dom.js";
import { keyWords } from "./legend.js";
import { Picture } from "./pictures.js";
import { Pointed } from "./pointed.js";
import { swipePane } from "./swipe.js";
import { View, holdToPeek, steer } from "./view.js";

const SCREEN = 1600; // the size pictures are asked for first
const FULL = 0;
const OF_CLASSES = ["labels", "prediction", "truth"]; // modes whose map holds classes, as the legend has them

// The ways a source's entries can be seen: [[id, label, key]].
export function layoutsOf({ swipe, fourUp }) {
  return [["one", "One", "1"], swipe && ["swipe", "Swipe", "S"], fourUp && ["four", fourUp.length === 4 ? "Four" : "All", "4"]].filter(Boolean);
}

export class Stage {
  constructor(source, look) {
    Object.assign(this, { source, look, view: new View(), panes: [], entry: null, divider: 0.5, over: null });
    this.element = h("div", { class: "wb-stage" });
    this.pointed = new Pointed(source, look);
    this.onView = () => this.arrange();
    this.view.addEventListener("change", this.onView);
    this.watcher = new ResizeObserver(() => this.arrange());
    this.watcher.observe(this.element);
  }

  destroy() {
    this.watcher.disconnect();
  }

  get pictures() {
    return this.panes.flatMap(({ pictures }) => pictures);
  }

  // Lay the stage out anew; `show` fills it.
  build(layout) {
    this.unpoint();
    this.layout = layout;
    this.element.classList.toggle("wb-four", layout === "four");
    const { fourUp, swipe } = this.source;
    this.panes = { one: () => [this.pane(null)], four: () => fourUp.map((mode) => this.pane(mode)), swipe: () => [this.swiped(swipe)] }[layout]();
    for (const { element, pictures: [picture] } of this.panes) {
      const cross = h("span", { class: "wb-cross", hidden: true });
      element.append(cross);
      steer(element, this.view, () => this.box(element));
      holdToPeek(element, this.look);
      const point = ({ clientX: x, clientY: y }) => this.point({ x, y, pane: element, picture });
      element.addEventListener("pointerdown", point);
      element.addEventListener("pointermove", point);
      element.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.unpoint(); });
    }
    this.element.style.setProperty("--columns", Math.ceil(Math.sqrt(this.panes.length)));
    this.element.replaceChildren(...this.panes.map(({ element }) => element));
  }

  pane(mode) {
    const picture = new Picture(this.source, this.look, { mode });
    const shown = mode && this.mode(mode);
    const label = shown && h("span", { class: "wb-pane-label" }, h("bdi", {}, shown.label), keyWords(shown));
    return { element: h("div", { class: "wb-pane" }, picture.element, label), pictures: [picture] };
  }

  swiped(modes) {
    this.sides ??= modes.slice(0, 2);
    const pictures = this.sides.map((mode) => new Picture(this.source, this.look, { mode }));
    const choices = modes.map((mode) => [mode, this.mode(mode).label]);
    const choose = (side, mode) => {
      this.sides[side] = mode;
      pictures[side].turnTo(mode);
    };
    const { element, handle } = swipePane(pictures, this.sides.map((mode) => this.mode(mode).label), this.divider, (at) => { this.divider = at; }, { choices, chosen: this.sides, choose });
    return { element, pictures, handle };
  }

  mode(id) {
    return this.source.modes.find((mode) => mode.id === id);
  }

  // Show an entry where the last one was looked at; resolves once its maps are painted.
  async show(entry) {
    Object.assign(this, { entry, size: SCREEN });
    this.arrange();
    await Promise.all(this.pictures.map((picture) => picture.show(entry, this.size)));
    if (this.entry === entry) this.name();
  }

  // Fetch what names the pixels of the entry, and name the one that the pointer rests on.
  async name() {
    await this.pointed.show(this.entry, this.size);
    if (this.over) this.point(this.over);
  }

  async follow(recolored) {
    for (const picture of this.pictures) picture.fade();
    if (recolored) await Promise.all(this.pictures.map((picture) => picture.paint()));
  }

  // The map of classes that is seen, and what it is: {map, label, whole}; null where none is.
  counted() {
    const shown = this.pictures.find(({ maps, mode }) => maps && OF_CLASSES.includes(mode ?? this.look.mode));
    const map = shown?.maps[0];
    return map ? { map, label: this.mode(shown.mode ?? this.look.mode).label, whole: map.width === this.entry.width } : null;
  }

  // Which maps are seen of an entry, so that they can be fetched before it is: [layer].
  layers(entry) {
    const modes = this.pictures.map(({ mode }) => this.mode(mode ?? this.look.mode)).filter((mode) => mode?.paint && this.source.has(entry, mode));
    return [...new Set(modes.flatMap(({ maps }) => maps))];
  }

  box(pane = this.panes[0].element) {
    const { width, height } = this.entry ?? { width: 4, height: 3 };
    const scale = Math.min(pane.clientWidth / width, pane.clientHeight / height);
    return { width: width * scale, height: height * scale };
  }

  arrange() {
    if (!this.entry) return;
    let widest = 0;
    for (const { element, pictures } of this.panes) {
      const box = this.box(element);
      widest = Math.max(widest, box.width * this.view.zoom);
      for (const picture of pictures) {
        this.view.place(picture.element, box);
        picture.element.classList.toggle("wb-pixels", box.width * this.view.zoom > 2 * this.entry.width);
      }
    }
    const cut = Math.max(this.entry.width, this.entry.height) > SCREEN;
    if (cut && this.size === SCREEN && widest * window.devicePixelRatio > SCREEN * 1.5) {
      this.size = FULL;
      for (const picture of this.pictures) picture.show(this.entry, FULL);
      this.name();
    }
    if (this.over) this.point(this.over);
  }

  // ---- the pixel under the pointer

  // over: {x, y} in the window, and the pane and picture that is there
  point(over) {
    this.over = over;
    const { x, y, pane, picture } = over;
    const [box, at] = [picture.element, pane].map((element) => element.getBoundingClientRect());
    this.pointed.at((x - box.left) / box.width, (y - box.top) / box.height);
    for (const { element } of this.panes) this.cross(element, element !== pane && { x: x - at.left, y: y - at.top });
  }

  unpoint() {
    this.over = null;
    this.pointed.clear();
    for (const { element } of this.panes) this.cross(element, null);
  }

  // The same place in a pane that the pointer is not in.
  cross(pane, at) {
    const cross = pane.querySelector(":scope > .wb-cross");
    cross.hidden = !at;
    if (at) cross.style.transform = `translate(${at.x}px, ${at.y}px)`;
  }
}

export { SCREEN };
