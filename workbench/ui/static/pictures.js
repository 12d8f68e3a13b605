// A photo with a canvas over it, and the settings that say what the canvas shows.

import { loadMap, palette } from "./colorize.js";
import { isAbort } from "./api.js";
import { h } from "./dom.js";
import { loadTogether } from "./together.js";

const KEPT_MAPS = 400;
const KEPT_BYTES = 256 * 2 ** 20;
const maps = new Map(); // address -> {found: promise of a map, size: its bytes, 0 until it is there, waiting, loading}, the one used last at the end

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

  // Change some of the above and tell everyone; `recolored` in the event says whether colours changed too.
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

// The map at an address. `signal`: its asker waits no longer; once none does, it is not fetched to the end. `load` fetches it.
export function mapAt(url, signal = null, load = loadMap) {
  const map = maps.get(url) ?? fetchMap(url, load);
  maps.delete(url);
  maps.set(url, map);
  forget();
  map.waiting += 1;
  signal?.addEventListener("abort", () => {
    map.waiting -= 1;
    if (map.waiting || map.size) return;
    map.loading.abort();
    if (maps.get(url) === map) maps.delete(url); // who asks now asks anew
  });
  return map.found;
}

function fetchMap(url, load) {
  const loading = new AbortController();
  const map = { found: load(url, { signal: loading.signal }), size: 0, waiting: 0, loading };
  map.found.then(({ data }) => { map.size = data.length; forget(); }, () => { if (maps.get(url) === map) maps.delete(url); });
  return map;
}

// Keep the maps used last: many small ones of tiles, few of photos seen at their full size.
function forget() {
  let bytes = 0;
  for (const { size } of maps.values()) bytes += size;
  for (const [url, { size }] of maps) {
    if (maps.size <= 1 || (maps.size <= KEPT_MAPS && bytes <= KEPT_BYTES)) break;
    bytes -= size;
    maps.delete(url);
  }
}

// One entry of a source at one size. `mode` fixes what is shown; null follows the look.
export class Picture {
  constructor(source, look, { mode = null, lazy = false } = {}) {
    Object.assign(this, { source, look, mode, maps: null, loading: null }); // maps: those that are painted now
    this.photo = h("img", { alt: "", draggable: "false", decoding: "async", loading: lazy ? "lazy" : null });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.fault = h("span", { class: "wb-fault", hidden: true });
    this.element = h("div", { class: "wb-picture" }, this.photo, this.canvas, this.fault);
    this.photo.addEventListener("load", () => { this.photo.style.visibility = ""; });
    this.photo.addEventListener("error", () => this.say("The photo cannot be shown."));
    this.turn = 0;
  }

  show(entry, size) {
    const isOther = this.entry !== entry;
    if (isOther) this.clear(); // the last entry's map must not lie over this photo
    Object.assign(this, { entry, size });
    this.say("");
    this.photo.src = this.source.photoUrl(entry, size);
    if (isOther) this.photo.style.visibility = this.photo.complete ? "" : "hidden"; // a browser shows the last until then
    return this.paint();
  }

  // Show another mode of the same entry.
  turnTo(mode) {
    this.mode = mode;
    this.clear();
    return this.paint();
  }

  // Paint the map anew: after the entry, the mode, or what of it is visible changed.
  async paint() {
    const turn = (this.turn += 1);
    const before = this.loading;
    this.loading = null;
    const mode = this.source.modes.find(({ id }) => id === (this.mode ?? this.look.mode));
    if (!this.entry || !mode?.paint || !this.source.has(this.entry, mode)) {
      before?.abort();
      this.clear();
      return;
    }
    try {
      const { signal } = (this.loading = new AbortController());
      const asked = Promise.all(mode.maps.map((layer) => this.mapOf(layer, signal)));
      before?.abort(); // not earlier: it may be the same map
      const found = await asked;
      if (turn !== this.turn) return; // something newer is on its way
      mode.paint(this.canvas, found, this.look, this.source);
      this.maps = found;
      this.canvas.hidden = false;
      this.fade();
    } catch (error) {
      if (turn !== this.turn || isAbort(error)) return;
      this.clear();
      this.say(error.message);
    }
  }

  mapOf(layer, signal) {
    const { source, entry, size } = this;
    const many = source.mapsUrl?.(layer, size);
    const load = many ? (url, options) => loadTogether(many, source.key(entry), url, options) : loadMap;
    return mapAt(source.mapUrl(entry, layer, size), signal, load);
  }

  // It is not seen any more: nothing of it is fetched to the end.
  drop() {
    this.turn += 1;
    this.loading?.abort();
    this.photo.removeAttribute("src");
  }

  clear() {
    this.canvas.hidden = true;
    this.maps = null;
  }

  fade() {
    this.canvas.style.opacity = this.look.peek ? 0 : this.look.opacity;
  }

  say(text) {
    this.fault.textContent = text;
    this.fault.hidden = !text;
  }
}
