// The gallery of a project's data or of an evaluation.
//
// mountGallery(element, {value, tile, selectable, onOpen, onSelect, onTotal, onSeen}) -> {update(value), refresh(), clearSelection(), selectAll(), pick(on), destroy()}
//   value: {kind: "data", project, dataset, subset, role, class, labelled, text, order, empty}
//       or {kind: "evaluation", evaluation, sort, cell: [t, m], having, on, min, max, mapping, empty, of: how many there are without filters}
//   tile: wished width in px; selectable: shift and ctrl select
//   refresh: the same again and as far down, as roles or labels changed; pick(true): plain clicks select
//   value may have, too, mode: what lies over the photos; layout: how one image is seen large; image: the key of the one to open
//   onSeen({mode, layout, image}): one of these was chosen, image null where none is large
//   onOpen(entry): shown large; onSelect(keys): image ids (data) or numbers (evaluation); onTotal(n): how many there are

import { isAbort } from "./api.js";
import { exact, h, isTyping, loadStyle } from "./dom.js";
import { Entries } from "./entries.js";
import { Grid } from "./grid.js";
import { OF_GRID, OF_IMAGE, openKeys } from "./keys.js";
import { mountControls, mountLegend } from "./legend.js";
import { Lightbox } from "./lightbox.js";
import { Look } from "./pictures.js";
import { openSource } from "./sources.js";

const KEYS = [OF_GRID, OF_IMAGE];

export function mountGallery(element, options) {
  loadStyle();
  const gallery = new Gallery(element, options);
  gallery.update(options.value);
  return {
    update: (value) => gallery.update(value),
    refresh: () => gallery.refresh(),
    clearSelection: () => gallery.grid?.clearSelection(),
    selectAll: () => gallery.grid?.selectAll(),
    pick: (on) => gallery.pick(on),
    destroy: () => gallery.destroy(),
  };
}

class Gallery {
  constructor(element, options) {
    Object.assign(this, { element, options, look: null });
    element.classList.add("wb-gallery");
    this.onDown = (event) => (event.key === "?" ? this.openKeys(event) : this.peek(event, true));
    this.onUp = (event) => this.peek(event, false);
    document.addEventListener("keydown", this.onDown);
    document.addEventListener("keyup", this.onUp);
  }

  // The same again. An image that is open is looked at to its end first.
  refresh() {
    this.isOld = Boolean(this.lightbox);
    if (!this.isOld) this.update(this.value, this.grid?.element.scrollTop ?? null);
  }

  // The old tiles stay until the new ones are there, so that the page keeps its height. `top`: how far it was scrolled and
  // shall be again.
  async update(value, top = null) {
    this.clear();
    Object.assign(this, { value, top, loading: new AbortController() });
    const { signal } = this.loading;
    if (this.grid?.element.isConnected) this.element.setAttribute("aria-busy", true);
    else this.say("Loading …");
    try {
      const source = await openSource(value, signal);
      if (!signal.aborted) this.build(source);
    } catch (error) {
      if (!isAbort(error)) this.say(error.message, true);
    }
  }

  build(source) {
    this.element.removeAttribute("aria-busy");
    // Opacity and the like stay as they are when only filters or the order changed.
    const before = this.look;
    const look = new Look(source.classes);
    if (before) look.opacity = before.opacity;
    const known = (mode) => source.modes.some(({ id }) => id === mode);
    const kept = source.modes[0].id === "cell" ? null : before?.mode;
    look.mode = [this.value.mode, kept].find(known) ?? source.modes[0].id;
    look.addEventListener("change", () => this.tellSeen());
    if (before && JSON.stringify(before.classes) === JSON.stringify(source.classes)) {
      Object.assign(look, { hidden: before.hidden, solo: before.solo });
    }
    const entries = new Entries(source);
    Object.assign(this, { look, entries });
    this.controls = mountControls(source, look);
    this.legend = mountLegend(look);
    this.count = h("span", { class: "wb-count", role: "status" });
    this.grid = new Grid(entries, look, {
      tile: this.options.tile,
      selectable: this.options.selectable,
      onOpen: (index) => this.open(index),
      onSelect: (keys) => { this.tell(keys.length); this.options.onSelect?.(keys); },
    });
    this.grid.picking = Boolean(this.picking);
    entries.addEventListener("change", () => this.arrived());
    entries.addEventListener("fault", ({ detail }) => {
      if (entries.total === null) this.say(detail, true);
      else this.count.textContent = detail;
    });
    this.note = h("p", { class: "wb-note-line", role: "status", hidden: true });
    const keys = h("button", { type: "button", class: "wb-button", title: "Keys (?)", "aria-label": "Keys", onclick: () => openKeys(KEYS) }, "?");
    this.element.replaceChildren(
      h("div", { class: "wb-bar" }, this.controls.element, this.count, keys), this.legend.element, this.note, this.grid.element);
    entries.want(0, 1);
    if (this.value.layout) this.layout = this.value.layout;
    const { image = null } = this.value;
    if (image !== null) this.openImage(image);
    this.value = { ...this.value, image: null }; // once it is closed it stays so
  }

