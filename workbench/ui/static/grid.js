// A grid of tiles of which only the visible rows are in the page, however many there are.

import { h, isTyping } from "./dom.js";
import { Picture } from "./pictures.js";

const CAPTION = 26; // px below a tile's picture
const GAP = 8;
const OVERSCAN = 1; // rows drawn above and below what is seen
const SHAPE = 0.75; // a tile's height by its width

export class Grid {
  // onOpen(index): Enter or a click; onSelect(keys): the selection changed. `selectable` allows one.
  constructor(entries, look, { tile, selectable = false, onOpen, onSelect }) {
    Object.assign(this, { entries, look, wished: tile ?? 220, selectable, onOpen, onSelect });
    this.source = entries.source;
    this.tiles = new Map(); // index -> tile
    this.focused = 0;
    this.selected = new Map(); // key -> index
    this.anchor = 0;
    this.picking = false; // a plain click selects too: where there is no keyboard
    this.inner = h("div", { class: "wb-rows" });
    this.element = h("div", {
      class: "wb-grid", role: "listbox", tabindex: 0, "aria-label": "Images", "aria-multiselectable": selectable,
      onscroll: () => this.draw(), onkeydown: (event) => this.key(event), onfocus: () => this.focus(this.focused, false),
    }, this.inner);
    this.onChange = () => this.draw();
    this.onLook = (event) => this.follow(event.detail.recolored);
    entries.addEventListener("change", this.onChange);
    look.addEventListener("change", this.onLook);
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(this.element);
  }

  destroy() {
    this.gone = true; // what is still being looked up is of another gallery by then
    clearTimeout(this.asking);
    this.watcher.disconnect();
    this.entries.removeEventListener("change", this.onChange);
    this.look.removeEventListener("change", this.onLook);
  }

  measure() {
    const width = this.element.clientWidth;
    this.columns = Math.max(1, Math.floor((width + GAP) / (Math.min(this.wished, (width - GAP) / 2) + GAP)));
    this.tileWidth = Math.floor((width - GAP * (this.columns - 1)) / this.columns);
    this.pictureHeight = Math.round(this.tileWidth * SHAPE);
    this.rowHeight = this.pictureHeight + CAPTION + GAP;
    this.size = this.tileWidth * window.devicePixelRatio > 300 ? 512 : 256;
  }

  draw() {
    if (this.gone || !this.element.clientWidth) return;
    this.measure();
    const total = this.entries.total ?? 0;
    this.inner.style.height = `${Math.ceil(total / this.columns) * this.rowHeight}px`;
    const top = Math.floor(this.element.scrollTop / this.rowHeight);
    const bottom = Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.rowHeight);
    const within = (row) => Math.min(total, Math.max(0, row * this.columns));
    const [start, end] = [within(top - OVERSCAN), within(bottom + OVERSCAN)];
    for (const [index, tile] of this.tiles) {
      if (index < start || index >= end) {
        if (tile.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
        tile.element.remove();
        tile.picture.drop();
        this.tiles.delete(index);
      }
    }
    // Those in sight first: their pictures are fetched in this order.
    for (const [from, to] of [[within(top), within(bottom)], [start, within(top)], [within(bottom), end]]) {
      for (let index = from; index < to; index += 1) this.place(index, total);
    }
    clearTimeout(this.asking);
    // Whoever scrolls past a thousand images does not want the pages between.
    this.asking = setTimeout(() => this.entries.want(start, end), this.entries.total === null ? 0 : 60);
  }

  place(index, total) {
    let tile = this.tiles.get(index);
    if (!tile) {
      tile = this.make(index);
      this.tiles.set(index, tile);
      this.inner.append(tile.element);
    }
    const { style } = tile.element;
    style.width = `${this.tileWidth}px`;
    style.height = `${this.rowHeight - GAP}px`;
    style.transform = `translate(${(index % this.columns) * (this.tileWidth + GAP)}px, ${Math.floor(index / this.columns) * this.rowHeight}px)`;
    tile.picture.element.style.height = `${this.pictureHeight}px`;
    tile.element.setAttribute("aria-setsize", total);
    const entry = this.entries.get(index);
    if (entry && (tile.entry !== entry || tile.size !== this.size)) this.fill(tile, entry);
  }

