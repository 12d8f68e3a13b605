// A confusion matrix: rows truth, columns prediction, a cell opens its images.
//
// mountMatrix(element, {labels: {truth: [...], predicted: [...]}, counts: [[...]], onCell, chosen: [t, m]})
//   -> {update(options), destroy()}
// Up to 30 classes it is a table, beyond that a canvas; both are one grid to the keyboard.

import { exact, h, isolated, loadStyle, name, percent, short } from "./dom.js";

const WIDEST_TABLE = 30;
const CELL = 18; // px of the canvas
const HUES = { right: "26, 152, 80", wrong: "215, 48, 39" };

export function mountMatrix(element, options) {
  loadStyle();
  const matrix = new Matrix(element, options);
  return { update: (changes) => matrix.update(changes), destroy: () => element.replaceChildren() };
}

class Matrix {
  constructor(element, options) {
    Object.assign(this, { element, options: {}, rows: true });
    element.classList.add("wb-matrix");
    this.update(options);
  }

  update(changes) {
    Object.assign(this.options, changes);
    const { labels, counts } = this.options;
    this.totals = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
    // The column `other` is worth its width only where something lies in it.
    const empty = counts.every((row) => row[row.length - 1] === 0) && labels.predicted.length > labels.truth.length;
    this.columns = labels.predicted.length - (empty ? 1 : 0);
    this.at = this.options.chosen ?? [0, 0];
    this.draw();
  }

  draw() {
    const toggle = (label, rows) =>
      h("button", { type: "button", class: "wb-button", "aria-pressed": this.rows === rows, onclick: () => { this.rows = rows; this.draw(); } }, label);
    const few = this.options.labels.truth.length <= WIDEST_TABLE;
    // A cell that gets the focus says itself what it is; on the canvas this line does.
    this.read = h("p", { class: "wb-read", role: few ? null : "status" });
    const body = few ? this.table() : this.canvas();
    this.element.replaceChildren(
      h("div", { class: "wb-bar" }, toggle("% of the row", true), toggle("Pixels", false),
        h("span", { class: "wb-hint" }, "Rows: truth. Columns: prediction. Choose a cell to see its images.")),
      h("div", { class: "wb-scroll" }, body), this.read);
  }

  share(t, m) {
    return this.totals[t] ? this.options.counts[t][m] / this.totals[t] : null;
  }

  text(t, m) {
    const count = this.options.counts[t][m];
    if (!this.rows) return count ? short(count) : "";
    const share = this.share(t, m);
    return share === null || count === 0 ? "" : share < 0.005 ? "<1" : percent(share, 0);
  }

  sentence(t, m) {
    const { labels, counts } = this.options;
    const share = this.share(t, m);
    const part = share === null ? "" : `, ${percent(share)} % of its row`;
    return `truth ${isolated(labels.truth[t])}, predicted ${isolated(labels.predicted[m])}: ${exact(counts[t][m])} pixels${part}`;
  }

  color(t, m) {
    const share = this.share(t, m);
    if (!share) return "transparent";
    return `rgba(${t === m ? HUES.right : HUES.wrong}, ${(0.14 + 0.66 * Math.sqrt(share)).toFixed(3)})`;
  }

  choose(t, m) {
    this.options.chosen = [t, m];
    this.mark();
    this.options.onCell?.(t, m);
  }

  move(event) {
    const [t, m] = this.at;
    const last = [this.options.labels.truth.length - 1, this.columns - 1];
    const to = {
      ArrowUp: [t - 1, m], ArrowDown: [t + 1, m], ArrowLeft: [t, m - 1], ArrowRight: [t, m + 1],
      Home: [t, 0], End: [t, last[1]], PageUp: [0, m], PageDown: [last[0], m],
    }[event.key];
    if (to) {
      this.at = to.map((value, axis) => Math.min(last[axis], Math.max(0, value)));
      this.settle();
    } else if (event.key === "Enter" || event.key === " ") this.choose(...this.at);
    else return;
    event.preventDefault();
  }

  // ---- as a table

