// What the network made of a few validation photos, at every validation: photo, truth and prediction side by side.

import { address, getJson } from "./api.js";
import { paintMap } from "./colorize.js";
import { exact, h } from "./dom.js";
import { mountLegend } from "./legend.js";
import { Look, Picture } from "./pictures.js";

const SIZE = 512;
const PANES = [["photo", "Photo"], ["truth", "Truth"], ["prediction", "Prediction"]];

export class RunSamples {
  constructor(element, run) {
    Object.assign(this, { element, run, steps: [], at: -1, rows: [] });
  }

  async read(live) {
    const { images, steps, classes } = await getJson(`/api/runs/${this.run}/samples`);
    if (!steps.length) {
      const text = live ? "The first validation will fill this." : "No predictions are kept of this run.";
      this.element.replaceChildren(h("p", { class: "wb-message" }, text));
      return;
    }
    if (!this.rows.length) this.build(images, classes);
    const follows = this.at < 0 || this.steps[this.at] === this.steps[this.steps.length - 1];
    const shown = this.steps[this.at];
    this.steps = steps;
    this.slider.max = steps.length - 1;
    // Steps between are thinned as a run goes on: the one that is left nearest to what was shown.
    const near = steps.reduce((best, step, i) => (Math.abs(step - shown) < Math.abs(steps[best] - shown) ? i : best), 0);
    this.go(follows ? steps.length - 1 : near);
  }

  build(images, classes) {
    const look = new Look(classes);
    look.opacity = 0.75;
    const paint = (canvas, [map], { table }) => paintMap(canvas, map, table);
    const url = ({ n, step }, layer, size) => address(`/api/runs/${this.run}/samples/${step}/${n}/${layer}`, { size });
    const source = {
      modes: PANES.map(([id, label]) => ({ id, label, maps: [id], paint: id === "photo" ? null : paint })),
      has: () => true, photoUrl: (entry, size) => url({ ...entry, step: this.steps[0] }, "photo", size),
      mapUrl: (entry, layer, size) => url(layer === "truth" ? { ...entry, step: this.steps[0] } : entry, layer, size),
    };
    const opacity = h("input", { type: "range", min: 0, max: 1, step: 0.05, value: look.opacity, "aria-label": "Opacity of the overlay", oninput: () => look.set({ opacity: Number(opacity.value) }) });
    this.slider = h("input", { type: "range", id: "wb-run-step", min: 0, max: 0, step: 1, "aria-label": "Validation at step", oninput: () => this.go(Number(this.slider.value)) });
    this.said = h("output", { for: "wb-run-step" });
    this.rows = images.map(({ n, name }) => {
      const pictures = PANES.map(([id]) => new Picture(source, look, { mode: id, lazy: true }));
      const element = h("figure", { class: "wb-sample" },
        h("div", { class: "wb-sample-panes" }, ...pictures.map((picture, i) => h("div", { class: "wb-sample-pane" }, picture.element, h("span", { class: "wb-pane-label" }, PANES[i][1])))),
        h("figcaption", { class: "wb-caption" }, h("bdi", {}, name)));
      for (const { photo, element: pane } of pictures) photo.addEventListener("load", () => { pane.style.aspectRatio = `${photo.naturalWidth} / ${photo.naturalHeight}`; });
      return { n, pictures, element };
    });
    look.addEventListener("change", ({ detail }) => {
      for (const { pictures } of this.rows) for (const picture of pictures) detail.recolored ? picture.paint() : picture.fade();
    });
    this.element.replaceChildren(
      h("div", { class: "wb-controls" }, h("label", { class: "wb-opacity wb-at-step" }, "Step", this.slider, this.said), h("label", { class: "wb-opacity" }, "Opacity", opacity)),
      h("div", { class: "wb-samples" }, ...this.rows.map(({ element }) => element)), mountLegend(look).element);
  }

  go(at) {
    this.at = at;
    this.slider.value = at;
    const step = this.steps[at];
    this.said.textContent = exact(step);
    for (const { n, pictures } of this.rows) for (const picture of pictures) if (picture.mode === "prediction" || !picture.entry) picture.show({ n, step }, SIZE);
  }
}
