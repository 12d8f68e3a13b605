// Differences with their intervals around zero: a small plot for a row of a table, and all rows as one plot to save.

import { svg } from "../../dom.js";
import { points } from "../../evaluation_parts.js";

const [WIDTH, HEIGHT] = [340, 20];
const INSET = 6;
const COLORS = { better: "var(--wb-good)", worse: "var(--wb-bad)" };
const [NAMES, PLOT, FIGURES, LINE, TOP] = [190, 360, 190, 24, 14];

// What holds all of these and zero: [low, high] in points.
export function rangeOf(pairs) {
  const ends = pairs.flatMap(({ difference, low, high }) => [difference, low, high]).filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  return high - low < 0.01 ? [low - 0.005, high + 0.005] : [low, high];
}

export function intervalPlot(pair, range) {
  const said = pair.difference === null ? "n/a" : `${points(pair.difference)}${pair.low === null ? "" : `, ${points(pair.low)} to ${points(pair.high)}`}`;
  const x = placing(range, INSET, WIDTH - INSET);
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "wb-interval", role: "img", "aria-label": said }, ...drawn(pair, x, 0, HEIGHT));
}

// The ends and zero, above a column of such plots.
export function rangeAxis(range) {
  const x = placing(range, INSET, WIDTH - INSET);
  const ends = [[range[0], "start"], [range[1], "end"]].filter(([value]) => Math.abs(x(value) - x(0)) > 34);
  return svg("svg", { viewBox: `0 0 ${WIDTH} 14`, class: "wb-interval", "aria-hidden": "true" },
    ...[[0, x(0) < 20 ? "start" : x(0) > WIDTH - 20 ? "end" : "middle"], ...ends].map(([value, anchor]) =>
      svg("text", { x: x(value), y: 11, "text-anchor": anchor, "font-size": 11 }, value === 0 ? "0" : points(value))));
}

// rows: [{name, pair, said}]
export function forest(rows) {
  const range = rangeOf(rows.map(({ pair }) => pair));
  const x = placing(range, NAMES + INSET, NAMES + PLOT - INSET);
  const height = TOP + rows.length * LINE + 22;
  const text = (at, y, content, anchor = "start") => svg("text", { x: at, y, "text-anchor": anchor, "font-size": 12, style: "fill: var(--wb-text)" }, content);
  return svg("svg", { viewBox: `0 0 ${NAMES + PLOT + FIGURES} ${height}` },
    ...rows.flatMap(({ name, pair, said }, place) => {
      const top = TOP + place * LINE;
      return [text(NAMES - 8, top + 16, name.length > 28 ? `${name.slice(0, 27)}…` : name, "end"), ...drawn(pair, x, top, LINE), text(NAMES + PLOT + 10, top + 16, said)];
    }),
    ...[range[0], 0, range[1]].filter((value, at) => at === 1 || Math.abs(x(value) - x(0)) > 40).map((value) => text(x(value), height - 6, value === 0 ? "0" : points(value), "middle")));
}

function drawn({ difference, low, high, verdict }, x, top, height) {
  const middle = top + height / 2;
  const color = COLORS[verdict] ?? "var(--wb-quiet)";
  const zero = svg("line", { x1: x(0), x2: x(0), y1: top, y2: top + height, style: "stroke: var(--wb-quiet); stroke-width: 1; stroke-dasharray: 2 2" });
  if (difference === null) return [zero];
  const whisker = low === null ? [] : [
    svg("line", { x1: x(low), x2: x(high), y1: middle, y2: middle, style: `stroke: ${color}; stroke-width: 3` }),
    ...[low, high].map((end) => svg("line", { x1: x(end), x2: x(end), y1: middle - 4, y2: middle + 4, style: `stroke: ${color}; stroke-width: 1.5` })),
  ];
  return [zero, ...whisker, svg("circle", { cx: x(difference), cy: middle, r: 3.6, style: `fill: ${color}; stroke: var(--wb-fill); stroke-width: 1` })];
}

function placing([low, high], from, to) {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}
