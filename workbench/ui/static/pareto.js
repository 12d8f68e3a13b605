// What accuracy costs: a point an architecture, mIoU against speed or size, and the line of those that no other beats.
//
// mountPareto(element) -> {show(rows, axis)}; rows as the server gives a bench's, axis: images_per_second or parameters

import { h, percent, svg } from "./dom.js";
import { savePlot } from "./lab/save_plot.js";
import { mark } from "./look.js";

const [WIDTH, HEIGHT] = [720, 380];
const EDGE = { left: 56, right: 24, top: 18, bottom: 46 };
const AXES = {
  images_per_second: { title: "Photos a second (more is better)", write: (value) => `${Number(value.toPrecision(3))} photos/s` },
  parameters: { title: "Million parameters (fewer is better)", write: (value) => `${Number((value / 1e6).toPrecision(3))} million parameters`, unit: 1e6 },
};

export function mountPareto(element) {
  const said = h("p", { class: "wb-read", "aria-live": "polite" });
  const plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": "mIoU against cost" });
  element.replaceChildren(h("figure", { class: "wb-chart wb-pareto" }, savePlot(plot, "mIoU against cost"), plot, said));
  const show = (rows, axis) => {
    const { title, write, unit = 1 } = AXES[axis];
    const found = rows.filter((row) => row.miou && row[axis] > 0).map((row) => ({ row, cost: row[axis] / unit, miou: row.miou.mean, best: row.frontier.includes(axis) }));
    said.textContent = "";
    if (!found.length) {
      plot.replaceChildren(svg("text", { x: WIDTH / 2, y: HEIGHT / 2, class: "wb-none", "text-anchor": "middle" }, "The first architecture that is trained and tested stands here."));
      return;
    }
    const across = logarithmic(found.map(({ cost }) => cost));
    const up = linear(found.flatMap(({ row: { miou: { mean, deviation } } }) => [mean + (deviation ?? 0), mean - (deviation ?? 0)]));
    const x = (value) => EDGE.left + across.place(value) * (WIDTH - EDGE.left - EDGE.right);
    const y = (value) => HEIGHT - EDGE.bottom - up.place(value) * (HEIGHT - EDGE.top - EDGE.bottom);
    const rules = up.ticks.flatMap((value) => [
      svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(value), y2: y(value), class: "wb-rule" }),
      svg("text", { x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" }, String(Number((100 * value).toFixed(1)))),
    ]);
    const foot = across.ticks.map((value) => svg("text", { x: x(value), y: HEIGHT - 26, "text-anchor": "middle" }, String(Number(value.toPrecision(3)))));
    const titles = [
      svg("text", { x: (WIDTH + EDGE.left) / 2, y: HEIGHT - 8, "text-anchor": "middle" }, title),
      svg("text", { x: 14, y: EDGE.top - 4 }, "mIoU %"),
    ];
    const line = found.filter(({ best }) => best).sort((a, b) => a.cost - b.cost);
    const frontier = svg("path", { d: line.map(({ cost, miou }, i) => `${i ? "L" : "M"}${x(cost)} ${y(miou)}`).join(""), class: "wb-line wb-frontier" });
    const taken = found.map(({ cost, miou }) => [x(cost) - 6, y(miou) - 6, x(cost) + 6, y(miou) + 6]);
    const order = [...found].sort((a, b) => b.miou - a.miou);
    const points = order.map(({ row, cost, miou, best }) => {
      const [at, height] = [x(cost), y(miou)];
      const text = `${row.architecture}: mIoU ${percent(miou)} %${row.miou.deviation === null ? "" : ` ± ${percent(row.miou.deviation)}`}, ${write(row[axis])}${best ? "; no other beats it" : ""}`;
      const tell = () => { said.textContent = text; };
      const spread = row.miou.deviation === null ? [] : [svg("line", { x1: at, x2: at, y1: y(miou - row.miou.deviation), y2: y(miou + row.miou.deviation), class: "wb-spread" })];
      return svg("g", { tabindex: 0, role: "img", "aria-label": text, class: best ? "wb-point wb-on" : "wb-point", onpointerenter: tell, onfocus: tell },
        svg("title", {}, text), svg("circle", { cx: at, cy: height, r: 14, fill: "transparent" }), ...spread,
        mark(best ? "diamond" : "circle", at, height, best ? "var(--wb-line-1)" : "var(--wb-quiet)", best ? 5.5 : 4.5), ...label(row.architecture, at, height, taken));
    });
    plot.replaceChildren(...rules, ...foot, ...titles, frontier, ...points);
    const marks = points.map((point, i) => [point, order[i].cost]).sort(([, a], [, b]) => a - b).map(([point]) => point);
    plot.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const now = marks.indexOf(document.activeElement);
      if (!step || now < 0) return;
      event.preventDefault();
      marks[(now + step + marks.length) % marks.length].focus();
    };
  };
  return { show };
}

// A name beside its point, where none is in its way; where all places are taken, the point has its name by focus alone.
function label(text, x, y, taken) {
  const [width, height] = [7.2 * text.length, 15];
  const places = [[12, 4, "start"], [-12, 4, "end"], [0, -12, "middle"], [0, 22, "middle"], [10, -10, "start"], [-10, -10, "end"], [10, 20, "start"], [-10, 20, "end"]];
  for (const [dx, dy, anchor] of places) {
    const left = x + dx - { start: 0, middle: width / 2, end: width }[anchor];
    const box = [left, y + dy - 12, left + width, y + dy - 12 + height];
    const inside = box[0] > EDGE.left && box[2] < WIDTH - 2 && box[1] > 0 && box[3] < HEIGHT - EDGE.bottom;
    if (!inside || taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
    taken.push(box);
    return [svg("text", { x: x + dx, y: y + dy, "text-anchor": anchor, class: "wb-point-name" }, text)];
  }
  return [];
}

// From a little below the lowest to a little above the highest: points are compared with each other, not with nothing.
function linear(values) {
  const [least, most] = [Math.max(0, Math.min(...values)), Math.max(...values)];
  const room = Math.max(0.01, 0.12 * (most - least));
  const [low, high] = [Math.max(0, least - room), most + room];
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((size) => (high - low) / size <= 6) ?? 0.25;
  const first = Math.ceil(low / step - 1e-9);
  const ticks = Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
  return { ticks, place: (value) => (Math.max(low, value) - low) / (high - low) };
}

function logarithmic(values) {
  const [low, high] = [Math.log10(Math.min(...values)) - 0.12, Math.log10(Math.max(...values)) + 0.12];
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (const factor of high - low > 2.5 ? [1] : high - low > 1.3 ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7]) {
      const value = factor * 10 ** power;
      if (Math.log10(value) >= low && Math.log10(value) <= high) ticks.push(value);
    }
  }
  return { ticks, place: (value) => (Math.log10(value) - low) / (high - low) };
}
