// The pictures that show why: the worst of a domain, of one class, or those with one confusion, its pixels lit; and home's.

import { address } from "../../api.js";
import { h, name } from "../../dom.js";
import { section } from "../../evaluation_parts.js";
import { mountGallery } from "../../gallery.js";
import { domainName } from "./choose.js";

export class Pictures {
  // onSide("there" | "home")
  constructor(project, { onSide, onAll }) {
    Object.assign(this, { project, onSide, onAll });
    this.bar = h("div", { class: "wb-bar" });
    this.place = h("div", { id: "wb-shift-gallery" });
    this.element = section("Pictures", null, this.bar, this.place);
  }

  // chosen: {seen, cell, side}; truth and predicted: the names of a cell's row and column
  show({ home, target, mapping, chosen, confusion }) {
    const at = chosen.side === "home" ? home : target;
    const value = {
      kind: "evaluation", evaluation: at.evaluation, mapping: mapping || null, of: at.images,
      ...(chosen.cell ? { cell: chosen.cell.split(",").map(Number) } : {}),
      ...(chosen.seen ? { having: chosen.seen, sort: `class:${chosen.seen}` } : {}),
      empty: chosen.cell ? "No picture has this confusion." : "No picture has this class.",
    };
    this.draw({ home, target, chosen, confusion, at, mapping });
    const key = JSON.stringify(value);
    if (key === this.key) return;
    this.key = key;
    if (this.gallery) this.gallery.update(value);
    else this.gallery = mountGallery(this.place, { value, tile: 200 });
  }

  draw({ home, target, chosen, confusion, at, mapping }) {
    const side = (value, domain) => h("button", { type: "button", class: "wb-button", "aria-pressed": value === chosen.side, onclick: () => this.onSide(value) }, domainName(`${domain.dataset}:${domain.on}`), value === "home" ? " (home)" : "");
    const what = chosen.cell ? [name(confusion?.truth ?? ""), " taken for ", name(confusion?.predicted ?? ""), ", most pixels first"] : chosen.seen ? ["the worst of ", name(chosen.seen)] : ["the worst first"];
    const query = { project: this.project, evaluation: at.evaluation, mapping, cell: chosen.cell, class: chosen.seen };
    this.bar.replaceChildren(...[
      h("span", { class: "wb-bar wb-shift-sides", role: "group", "aria-label": "Pictures of" }, side("there", target), side("home", home)),
      h("span", { role: "status" }, ...what),
      (chosen.cell || chosen.seen) && h("button", { type: "button", class: "wb-button wb-plain", onclick: () => this.onAll() }, "Show all images"),
      h("a", { href: address("/evaluate", query) }, `Open evaluation ${at.evaluation}`),
    ].filter(Boolean));
  }

  destroy() {
    this.gallery?.destroy();
  }
}
