// Trying a model on up to twenty photos, one after another: a strip of them, and the chosen one large.
//
// mountTrial(element, {project, models, model}) -> {modelChanged(), destroy()}
//   models: as the API lists them; model(): reference of the chosen one

import { address, getJson, post } from "./api.js";
import { h, name as bdi } from "./dom.js";
import { dropArea } from "./droparea.js";
import { mountAffinity } from "./use_affinity.js";
import { mountBeside } from "./use_beside.js";
import { mountCrfSteps } from "./use_crf.js";
import { mountViewer } from "./viewer.js";
import { term } from "./words.js";

const MOST = 20;
const SIZES = [["original", "its own size"], ["long 2048", "long side 2048"], ["long 1024", "long side 1024"], ["long 512", "long side 512"]];

export function mountTrial(element, options) {
  const trial = new Trial(element, options);
  return { modelChanged: () => trial.offer(), destroy: () => trial.destroy() };
}

class Trial {
  constructor(element, { project, models, model }) {
    Object.assign(this, { project, models, model, items: [], chosen: null, key: `wb-use:${project}` });
    this.size = h("select", { "aria-label": "Size that the network sees", onchange: () => this.offer() }, ...SIZES.map(([value, text]) => h("option", { value }, text)));
    this.crf = h("input", { type: "checkbox", id: "wb-use-crf", onchange: () => this.offer() });
    this.note = h("p", { class: "wb-hint", role: "status" });
    this.again = h("button", { type: "button", class: "wb-button", hidden: true, onclick: () => this.retry() }, "Try these photos again");
    this.clear = h("button", { type: "button", class: "wb-button", hidden: true, onclick: () => this.empty() }, "Clear");
    this.strip = h("ul", { class: "wb-strip", role: "listbox", "aria-label": "Photos tried", onkeydown: (event) => this.move(event) });
    this.stage = h("div", { class: "wb-tried" });
    const area = dropArea({
      id: "wb-use-drop", title: "Drop photos to try the model on", hint: `Up to ${MOST} at a time. They are not added to any dataset.`, accept: "image/*",
      onFiles: (found) => this.take(found),
    });
    element.replaceChildren(area, h("div", { class: "wb-bar" }, h("label", { class: "wb-select" }, "The network sees it at", this.size),
        h("label", { class: "wb-select" }, this.crf, h("span", {}, " and a ", term("crf", "CRF"), " refines it")), this.again, this.clear, this.note),
      h("div", { class: "wb-tried-columns" }, this.strip, this.stage));
    this.recall();
  }

  destroy() {
    this.gone = true;
    this.viewer?.destroy();
    this.beside?.destroy();
    letGo(this.items);
  }

  // What was tried before the page was loaded again, as far as it is kept.
  async recall() {
    const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
    const found = await Promise.all(kept.map(({ id, title }) => getJson(`/api/tried/${id}`).then((record) => ({ title, record, state: "done" }), () => null)));
    if (this.gone || this.items.length) return;
    this.items = found.filter(Boolean);
    this.draw();
    if (this.items.length) this.choose(this.items[0]);
  }

  keep() {
    const done = this.items.filter(({ record }) => record).map(({ title, record }) => ({ id: record.id, title }));
    sessionStorage.setItem(this.key, JSON.stringify(done));
  }

  take({ files, unread }) {
    const room = Math.max(0, MOST - this.items.filter(({ state }) => state === "waiting").length);
    const taken = files.slice(0, room);
    const over = files.length - taken.length;
    this.note.textContent = [over > 0 && `${over} more than ${MOST} were left out: predict a folder below for many.`, ...unread.map(({ path, why }) => `${path}: ${why}.`)].filter(Boolean).join(" ");
    const fresh = taken.map(({ path, file }) => ({ title: path, file, url: URL.createObjectURL(file), state: "waiting" }));
    const all = [...fresh, ...this.items];
    this.items = all.slice(0, 3 * MOST);
    letGo(all.slice(3 * MOST));
    this.draw();
    this.work();
  }

  offer() {
    this.again.hidden = !this.items.some(({ file }) => file);
  }

  retry() {
    for (const item of this.items) if (item.file) Object.assign(item, { state: "waiting", record: null, why: null, beside: {} });
    this.again.hidden = true;
    this.draw();
    this.work();
  }

  empty() {
    letGo(this.items);
    this.items = [];
    this.chosen = null;
    this.viewer?.destroy();
    this.viewer = null;
    this.stage.replaceChildren();
    this.keep();
    this.draw();
  }

