// Painting the cells and the names of a confusion matrix.
//
// paintMatrix(context, {values, cells, cell: {width, height}, left, top, width, height, x, y, found, hover, chosen, at})
//   cells: of cellPicture(values); cell: px of one; left, top: room for the names; width, height: of all; x, y: px of what is
//   enlarged that lie before what is seen; found: classes that are searched for; hover, chosen, at: cells or null

import { h } from "../../dom.js";
import { HUES } from "./matrix_values.js";

const TEXT = { width: 27, height: 15 }; // px of a cell from which on its value stands in it
const LABEL = 13; // px from one name to the next
const RULED = 7; // px of a cell from which on lines part them
const RING = 9; // px of the frame around a cell that is smaller
const GAP = 6;
const cut = new Map(); // names by the room they have

// All cells, a dot each.
export function cellPicture(values) {
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

// Px that the longest of some names needs.
export function widestName(context, names) {
  context.font = font();
  return Math.max(...names.map((name) => context.measureText(name).width)) + 2 * GAP;
}

export function paintMatrix(context, view) {
  const style = getComputedStyle(context.canvas);
  const colors = Object.fromEntries(["text", "line", "accent"].map((each) => [each, style.getPropertyValue(`--wb-${each}`)]));
  const { left, top, width, height } = view;
  context.clearRect(0, 0, width, height);
  context.save();
  context.beginPath();
  context.rect(left, top, width - left, height - top);
  context.clip();
  paintCells(context, view, colors);
  context.restore();
  paintNames(context, view, colors);
}

function paintCells(context, { values, cells, cell, left, top, width, height, x, y, found, hover, chosen, at }, colors) {
  const [x0, y0] = [left - x, top - y];
  const [whole, high] = [values.columns.length * cell.width, values.rows.length * cell.height];
  const places = ([t, m]) => [values.rows.indexOf(t), values.columns.indexOf(m)];
  const cross = (which, color, alpha) => {
    const [row, column] = places(which);
    Object.assign(context, { fillStyle: color, globalAlpha: alpha });
    context.fillRect(x0, y0 + row * cell.height, whole, cell.height);
    context.fillRect(x0 + column * cell.width, y0, cell.width, high);
    context.globalAlpha = 1;
  };
  for (const index of found) cross([index, index], colors.accent, 0.22);
  context.imageSmoothingEnabled = false;
  context.drawImage(cells, x0, y0, whole, high);

  const seen = (offset, size, span, count) => [Math.max(0, Math.floor(offset / size)), Math.min(count, Math.ceil((offset + span) / size))];
  const [firstRow, endRow] = seen(y, cell.height, height - top, values.rows.length);
  const [firstColumn, endColumn] = seen(x, cell.width, width - left, values.columns.length);
  const isRuled = cell.height >= RULED;
  Object.assign(context, { lineWidth: 1, strokeStyle: colors.line });
  context.beginPath();
  for (let row = firstRow; row <= endRow; row += 1) {
    if (isRuled || row === 0 || row === values.rows.length) line(context, x0, y0 + row * cell.height, x0 + whole, y0 + row * cell.height);
  }
  for (let column = firstColumn; column <= endColumn; column += 1) {
    if (isRuled || column === 0 || column === values.columns.length) line(context, x0 + column * cell.width, y0, x0 + column * cell.width, y0 + high);
  }
  context.stroke();

  if (cell.width >= TEXT.width && cell.height >= TEXT.height) {
    Object.assign(context, { fillStyle: colors.text, font: font(), textAlign: "center", textBaseline: "middle" });
    for (let row = firstRow; row < endRow; row += 1) {
      for (let column = firstColumn; column < endColumn; column += 1) {
        const text = values.text(values.rows[row], values.columns[column]);
        if (text) context.fillText(text, x0 + (column + 0.5) * cell.width, y0 + (row + 0.5) * cell.height + 0.5, cell.width - 2);
      }
    }
  }

  if (hover) cross(hover, colors.text, 0.08);
  const frame = (which, color) => {
    const [row, column] = places(which);
    const [wide, tall] = [Math.max(RING, cell.width - 2), Math.max(RING, cell.height - 2)];
    Object.assign(context, { lineWidth: 2, strokeStyle: color });
    context.strokeRect(x0 + (column + 0.5) * cell.width - wide / 2 + 0.5, y0 + (row + 0.5) * cell.height - tall / 2 + 0.5, wide, tall);
  };
  if (chosen) frame(chosen, colors.accent);
  if (at) frame(at, colors.text);
}

// The names at both sides: those that matter now first, then as many as have room.
function paintNames(context, { values, cell, left, top, width, height, x, y, found, hover, chosen, at }, colors) {
  const marked = [hover, at, chosen].filter(Boolean);
  const side = (classes, axis, size, offset, span, draw) => {
    const strong = new Set([...marked.map((each) => each[axis]), ...found]);
    const taken = [];
    for (const index of [...strong, ...classes.filter((each) => !strong.has(each))]) {
      const middle = (classes.indexOf(index) + 0.5) * size - offset;
      if (middle < 0 || middle > span || taken.some((other) => Math.abs(other - middle) < LABEL)) continue;
      taken.push(middle);
      const isStrong = strong.has(index);
      Object.assign(context, { font: font(isStrong ? 700 : 400), fillStyle: colors.text, globalAlpha: isStrong || values.isPresent(index) ? 1 : 0.6 });
      draw(index, middle);
    }
  };
  Object.assign(context, { textBaseline: "middle", textAlign: "right" });
  side(values.rows, 0, cell.height, y, height - top, (index, middle) => {
    context.fillText(shortened(context, values.labels.truth[index], left - GAP - 2), left - GAP, top + middle + 0.5);
  });
  context.textAlign = "left";
  side(values.columns, 1, cell.width, x, width - left, (index, middle) => {
    context.save();
    context.translate(left + middle + 0.5, top - GAP);
    context.rotate(-Math.PI / 2);
    context.fillText(shortened(context, values.labels.predicted[index], top - GAP - 2), 0, 0);
    context.restore();
  });
  context.globalAlpha = 1;
}

function font(weight = 400) {
  return `${weight} 12px system-ui, -apple-system, "Segoe UI", sans-serif`;
}

// What of a name has room; measured once.
function shortened(context, text, most) {
  const key = `${Math.round(most)} ${context.font} ${text}`;
  if (!cut.has(key)) {
    const letters = [...text];
    let kept = letters.length;
    const tried = () => (kept === letters.length ? text : `${letters.slice(0, kept).join("")}…`);
    while (kept > 1 && context.measureText(tried()).width > most) kept -= 1;
    cut.set(key, tried());
  }
  return cut.get(key);
}

// A line on whole dots.
function line(context, x, y, toX, toY) {
  context.moveTo(Math.round(x) + 0.5, Math.round(y) + 0.5);
  context.lineTo(Math.round(toX) + 0.5, Math.round(toY) + 0.5);
}
