// Points on a canvas that is zoomed and panned: ten thousand of them are drawn in a frame.
//
// A point is a shape, which says its domain, in a colour, which says the domain, too, or a value. Orange is bad, blue good.

import { svg } from "../../dom.js";
import { lookOf } from "../../look.js";

export const [WIDTH, HEIGHT] = [720, 440]; // of the plot where it is saved
const EDGE = 18; // px that stay free around the points
const STEPS = 24; // colours of a value
const RAMP = { day: [[194, 65, 12], [150, 150, 158], [37, 99, 235]], night: [[255, 154, 92], [150, 150, 158], [121, 168, 255]] };
const NONE = { day: "#c9cdd3", night: "#4b5563" };
const UNIT = {
  circle: Array.from({ length: 12 }, (_, i) => [Math.cos((i * Math.PI) / 6), Math.sin((i * Math.PI) / 6)]),
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  triangle: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
  diamond: [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
};
const SIGNS = { circle: "●", square: "■", triangle: "▲", diamond: "◆" };

export const COLORINGS = [
  { id: "domain", label: "Domain" },
  { id: "score", label: "mIoU", percent: true, ends: ["worst", "best"] },
  { id: "entropy", label: "Entropy", percent: true, bad: true, ends: ["sure", "unsure"] },
  { id: "far", label: "Distance from home", bad: true, ends: ["like home", "unlike"] },
];

// Where points are, 0..1 in a box of a given shape, so that a step to the right is as long as one up.
export function fitted({ x, y }, width, height) {
  const [left, right] = bounds(x);
  const [low, high] = bounds(y);
  const scale = Math.min((width - 2 * EDGE) / (right - left || 1), (height - 2 * EDGE) / (high - low || 1));
  const place = (value, middle, size, sign) => 0.5 + (sign * (value - middle) * scale) / size;
  return {
    x: Float32Array.from(x, (value) => place(value, (left + right) / 2, width, 1)),
    y: Float32Array.from(y, (value) => place(value, (low + high) / 2, height, -1)),
  };
}

// Values between which colours run: the middle 96 % of those that are known. null: none is.
export function rangeOfValues(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (!known.length) return null;
  const at = (share) => known[Math.round(share * (known.length - 1))];
  return [at(0.02), at(0.98)];
}

// The points in groups of one shape and colour, what is unknown first, so that it lies below: [{shape, color, rows}].
function groupsOf(plane, coloring, hidden, isNight) {
  const time = isNight ? "night" : "day";
  const groups = new Map();
  const { id, bad } = COLORINGS.find((each) => each.id === coloring);
  const range = id === "domain" ? null : rangeOfValues(plane[id]);
  plane.domain.forEach((domain, row) => {
    if (hidden.has(domain)) return;
    const value = id === "domain" ? null : plane[id][row];
    const step = value === null ? -1 : stepOf(value, range, bad);
    const key = step * 16 + domain;
    if (!groups.has(key)) {
      const { color, shape } = lookOf(domain);
      groups.set(key, { order: key, shape, color: id === "domain" ? color : step < 0 ? NONE[time] : rampColor(step / (STEPS - 1), time), rows: [] });
    }
    groups.get(key).rows.push(row);
  });
  return [...groups.values()].sort((a, b) => a.order - b.order);
}

// CSS of the colours from bad to good.
export function rampGradient(bad, isNight) {
  const colors = RAMP[isNight ? "night" : "day"].map((color) => `rgb(${color.join(" ")})`);
  return `linear-gradient(to right, ${(bad ? colors.reverse() : colors).join(", ")})`;
}

// -> {draw(state)}; state: {plane, places, view, coloring, hidden, marked: [rows], isNight}
export function canvasOf(canvas) {
  const context = canvas.getContext("2d");
  return {
    draw({ plane, places, view, coloring, hidden, marked, isNight }) {
      const dense = window.devicePixelRatio || 1;
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
        Object.assign(canvas, { width: Math.round(width * dense), height: Math.round(height * dense) });
      }
      context.setTransform(dense, 0, 0, dense, 0, 0);
      context.clearRect(0, 0, width, height);
      const style = getComputedStyle(canvas);
      const size = sizeOf(plane.domain.length) * Math.min(2, Math.sqrt(view.zoom));
      const at = (row) => onScreen(places, row, view, width, height);
      context.globalAlpha = 0.85;
      for (const { shape, color, rows } of groupsOf(plane, coloring, hidden, isNight)) {
        const stamp = stampOf(shape, color.startsWith("var(") ? style.getPropertyValue(color.slice(4, -1)) : color, size, dense);
        const half = stamp.width / dense / 2;
        for (const row of rows) {
          const [x, y] = at(row);
          if (x > -half && y > -half && x < width + half && y < height + half) context.drawImage(stamp, x - half, y - half, 2 * half, 2 * half);
        }
      }
      context.globalAlpha = 1;
      context.strokeStyle = style.getPropertyValue("--wb-text");
      context.lineWidth = 2;
      for (const row of marked) {
        const [x, y] = at(row);
        context.beginPath();
        context.arc(x, y, size + 5, 0, 2 * Math.PI);
        context.stroke();
      }
    },
  };
}

