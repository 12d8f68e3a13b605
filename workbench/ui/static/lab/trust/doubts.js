// The labels that a model doubts: each image as labelled beside as the model sees it, to be fixed or said to be right.
//
// mountDoubts(element, {evaluation, onFix(image), onPage(page)}) -> {destroy()}

import { address, post } from "../../api.js";
import { LIT } from "../../colorize.js";
import { exact, h, name as bdi, percent } from "../../dom.js";
import { Entries } from "../../entries.js";
import { mountControls } from "../../legend.js";
import { Lightbox } from "../../lightbox.js";
import { peekByKey } from "../../peek.js";
import { Look, Picture } from "../../pictures.js";
import { openDoubts } from "./source.js";

const MORE = 8; // images that a click on "Show more" adds
const REGIONS = 4; // of an image that are named
const STATES = { open: "Open", right: "Not an error", changed: "Labels changed since" };
const SORTS = [["score", "likeliest error first"], ["quality", "most doubted pixels first"], ["path", "by name"]];

export function mountDoubts(element, options) {
  const doubts = new Doubts(element, options);
  doubts.renew();
  return { destroy: () => doubts.destroy() };
}

class Doubts {
  constructor(element, options) {
    Object.assign(this, { element, ...options, wanted: { state: "open", label: "", seen: "", sort: "score" } });
    this.tools = h("div", { class: "wb-filters" });
    this.bar = h("div", { class: "wb-bar" });
    this.list = h("ol", { class: "wb-suspect-list" });
    this.more = h("button", { type: "button", class: "wb-button", onclick: () => this.add() }, "Show more");
    this.fault = h("p", { class: "wb-bad", role: "alert", hidden: true });
    element.classList.add("wb-gallery");
    element.replaceChildren(this.tools, this.bar, this.fault, this.list, this.more);
  }

  destroy() {
    this.close();
    this.element.replaceChildren();
  }

  close() {
    this.abort?.abort();
    this.lightbox?.destroy();
    this.lightbox = null;
    this.entries?.close();
    this.controls?.destroy();
    this.unpeek?.();
    this.pictures?.forEach((picture) => picture.drop());
  }

  async choose(changes) {
    Object.assign(this.wanted, changes);
    await this.renew();
  }

  // Everything anew, as another list is asked for.
  async renew() {
    this.close();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.pictures = [];
    try {
      const source = await openDoubts(this.evaluation, { ...this.wanted }, (page) => this.told(page), () => this.list.querySelectorAll(".wb-suspect-said").length, signal);
      if (signal.aborted) return;
      this.source = source;
    } catch (error) {
      if (!signal.aborted) this.say(error.message);
      return;
    }
    this.entries = new Entries(this.source);
    this.entries.addEventListener("fault", ({ detail }) => this.say(detail));
    const { opacity = 0.6 } = this.look ?? {};
    this.look = new Look(this.source.classes);
    Object.assign(this.look, { mode: "labelled", opacity });
    this.controls = mountControls({ modes: [] }, this.look);
    this.look.addEventListener("change", (event) => this.pictures.forEach((picture) => (event.detail.recolored ? picture.paint() : picture.fade())));
    this.unpeek = peekByKey(this.look, () => !this.lightbox && this.list.checkVisibility());
    this.bar.replaceChildren(this.controls.element, h("span", { class: "wb-hint" }, h("span", { class: "wb-chip", style: { background: LIT } }), "rim of a suspect region"));
    this.list.replaceChildren();
    this.fault.hidden = true;
    await this.add();
  }

  say(text) {
    this.fault.textContent = text;
    this.fault.hidden = false;
  }

  told(page) {
    this.onPage(page);
    if (!page.made) return;
    const { states, classes } = page;
    const state = (id) => h("button", { type: "button", class: "wb-button", "aria-pressed": this.wanted.state === id, onclick: () => this.choose({ state: id }) }, `${STATES[id]} ${exact(states[id])}`);
    const select = (key, label, options) => {
      const input = h("select", { "aria-label": label, onchange: () => this.choose({ [key]: input.value }) },
        ...options.map(([value, text]) => h("option", { value, selected: value === this.wanted[key] }, text)));
      return input;
    };
    const doubted = classes.filter(({ regions }) => regions);
    const csv = h("a", { class: "wb-button", download: "", href: address(`/api/evaluations/${this.evaluation}/label-errors.csv`, this.wanted) }, "CSV");
    const focused = [...this.tools.children].indexOf(document.activeElement);
    this.tools.replaceChildren(...Object.keys(STATES).map(state),
      select("label", "Labelled as", [["", "labelled as any class"], ...doubted.map(({ name, images }) => [name, `${name} (${exact(images)})`])]),
      select("seen", "Seen as", [["", "seen as any class"], ...classes.map(({ name }) => [name, name])]),
      select("sort", "Order", SORTS), csv);
    this.tools.children[focused]?.focus();
  }

