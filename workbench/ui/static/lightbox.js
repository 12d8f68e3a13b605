// One entry as large as the window, with the next and the one before; how it is seen is the stage's.

import { exact, h, isTyping } from "./dom.js";
import { FOUR, HISTORY, OF_IMAGE, SWIPING, openKeys } from "./keys.js";
import { mountControls, mountLegend } from "./legend.js";
import { mapAt } from "./pictures.js";
import { SCREEN, Stage, layoutsOf } from "./stage.js";
import { zooming } from "./view.js";

const WIDE = 700; // px of a window in which four pictures can be told apart

export class Lightbox {
  // layout: "one", "swipe" or "four", where the source has it; null: what suits the window
  // onShown({entry, layout}): what is seen has changed; onClose(index): closed while this entry was shown
  constructor(entries, look, { layout = null, onShown, onClose }) {
    Object.assign(this, { entries, look, onShown, onClose, source: entries.source });
    this.stage = new Stage(this.source, look);
    this.layouts = layoutsOf(this.source);
    const has = (wanted) => this.layouts.some(([id]) => id === wanted);
    this.layout = has(layout) ? layout : has("four") && window.innerWidth > WIDE ? "four" : "one";
    this.title = h("span", { class: "wb-title" });
    this.place = h("span", { class: "wb-place" });
    this.facts = h("p", { class: "wb-image-facts" });
    this.controls = mountControls(this.source, look);
    this.legend = mountLegend(look);
    const button = (label, title, act) => h("button", { type: "button", class: "wb-button", title, "aria-label": title, onclick: act }, label);
    this.zooming = zooming(this.stage.view, () => this.stage.box());
    this.historyButton = this.source.history && button("History", "Earlier versions of the labels (V)", () => this.openHistory());
    this.layoutButtons = this.layouts.length < 2 ? [] : this.layouts.map(([id, label, key]) =>
      h("button", { type: "button", class: "wb-button", title: `${label} (${key})`, dataset: { layout: id }, onclick: () => this.setLayout(id) }, label));
    const back = button("◀", "The one before (A)", () => this.step(-1));
    this.element = h("dialog", {
      class: "wb-lightbox", "aria-label": "Image", onkeydown: (event) => this.key(event), onclose: () => this.closed(),
    },
      h("header", {}, this.title, this.place, back, button("▶", "The next (D)", () => this.step(1)),
        ...this.zooming.buttons, this.historyButton, button("?", "Keys (?)", () => this.openKeys()),
        button("✕", "Close (Esc)", () => this.element.close())),
      this.stage.element,
      h("footer", {}, this.stage.pointed.element,
        h("div", { class: "wb-looks" }, this.layoutButtons.length > 0 && h("div", { class: "wb-layouts", role: "group", "aria-label": "How it is seen" }, ...this.layoutButtons), this.controls.element),
        this.facts, this.legend.element));
    this.onLook = (event) => this.follow(event.detail.recolored);
    look.addEventListener("change", this.onLook);
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
    this.stage.destroy();
    this.look.removeEventListener("change", this.onLook);
    this.controls.destroy();
    this.legend.destroy();
    this.element.remove();
    this.onClose?.(this.index);
    this.onClose = null;
  }

  build() {
    this.stage.build(this.layout);
    this.element.dataset.layout = this.layout;
    for (const button of this.layoutButtons) button.setAttribute("aria-pressed", button.dataset.layout === this.layout);
  }

  setLayout(layout) {
    if (!this.layouts.some(([id]) => id === layout)) return;
    this.layout = layout;
    this.build();
    this.show(this.index);
    if (layout === "swipe") this.stage.panes[0].handle.focus();
  }

  async show(index) {
    this.index = index;
    const entry = await this.entries.at(index);
    if (!entry || this.index !== index) return;
    this.entry = entry;
    const badge = this.source.badge(entry);
    this.title.replaceChildren(h("bdi", {}, this.source.caption(entry)), badge ? ` · ${badge.title ?? badge.text}` : "");
    this.facts.replaceChildren(...(this.source.facts?.(entry) ?? []).map((fact) => h("bdi", {}, fact)));
    if (this.historyButton) this.historyButton.disabled = !this.source.has(entry);
    this.place.textContent = `${exact(index + 1)} of ${exact(this.entries.total)}`;
    this.onShown?.({ entry, layout: this.layout });
    await this.stage.show(entry);
    this.count();
    for (const near of [index + 1, index - 1]) this.preload(near);
  }

  openHistory() {
    if (!this.source.has(this.entry)) return;
    const { entry, index } = this;
    this.source.history(entry, this.element, () => this.index === index && this.show(index));
  }

  openKeys() {
    const { swipe, fourUp, history } = this.source;
    openKeys([OF_IMAGE, swipe && SWIPING, fourUp && FOUR, history && HISTORY].filter(Boolean));
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
    for (const layer of this.stage.layers(entry)) mapAt(this.source.mapUrl(entry, layer, SCREEN)).catch(() => {});
  }

  async follow(recolored) {
    await this.stage.follow(recolored);
    if (recolored) this.count();
  }

  // The legend tells the shares of what is shown where that is classes.
  count() {
    const { map = null, whole = false, label = null } = this.stage.counted() ?? {};
    this.legend.count(map, whole, label);
  }

  key(event) {
    if (isTyping(event) || event.ctrlKey || event.altKey || event.metaKey) return;
    const toggle = (layout) => this.setLayout(this.layout === layout ? "one" : layout);
    const act = {
      a: () => this.step(-1), ArrowLeft: () => this.step(-1), d: () => this.step(1), ArrowRight: () => this.step(1),
      Home: () => this.show(0), End: () => this.show(this.entries.total - 1),
      v: () => this.source.history && this.openHistory(), "?": () => this.openKeys(),
      1: () => this.setLayout("one"), s: () => toggle("swipe"), 4: () => toggle("four"), ...this.zooming.keys,
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    // A slider or a choice that has the focus keeps its own keys.
    if (!act || (/^(Arrow|Home|End)/.test(event.key) && event.target.matches("input"))) return;
    event.preventDefault();
    act();
  }
}
