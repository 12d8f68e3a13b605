// The cells of a confusion matrix, painted: however many there are, one picture with a dot a cell, enlarged.
//
// new MatrixCanvas(element, {onCell(t, m), onTell(t, m, byKeys), onZoom({isLeast, isMost, can})})
//   show(values, {chosen: [t, m] or null, found: Set of classes}), goTo(class), zoom(factor), fit(), focus(), destroy()
// Ctrl and the wheel, two fingers or + and - enlarge; what is enlarged is moved by dragging, and follows the arrow keys.

import { h } from "../../dom.js";
import { cellPicture, paintMatrix, widestName } from "./matrix_paint.js";

const FEW = 24; // classes up to which cells are wider than high, with room for what stands in them
const WIDE = { width: 72, height: 36 };
const LARGEST = 44; // px of a cell, enlarged
const FINGER = 12; // px of a cell that a finger can mean
const TURN = 1.35; // a turn of the wheel

export class MatrixCanvas {
  constructor(element, { onCell, onTell, onZoom }) {
    Object.assign(this, { element, onCell, onTell, onZoom, at: null, hover: null, chosen: null, found: new Set(), size: 1, x: 0, y: 0, fingers: new Map() });
    this.canvas = h("canvas", {
      class: "wb-matrix-cells", tabindex: 0, role: "application", "aria-roledescription": "confusion matrix",
      "aria-label": "Confusion matrix: rows are the truth, columns the prediction. Arrow keys go from cell to cell, Enter shows the images of one.",
      onkeydown: (event) => this.key(event), onfocus: () => this.focused(), onblur: () => this.paint(),
      onpointermove: (event) => this.moved(event), onpointerdown: (event) => this.pressed(event), onpointerup: (event) => this.released(event),
      onpointercancel: (event) => this.lost(event), onpointerleave: () => { this.hover = null; this.paint(); },
    });
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    element.replaceChildren(this.canvas);
    this.watcher = new ResizeObserver(() => this.layOut());
    this.watcher.observe(element);
    this.theme = new MutationObserver(() => this.paint());
    this.theme.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  destroy() {
    this.watcher.disconnect();
    this.theme.disconnect();
  }

  show(values, { chosen = this.chosen, found = this.found } = {}) {
    const anew = values !== this.values;
    Object.assign(this, { values, chosen, found });
    this.at ??= chosen ?? [values.rows[0], values.rows[0]];
    if (!anew) return this.paint();
    this.cells = cellPicture(values);
    this.layOut();
  }

  focus() {
    if (this.chosen) this.at = this.chosen;
    this.canvas.focus({ preventScroll: true });
  }

  // ---- how large, and which part of it

  layOut() {
    const { values } = this;
    const all = this.element.clientWidth;
    if (!values || !all) return;
    const [rows, columns] = [values.rows.length, values.columns.length];
    const context = this.canvas.getContext("2d");
    this.left = Math.min(all < 500 ? 84 : 150, widestName(context, values.labels.truth));
    this.top = Math.min(all < 500 ? 84 : 120, widestName(context, values.columns.map((m) => values.labels.predicted[m])));
    const room = (all - this.left - 1) / columns;
    const few = Math.max(rows, columns) <= FEW;
    const high = Math.max(320, 0.8 * innerHeight - this.top) / rows;
    const square = Math.min(room, high);
    this.least = few ? { width: Math.min(WIDE.width, room), height: Math.min(WIDE.height, Math.max(room, 18), Math.max(high, 18)) } : { width: square, height: square };
    this.width = this.left + columns * this.least.width + 1;
    this.height = this.top + rows * this.least.height + 1;
    this.most = Math.max(1, LARGEST / this.least.width);
    this.size = Math.min(this.size, this.most);
    this.keepInside();
    this.paint();
    this.onZoom({ isLeast: this.size <= 1, isMost: this.size >= this.most, can: this.most > 1.05 });
  }

  cell() {
    return { width: this.least.width * this.size, height: this.least.height * this.size };
  }

  keepInside() {
    const { width, height } = this.cell();
    const within = (value, whole, seen) => Math.min(Math.max(0, value), Math.max(0, whole - seen));
    this.x = within(this.x, this.values.columns.length * width, this.width - this.left - 1);
    this.y = within(this.y, this.values.rows.length * height, this.height - this.top - 1);
    this.canvas.style.touchAction = this.size > 1 ? "none" : "pan-x pan-y";
  }

  // Larger or smaller by a factor; what is at a place, by default the middle, stays there.
  zoom(factor, [px, py] = [(this.width + this.left) / 2, (this.height + this.top) / 2]) {
    const before = this.size;
    this.size = Math.min(this.most, Math.max(1, this.size * factor));
    const by = this.size / before;
    this.x = (this.x + px - this.left) * by - (px - this.left);
    this.y = (this.y + py - this.top) * by - (py - this.top);
    this.keepInside();
    this.paint();
    this.onZoom({ isLeast: this.size <= 1, isMost: this.size >= this.most, can: this.most > 1.05 });
  }

  fit() {
    this.zoom(0);
  }

  // Show the row and the column of a class, large enough to read.
  goTo(index) {
    const large = Math.min(this.most, 22 / this.least.width);
    if (this.size < large) this.zoom(large / this.size);
    this.at = [index, index];
    this.hover = null;
    this.reveal(0.5);
    this.onTell(...this.at, true);
  }

  // Move what is enlarged so that the cell is seen; `middle`: in the middle of it.
  reveal(middle = null) {
    const { width, height } = this.cell();
    const place = (index, size, offset, seen) => {
      const start = index * size;
      if (middle !== null) return start + size / 2 - middle * seen;
      return Math.min(start, Math.max(offset, start + size - seen));
    };
    const [row, column] = this.places(this.at);
    this.x = place(column, width, this.x, this.width - this.left - 1);
    this.y = place(row, height, this.y, this.height - this.top - 1);
    this.keepInside();
    this.paint();
  }

  places([t, m]) {
    return [Math.max(0, this.values.rows.indexOf(t)), Math.max(0, this.values.columns.indexOf(m))];
  }

  // The cell below a pointer as classes; null beside the cells.
  under({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const { width, height } = this.cell();
    const [px, py] = [clientX - box.left, clientY - box.top];
    if (px < this.left || py < this.top) return null;
    const [t, m] = [this.values.rows[Math.floor((py - this.top + this.y) / height)], this.values.columns[Math.floor((px - this.left + this.x) / width)]];
    return t === undefined || m === undefined ? null : [t, m];
  }

  // ---- pointer and keys

  moved(event) {
    const finger = this.fingers.get(event.pointerId);
    if (finger && this.fingers.size === 2) return this.pinch(event);
    if (finger && this.size > 1) {
      if (!this.dragged && Math.hypot(event.clientX - finger.x, event.clientY - finger.y) < 5) return;
      this.dragged = true;
      this.x -= event.clientX - finger.x;
      this.y -= event.clientY - finger.y;
      Object.assign(finger, { x: event.clientX, y: event.clientY });
      this.keepInside();
      return this.paint();
    }
    const cell = this.under(event);
    if (String(cell) === String(this.hover)) return;
    this.hover = cell;
    if (cell) this.onTell(...cell, false);
    this.canvas.style.cursor = cell ? "pointer" : "default";
    this.paint();
  }

  pinch(event) {
    const box = this.canvas.getBoundingClientRect();
    const span = () => {
      const [a, b] = [...this.fingers.values()];
      return { far: Math.hypot(a.x - b.x, a.y - b.y), middle: [(a.x + b.x) / 2 - box.left, (a.y + b.y) / 2 - box.top] };
    };
    const before = span();
    Object.assign(this.fingers.get(event.pointerId), { x: event.clientX, y: event.clientY });
    const after = span();
    this.dragged = true;
    this.x -= after.middle[0] - before.middle[0];
    this.y -= after.middle[1] - before.middle[1];
    if (before.far) this.zoom(after.far / before.far, after.middle);
  }

  pressed(event) {
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.fingers.size === 1) this.dragged = false;
    if (this.size > 1 || this.fingers.size > 1) this.canvas.setPointerCapture(event.pointerId);
  }

  released(event) {
    const pressed = this.fingers.delete(event.pointerId);
    if (!pressed || this.dragged || this.fingers.size || event.button !== 0) return;
    const cell = this.under(event);
    if (!cell) return;
    // Of cells that are smaller than a finger none is meant: they are brought nearer.
    if (event.pointerType === "touch" && this.cell().width < FINGER && this.size < this.most) return this.approach(event);
    this.choose(cell);
  }

  approach({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    this.zoom(2 * FINGER / this.cell().width, [clientX - box.left, clientY - box.top]);
  }

  lost(event) {
    this.fingers.delete(event.pointerId);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    this.zoom(TURN ** (-Math.sign(event.deltaY) * Math.min(1, Math.abs(event.deltaY) / 50)), [event.clientX - box.left, event.clientY - box.top]);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, columns } = this.values;
    const [row, column] = this.places(this.at);
    const to = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [row, 0], End: [row, columns.length - 1], PageUp: [0, column], PageDown: [rows.length - 1, column],
    }[event.key];
    if (to) {
      const within = (value, count) => Math.min(count - 1, Math.max(0, value));
      this.at = [rows[within(to[0], rows.length)], columns[within(to[1], columns.length)]];
      this.hover = null;
      this.onTell(...this.at, true);
      this.reveal();
    } else if (event.key === "Enter" || event.key === " ") this.choose(this.at);
    else if (event.key === "+" || event.key === "=") this.zoom(TURN);
    else if (event.key === "-") this.zoom(1 / TURN);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  focused() {
    if (!this.canvas.matches(":focus-visible")) return;
    this.onTell(...this.at, true);
    this.reveal();
  }

  choose(cell) {
    this.at = cell;
    this.chosen = cell;
    this.paint();
    this.onCell(...cell);
  }

  paint() {
    if (!this.values || !this.width) return;
    const { canvas, values, cells, left, top, width, height, x, y, found, hover, chosen } = this;
    const ratio = window.devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const at = document.activeElement === canvas && canvas.matches(":focus-visible") ? this.at : null;
    paintMatrix(context, { values, cells, cell: this.cell(), left, top, width, height, x, y, found, hover, chosen, at });
  }
}
