// The cells of a confusion matrix, painted: however many there are, one picture with a dot a cell, enlarged.
//
// new MatrixCanvas(element, {onCell(t, m), onTell(t, m, byKeys), onZoom({least, most})})
//   show(values, {chosen: [t, m] or null, found: Set of classes}), goTo(class), zoom(factor), fit(), focus(), destroy()
// Ctrl and the wheel, two fingers or + and - enlarge; what is enlarged is moved by dragging, and follows the arrow keys.

import { h } from "../../dom.js";
import { HUES } from "./matrix_values.js";

const FEW = 24; // classes up to which cells are wider than high, with room for what stands in them
const WIDE = { width: 72, height: 36 };
const LARGEST = 44; // px of a cell, enlarged
const TEXT = { width: 27, height: 15 }; // px of a cell from which on its value stands in it
const LABEL = 13; // px from one label to the next
const RULED = 7; // px of a cell from which on lines part them
const RING = 9; // px of the frame around a cell that is smaller
const FINGER = 12; // px of a cell that a finger can mean
const TURN = 1.35; // a turn of the wheel
const GAP = 6;

export class MatrixCanvas {
  constructor(element, { onCell, onTell, onZoom }) {
    Object.assign(this, { element, onCell, onTell, onZoom, at: null, hover: null, chosen: null, found: new Set(), size: 1, x: 0, y: 0, fingers: new Map(), cut: new Map() });
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
    this.cells = picture(values);
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
    context.font = this.font();
    const widest = (labels) => Math.max(...labels.map((label) => context.measureText(label).width));
    this.left = Math.min(all < 500 ? 84 : 150, widest(values.labels.truth) + 2 * GAP);
    this.top = Math.min(all < 500 ? 84 : 120, widest(values.columns.map((m) => values.labels.predicted[m])) + 2 * GAP);
    const room = (all - this.left - 1) / columns;
    const few = Math.max(rows, columns) <= FEW;
    const high = Math.max(320, 0.8 * innerHeight - this.top) / rows;
    const square = Math.min(room, high);
    this.least = few ? { width: Math.min(WIDE.width, room), height: Math.min(WIDE.height, Math.max(room, 18), Math.max(high, 18)) } : { width: square, height: square };
    this.width = this.left + columns * this.least.width + 1;
    this.height = this.top + rows * this.least.height + 1;
    this.most = Math.max(1, LARGEST / this.least.width);
    this.size = Math.min(this.size, this.most);
    this.cut.clear();
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

  // ---- painting

  font(weight = 400) {
    return `${weight} 12px system-ui, -apple-system, "Segoe UI", sans-serif`;
  }

  paint() {
    if (!this.values || !this.width) return;
    const { canvas, left, top, width, height } = this;
    const ratio = window.devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    const style = getComputedStyle(canvas);
    this.colors = Object.fromEntries(["text", "line", "accent"].map((each) => [each, style.getPropertyValue(`--wb-${each}`)]));
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(left, top, width - left, height - top);
    context.clip();
    this.paintCells(context);
    context.restore();
    this.paintLabels(context);
  }

  paintCells(context) {
    const { values, left, top, colors } = this;
    const cell = this.cell();
    const [x0, y0] = [left - this.x, top - this.y];
    const [whole, high] = [values.columns.length * cell.width, values.rows.length * cell.height];
    const cross = ([t, m], color, alpha) => {
      const [row, column] = this.places([t, m]);
      Object.assign(context, { fillStyle: color, globalAlpha: alpha });
      context.fillRect(x0, y0 + row * cell.height, whole, cell.height);
      context.fillRect(x0 + column * cell.width, y0, cell.width, high);
      context.globalAlpha = 1;
    };
    for (const index of this.found) cross([index, index], colors.accent, 0.22);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.cells, x0, y0, whole, high);
    const seen = (offset, size, span, count) => [Math.max(0, Math.floor(offset / size)), Math.min(count, Math.ceil((offset + span) / size))];
    const [firstRow, endRow] = seen(this.y, cell.height, this.height - top, values.rows.length);
    const [firstColumn, endColumn] = seen(this.x, cell.width, this.width - left, values.columns.length);
    context.lineWidth = 1;
    context.strokeStyle = colors.line;
    context.beginPath();
    const ruled = cell.height >= RULED;
    for (let row = firstRow; row <= endRow; row += 1) if (ruled || row === 0 || row === values.rows.length) stripe(context, x0, y0 + row * cell.height, x0 + whole, null);
    for (let column = firstColumn; column <= endColumn; column += 1) if (ruled || column === 0 || column === values.columns.length) stripe(context, x0 + column * cell.width, y0, null, y0 + high);
    context.stroke();
    if (cell.width >= TEXT.width && cell.height >= TEXT.height) {
      context.fillStyle = colors.text;
      context.font = this.font();
      context.textAlign = "center";
      context.textBaseline = "middle";
      for (let row = firstRow; row < endRow; row += 1) {
        for (let column = firstColumn; column < endColumn; column += 1) {
          const text = values.text(values.rows[row], values.columns[column]);
          if (text) context.fillText(text, x0 + (column + 0.5) * cell.width, y0 + (row + 0.5) * cell.height + 0.5, cell.width - 2);
        }
      }
    }
    if (this.hover) cross(this.hover, colors.text, 0.08);
    const frame = (which, color) => {
      const [row, column] = this.places(which);
      const [wide, tall] = [Math.max(RING, cell.width - 2), Math.max(RING, cell.height - 2)];
      context.lineWidth = 2;
      context.strokeStyle = color;
      context.strokeRect(x0 + (column + 0.5) * cell.width - wide / 2 + 0.5, y0 + (row + 0.5) * cell.height - tall / 2 + 0.5, wide, tall);
    };
    if (this.chosen) frame(this.chosen, colors.accent);
    if (this.hasFocus()) frame(this.at, colors.text);
  }

