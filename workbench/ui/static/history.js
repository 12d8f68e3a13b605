// The versions of an image's labels: who made them when, what each looks like beside the newest, and going back to one.

import { address, getJson, post } from "./api.js";
import { paintDifference, palette } from "./colorize.js";
import { ask } from "./dialog.js";
import { exact, h, moment, name } from "./dom.js";
import { mapAt } from "./pictures.js";

const SIZE = 1600;

// root: address of the image's routes; entry: as the gallery has it; classes: [{name, color}] by index; parent: an
// element, an open dialog perhaps; onRestored(): called when the newest version is another one.
export async function openHistory({ root, entry, classes, parent, onRestored }) {
  const history = new History(root, entry, classes, onRestored);
  parent.append(history.element);
  history.element.showModal();
  await history.load();
}

class History {
  constructor(root, entry, classes, onRestored) {
    Object.assign(this, { root, entry, onRestored, table: palette(classes.map(({ color }) => color)), chosen: null, lit: true });
    this.list = h("ol", { class: "wb-versions", "aria-label": "Versions" });
    this.fault = h("p", { class: "wb-fault-line", role: "alert" });
    this.then = this.pane();
    this.now = this.pane();
    this.light = h("input", { type: "checkbox", checked: true, onchange: () => this.setLit() });
    this.restore = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-history-restore", onclick: () => this.goBack() });
    this.ways = h("footer", {}, h("label", { class: "wb-check" }, this.light, "Light the pixels that differ"), this.restore);
    this.element = h("dialog", {
      class: "wb-history", "aria-label": "History", onclose: () => this.element.remove(), onkeydown: (event) => event.stopPropagation(),
    },
      h("header", {}, h("h2", {}, "History of ", name(`${entry.dataset}/${entry.path}`)),
        h("button", { type: "button", class: "wb-button", title: "Close (Esc)", "aria-label": "Close", onclick: () => this.element.close() }, "✕")),
      this.fault,
      h("div", { class: "wb-history-body" }, this.list, h("div", { class: "wb-history-panes" }, this.then.element, this.now.element)),
      this.ways);
  }

  pane() {
    const photo = h("img", { alt: "", draggable: "false" });
    const canvas = h("canvas", {});
    const label = h("figcaption", {});
    return { photo, canvas, label, element: h("figure", {}, label, h("div", { class: "wb-history-picture" }, photo, canvas)) };
  }

  async load() {
    try {
      ({ versions: this.versions } = await getJson(`${this.root}/versions`));
    } catch (error) {
      return this.say(error.message);
    }
    this.say("");
    this.ways.hidden = this.versions.length < 2; // nothing to compare, and nothing to go back to
    this.drawList();
    await this.choose(this.versions[1] ?? this.versions[0]);
  }

  say(text) {
    this.fault.textContent = text;
  }

  drawList() {
    this.list.replaceChildren(...this.versions.map((version) => h("li", {},
      h("button", { type: "button", "aria-pressed": false, dataset: { number: version.number }, onclick: () => this.choose(version) },
        h("b", {}, `Version ${version.number}`, version.current ? " · now" : ""),
        h("span", {}, said(version)),
        h("span", { class: "wb-quiet" }, name(version.author), ` · ${moment(version.created_at)}`),
        h("span", { class: "wb-quiet" }, changed(version))))));
  }

  async choose(version) {
    this.chosen = version;
    for (const button of this.list.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", Number(button.dataset.number) === version.number);
    }
    const newest = this.versions[0];
    this.restore.textContent = `Restore version ${version.number}`;
    this.restore.disabled = version.current;
    const shown = version.current ? [newest] : [version, newest];
    this.now.element.hidden = version.current;
    const panes = [this.then, this.now];
    try {
      const maps = await Promise.all(shown.map((each) => this.map(each)));
      if (this.chosen !== version) return;
      this.say("");
      this.maps = maps;
      shown.forEach((each, index) => {
        panes[index].label.textContent = `Version ${each.number}${each.current ? ", as it is now" : ""}`;
        panes[index].photo.src = address(`${this.root}/photo`, { size: SIZE, v: this.entry.photo_version });
      });
      this.paint();
    } catch (error) {
      this.say(error.message);
    }
  }

  map({ number, map_version: v }) {
    return mapAt(address(`${this.root}/versions/${number}/map`, { size: SIZE, v }));
  }

  paint() {
    const [then, now] = this.maps;
    paintDifference(this.then.canvas, then, this.lit ? now : null, this.table);
    if (now) paintDifference(this.now.canvas, now, this.lit ? then : null, this.table);
  }

  setLit() {
    this.lit = this.light.checked;
    if (this.maps) this.paint();
  }

  async goBack() {
    const { number } = this.chosen;
    const text = `Version ${number} becomes the newest one. The versions after it stay in the history.`;
    if (!await ask({ title: `Restore version ${number}?`, text, verb: "Restore" })) return;
    try {
      const { map_version: version } = await post(`${this.root}/versions/${number}/restore`, { head: this.versions[0].id });
      this.entry.map_version = version;
      this.onRestored();
      await this.load();
    } catch (error) {
      this.say(error.message);
    }
  }
}

// What made a version, and what it holds.
function said({ origin, shapes, layers }) {
  const [kind, what] = origin.split(":");
  const made = { import: `imported, ${what}`, restored: `version ${what} restored` }[kind] ?? "drawn here";
  const held = [shapes ? `${exact(shapes)} ${shapes === 1 ? "shape" : "shapes"}` : null, ...layers.map((layer) => (layer === "paint" ? "paint" : "a map"))];
  return [made, ...held.filter(Boolean)].join(" · ");
}

function changed({ number, changed: pixels }) {
  if (pixels === null) return "its class map is lost";
  if (number === 1) return "the first";
  return pixels ? `${exact(pixels)} ${pixels === 1 ? "pixel" : "pixels"} changed` : "no pixel changed";
}
