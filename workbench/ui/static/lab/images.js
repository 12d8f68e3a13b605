// The images of an evaluation: which of them, in which order, and what chose them; below it the gallery.
//
// In the address: cell (truth,predicted as places), class, sort, min and max (of the score, 0..1), on (a role or subset),
// show (what lies over the photos), view (how one image is seen large), image (the number of that one).

import { exact, h, isolated, name } from "../dom.js";
import { section } from "../evaluation_parts.js";
import { mountGallery } from "../gallery.js";
import { query, setQuery } from "../place.js";

export class EvaluationImages {
  // data: what the server says of the evaluation; onChosen({class, cell}): what chose the images, told at once and after
  // each change
  constructor({ number, mapping, data, beside, onChosen }) {
    Object.assign(this, { number, mapping, data, onChosen });
    this.chips = h("div", { class: "wb-bar wb-chips" });
    this.place = h("div", { id: "wb-evaluate-gallery" });
    this.element = section("Images", beside, this.chips, this.place);
  }

  shown() {
    this.gallery = mountGallery(this.place, { value: this.wanted() });
    this.mark();
  }

  destroy() {
    this.gallery?.destroy();
  }

  // The cell in the address as [t, m]; null where it has none of this evaluation.
  cell() {
    const found = /^(\d{1,3}),(\d{1,3})$/.exec(query().cell ?? "");
    if (!found) return null;
    const [t, m] = [Number(found[1]), Number(found[2])];
    const { truth, predicted } = this.data.axes;
    return t < truth.length && m < predicted.length ? [t, m] : null;
  }

  wanted() {
    const { class: having, sort } = query();
    const cell = this.cell();
    return { kind: "evaluation", evaluation: this.number, mapping: this.mapping, cell, having, sort: sort ?? (having && !cell ? `class:${having}` : null) };
  }

  // Show others: {class}, {cell: "t,m"}, {sort} ...; null takes a choice back.
  async choose(changes) {
    setQuery(changes, { push: "cell" in changes || "class" in changes });
    const filled = this.gallery.update(this.wanted());
    this.mark();
    await filled; // an empty wall makes the page too short to scroll to it
    if (changes.cell || changes.class) this.element.scrollIntoView({ block: "start" });
  }

  // Say what chose the images, above them and to whoever asked.
  mark() {
    const { class: having = null, sort } = query();
    const cell = this.cell();
    const { truth, predicted } = this.data.axes;
    this.onChosen({ class: having, cell });
    const chip = (text, testid, changes) => h("span", { class: "wb-filter", dataset: { testid } }, text,
      h("button", { type: "button", "aria-label": "Show all images", title: "Show all images", onclick: () => this.choose({ ...changes, sort: null }) }, "✕"));
    const orders = [
      ...(cell ? [["cell", "most such pixels first"]] : []),
      ...(having ? [[`class:${having}`, `worst IoU of ${isolated(having)} first`], [`-class:${having}`, `best IoU of ${isolated(having)} first`]] : []),
      ["miou", "worst image first"], ["-miou", "best image first"], ["path", "by name"],
    ];
    const select = h("select", { id: "wb-evaluate-sort", onchange: () => this.choose({ sort: select.value }) },
      ...orders.map(([value, text]) => h("option", { value, selected: value === sort }, text)));
    this.chips.replaceChildren(...[
      cell && chip(h("span", {}, name(truth[cell[0]]), " → ", name(predicted[cell[1]]), h("span", { class: "wb-hint" }, ` ${exact(this.data.confusion[cell[0]][cell[1]])} pixels`)), "chip-cell", { cell: null }),
      having && chip(h("span", {}, "with ", name(having)), "chip-class", { class: null }),
      h("label", { class: "wb-select" }, "Sorted ", select),
    ].filter(Boolean));
  }
}