  hasFocus() {
    return document.activeElement === this.canvas && this.canvas.matches(":focus-visible");
  }

  // The names at both sides: those that matter now first, then as many as have room.
  paintLabels(context) {
    const { values, left, top } = this;
    const cell = this.cell();
    const marked = [this.hover, this.hasFocus() ? this.at : null, this.chosen].filter(Boolean);
    const side = (classes, size, offset, span, strong, draw) => {
      const taken = [];
      const order = [...strong, ...classes.filter((index) => !strong.includes(index))];
      for (const index of order) {
        const middle = (classes.indexOf(index) + 0.5) * size - offset;
        if (middle < 0 || middle > span || taken.some((other) => Math.abs(other - middle) < LABEL)) continue;
        taken.push(middle);
        draw(index, middle, strong.includes(index));
      }
    };
    context.textBaseline = "middle";
    const write = (text, isStrong, isPresent, most) => {
      context.font = this.font(isStrong ? 700 : 400);
      Object.assign(context, { fillStyle: this.colors.text, globalAlpha: isPresent || isStrong ? 1 : 0.6 });
      return this.shortened(context, text, most, isStrong);
    };
    context.textAlign = "right";
    const rows = [...new Set([...marked.map(([t]) => t), ...this.found])];
    side(values.rows, cell.height, this.y, this.height - top, rows, (index, middle, isStrong) => {
      context.fillText(write(values.labels.truth[index], isStrong, values.isPresent(index), left - GAP - 2), left - GAP, top + middle + 0.5);
    });
    context.textAlign = "left";
    const columns = [...new Set([...marked.map(([, m]) => m), ...this.found])];
    side(values.columns, cell.width, this.x, this.width - left, columns, (index, middle, isStrong) => {
      context.save();
      context.translate(left + middle + 0.5, top - GAP);
      context.rotate(-Math.PI / 2);
      context.fillText(write(values.labels.predicted[index], isStrong, values.isPresent(index), top - GAP - 2), 0, 0);
      context.restore();
    });
    context.globalAlpha = 1;
  }

  // What of a name has room; measured once.
  shortened(context, text, most, isStrong) {
    const key = `${most} ${isStrong} ${text}`;
    if (!this.cut.has(key)) {
      let letters = [...text];
      while (letters.length > 1 && context.measureText(letters.length === [...text].length ? text : `${letters.join("")}…`).width > most) letters = letters.slice(0, -1);
      this.cut.set(key, letters.length === [...text].length ? text : `${letters.join("")}…`);
    }
    return this.cut.get(key);
  }
}

// A line on whole dots, to the right or downwards.
function stripe(context, x, y, toX, toY) {
  const [left, top] = [Math.round(x) + 0.5, Math.round(y) + 0.5];
  context.moveTo(left, top);
  context.lineTo(toX === null ? left : Math.round(toX) + 0.5, toY === null ? top : Math.round(toY) + 0.5);
}

// All cells, a dot each.
function picture(values) {
  const [width, height] = [values.columns.length, values.rows.length];
  const canvas = h("canvas", { width, height });
  const context = canvas.getContext("2d");
  const dots = context.createImageData(width, height);
  values.rows.forEach((t, row) => values.columns.forEach((m, column) => {
    dots.data.set([...HUES[t === m ? "right" : "wrong"], Math.round(255 * values.opacity(t, m))], 4 * (row * width + column));
  }));
  context.putImageData(dots, 0, 0);
  return canvas;
}
