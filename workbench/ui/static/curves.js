// Line charts that grow while a run goes on.
//
// mountCurves(element, {charts: [{id, title, word, log, percent, series: [{id, label, dashed}]}], onChoose})
//   -> {update({charts}), set(data), append(data), mark(step, label), destroy()}
//   data: {seriesId: [[x, y], ...]}; `set` replaces all points, `append` adds those that are newer
//   word: of words.js, which tells what the title means; percent: values are fractions, shown in percent; log: logarithmic axis
// Reading a chart: pointer or arrow keys move along the steps, all charts together.

import { exact, h, loadStyle, svg } from "./dom.js";
import { savePlot } from "./lab/save_plot.js";
import { lookOf, mark } from "./look.js";
import { term } from "./words.js";

const [WIDTH, HEIGHT] = [480, 220];
const EDGE = { left: 52, right: 12, top: 10, bottom: 26 };
const STEPS = { word: "step", write: exact };
const MARKS = 6; // on a line that is one of many
const MOST_DRAWN = 1000; // points of a line; more than there are pixels is wasted

export function mountCurves(element, options) {
  loadStyle();
  const curves = new Curves(element, options);
  return {
    update: ({ charts }) => curves.build(charts),
    set: (data) => curves.set(data),
    append: (data) => curves.append(data),
    mark: (step, label) => curves.mark(step, label),
    destroy: () => element.replaceChildren(),
  };
}

class Curves {
  constructor(element, { charts, along = STEPS, onRead = () => {} }) {
    Object.assign(this, { element, along, onRead, points: {}, best: null, at: null });
    element.classList.add("wb-curves");
    this.build(charts);
  }

  build(charts) {
    this.charts = charts.map((chart) => new Chart(chart, this));
    this.element.replaceChildren(...this.charts.map((chart) => chart.element));
    this.draw();
  }

  set(data) {
    this.points = {};
    this.append(data);
  }

  append(data) {
    for (const [id, added] of Object.entries(data)) {
      const known = (this.points[id] ??= []);
      for (const [x, y] of added) {
        if (x > (known.at(-1)?.[0] ?? -Infinity) && Number.isFinite(y)) known.push([x, y]);
      }
    }
    this.draw();
  }

  mark(step, label = "best") {
    this.best = step === null ? null : { step, label };
    this.draw();
  }

  draw() {
    const all = this.charts.flatMap((chart) => chart.ids).flatMap((id) => this.points[id] ?? []);
    const last = all.reduce((most, [x]) => Math.max(most, x), 0);
    for (const chart of this.charts) chart.draw(last);
  }

  read(step) {
    this.at = step;
    for (const chart of this.charts) chart.read();
    this.onRead(step, (id) => near(this.points[id] ?? [], step));
  }
}

class Chart {
  constructor(chart, curves) {
    Object.assign(this, { chart, curves, ids: chart.series.map(({ id }) => id) });
    this.plot = svg("svg", {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, "aria-label": chart.title,
      onpointermove: (event) => this.point(event), onpointerleave: () => curves.read(null), onblur: () => { this.said.removeAttribute("aria-live"); curves.read(null); }, onkeydown: (event) => this.key(event),
    });
    this.said = h("p", { class: "wb-read" });
    this.element = h("figure", { class: "wb-chart" },
      h("figcaption", {}, h("strong", {}, chart.word ? term(chart.word, chart.title) : chart.title),
        ...chart.series.filter(({ look }) => look === undefined).map(({ label, dashed }, i) =>
          h("span", { class: "wb-key" }, h("span", { class: dashed ? "wb-stroke wb-dashed" : "wb-stroke", style: { "--line": lookOf(i).color } }), label)),
        savePlot(this.plot, chart.title, {
          title: chart.title,
          legend: chart.series.map(({ label, dashed, look }, i) => ({ label, color: lookOf(look ?? i).color, dash: look === undefined ? dashed && "5 4" : lookOf(look).dash })),
        })),
      this.plot, this.said);
  }

  points(id) {
    return (this.curves.points[id] ?? []).filter(([, y]) => !this.chart.log || y > 0);
  }

  draw(last) {
    const values = this.ids.flatMap((id) => this.points(id).map(([, y]) => y));
    this.last = last || 1;
    if (!values.length) {
      this.plot.replaceChildren(svg("text", { x: WIDTH / 2, y: HEIGHT / 2, class: "wb-none", "text-anchor": "middle" }, "No values yet"));
      this.scale = null;
      return;
    }
    this.scale = this.chart.log ? logScale(values) : linearScale(values, this.chart.percent);
    const drawn = this.chart.series.flatMap((series, i) => this.line(series, i));
    this.cursor = svg("g", { class: "wb-cursor", "data-screen": "" });
    this.plot.replaceChildren(...this.axes(), ...drawn, ...this.bestMark(), this.cursor);
    this.read();
  }

  line({ id, dashed, look }, i) {
    const points = this.points(id);
    const { color, dash, shape } = lookOf(look ?? i);
    const style = `--line: ${color}${look !== undefined && dash ? `; stroke-dasharray: ${dash}` : ""}`;
    const line = svg("path", { d: this.path(points), class: dashed ? "wb-line wb-dashed" : "wb-line", style });
    if (look !== undefined) {
      const every = Math.max(1, Math.floor(points.length / MARKS));
      return [line, ...points.filter((_, place) => place % every === look % every).map(([x, y]) => mark(shape, this.x(x), this.y(y), color))];
    }
    return points.length > 1 ? [line] : [line, ...points.map(([x, y]) => svg("circle", { cx: this.x(x), cy: this.y(y), r: 3, class: "wb-dot", style }))];
  }

