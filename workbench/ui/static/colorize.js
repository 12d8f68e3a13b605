// Index PNGs to coloured pictures. One picture of indices serves every colour, opacity and choice of classes.

import { getBlob } from "./api.js";

export const IGNORE = 255;

// An index map: `data` is a Uint8Array of `width` x `height` class indices.
// The PNG is greyscale, and nothing on the way may change its values: no colour conversion, no premultiplied alpha.
export async function decodeMap(blob) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const pixels = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i += 1) data[i] = pixels[4 * i];
  return { width, height, data };
}

export async function loadMap(url, options = {}) {
  return decodeMap(await getBlob(url, options));
}

// "#rrggbb" -> [r, g, b]
export function rgb(color) {
  const value = Number.parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

// A table of 256 RGBA values as a Uint32Array (little endian, as ImageData has them).
//   colors: "#rrggbb" by class index; indices beyond have no colour and stay clear, as 255 does
//   hidden: a Set of indices left clear; solo: an index, then every other one is left clear
export function palette(colors, { hidden = new Set(), solo = null } = {}) {
  const table = new Uint32Array(256);
  colors.forEach((color, index) => {
    if (index === IGNORE || (solo === null ? hidden.has(index) : solo !== index)) return;
    table[index] = pack(...rgb(color));
  });
  return table;
}

// Paint a map into a canvas of its size through a table.
export function paintMap(canvas, map, table) {
  paint(canvas, map.width, map.height, (target) => {
    for (let i = 0; i < map.data.length; i += 1) target[i] = table[map.data[i]];
  });
}

// Where truth and prediction agree, differ, and where nothing is to be compared. Drawn over the photo, right pixels stay
// nearly clear, so that the eye goes to the wrong ones; what is ignored is hatched, so that no colour has to tell it.
export const ERROR_COLORS = { right: "#1a9850", wrong: "#d73027", ignored: "#9aa0a6" };

// table: as of `palette`; a pixel is compared where its class, true or predicted, is not left clear in it.
export function paintErrors(canvas, truth, prediction, table) {
  const [right, wrong, ignored] = [pack(...rgb(ERROR_COLORS.right), 90), pack(...rgb(ERROR_COLORS.wrong)), pack(...rgb(ERROR_COLORS.ignored))];
  compare(canvas, truth, prediction, (t, p, x, y) => {
    if (t === IGNORE) return (x + y) % HATCH < HATCH / 3 ? ignored : 0;
    return table[t] === 0 && table[p] === 0 ? 0 : t === p ? right : wrong;
  });
}

const HATCH = 9; // pixels from stripe to stripe

// The pixels of one confusion cell, lit, and all others dimmed. map: 1 in the cell, 0 elsewhere
export const LIT = "#ff00c8";

export function paintCell(canvas, map) {
  paintMap(canvas, map, Uint32Array.of(pack(0, 0, 0, 205), pack(...rgb(LIT))));
}

// Classes, with the pixels lit that another map of the same size says otherwise; one of another size lights none.
export function paintDifference(canvas, map, other, table) {
  const lit = pack(...rgb(LIT));
  const comparable = other && other.width === map.width && other.height === map.height;
  paint(canvas, map.width, map.height, (target) => {
    for (let i = 0; i < target.length; i += 1) target[i] = comparable && map.data[i] !== other.data[i] ? lit : table[map.data[i]];
  });
}

// Where the predictions of several models differ, and who is right there. Where they are of one mind it stays clear; what
// has no label is hatched. classes(place, index) -> the class in a list common to all, of the truth (place -1) and of each
// map; colors: {right: [by map], some, none, ignored}, `right` where exactly one of two is right
export const DISPUTE_COLORS = { right: ["#2b6cff", "#ff8a00"], some: "#1a9850", none: "#d6006f", ignored: "#9aa0a6" };

export function paintDisputes(canvas, truth, maps, classes) {
  const tables = [truth, ...maps].map((_, at) => Uint8Array.from({ length: 256 }, (__, index) => classes(at - 1, index)));
  const [some, none, ignored] = ["some", "none", "ignored"].map((key) => pack(...rgb(DISPUTE_COLORS[key])));
  const right = DISPUTE_COLORS.right.map((color) => pack(...rgb(color)));
  const fits = maps.every(({ width, height }) => width === truth.width && height === truth.height);
  if (!fits) throw new Error("The predictions are of different sizes.");
  paint(canvas, truth.width, truth.height, (target) => {
    for (let i = 0; i < target.length; i += 1) {
      const first = tables[1][maps[0].data[i]];
      if (maps.every((map, at) => tables[at + 1][map.data[i]] === first)) continue;
      const label = truth.data[i] === IGNORE ? IGNORE : tables[0][truth.data[i]];
      if (label === IGNORE) {
        target[i] = ((i % truth.width) + Math.floor(i / truth.width)) % HATCH < HATCH / 3 ? ignored : 0;
        continue;
      }
      const winner = maps.findIndex((map, at) => tables[at + 1][map.data[i]] === label);
      target[i] = winner < 0 ? none : maps.length === 2 ? right[winner] : some;
    }
  });
}

// A confidence map (0..255 for 0..1): dark where the network was unsure.
export function paintConfidence(canvas, map) {
  const table = new Uint32Array(256);
  for (let value = 0; value < 256; value += 1) table[value] = pack(value, value, value);
  paintMap(canvas, map, table);
}

// How many pixels each index has, a Uint32Array of 256.
export function countIndices(map) {
  const counts = new Uint32Array(256);
  for (const index of map.data) counts[index] += 1;
  return counts;
}

function compare(canvas, truth, prediction, color) {
  if (truth.width !== prediction.width || truth.height !== prediction.height) {
    throw new Error(
      `The truth is ${truth.width}x${truth.height}, the prediction ${prediction.width}x${prediction.height} pixels.`,
    );
  }
  paint(canvas, truth.width, truth.height, (target) => {
    for (let y = 0, i = 0; y < truth.height; y += 1) {
      for (let x = 0; x < truth.width; x += 1, i += 1) target[i] = color(truth.data[i], prediction.data[i], x, y);
    }
  });
}

function paint(canvas, width, height, fill) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
}

function pack(red, green, blue, alpha = 255) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
