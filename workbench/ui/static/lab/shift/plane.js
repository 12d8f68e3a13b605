// The photos of a shift as points, near where their network's features are: a click opens one.
//
// mountPlane(element, {project, shift, record}) -> {point(row), open(row), photoUrl(row), destroy()}
//   record: what the server says of the shift; point(row): show where a photo is, null where none

import { address, getJson, isAbort } from "../../api.js";
import { partTitle } from "../../dataset_part.js";
import { exact, h, loadStyle, name, percent, svg } from "../../dom.js";
import { Entries } from "../../entries.js";
import { Lightbox } from "../../lightbox.js";
import { lookOf, mark } from "../../look.js";
import { Look } from "../../pictures.js";
import { openSource } from "../../sources.js";
import { View, steer, zooming } from "../../view.js";
import { savePlot } from "../save_plot.js";
import { COLORINGS, axesSaid, canvasOf, fitted, onScreen, rampGradient, rangeOfValues, svgOf } from "./plane_canvas.js";

const REACH = 14; // px from a point at which it is meant
const STILL = 5; // px that a click may move
const THUMB = 256;

export async function mountPlane(element, options) {
  loadStyle();
  const plane = new Plane(element, options);
  await plane.load();
  return plane;
}

// "camvid:val" -> what a legend calls it
class Plane {
  constructor(element, { project, shift, record }) {
    Object.assign(this, { element, project, shift, record, coloring: "domain", hidden: new Set(), at: null, pointed: null });
    this.loading = new AbortController();
    this.view = new View();
    this.canvas = h("canvas", { class: "wb-plane", tabindex: 0, role: "img", "aria-label": "Map of the photos. Plus and minus zoom, arrow keys move; the list beside it opens photos." });
    this.card = h("div", { class: "wb-plane-card", hidden: true });
    this.stage = h("div", { class: "wb-plane-stage" }, this.canvas, this.card);
    this.key = h("div", { class: "wb-bar wb-plane-key" });
    this.boxed = () => ({ width: this.canvas.clientWidth, height: this.canvas.clientHeight });
  }

  async load() {
    this.element.replaceChildren(h("p", { class: "wb-message", role: "status" }, "Loading …"));
    try {
      this.plane = await getJson(`/api/projects/${this.project}/shifts/${this.shift}/plane`, { signal: this.loading.signal });
    } catch (error) {
      if (!isAbort(error)) this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
      return;
    }
    this.painter = canvasOf(this.canvas);
    this.element.replaceChildren(this.bar(), this.key, this.stage, h("p", { class: "wb-hint" }, axesSaid(this.record.explained)));
    this.listen();
    this.draw();
  }

  // ---- what is seen

  bar() {
    const known = COLORINGS.filter(({ id }) => id === "domain" || rangeOfValues(this.plane[id]));
    const buttons = known.map(({ id, label }) => h("button", {
      type: "button", class: "wb-button", dataset: { coloring: id }, "aria-pressed": id === this.coloring, onclick: () => this.color(id),
    }, label));
    this.zooms = zooming(this.view, this.boxed);
    this.save = savePlot(() => svgOf(this.plane, this.coloring, this.hidden, this.record.explained, this.record.domains.map(partTitle)), `features-${this.record.model}`, {
      title: "Photos by the features of the network", legend: () => this.legend(),
    });
    return h("div", { class: "wb-bar" }, h("span", { class: "wb-hint" }, "Coloured by"), h("div", { class: "wb-layouts", role: "group", "aria-label": "Coloured by" }, ...buttons),
      h("span", { class: "wb-bar wb-zooming" }, ...this.zooms.buttons), this.save);
  }

  color(id) {
    this.coloring = id;
    for (const button of this.element.querySelectorAll("[data-coloring]")) button.setAttribute("aria-pressed", button.dataset.coloring === id);
    this.draw();
  }