  axes() {
    const parts = [];
    for (const value of this.scale.ticks) {
      const y = this.y(value);
      parts.push(svg("line", { x1: EDGE.left, x2: WIDTH - EDGE.right, y1: y, y2: y, class: "wb-rule" }),
        svg("text", { x: EDGE.left - 6, y: y + 4, "text-anchor": "end" }, this.format(value)));
    }
    for (const value of ticks(0, this.last, 5)) {
      parts.push(svg("text", { x: this.x(value), y: HEIGHT - 8, "text-anchor": "middle" }, this.curves.along.write(value)));
    }
    return parts;
  }

  bestMark() {
    const { best } = this.curves;
    if (!best || best.step > this.last) return [];
    const x = this.x(best.step);
    const left = x > WIDTH - 80;
    return [
      svg("line", { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "wb-best" }),
      svg("text", { x: x + (left ? -4 : 4), y: EDGE.top + 10, class: "wb-best-label", "text-anchor": left ? "end" : "start" }, best.label),
    ];
  }

  path(points) {
    const every = Math.ceil(points.length / MOST_DRAWN);
    const kept = points.filter((_, i) => i % every === 0 || i === points.length - 1);
    return kept.map(([x, y], i) => `${i ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join("");
  }

  x(step) {
    return EDGE.left + (step / this.last) * (WIDTH - EDGE.left - EDGE.right);
  }

  y(value) {
    return HEIGHT - EDGE.bottom - this.scale.place(value) * (HEIGHT - EDGE.top - EDGE.bottom);
  }

  format(value) {
    if (this.chart.percent) return `${Number((100 * value).toFixed(1))} %`;
    if (value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 1e5)) return value.toExponential(1);
    return String(Number(value.toPrecision(3)));
  }

  // ---- reading

  steps() {
    return [...new Set(this.ids.flatMap((id) => this.points(id).map(([x]) => x)))].sort((a, b) => a - b);
  }

  point(event) {
    const box = this.plot.getBoundingClientRect();
    const inside = ((event.clientX - box.left) / box.width) * WIDTH;
    const step = ((inside - EDGE.left) / (WIDTH - EDGE.left - EDGE.right)) * this.last;
    this.curves.read(nearest(this.steps(), step));
  }

  // Read aloud what the keys ask for, not what a run adds every second.
  key(event) {
    const steps = this.steps();
    if (!steps.length || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const now = steps.indexOf(nearest(steps, this.curves.at ?? steps[steps.length - 1]));
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: steps.length - 1 }[event.key];
    this.said.setAttribute("aria-live", "polite");
    this.curves.read(steps[Math.min(steps.length - 1, Math.max(0, to))]);
  }

  read() {
    const { at } = this.curves;
    if (!this.scale) return;
    if (at === null || at === undefined) {
      this.cursor.replaceChildren();
      this.said.textContent = this.sentence(null);
      return;
    }
    const x = this.x(at);
    const dots = this.chart.series.flatMap(({ id, look }, i) => {
      const found = this.near(id, at);
      return found ? [svg("circle", { cx: this.x(found[0]), cy: this.y(found[1]), r: 3.5, class: "wb-dot", style: `--line: ${lookOf(look ?? i).color}` })] : [];
    });
    this.cursor.replaceChildren(svg("line", { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom, class: "wb-rule" }), ...dots);
    this.said.textContent = this.sentence(at);
  }

  near(id, step) {
    return near(this.points(id), step);
  }

  // Series are not measured at the same steps: each tells the one nearest to the cursor. Many are told by their owner.
  sentence(step) {
    const { word, write } = this.curves.along;
    if (this.chart.series.some(({ look }) => look !== undefined)) return step === null ? "" : `${word} ${write(step)}`;
    const parts = this.chart.series.map(({ id, label }) => {
      const found = this.near(id, step);
      return found && `${label} ${this.format(found[1])} (${word} ${write(found[0])})`;
    });
    return parts.filter(Boolean).join(" · ");
  }
}

function near(points, at) {
  if (!points.length) return null;
  if (at === null) return points[points.length - 1];
  const x = nearest(points.map(([place]) => place), at);
  return points.find(([place]) => place === x);
}

function nearest(sorted, value) {
  let [low, high] = [0, sorted.length - 1];
  if (high < 0) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle;
    else high = middle;
  }
  return value - sorted[low] <= sorted[high] - value ? sorted[low] : sorted[high];
}

function linearScale(values, isShare) {
  let [low, high] = [Math.min(0, ...bounds(values)), Math.max(...bounds(values))];
  if (isShare) high = Math.max(high, 0.1);
  if (low === high) high = low + 1;
  const marks = ticks(low, high, 4);
  high = Math.max(high, marks[marks.length - 1]);
  low = Math.min(low, marks[0]);
  return { ticks: marks, place: (value) => (value - low) / (high - low) };
}

function logScale(values) {
  const [least, most] = bounds(values);
  let [low, high] = [Math.log10(least), Math.log10(most)];
  if (high - low < 0.5) [low, high] = [low - 0.25, high + 0.25];
  const marks = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const factor of high - low > 3 ? [1] : [1, 2, 5]) {
      const value = factor * 10 ** power;
      if (Math.log10(value) >= low && Math.log10(value) <= high) marks.push(value);
    }
  }
  const few = marks.length < 2 ? ticks(10 ** low, 10 ** high, 4) : marks; // a narrow span
  return { ticks: few, place: (value) => (Math.log10(value) - low) / (high - low) };
}

function bounds(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

// Round numbers from low to high, about `count` of them.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}