  make(index) {
    const picture = new Picture(this.source, this.look, { lazy: true });
    const caption = h("span", { class: "wb-caption" });
    const badge = h("span", { class: "wb-badge", hidden: true });
    const element = h("div", {
      class: "wb-tile", role: "option", tabindex: -1, "aria-posinset": index + 1, dataset: { index },
      onclick: (event) => this.click(index, event), onfocus: () => { this.focused = index; },
    }, picture.element, badge, caption);
    return { element, picture, caption, badge, entry: null, size: 0 };
  }

  fill(tile, entry) {
    Object.assign(tile, { entry, size: this.size });
    const text = this.source.caption(entry);
    const badge = this.source.badge(entry);
    tile.caption.replaceChildren(h("bdi", {}, text));
    tile.caption.title = text;
    tile.badge.hidden = !badge;
    tile.badge.textContent = badge ? badge.text : "";
    tile.badge.title = badge ? (badge.title ?? "") : "";
    tile.badge.dataset.level = badge?.level ?? "";
    tile.element.setAttribute("aria-label", badge ? `${text}, ${badge.title ?? badge.text}` : text);
    this.mark(tile);
    tile.picture.show(entry, this.size);
  }

  follow(recolored) {
    for (const { picture } of this.tiles.values()) {
      if (recolored) picture.paint();
      else picture.fade();
    }
  }

  // ---- focus and selection

  focus(index, scroll = true) {
    const total = this.entries.total ?? 0;
    if (!total) return;
    this.focused = Math.min(Math.max(0, index), total - 1);
    if (scroll) this.reveal(this.focused);
    this.tiles.get(this.focused)?.element.focus({ preventScroll: true });
  }

  reveal(index) {
    const top = Math.floor(index / this.columns) * this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.rowHeight > scrollTop + clientHeight) this.element.scrollTop = top + this.rowHeight - clientHeight;
    this.draw();
  }

  key(event) {
    if (isTyping(event) || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight)) * this.columns;
    const last = (this.entries.total ?? 1) - 1;
    const target = {
      ArrowLeft: this.focused - 1, ArrowRight: this.focused + 1,
      ArrowUp: this.focused - this.columns, ArrowDown: this.focused + this.columns,
      PageUp: this.focused - page, PageDown: this.focused + page, Home: 0, End: last,
    }[event.key];
    if (target !== undefined) {
      if (target < 0 && event.key === "ArrowUp") return event.preventDefault();
      this.focus(target);
      if (this.selectable && event.shiftKey) this.selectRange(this.focused);
    } else if (event.key === "Enter") this.onOpen?.(this.focused);
    else if (event.key === " " && this.selectable) this.toggle(this.focused);
    else if (event.key === "a" && event.ctrlKey && this.selectable) this.selectLoaded();
    else return;
    event.preventDefault();
  }

  click(index, event) {
    this.focus(index, false);
    if (this.selectable && event.shiftKey) this.selectRange(index);
    else if (this.selectable && (this.picking || event.ctrlKey || event.metaKey)) this.toggle(index);
    else this.onOpen?.(index);
  }

  toggle(index) {
    const entry = this.entries.get(index);
    if (!entry) return;
    const key = this.source.key(entry);
    if (!this.selected.delete(key)) this.selected.set(key, index);
    this.anchor = index;
    this.tellSelection();
  }

  // Everything there is, also what was never seen.
  async selectAll() {
    const keys = await this.source.keys();
    if (this.gone) return;
    keys.forEach((key, index) => this.selected.set(key, index));
    this.tellSelection();
  }

  async selectRange(index) {
    const [from, to] = [Math.min(this.anchor, index), Math.max(this.anchor, index)];
    for (let at = from; at <= to; at += 1) {
      const entry = await this.entries.at(at);
      if (this.gone) return;
      if (entry) this.selected.set(this.source.key(entry), at);
    }
    this.tellSelection();
  }

  selectLoaded() {
    this.entries.found.forEach((entry, index) => this.selected.set(this.source.key(entry), index));
    this.tellSelection();
  }

  clearSelection() {
    this.selected.clear();
    this.tellSelection();
  }

  tellSelection() {
    for (const tile of this.tiles.values()) this.mark(tile);
    this.onSelect?.([...this.selected.keys()]);
  }

  mark(tile) {
    if (this.selectable && tile.entry) tile.element.setAttribute("aria-selected", this.selected.has(this.source.key(tile.entry)));
  }
}
