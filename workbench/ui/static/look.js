// How one of many lines looks. The pairs of dash and shape of the first twenty are all different, so that colour is not
// needed to tell them apart; the same order as of the pictures that `workbench curves` writes.

import { svg } from "./dom.js";

const COLORS = ["var(--wb-line-1)", "var(--wb-line-2)", "var(--wb-line-3)", "var(--wb-line-4)"];
const DASHES = [null, "7 4", "2 3", "10 3 2 3", "14 5"];
const SHAPES = ["circle", "square", "triangle", "diamond"];
const PATHS = {
  circle: (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
  square: (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  triangle: (r) => `M0 ${-1.2 * r}L${1.2 * r} ${r}H${-1.2 * r}z`,
  diamond: (r) => `M0 ${-1.4 * r}L${1.4 * r} 0L0 ${1.4 * r}L${-1.4 * r} 0z`,
};

export function lookOf(place) {
  return { color: COLORS[place % COLORS.length], dash: DASHES[place % DASHES.length], shape: SHAPES[place % SHAPES.length] };
}

export function mark(shape, x, y, color, r = 3.2) {
  return svg("path", { d: PATHS[shape](r), transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, class: "wb-dot", style: `--line: ${color}` });
}

// A piece of the line, for a legend.
export function sample(place) {
  const { color, dash, shape } = lookOf(place);
  const line = svg("line", { x1: 1, x2: 43, y1: 8, y2: 8, class: "wb-line", style: `--line: ${color}${dash ? `; stroke-dasharray: ${dash}` : ""}` });
  return svg("svg", { viewBox: "0 0 44 16", width: 44, height: 16, "aria-hidden": "true", class: "wb-sample" }, line, mark(shape, 22, 8, color));
}
