// A confusion matrix as an SVG, in the order and the shares that are seen: for files, where a canvas would be dots.

import { svg } from "../../dom.js";
import { HUES } from "./matrix_values.js";

const CELL = 12; // units of a cell with many classes
const [WIDE, HIGH] = [40, 24]; // and with few, whose values stand in them
const FEW = 24;
const LETTER = 6; // units that a letter is wide, about
const SHADES = 48; // cells of one shade are one path: thirty thousand elements open nowhere

export function matrixSvg(values) {
  const { rows, columns, labels } = values;
  const few = columns.length <= FEW;
  const [wide, high] = few ? [WIDE, HIGH] : [CELL, CELL];
  const room = (names) => 16 + LETTER * Math.min(28, Math.max(...names.map((name) => [...name].length)));
  const [left, top] = [room(labels.truth) + 14, room(columns.map((m) => labels.predicted[m])) + 14];
  const shades = new Map();
  rows.forEach((t, row) => columns.forEach((m, column) => {
    const shade = `${t === m ? "right" : "wrong"} ${Math.ceil(SHADES * values.opacity(t, m))}`;
    if (!shades.has(shade)) shades.set(shade, []);
    shades.get(shade).push(`M${left + column * wide} ${top + row * high}h${wide}v${high}h${-wide}z`);
  }));
  const cells = [...shades].filter(([shade]) => !shade.endsWith(" 0")).map(([shade, paths]) => {
    const [hue, level] = shade.split(" ");
    return svg("path", { d: paths.join(""), fill: `rgb(${HUES[hue].join(", ")})`, "fill-opacity": (level / SHADES).toFixed(3) });
  });
  const lines = [...rows.keys(), rows.length].map((row) => `M${left} ${top + row * high}h${columns.length * wide}`)
    .concat([...columns.keys(), columns.length].map((column) => `M${left + column * wide} ${top}v${rows.length * high}`));
  const text = (x, y, content, more = {}) => svg("text", { x, y, "font-size": 10, fill: "#1f2937", "dominant-baseline": "central", ...more }, content);
  const short = (name) => ([...name].length > 28 ? `${[...name].slice(0, 27).join("")}…` : name);
  const written = few ? rows.flatMap((t, row) => columns.map((m, column) => values.text(t, m) && text(left + (column + 0.5) * wide, top + (row + 0.5) * high, values.text(t, m), { "text-anchor": "middle" })).filter(Boolean)) : [];
  return svg("svg", { viewBox: `0 0 ${left + columns.length * wide + 1} ${top + rows.length * high + 1}` },
    ...cells, svg("path", { d: lines.join(""), fill: "none", stroke: "#d1d5db", "stroke-width": few ? 1 : 0.4 }),
    ...written,
    ...rows.map((t, row) => text(left - 6, top + (row + 0.5) * high, short(labels.truth[t]), { "text-anchor": "end" })),
    ...columns.map((m, column) => text(0, 0, short(labels.predicted[m]), { transform: `translate(${left + (column + 0.5) * wide} ${top - 6}) rotate(-90)` })),
    text(left - 6, top - 8, "truth", { "text-anchor": "end", "font-weight": 700 }),
    text(0, 0, "predicted", { transform: `translate(${left - 10} ${top - 22}) rotate(-90)`, "font-weight": 700 }));
}
