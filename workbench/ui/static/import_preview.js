// A few photos of a source as the import would draw them, kept up with the answers.

import { post } from "./api.js";
import { decodeMap, paintMap } from "./colorize.js";
import { exact, h, name as bdi, percent } from "./dom.js";
import { mountLegend } from "./legend.js";
import { Look } from "./pictures.js";

const COUNT = 6;
const SHOWN = 3; // classes named below a picture; all of them in its title
const UNSEEN = new Set(["dataset", "role", "list_name", "link", "on_conflict"]); // answers that change no picture

export class Preview {
  constructor(url, classes) {
    Object.assign(this, { url, look: new Look([]), legend: null, tiles: [] });
    this.colors = new Map(classes.map(({ name, color }) => [name, color]));
    this.said = h("p", { class: "wb-hint", role: "status" });
    this.opacity = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: this.look.opacity, oninput: () => {
      this.look.opacity = Number(this.opacity.value);
      this.fade();
    } });
    this.legendPlace = h("div");
    this.grid = h("ul", { class: "wb-previews" });
    this.notes = h("div");
    this.element = h("div", { class: "wb-gallery" },
      h("div", { class: "wb-bar" }, h("label", { class: "wb-opacity" }, "Opacity", this.opacity), this.said),
      this.legendPlace, this.grid, this.notes);
    this.element.addEventListener("input", (event) => event.stopPropagation());
  }

  destroy() {
    this.gone = true;
    this.legend?.destroy();
  }

  // One look is under way at a time; of what is asked meanwhile only the last counts.
  async update(choices) {
    const key = JSON.stringify(choices, (name, value) => (UNSEEN.has(name) ? undefined : value));
    if (key === this.key) return;
    this.key = key;
    this.next = choices;
    if (this.busy) return;
    this.busy = true;
    while (this.next && !this.gone) {
      const asked = this.next;
      this.next = null;
      this.said.textContent = "Drawing …";
      try {
        const found = await post(`${this.url}?count=${COUNT}`, asked);
        if (!this.gone && !this.next) await this.draw(found);
      } catch (error) {
        this.key = null;
        this.say(error.message);
      }
    }
    this.busy = false;
  }

  say(text) {
    this.said.textContent = "";
    this.grid.replaceChildren(h("li", { class: "wb-message wb-bad", role: "alert" }, text));
    this.legendPlace.replaceChildren();
  }

  async draw({ total, skipped, classes, images, notes }) {
    const colored = classes.map(({ name, color }) => ({ name, color: this.colors.get(name) ?? color }));
    this.legend?.destroy();
    this.look = Object.assign(new Look(colored), { opacity: this.look.opacity });
    this.look.addEventListener("change", () => this.paint());
    this.legend = mountLegend(this.look);
    this.legendPlace.replaceChildren(this.legend.element);
    this.tiles = await Promise.all(images.map((each) => tile(each)));
    this.grid.replaceChildren(...this.tiles.map(({ element }) => element));
    this.paint();
    const left = skipped ? `, ${exact(skipped)} files cannot be used (the report will name them)` : "";
    this.said.textContent = `${images.length} of ${exact(total)} ${total === 1 ? "image" : "images"}${left}`;
    this.notes.replaceChildren(...notes.map((each) => h("p", { class: "wb-hint" }, bdi(each))));
  }

  paint() {
    const table = this.look.table;
    for (const { canvas, map } of this.tiles) if (map) paintMap(canvas, map, table);
    this.fade();
  }

  fade() {
    for (const { canvas } of this.tiles) canvas.style.opacity = this.look.opacity;
  }
}

async function tile({ path, photo, map, shares, repairs, problem }) {
  const canvas = h("canvas", { "aria-hidden": "true" });
  const decoded = map && (await decodeMap(blobOf(map)));
  const picture = photo ? h("div", { class: "wb-picture" }, h("img", { src: photo, alt: "" }), canvas) : null;
  if (decoded && picture) picture.style.aspectRatio = `${decoded.width} / ${decoded.height}`;
  const ignored = shares.ignore ? [["ignored", shares.ignore]] : [];
  const rows = [...Object.entries(shares).filter(([name]) => name !== "ignore"), ...ignored].sort((a, b) => b[1] - a[1]);
  const listed = rows.map(([name, share]) => `${name} ${share < 0.01 ? "< 1" : percent(share, 0)} %`);
  const facts = problem || (map ? listed.slice(0, SHOWN).join(", ") + (listed.length > SHOWN ? ", …" : "") : "no labels");
  const element = h("li", {}, picture,
    h("span", { class: "wb-caption", title: path }, bdi(path)), h("span", { class: problem ? "wb-preview-facts wb-bad" : "wb-preview-facts", title: problem || listed.join(", ") }, bdi(facts)),
    ...repairs.map((each) => h("span", { class: "wb-preview-facts" }, bdi(each))));
  return { element, canvas, map: decoded };
}

// The policy of the page lets scripts fetch from the server only: a data address is read by hand.
function blobOf(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/png" });
}
