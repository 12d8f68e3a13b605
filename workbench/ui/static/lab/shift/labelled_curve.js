// What more labels brought: the mIoU of runs on the same photos, against how many labelled ones each was trained on.
//
// mountLabelledCurve(element, {project, dataset, on}) -> {update({dataset, on}), destroy()}
//   dataset, on: only what was tested there; without them the test that most runs had

import { address, getJson, isAbort } from "../../api.js";
import { partTitle } from "../../dataset_part.js";
import { exact, h, isolated, loadStyle, moment, percent, svg } from "../../dom.js";
import { lookOf, mark, sample } from "../../look.js";
import { savePlot } from "../save_plot.js";

const [WIDTH, HEIGHT] = [640, 280];
const EDGE = { left: 48, right: 20, top: 14, bottom: 40 };

export function mountLabelledCurve(element, options) {
  loadStyle();
  let loading = null;
  const current = { ...options };
  const update = async (changes = {}) => {
    Object.assign(current, changes);
    loading?.abort();
    loading = new AbortController();
    const { project, dataset, on } = current;
    try {
      const { curves } = await getJson(address(`/api/projects/${project}/labelled-curve`, { dataset, on }), { signal: loading.signal });
      const telling = curves.filter(({ tells }) => tells);
      element.replaceChildren(telling.length ? choice(telling, project) : none(curves[0]));
    } catch (error) {
      if (!isAbort(error)) element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
    }
  };
  update();
  return {
    update,
    destroy() {
      loading?.abort();
      element.replaceChildren();
    },
  };
}

// One curve at a time: they were tested on different photos.
function choice(curves, project) {
  const place = h("div", {}, draw(curves[0], project));
  if (curves.length < 2) return place;
  const select = h("select", { onchange: () => place.replaceChildren(draw(curves[select.value], project)) },
    ...curves.map((curve, i) => h("option", { value: i }, `${partTitle(curve)}, size ${curve.size}`)));
  return h("div", {}, h("label", { class: "wb-select" }, "Tested on ", select), place);
}

// Before there are two points there is the way to them.
function none(curve) {
  const known = curve ? `So far ${curve.points.map((point) => `${isolated(point.name)} (${exact(point.labelled)} photos, mIoU ${percent(point.miou)} %)`).join(" and ")} was tested on ${partTitle(curve)}. ` : "";
  return h("p", { class: "wb-message" }, `${known}Label some photos, freeze, train again and evaluate on the same photos: what more labels brought is drawn here.`);
}

function draw(curve, project) {
  const names = [...new Set(curve.points.map(({ architecture }) => architecture))];
  const said = h("p", { class: "wb-read", "aria-live": "polite" });
  const plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": "mIoU against labelled photos" });
  const across = scale(curve.points.map(({ labelled }) => labelled), 0.08);
  const up = scale(curve.points.map(({ miou }) => 100 * miou), 0.15);
  const x = (value) => EDGE.left + across.place(value) * (WIDTH - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - up.place(100 * value) * (HEIGHT - EDGE.top - EDGE.bottom);
  const rules = up.ticks.flatMap((tick) => [
    svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y(tick / 100), y2: y(tick / 100), class: "wb-rule" }),
    svg("text", { x: EDGE.left - 8, y: y(tick / 100) + 4, "text-anchor": "end" }, String(tick)),
  ]);
  const foot = across.ticks.map((tick) => svg("text", { x: x(tick), y: HEIGHT - 22, "text-anchor": "middle" }, exact(tick)));
  const titles = [
    svg("text", { x: (WIDTH + EDGE.left) / 2, y: HEIGHT - 5, "text-anchor": "middle" }, "labelled photos trained on"),
    svg("text", { x: 4, y: EDGE.top - 2 }, "mIoU %"),
  ];
  const lines = names.flatMap((architecture, place) => {
    const { color, dash, shape } = lookOf(place);
    const points = curve.points.filter((point) => point.architecture === architecture);
    return [
      svg("path", { d: points.map(({ labelled, miou }, i) => `${i ? "L" : "M"}${x(labelled).toFixed(1)} ${y(miou).toFixed(1)}`).join(""), class: "wb-line", style: `--line: ${color}${dash ? `; stroke-dasharray: ${dash}` : ""}` }),
      ...points.map((point) => {
        const text = sentence(point);
        const tell = () => { said.textContent = text; };
        return svg("g", { tabindex: 0, role: "img", "aria-label": text, onpointerenter: tell, onfocus: tell },
          svg("title", {}, text), svg("circle", { cx: x(point.labelled), cy: y(point.miou), r: 14, fill: "transparent" }), mark(shape, x(point.labelled), y(point.miou), color, 4.5));
      }),
    ];
  });
  plot.append(...rules, ...foot, ...titles, ...lines);
  const key = names.map((name, place) => h("span", { class: "wb-key" }, sample(place), h("bdi", {}, name)));
  const title = `Tested on ${partTitle(curve)}, ${exact(curve.images)} photos, size ${curve.size}`;
  const save = savePlot(plot, "miou-by-labelled-photos", { title, legend: names.map((name, place) => ({ label: name, color: lookOf(place).color, dash: lookOf(place).dash })) });
  return h("figure", { class: "wb-chart wb-labelled" }, h("figcaption", {}, h("span", {}, title), ...key, save), plot, said, rows(curve, project));
}

function rows(curve, project) {
  const heads = [["trained", ""], ["run", ""], ["architecture", ""], ["labelled photos", "wb-number"], ["new", "wb-number"], ["of them in", ""], ["mIoU %", "wb-number"]];
  const body = curve.points.map((point) => h("tr", {},
    h("td", {}, h("time", { datetime: point.trained_at }, moment(point.trained_at))),
    h("td", {}, h("a", { href: address("/evaluate", { project, evaluation: point.evaluation }) }, h("bdi", {}, point.name))), h("td", {}, point.architecture),
    h("td", { class: "wb-number" }, exact(point.labelled)), h("td", { class: "wb-number" }, point.added === null ? "" : `+${exact(point.added)}`),
    h("td", {}, h("bdi", {}, point.lists.map(({ list, images }) => `${isolated(list)} ${exact(images)}`).join(", "))),
    h("td", { class: "wb-number" }, percent(point.miou))));
  return h("div", { class: "wb-sheet", role: "group", tabindex: 0, "aria-label": "What was labelled when" },
    h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(([text, look]) => h("th", { scope: "col", class: look || null }, text)))), h("tbody", {}, ...body)));
}

function sentence({ name, architecture, labelled, added, lists, miou }) {
  const more = added === null ? "" : `, ${exact(added)} more${lists.length ? ` (${lists.map(({ list, images }) => `${isolated(list)} ${exact(images)}`).join(", ")})` : ""}`;
  return `${isolated(name)}, ${architecture}: mIoU ${percent(miou)} % with ${exact(labelled)} labelled photos${more}`;
}

// From the least to the most with some room, and round numbers between.
function scale(values, room) {
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || Math.max(1, high);
  low = Math.max(0, low - room * span);
  high += room * span;
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(Number(tick.toPrecision(10)));
  return { ticks, place: (value) => (value - low) / (high - low) };
}