export function onScreen(places, row, view, width, height) {
  return [width * (0.5 + (places.x[row] - view.x) * view.zoom), height * (0.5 + (places.y[row] - view.y) * view.zoom)];
}

// The whole plane as an <svg>, whatever is zoomed into: a path a group.
export function svgOf(plane, coloring, hidden, explained, domains) {
  const places = fitted(plane, WIDTH, HEIGHT - 20);
  const whole = { x: 0.5, y: 0.5, zoom: 1 };
  const size = sizeOf(plane.domain.length);
  const paths = groupsOf(plane, coloring, hidden, false).map(({ shape, color, rows }) => svg("path", {
    d: rows.map((row) => {
      const [x, y] = onScreen(places, row, whole, WIDTH, HEIGHT - 20);
      return `${UNIT[shape].map(([a, b], i) => `${i ? "L" : "M"}${(x + a * size).toFixed(1)} ${(y + b * size).toFixed(1)}`).join("")}z`;
    }).join(""),
    style: `fill: ${color}; fill-opacity: 0.85`,
  }));
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}` }, ...paths,
    svg("text", { x: WIDTH / 2, y: HEIGHT - 4, "text-anchor": "middle", style: "font: 11px system-ui, sans-serif; fill: var(--wb-quiet)" },
      [...domains.map((domain, place) => `${SIGNS[lookOf(place).shape]} ${domain}`), axesSaid(explained)].join(" · ")));
}

export function axesSaid(explained) {
  if (!explained.length) return "t-SNE: who is near whom; distances between groups mean nothing";
  const [first = 0, second = 0] = explained.map((share) => Math.round(100 * share));
  return `PCA of the network's features: across ${first} %, up ${second} % of the variance`;
}

// A point as a picture, which is copied to each place: thousands of outlines in one path would take a second to fill.
function stampOf(shape, color, size, dense) {
  const half = Math.ceil(1.5 * size * dense);
  const stamp = Object.assign(document.createElement("canvas"), { width: 2 * half, height: 2 * half });
  const context = stamp.getContext("2d");
  context.translate(half, half);
  context.fillStyle = color;
  context.beginPath();
  for (const [x, y] of UNIT[shape]) context.lineTo(x * size * dense, y * size * dense);
  context.fill();
  return stamp;
}

function sizeOf(points) {
  return points > 4000 ? 2.2 : points > 800 ? 3 : 4;
}

function stepOf(value, [low, high], bad) {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  return Math.round((bad ? 1 - share : share) * (STEPS - 1));
}

function rampColor(share, time) {
  const [low, middle, high] = RAMP[time];
  const [from, to, part] = share < 0.5 ? [low, middle, 2 * share] : [middle, high, 2 * share - 1];
  return `rgb(${from.map((value, i) => Math.round(value + (to[i] - value) * part)).join(" ")})`;
}

function bounds(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}