  async add() {
    const { entries } = this;
    this.more.disabled = true; // one click after the other
    const from = this.list.children.length;
    for (let index = from; index < from + MORE; index += 1) {
      const entry = await entries.at(index);
      if (entries !== this.entries || !entry) break;
      this.list.append(this.row(entry, index));
    }
    if (entries !== this.entries) return;
    this.more.disabled = false;
    this.more.hidden = this.list.children.length >= (entries.total ?? 0);
    if (entries.total === 0) this.list.replaceChildren(h("li", { class: "wb-message" }, this.wanted.state === "open" ? "Nothing is doubted here." : "No image."));
  }

  row(entry, index) {
    const { regions, quality, number } = entry;
    const caption = this.source.caption(entry);
    const side = (mode, title) => {
      const picture = new Picture(this.source, this.look, { mode, lazy: true });
      this.pictures.push(picture);
      picture.show(entry, 512);
      picture.element.style.aspectRatio = `${entry.width} / ${entry.height}`;
      return h("span", { class: "wb-suspect-side" }, picture.element, h("span", { class: "wb-badge" }, title));
    };
    const chip = (label) => h("span", { class: "wb-suspect-class" }, h("span", { class: "wb-chip", style: { background: this.colors[label] } }), bdi(label));
    const told = regions.slice(0, REGIONS).map(({ label, seen, pixels }) =>
      h("li", {}, chip(label), " → ", chip(seen), h("span", { class: "wb-hint" }, ` ${exact(pixels)} px`)));
    const more = regions.length > REGIONS && h("li", { class: "wb-hint" }, `and ${regions.length - REGIONS} more`);
    const row = h("li", { class: "wb-suspect", dataset: { number } });
    const fix = h("button", { type: "button", class: "wb-button", onclick: () => this.onFix(entry.image) }, "Fix");
    const verdict = h("button", { type: "button", class: "wb-button", onclick: () => this.verdict(row, number, entry.state !== "right") }, entry.state === "right" ? "Open again" : "Not an error");
    row.append(h("button", { type: "button", class: "wb-suspect-open", "aria-label": `${caption}, large`, onclick: () => this.open(index) }, side("labelled", "labelled"), side("seen", "the model sees")),
      h("div", { class: "wb-suspect-about" }, h("strong", {}, bdi(caption)), h("ul", {}, ...told, more),
        h("span", { class: "wb-hint", title: "The model is sure of another class there" }, `${percent(1 - quality)} % of its labelled pixels are doubted`),
        h("div", { class: "wb-tools" }, ...(entry.state === "changed" ? [] : [fix, verdict]))));
    return row;
  }

  // What was said of one image leaves the others where they are.
  async verdict(row, number, right) {
    for (const button of row.querySelectorAll(".wb-tools button")) button.disabled = true;
    try {
      await post(`/api/evaluations/${this.evaluation}/label-errors/said`, { images: [number], right });
    } catch (error) {
      for (const button of row.querySelectorAll(".wb-tools button")) button.disabled = false;
      return this.say(error.message);
    }
    const undo = h("button", { type: "button", class: "wb-button", onclick: () => this.undo(row, number, !right) }, "Undo");
    row.classList.add("wb-suspect-said");
    row.querySelector(".wb-suspect-about .wb-tools").replaceChildren(h("span", { role: "status" }, right ? "Not an error. It is listed no more while its labels stay." : "Open again."), undo);
    undo.focus();
    return null;
  }

  async undo(row, number, right) {
    await this.verdict(row, number, right);
    await this.renew();
  }

  get colors() {
    return this.known ??= Object.fromEntries(this.source.classes.map(({ name, color }) => [name, color]));
  }

  open(index) {
    this.lightbox?.destroy();
    const look = new Look(this.look.classes);
    Object.assign(look, { mode: "labelled", opacity: this.look.opacity });
    this.lightbox = new Lightbox(this.entries, look, { onClose: (last) => {
      this.lightbox = null;
      this.list.children[Math.min(last ?? index, this.list.children.length - 1)]?.querySelector("button").focus();
    } });
    this.lightbox.open(index, this.element);
  }
}
