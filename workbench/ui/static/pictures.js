// A photo with a canvas over it, and the settings that say what the canvas shows.

import { loadMap, palette } from "./colorize.js";
import { base, isAbort } from "./api.js";
import { h } from "./dom.js";

const KEPT_MAPS = 400;
const maps = new Map(); // address -> promise of a map, the one used last at the end

// What is laid over photos, shared by every picture of a gallery.
export class Look extends EventTarget {
  constructor(classes) {
    super();
    this.mode = null; // id of one of the source's modes
    this.opacity = 0.6;
    this.hidden = new Set(); // class indices whose eye is closed
    this.solo = null; // the one class index shown, or null
    this.peek = false; // only the photo, while H is held
    this.setClasses(classes);
  }

  setClasses(classes) {
    this.classes = classes; // [{name, color}] by class index
    this.hidden.clear();
    this.solo = null;
  }

  // Change some of the above and tell everyone; `repaint` in the event says whether colours changed too.
  set(changes) {
    const recolored = "hidden" in changes || "solo" in changes || "mode" in changes;
    Object.assign(this, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: { recolored } }));
  }

  toggleHidden(index) {
    const hidden = new Set(this.hidden);
    if (!hidden.delete(index)) hidden.add(index);
    this.set({ hidden, solo: null });
  }

  toggleSolo(index) {
    this.set({ solo: this.solo === index ? null : index });
  }

  get table() {
    return palette(this.classes.map(({ color }) => color), this);
  }
}

export function mapAt(url) {
  let found = maps.get(url);
  maps.delete(url);
  if (!found) {
    found = loadMap(url);
    found.catch(() => maps.delete(url));
    if (maps.size >= KEPT_MAPS) maps.delete(maps.keys().next().value);
  }
  maps.set(url, found);
  return found;
}

// One entry of a source at one size. `mode` fixes what is shown; null follows the look.
export class Picture {
  constructor(source, look, { mode = null, lazy = false } = {}) {
    Object.assign(this, { source, look, mode });
    this.photo = h("img", { alt: "", draggable: "false", decoding: "async", loading: lazy ? "lazy" : null });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.fault = h("span", { class: "wb-fault", hidden: true });
    this.element = h("div", { class: "wb-picture" }, this.photo, this.canvas, this.fault);
    this.photo.addEventListener("error", () => this.say("The photo cannot be shown."));
    this.turn = 0;
  }

  show(entry, size) {
    Object.assign(this, { entry, size });
    this.say("");
    this.photo.src = base + this.source.photoUrl(entry, size);
    this.canvas.hidden = true; // the last entry's map must not lie over this photo
    return this.paint();
  }

  // Paint the map anew: after the entry, the mode, or what of it is visible changed.
  async paint() {
    const turn = (this.turn += 1);
    const mode = this.source.modes.find(({ id }) => id === (this.mode ?? this.look.mode));
    if (!this.entry || !mode?.paint || !this.source.has(this.entry, mode)) {
      this.canvas.hidden = true;
      return;
    }
    try {
      const found = await Promise.all(mode.maps.map((layer) => mapAt(this.source.mapUrl(this.entry, layer, this.size))));
      if (turn !== this.turn) return; // something newer is on its way
      mode.paint(this.canvas, found, this.look, this.source);
      this.maps = found;
      this.canvas.hidden = false;
      this.fade();
    } catch (error) {
      if (turn === this.turn && !isAbort(error)) this.say(error.message);
    }
  }

  fade() {
    this.canvas.style.opacity = this.look.peek ? 0 : this.look.opacity;
  }

  say(text) {
    this.fault.textContent = text;
    this.fault.hidden = !text;
  }
}
