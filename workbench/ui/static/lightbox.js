// One entry as large as the window, alone or as four pictures side by side, with the next and the one before.

import { IGNORE } from "./colorize.js";
import { exact, h, isTyping, name } from "./dom.js";
import { mountControls, mountLegend } from "./legend.js";
import { Picture, mapAt } from "./pictures.js";
import { View, steer, zooming } from "./view.js";

const SCREEN = 1600; // the size pictures are asked for first
const FULL = 0;
const OF_CLASSES = ["labels", "prediction", "truth"]; // modes whose map holds classes, as the legend has them

export class Lightbox {
  // onClose(index): closed while this entry was shown.
  constructor(entries, look, onClose) {
    Object.assign(this, { entries, look, onClose, source: entries.source, view: new View(), panes: [] });
    this.four = Boolean(this.source.fourUp) && window.innerWidth > 700;
    this.title = h("span", { class: "wb-title" });
    this.place = h("span", { class: "wb-place" });
    this.stage = h("div", { class: "wb-stage" });
    this.facts = h("p", { class: "wb-image-facts" });
    this.pointed = h("output", { class: "wb-pointed", "aria-live": "off" });
    this.controls = mountControls(this.source, look);
    this.legend = mountLegend(look);
    const button = (label, title, act) => h("button", { type: "button", class: "wb-button", title, "aria-label": title, onclick: act }, label);
    this.zooming = zooming(this.view, () => this.box(this.panes[0].element));
    this.historyButton = this.source.history && button("History", "Earlier versions of the labels (V)", () => this.openHistory());
    this.fourButton = this.source.fourUp && button("4", "Four side by side, or one (4)", () => this.setFour(!this.four));
    this.element = h("dialog", {
      class: "wb-lightbox", "aria-label": "Image", onkeydown: (event) => this.key(event), onclose: () => this.closed(),
    },
      h("header", {}, this.title, this.place,
        button("◀", "The one before (A)", () => this.step(-1)), button("▶", "The next (D)", () => this.step(1)),
        ...this.zooming.buttons, this.fourButton, this.historyButton,
        button("✕", "Close (Esc)", () => this.element.close())),
      this.stage, h("footer", {}, this.controls.element, this.facts, this.legend.element),
      this.pointed);
    this.onLook = (event) => this.follow(event.detail.recolored);
    this.onView = () => this.arrange();
    look.addEventListener("change", this.onLook);
    this.view.addEventListener("change", this.onView);
    this.watcher = new ResizeObserver(() => this.arrange());
    this.watcher.observe(this.stage);
  }

  open(index, parent) {
    parent.append(this.element);
    this.element.showModal();
    this.build();
    this.show(index);
  }

  destroy() {
    this.onClose = null;
    if (this.element.open) this.element.close();
    this.closed();
  }

  closed() {
    this.watcher.disconnect();
    this.look.removeEventListener("change", this.onLook);
    this.controls.destroy();
    this.legend.destroy();
    this.element.remove();
    this.onClose?.(this.index);
  }

  build() {
    const modes = this.four ? this.source.fourUp : [null];
    this.stage.classList.toggle("wb-four", this.four);
    this.element.classList.toggle("wb-four-up", this.four);
    this.fourButton?.setAttribute("aria-pressed", this.four);
    this.panes = modes.map((mode) => {
      const picture = new Picture(this.source, this.look, { mode });
      const label = mode && h("bdi", { class: "wb-pane-label" }, this.source.modes.find(({ id }) => id === mode).label);
      const element = h("div", { class: "wb-pane" }, picture.element, label);
      steer(element, this.view, () => this.box(element));
      element.addEventListener("pointermove", (event) => this.point(event, picture));
      element.addEventListener("pointerleave", () => this.pointed.replaceChildren());
      return { element, picture };
    });
    this.stage.replaceChildren(...this.panes.map(({ element }) => element));
  }

  setFour(four) {
    this.four = four;
    this.build();
    this.show(this.index);
  }