  table() {
    const { labels } = this.options;
    const head = labels.predicted.slice(0, this.columns).map((label) => h("th", { scope: "col", title: label }, h("span", {}, name(label))));
    this.cells = labels.truth.map((truth, t) =>
      head.map((_, m) => {
        const cell = h("td", {
          role: "gridcell", tabindex: -1, title: this.sentence(t, m), "aria-label": this.sentence(t, m),
          dataset: { testid: `cell-${t}-${m}` }, onclick: () => { this.at = [t, m]; this.settle(); this.choose(t, m); },
          onfocus: () => { this.at = [t, m]; this.tell(); }, onmouseenter: () => this.tell(t, m),
        }, this.text(t, m));
        cell.style.background = this.color(t, m);
        return cell;
      }));
    this.settle = () => { this.rove(); this.cells[this.at[0]][this.at[1]].focus(); };
    this.mark = () => this.cells.forEach((row, t) => row.forEach((cell, m) => {
      const { chosen } = this.options;
      cell.toggleAttribute("data-chosen", chosen?.[0] === t && chosen?.[1] === m);
    }));
    this.rove = () => this.cells.forEach((row, t) => row.forEach((cell, m) => { cell.tabIndex = t === this.at[0] && m === this.at[1] ? 0 : -1; }));
    this.rove();
    this.mark();
    return h("table", { role: "grid", "aria-label": "Confusion matrix", onkeydown: (event) => this.move(event) },
      h("thead", {}, h("tr", {}, h("td", { class: "wb-corner" }), ...head)),
      h("tbody", {}, ...labels.truth.map((label, t) => h("tr", {}, h("th", { scope: "row", title: label }, name(label)), ...this.cells[t]))));
  }

  tell(t = this.at[0], m = this.at[1]) {
    this.read.textContent = this.sentence(t, m);
  }

  // ---- as a canvas

  canvas() {
    const rows = this.options.labels.truth.length;
    const ratio = window.devicePixelRatio;
    const canvas = h("canvas", {
      class: "wb-cells", tabindex: 0, role: "application", "aria-label": "Confusion matrix",
      onkeydown: (event) => this.move(event), onfocus: () => this.settle(),
      onmousemove: (event) => this.tell(...this.under(event)),
      onclick: (event) => { this.at = this.under(event); this.settle(); this.choose(...this.at); },
    });
    canvas.width = this.columns * CELL * ratio;
    canvas.height = rows * CELL * ratio;
    canvas.style.width = `${this.columns * CELL}px`;
    canvas.style.height = `${rows * CELL}px`;
    this.surface = canvas;
    this.mark = () => this.paint(ratio);
    this.settle = () => {
      this.tell();
      this.paint(ratio);
    };
    this.paint(ratio);
    const side = (labels, className) =>
      h("div", { class: className, "aria-hidden": "true" }, ...labels.map((label) => h("span", { title: label }, name(label))));
    return h("div", { class: "wb-canvas-matrix" }, h("div", { class: "wb-corner" }),
      side(this.options.labels.predicted.slice(0, this.columns), "wb-top"), side(this.options.labels.truth, "wb-left"), canvas);
  }

  under(event) {
    const box = this.surface.getBoundingClientRect();
    const place = (value, count) => Math.min(count - 1, Math.max(0, Math.floor(value / CELL)));
    return [place(event.clientY - box.top, this.options.labels.truth.length), place(event.clientX - box.left, this.columns)];
  }

  paint(ratio) {
    const context = this.surface.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.surface.width, this.surface.height);
    for (let t = 0; t < this.options.labels.truth.length; t += 1) {
      for (let m = 0; m < this.columns; m += 1) {
        context.fillStyle = this.color(t, m);
        context.fillRect(m * CELL, t * CELL, CELL - 1, CELL - 1);
      }
    }
    const frame = ([t, m], color) => {
      context.strokeStyle = color;
      context.lineWidth = 2;
      context.strokeRect(m * CELL, t * CELL, CELL - 1, CELL - 1);
    };
    const style = getComputedStyle(this.surface);
    if (this.options.chosen) frame(this.options.chosen, style.getPropertyValue("--color-accent") || "orange");
    if (document.activeElement === this.surface) frame(this.at, style.color);
  }
}