  // The domains, each to be hidden, and the scale of what colours say.
  drawKey() {
    const domains = this.record.domains.map((domain, place) => {
      const { color, shape } = lookOf(place);
      const sample = svg("svg", { viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" }, mark(shape, 7, 7, this.coloring === "domain" ? color : "var(--wb-quiet)", 4.5));
      return h("button", {
        type: "button", class: "wb-button wb-plane-domain", "aria-pressed": !this.hidden.has(place), title: "Show or hide", dataset: { domain: place },
        onclick: () => {
          if (!this.hidden.delete(place)) this.hidden.add(place);
          this.draw();
          this.key.querySelector(`[data-domain="${place}"]`).focus();
        },
      }, sample, place === 0 ? "home: " : "", partTitle(domain), h("span", { class: "wb-hint" }, ` ${exact(domain.images)}`));
    });
    this.key.replaceChildren(...domains, ...(this.coloring === "domain" ? [] : [this.scale()]));
  }

  scale() {
    const { label, bad, percent: share, ends } = COLORINGS.find(({ id }) => id === this.coloring);
    const write = (value) => (share ? `${percent(value, 0)} %` : `${Number(value.toPrecision(2))} ×`);
    const [low, high] = rangeOfValues(this.plane[this.coloring]).map(write);
    return h("span", { class: "wb-bar wb-plane-scale" }, h("span", {}, `${label}: ${low} ${ends[0]}`),
      h("span", { class: "wb-plane-ramp", style: { background: rampGradient(bad, this.isNight()) } }), h("span", {}, `${high} ${ends[1]}`));
  }

  legend() {
    if (this.coloring === "domain") return this.record.domains.map((domain, place) => ({ label: partTitle(domain), color: lookOf(place).color, fill: true }));
    const groups = COLORINGS.find(({ id }) => id === this.coloring);
    const [low, high] = rangeOfValues(this.plane[this.coloring]);
    const [first, last] = groups.bad ? ["#2563eb", "#c2410c"] : ["#c2410c", "#2563eb"];
    const write = (value) => (groups.percent ? `${percent(value, 0)} %` : String(Number(value.toPrecision(2))));
    return [{ label: `${groups.label} ${write(low)}`, color: first, fill: true }, { label: write(high), color: last, fill: true }];
  }

  isNight() {
    return document.body.classList.contains("dark");
  }

  draw() {
    this.drawKey();
    this.paint();
  }

  // At the next frame, however often it is asked for.
  paint() {
    if (this.due) return;
    this.due = requestAnimationFrame(() => {
      this.due = 0;
      const { width, height } = this.boxed();
      if (!width || !height) return;
      if (!this.places || this.shape !== `${width}x${height}`) {
        this.places = fitted(this.plane, width, height);
        this.shape = `${width}x${height}`;
      }
      const marked = [...new Set([this.pointed, this.at])].filter((row) => row !== null);
      this.painter.draw({ plane: this.plane, places: this.places, view: this.view, coloring: this.coloring, hidden: this.hidden, marked, isNight: this.isNight() });
    });
  }

  // ---- reading it

  listen() {
    const { canvas, view } = this;
    steer(canvas, view, this.boxed, { inPage: true });
    view.addEventListener("change", () => { this.tell(null); this.paint(); });
    this.watcher = new ResizeObserver(() => this.paint());
    this.watcher.observe(canvas);
    this.night = new MutationObserver(() => this.draw());
    this.night.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    let down = null;
    canvas.addEventListener("pointerdown", ({ clientX, clientY }) => { down = [clientX, clientY]; });
    canvas.addEventListener("pointermove", (event) => { if (!event.buttons) this.tell(this.nearest(event)); });
    canvas.addEventListener("pointerleave", () => this.tell(null));
    canvas.addEventListener("click", (event) => {
      if (!down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > STILL) return;
      const row = this.nearest(event);
      if (row !== null) this.open(row);
    });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const [dx, dy] = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key] ?? [0, 0];
    const act = dx || dy ? this.view.zoom > 1 && (() => this.view.panBy(dx, dy, this.boxed())) : this.zooms.keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }

  nearest(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, least] = [null, REACH];
    for (let row = 0; row < this.plane.domain.length; row += 1) {
      if (this.hidden.has(this.plane.domain[row])) continue;
      const [left, top] = onScreen(this.places, row, this.view, box.width, box.height);
      const far = Math.hypot(left - x, top - y);
      if (far < least) [best, least] = [row, far];
    }
    return best;
  }

  // What is under the pointer, in a card beside it.
  tell(row) {
    this.canvas.style.cursor = row === null ? "" : "pointer";
    if (row === this.at) return;
    this.at = row;
    this.card.hidden = row === null;
    this.paint();
    if (row === null) return;
    const { path, domain } = this.plane;
    const photo = this.photoUrl(row);
    this.card.replaceChildren(
      photo ? h("img", { src: photo, alt: "" }) : h("span", { class: "wb-hint" }, "The photo is gone."),
      name(path[row]), h("span", { class: "wb-hint" }, partTitle(this.record.domains[domain[row]])), h("span", { class: "wb-hint" }, this.facts(row)));
    const { width, height } = this.boxed();
    const [x, y] = onScreen(this.places, row, this.view, width, height);
    this.card.style.left = x > width / 2 ? "" : `${x + 14}px`;
    this.card.style.right = x > width / 2 ? `${width - x + 14}px` : "";
    this.card.style.top = y > height / 2 ? "" : `${y}px`;
    this.card.style.bottom = y > height / 2 ? `${height - y}px` : "";
  }

  facts(row) {
    const { score, entropy, far } = this.plane;
    return `${score[row] === null ? "" : `mIoU ${percent(score[row])} %, `}entropy ${percent(entropy[row])} %, ${Number(far[row].toPrecision(2))} × as far from home as usual`;
  }

  // Show where a photo is.
  point(row) {
    this.pointed = row;
    this.paint();
  }

  photoUrl(row, size = THUMB) {
    const image = this.plane?.image[row] ?? null;
    return image === null ? null : address(`/api/projects/${this.project}/images/${image}/photo`, { size, v: this.plane.version[row] });
  }

  // Open a photo: in the evaluation that scored it, else among the data.
  async open(row) {
    const { plane, record } = this;
    const [domain, image] = [plane.domain[row], plane.image[row]];
    const isScored = plane.number[row] !== null;
    if (!isScored && image === null) return;
    const { dataset } = record.domains[domain];
    const value = isScored ? { kind: "evaluation", evaluation: plane.evaluations[domain] } : { kind: "data", project: this.project, dataset };
    const source = await openSource(value, this.loading.signal);
    const index = (await source.keys()).indexOf(isScored ? plane.number[row] : image);
    if (index < 0) return;
    const look = new Look(source.classes);
    look.mode = source.modes[0].id;
    const entries = new Entries(source);
    this.lightbox?.destroy();
    this.lightbox = new Lightbox(entries, look, { onClose: () => { this.lightbox = null; entries.close(); } });
    this.lightbox.open(index, this.element);
  }

  destroy() {
    this.loading.abort();
    this.lightbox?.destroy();
    this.watcher?.disconnect();
    this.night?.disconnect();
    cancelAnimationFrame(this.due ?? 0);
    this.element.replaceChildren();
  }
}