  async show(index) {
    this.index = index;
    const entry = await this.entries.at(index);
    if (!entry || this.index !== index) return;
    this.entry = entry;
    this.size = SCREEN;
    const badge = this.source.badge(entry);
    this.title.replaceChildren(h("bdi", {}, this.source.caption(entry)), badge ? ` · ${badge.title ?? badge.text}` : "");
    this.facts.replaceChildren(...(this.source.facts?.(entry) ?? []).map((fact) => h("bdi", {}, fact)));
    this.pointed.replaceChildren();
    if (this.historyButton) this.historyButton.disabled = !this.source.has(entry);
    this.place.textContent = `${exact(index + 1)} of ${exact(this.entries.total)}`;
    this.arrange();
    await Promise.all(this.panes.map(({ picture }) => picture.show(entry, this.size)));
    this.count();
    for (const near of [index + 1, index - 1]) this.preload(near);
  }

  openHistory() {
    if (!this.source.has(this.entry)) return;
    const { entry, index } = this;
    this.source.history(entry, this.element, () => this.index === index && this.show(index));
  }

  step(by) {
    const index = this.index + by;
    if (index >= 0 && index < this.entries.total) this.show(index);
  }

  async preload(index) {
    if (index < 0 || index >= this.entries.total) return;
    const entry = await this.entries.at(index);
    if (!entry) return;
    new Image().src = this.source.photoUrl(entry, SCREEN);
    for (const { picture } of this.panes) {
      const mode = this.source.modes.find(({ id }) => id === (picture.mode ?? this.look.mode));
      if (mode?.paint && this.source.has(entry, mode)) {
        for (const layer of mode.maps) mapAt(this.source.mapUrl(entry, layer, SCREEN)).catch(() => {});
      }
    }
  }

  async follow(recolored) {
    for (const { picture } of this.panes) picture.fade();
    if (!recolored) return;
    await Promise.all(this.panes.map(({ picture }) => picture.paint()));
    this.count();
  }

  // The legend tells the shares of what is shown where that is classes.
  count() {
    const shown = this.panes.map(({ picture }) => picture).find(({ maps, mode }) => {
      return maps && OF_CLASSES.includes(mode ?? this.look.mode);
    });
    const map = shown?.maps[0] ?? null;
    this.legend.count(map, map?.width === this.entry.width);
  }

  // Name the class under the mouse.
  point(event, { canvas, maps, mode }) {
    const map = !canvas.hidden && OF_CLASSES.includes(mode ?? this.look.mode) && maps[0];
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (!map || x < 0 || y < 0 || x >= 1 || y >= 1) return this.pointed.replaceChildren();
    const index = map.data[Math.floor(y * map.height) * map.width + Math.floor(x * map.width)];
    const { name: label, color } = this.look.classes[index] ?? { name: index === IGNORE ? "ignored" : `index ${index}`, color: "#0000" };
    this.pointed.replaceChildren(h("span", { class: "wb-chip", style: { background: color } }), name(label));
  }

  box(pane) {
    const { width, height } = this.entry ?? { width: 4, height: 3 };
    const scale = Math.min(pane.clientWidth / width, pane.clientHeight / height);
    return { width: width * scale, height: height * scale };
  }

  arrange() {
    if (!this.entry) return;
    for (const { element, picture } of this.panes) {
      const box = this.box(element);
      this.view.place(picture.element, box);
      picture.element.classList.toggle("wb-pixels", box.width * this.view.zoom > 2 * this.entry.width);
    }
    const widest = Math.max(...this.panes.map(({ element }) => this.box(element).width)) * this.view.zoom;
    const cut = Math.max(this.entry.width, this.entry.height) > SCREEN;
    if (cut && this.size === SCREEN && widest * window.devicePixelRatio > SCREEN * 1.5) {
      this.size = FULL;
      for (const { picture } of this.panes) picture.show(this.entry, FULL);
    }
  }

  key(event) {
    if (isTyping(event) || event.ctrlKey || event.altKey || event.metaKey) return;
    const act = {
      a: () => this.step(-1), ArrowLeft: () => this.step(-1), d: () => this.step(1), ArrowRight: () => this.step(1),
      Home: () => this.show(0), End: () => this.show(this.entries.total - 1),
      v: () => this.source.history && this.openHistory(),
      ...this.zooming.keys, 4: () => this.source.fourUp && this.setFour(!this.four),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // A slider or a choice that has the focus keeps its own keys.
    if (!act || (/^(Arrow|Home|End)/.test(event.key) && event.target.matches("input"))) return;
    event.preventDefault();
    act();
  }
}
