// How photos look at home and there: a small histogram a look, home as a shape, the other domain as a line over it.

import { h, svg } from "../../dom.js";
import { term } from "../../words.js";
import { savePlot } from "../save_plot.js";

const [WIDTH, HEIGHT] = [300, 138];
const EDGE = { left: 8, right: 8, top: 8, bottom: 28 };

// looks: as the server gives them; place: of the domain beside home; names: of both
export function drawLooks({ looks, place, names }) {
  return h("div", { class: "wb-why-looks" }, ...looks.map((look) => figure(look, place, names)));
}

function figure(look, place, names) {
  const plot = histogram(look, place);
  const [home, there] = [look.medians[0], look.medians[place]];
  const said = `${look.name}: median ${write(home)} at home, ${write(there)} there (${look.unit}); ${effectSaid(look, place)}`;
  plot.setAttribute("aria-label", said);
  const save = savePlot(plot, `${look.name}-by-domain`, {
    title: `${look.name} (${look.unit})`, legend: [{ label: names[0], color: "var(--wb-line-1)", fill: true }, { label: names[1], color: "var(--wb-line-2)" }],
  });
  return h("figure", { class: "wb-chart", dataset: { look: look.name } },
    h("figcaption", {}, h("strong", {}, term(look.name, capital(look.name))), save), plot,
    h("p", { class: "wb-read" }, h("strong", {}, capital(effectSaid(look, place))), h("br"), `median ${write(home)} at home, ${write(there)} there (${look.unit})`));
}

export function effectSaid({ sizes, deltas, more, less }, place) {
  const [size, delta] = [sizes[place], deltas[place]];
  if (size === null) return "too few photos to tell";
  if (size === "negligible") return "hardly different";
  return `${delta > 0 ? more : less} there, ${size} effect`;
}

function histogram({ edges, counts, medians }, place) {
  const shares = [counts[0], counts[place]].map((each) => {
    const whole = each.reduce((sum, count) => sum + count, 0) || 1;
    return each.map((count) => count / whole);
  });
  const most = Math.max(...shares.flat()) || 1;
  const [low, high] = [edges[0], edges.at(-1)];
  const x = (value) => EDGE.left + ((value - low) / (high - low || 1)) * (WIDTH - EDGE.left - EDGE.right);
  const y = (share) => HEIGHT - EDGE.bottom - (share / most) * (HEIGHT - EDGE.top - EDGE.bottom);
  const steps = (bins) => bins.map((share, i) => `L${x(edges[i]).toFixed(1)} ${y(share).toFixed(1)}H${x(edges[i + 1]).toFixed(1)}`).join("");
  const outline = (bins) => `M${x(low).toFixed(1)} ${y(0).toFixed(1)}${steps(bins)}V${y(0).toFixed(1)}`;
  const middle = (value, className) => (value === null ? [] : [svg("line", { x1: x(value), x2: x(value), y1: EDGE.top, y2: y(0), class: className })]);
  const foot = HEIGHT - EDGE.bottom;
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" },
    svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: foot, y2: foot, class: "wb-rule" }),
    svg("path", { d: `${outline(shares[0])}z`, class: "wb-why-home" }),
    svg("path", { d: outline(shares[1]), class: "wb-line", style: "--line: var(--wb-line-2)" }),
    ...middle(medians[0], "wb-why-median wb-why-median-home"), ...middle(medians[place], "wb-why-median"),
    svg("text", { x: EDGE.left, y: HEIGHT - 5 }, write(low)), svg("text", { x: WIDTH - EDGE.right, y: HEIGHT - 5, "text-anchor": "end" }, write(high)));
}

function write(value) {
  if (value === null) return "n/a";
  return String(Math.abs(value) >= 100 ? Math.round(value) : Number(value.toFixed(1))).replace("-", "−");
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}
