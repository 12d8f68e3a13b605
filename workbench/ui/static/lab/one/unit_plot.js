// A plot whose axes both run from 0 to 100 %, with lines that can be read point by point.
//
// unitPlot({label, across, up, parts, lines: [{points: [[x, y], ...], look, tell(index)}]}) -> {plot, said}
//   parts: elements below the lines, at place(x, y) -> [x, y] of the plot; tell: says in words what a point is
// Pointer or keys read a line: left and right go along it, up and down from line to line.

import { h, svg } from "../../dom.js";
import { lookOf } from "../../look.js";

const SIZE = 300;
const EDGE = { left: 46, right: 18, top: 10, bottom: 40 };
const [WIDTH, HEIGHT] = [EDGE.left + SIZE + EDGE.right, EDGE.top + SIZE + EDGE.bottom];
const TICKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

export function place(x, y) {
  return [EDGE.left + x * SIZE, EDGE.top + (1 - y) * SIZE];
}

// A path through points that are defined; it is broken where one is not.
function pathOf(points) {
  let isBroken = true;
  return points.map(([x, y]) => {
    if (x === null || y === null) {
      isBroken = true;
      return "";
    }
    const [left, top] = place(x, y);
    const step = `${isBroken ? "M" : "L"}${left.toFixed(1)} ${top.toFixed(1)}`;
    isBroken = false;
    return step;
  }).join("");
}

export function unitPlot({ label, across, up, parts = [], lines = [] }) {
  const cursor = svg("g", { "data-screen": "" });
  const said = h("p", { class: "wb-read" });
  const axes = TICKS.flatMap((value) => {
    const [[left, top], [right]] = [place(0, value), place(1, value)];
    const [x, foot] = place(value, 0);
    const text = `${Math.round(100 * value)}`;
    return [
      svg("line", { x1: left, x2: right, y1: top, y2: top, class: "wb-rule" }), svg("line", { x1: x, x2: x, y1: foot, y2: EDGE.top, class: "wb-rule" }),
      svg("text", { x: left - 6, y: top + 4, "text-anchor": "end" }, text), svg("text", { x, y: foot + 14, "text-anchor": "middle" }, text),
    ];
  });
  const titles = [
    svg("text", { x: EDGE.left + SIZE / 2, y: HEIGHT - 6, "text-anchor": "middle" }, `${across}, %`),
    svg("text", { transform: `translate(11 ${EDGE.top + SIZE / 2}) rotate(-90)`, "text-anchor": "middle" }, `${up}, %`),
  ];
  const drawn = lines.map(({ points, look }) => {
    const { color, dash } = lookOf(look);
    return svg("path", { d: pathOf(points), class: "wb-line", style: `--line: ${color}${dash ? `; stroke-dasharray: ${dash}` : ""}` });
  });
  let at = null; // [line, point]
  const show = (next, byKeys) => {
    at = next;
    said.toggleAttribute("aria-live", byKeys);
    if (byKeys) said.setAttribute("aria-live", "polite");
    if (!at) {
      cursor.replaceChildren();
      said.textContent = "";
      return;
    }
    const { points, look, tell } = lines[at[0]];
    const [cx, cy] = place(...points[at[1]]);
    cursor.replaceChildren(svg("circle", { cx, cy, r: 4.5, class: "wb-dot", style: `--line: ${lookOf(look).color}` }));
    said.textContent = tell(at[1]);
  };
  const plot = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: lines.length ? 0 : null, "aria-label": label,
    onpointermove: (event) => show(nearest(lines, plot, event), false), onpointerleave: () => show(null, false), onblur: () => show(null, false),
    onkeydown: (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!step || !lines.length) return;
      event.preventDefault();
      const [line, point] = at ?? [0, Math.floor(lines[0].points.length / 2)];
      const to = (line + step[0] + lines.length) % lines.length;
      show([to, defined(lines[to].points, point, step[1])], true);
    },
  }, ...axes, ...titles, ...parts, ...drawn, cursor);
  return { plot, said };
}

// The next point that is defined, in a direction; the last one of them at an end.
function defined(points, from, step) {
  let found = from;
  for (let next = from + step; next >= 0 && next < points.length; next += step || 1) {
    if (points[next].every((each) => each !== null)) {
      found = next;
      break;
    }
  }
  return found;
}

function nearest(lines, plot, event) {
  const box = plot.getBoundingClientRect();
  const at = [((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT];
  let [best, least] = [null, Infinity];
  lines.forEach(({ points }, line) => points.forEach(([x, y], point) => {
    if (x === null || y === null) return;
    const [left, top] = place(x, y);
    const far = Math.hypot(left - at[0], top - at[1]);
    if (far < least) [best, least] = [[line, point], far];
  }));
  return best;
}
