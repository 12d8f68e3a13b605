// The reliability diagram: how often a network is right, against how sure it says it is; of all pixels, or of those that
// are predicted as one class.
//
// mountReliability(element, {number, mapping, name, whole: {ece, gap, bins}, classes: [{name, ece}], signal})

import { address, getJson, isAbort } from "../../api.js";
import { exact, h, percent, svg } from "../../dom.js";
import { points } from "../../evaluation_parts.js";
import { savePlot } from "../save_plot.js";
import { place, unitPlot } from "./unit_plot.js";

const FILLS = [["wb-reliable", "accuracy"], ["wb-too-sure", "too sure by"], ["wb-too-shy", "not sure enough by"]];

export function mountReliability(element, { number, mapping, name, whole, classes, signal }) {
  const figure = h("div", { class: "wb-unit-plots" });
  const show = (of, { ece, gap, bins }) => {
    const { plot, said } = unitPlot({ label: `Reliability diagram of ${of}`, across: "confidence", up: "accuracy", parts: bars(bins) });
    const all = bins.reduce((sum, { pixels }) => sum + pixels, 0);
    const told = ece === null ? "Nothing was predicted so." : `ECE ${percent(ece)} %; mean confidence minus accuracy: ${points(gap)} points, so the network is ${gap > 0 ? "too sure" : "not sure enough"}.`;
    const text = (bin) => `${percent(bin.from, 0)}–${percent(bin.to, 0)} % sure: right in ${percent(bin.accuracy)} %, ${exact(bin.pixels)} pixels (${percent(bin.pixels / all)} %)`;
    const title = `${name}: calibration of ${of}`;
    const legend = FILLS.map(([kind, label]) => ({ label, color: `var(--${kind})`, fill: true }));
    plot.addEventListener("pointermove", ({ target }) => { said.textContent = target.dataset?.bin ? text(bins[target.dataset.bin]) : told; });
    plot.addEventListener("pointerleave", () => { said.textContent = told; });
    said.textContent = told;
    const rows = bins.filter(({ pixels }) => pixels).map((bin) => h("tr", {}, h("th", { scope: "row" }, `${percent(bin.from, 0)}–${percent(bin.to, 0)} %`),
      ...[`${percent(bin.confidence)} %`, `${percent(bin.accuracy)} %`, exact(bin.pixels)].map((cell) => h("td", { class: "wb-number" }, cell))));
    figure.replaceChildren(h("figure", { class: "wb-chart", id: "wb-plot-reliability" },
      h("figcaption", {}, ...FILLS.map(([kind, label]) => h("span", { class: "wb-key" }, h("span", { class: "wb-chip", style: { background: `var(--${kind})` } }), label)), savePlot(plot, `${name} calibration`, { title, legend })), plot, said),
    h("details", { class: "wb-about" }, h("summary", {}, "As a table"), h("table", { class: "wb-table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "confidence"), ...["its mean", "accuracy", "pixels"].map((title) => h("th", { scope: "col", class: "wb-number" }, title)))), h("tbody", {}, ...rows))));
  };
  const select = h("select", { id: "wb-reliability-of", onchange: async () => {
    if (!select.value) return show("all pixels", whole);
    try {
      const asked = select.value;
      const found = await getJson(address(`/api/evaluations/${number}/calibration`, { mapping, class: asked }), { signal });
      if (asked === select.value) show(`pixels predicted as ${asked}`, found);
    } catch (error) {
      if (!isAbort(error)) figure.replaceChildren(h("p", { class: "wb-bad", role: "alert" }, error.message));
    }
  } }, h("option", { value: "" }, "all pixels"), ...classes.map((row) => h("option", { value: row.name, disabled: row.ece === null }, `pixels predicted as ${row.name}${row.ece === null ? ": none" : `: ECE ${percent(row.ece)} %`}`)));
  element.replaceChildren(h("div", { class: "wb-bar" }, h("label", { class: "wb-select" }, "Of ", select)), figure);
  show("all pixels", whole);
}

// Accuracy as bars, what confidence it lacks or has too much of upon them, and how many pixels there are as a line below.
function bars(bins) {
  const most = Math.max(...bins.map(({ pixels }) => pixels), 1);
  const rect = (bin, low, high, kind, at) => {
    const [[left, top], [right, foot]] = [place(bin.from, high), place(bin.to, low)];
    return svg("rect", { x: left + 0.5, y: top, width: right - left - 1, height: Math.max(0, foot - top), class: kind, "data-bin": at });
  };
  const found = bins.flatMap((bin, at) => {
    if (!bin.pixels) return [];
    const [low, high] = [Math.min(bin.accuracy, bin.confidence), Math.max(bin.accuracy, bin.confidence)];
    const kind = bin.confidence > bin.accuracy ? "wb-too-sure" : "wb-too-shy";
    return [rect(bin, 0, low, "wb-reliable", at), rect(bin, low, high, kind, at)];
  });
  const [low, high] = [place(0, 0), place(1, 1)];
  const share = bins.map((bin, at) => {
    const [left, foot] = place(bin.from, 0);
    const size = 22 * Math.sqrt(bin.pixels / most);
    return svg("rect", { x: left + 2, y: foot - size, width: place(bin.to, 0)[0] - left - 4, height: size, class: "wb-many", "data-bin": at });
  });
  return [...found, ...share, svg("line", { x1: low[0], y1: low[1], x2: high[0], y2: high[1], class: "wb-chance" })];
}