  async work() {
    if (this.working) return;
    this.working = true;
    for (let item; !this.gone && (item = this.items.find(({ state }) => state === "waiting")); ) {
      item.state = "working";
      this.draw();
      try {
        const query = { model: this.model(), size: this.size.value, crf: this.crf.checked };
        item.record = await post(address(`/api/projects/${this.project}/try`, query), item.file);
        item.state = "done";
        if (this.gone) return;
        if (this.chosen === item || !this.chosen?.record) this.choose(item);
      } catch (error) {
        Object.assign(item, { state: "failed", why: error.message });
      }
      if (!this.gone) this.keep();
    }
    this.working = false;
    if (!this.gone) this.draw();
  }

  draw() {
    const waiting = this.items.filter(({ state }) => state === "waiting" || state === "working").length;
    if (waiting) this.note.textContent = `Predicting: ${waiting} to go. The first one takes longest, as the model is loaded.`;
    else if (this.note.textContent.startsWith("Predicting")) this.note.textContent = "";
    this.clear.hidden = !this.items.length || waiting > 0;
    this.strip.hidden = !this.items.length;
    const focused = this.strip.contains(document.activeElement);
    this.strip.replaceChildren(...this.items.map((item) => this.tile(item)));
    if (focused) this.strip.querySelector("[tabindex='0']")?.focus();
  }

  tile(item) {
    const { title, record, state, why, url } = item;
    const words = { waiting: "waiting", working: "predicting …", done: record && `${record.seconds.toFixed(record.seconds < 10 ? 1 : 0)} s`, failed: why };
    const picture = url ?? address(`/api/tried/${record.id}/photo`, { size: 256 });
    const selected = item === this.chosen;
    return h("li", {
      role: "option", tabindex: selected || (!this.chosen && item === this.items[0]) ? "0" : "-1", "aria-selected": selected, class: "wb-strip-item", dataset: { state },
      onclick: () => this.choose(item),
    }, h("img", { src: picture, alt: "", loading: "lazy" }), h("span", { class: "wb-caption", title }, bdi(title)), h("span", { class: "wb-strip-state", title: why ?? null }, words[state]));
  }

  move(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") event.target.click();
    else if (!step) return;
    event.preventDefault();
    if (!step) return;
    const next = this.items[this.items.indexOf(this.chosen) + step];
    if (!next) return;
    this.choose(next);
    this.strip.children[this.items.indexOf(next)].focus();
  }

  choose(item) {
    this.chosen = item;
    this.draw();
    this.viewer?.destroy();
    this.beside?.destroy();
    this.viewer = this.beside = null;
    if (!item.record) {
      return this.stage.replaceChildren(h("p", { class: `wb-message ${item.state === "failed" ? "wb-bad" : ""}` }, item.why ?? "It is predicted in its turn."));
    }
    const { id, model, width, height, seconds, steps } = item.record;
    const crf = steps.includes(item.crf) ? item.crf : 0;
    const place = h("div");
    const stem = item.title.split("/").at(-1).replace(/\.[^.]*$/, "");
    const file = item.title.split("/").at(-1);
    const link = (what, text) => h("a", { class: "wb-button", download: "", href: address(`/api/tried/${id}/${what}`, { [what === "labelme" ? "file" : "name"]: what === "labelme" ? file : stem, crf }) }, text);
    const others = h("details", { class: "wb-others" });
    this.stage.replaceChildren(
      h("div", { class: "wb-bar" }, h("strong", { class: "wb-tried-title" }, bdi(item.title)),
        h("span", { class: "wb-hint" }, [model, `${width} × ${height}`, `${seconds.toFixed(1)} s`, crf && `CRF ${crf}`].filter(Boolean).join(" · ")), link("index", "Index PNG"), link("overlay", "Overlay"), link("labelme", "labelme JSON")),
      ...(steps.length ? [mountCrfSteps(item.record, crf, (chosen) => this.choose(Object.assign(item, { crf: chosen })))] : []), place, others, mountAffinity(id, crf));
    this.beside = mountBeside(others, { project: this.project, models: this.models, item, size: () => this.size.value });
    this.viewer = mountViewer(place, { value: { kind: "tried", tried: id, crf } });
  }
}

function letGo(items) {
  for (const { url } of items) if (url) URL.revokeObjectURL(url);
}