  // Open the image that an address names, where it is among those shown.
  async openImage(image) {
    const { entries } = this;
    const index = (await entries.source.keys()).indexOf(image);
    if (entries !== this.entries) return; // others are shown by now
    if (index >= 0) this.open(index);
    else this.tellSeen({ image: null });
  }

  tellSeen({ image = this.seen?.image ?? null } = {}) {
    const seen = { mode: this.look.mode, layout: this.layout ?? null, image };
    if (JSON.stringify(seen) !== JSON.stringify(this.seen)) this.options.onSeen?.((this.seen = seen));
  }

  arrived() {
    if (this.entries.total === 0) this.say(this.entries.source.empty);
    else this.tell(this.grid.selected.size);
    this.note.textContent = this.entries.note ?? "";
    this.note.hidden = !this.entries.note;
    if (this.top) this.grid.element.scrollTop = this.top;
    this.top = 0;
    if (this.told !== this.entries.total) this.options.onTotal?.((this.told = this.entries.total));
  }

  tell(selected) {
    const { total } = this.entries;
    if (total === null) return;
    const { of } = this.value;
    const images = `${exact(total)}${of > total ? ` of ${exact(of)}` : ""} ${(of ?? total) === 1 ? "image" : "images"}`;
    this.count.textContent = selected ? `${images}, ${exact(selected)} selected` : images;
  }

  say(text, fault = false) {
    this.element.removeAttribute("aria-busy");
    this.element.replaceChildren(h("p", { class: fault ? "wb-message wb-bad" : "wb-message", role: fault ? "alert" : "status" }, text));
  }

  open(index) {
    this.lightbox?.destroy();
    this.lightbox = new Lightbox(this.entries, this.look, {
      layout: this.layout,
      onShown: ({ entry, layout }) => {
        this.layout = layout;
        this.tellSeen({ image: this.entries.source.key(entry) });
      },
      onClose: (last) => {
        this.lightbox = null;
        this.grid.focus(last ?? index);
        document.activeElement?.scrollIntoView({ block: "nearest" }); // opened from a link, the page is still at its top
        this.tellSeen({ image: null });
        if (this.isOld) this.refresh();
      },
    });
    this.lightbox.open(index, this.element);
    this.options.onOpen?.(this.entries.get(index));
  }

  pick(on) {
    this.picking = on;
    if (this.grid) this.grid.picking = on;
  }

  // Is a key meant for the gallery?
  isOurs(event) {
    const near = this.element.matches(":hover") || this.element.contains(document.activeElement);
    return near && !isTyping(event) && !event.ctrlKey && !event.metaKey;
  }

  openKeys(event) {
    if (event.defaultPrevented || !this.isOurs(event)) return;
    event.preventDefault();
    openKeys(KEYS);
  }

  peek(event, peek) {
    if (event.key.toLowerCase() !== "h" || event.repeat || !this.look || this.look.peek === peek) return;
    if (peek && !this.isOurs(event)) return;
    this.look.set({ peek });
  }

  clear() {
    this.loading?.abort();
    this.lightbox?.destroy();
    this.lightbox = null;
    this.grid?.destroy();
    this.entries?.close();
    this.controls?.destroy();
    this.legend?.destroy();
    this.told = undefined;
  }

  destroy() {
    this.clear();
    document.removeEventListener("keydown", this.onDown);
    document.removeEventListener("keyup", this.onUp);
    this.element.replaceChildren();
  }
}
