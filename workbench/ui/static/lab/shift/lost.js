// What is lost on one domain: the sentence, every figure, the classes by what they lose, the confusions that grew.

import { partTitle } from "../../dataset_part.js";
import { exact, h, name, percent } from "../../dom.js";
import { FIGURES, points, section } from "../../evaluation_parts.js";
import { term } from "../../words.js";
import { forest, intervalPlot, rangeAxis, rangeOf } from "../compare/intervals.js";
import { howSure, intervalText, signOf, verdict } from "../compare/words.js";
import { savePlot } from "../save_plot.js";
import { domainName } from "./choose.js";
import { difference } from "./difference.js";
import { areAlike, madeText } from "./made.js";

// target: one of the table's; colors: by class; chosen: {seen, cell}; restrict: whether the argmax was restricted; onClass(name), onCell("truth,predicted")
export function drawLost({ home, target, colors, chosen, restrict, onClass, onCell }) {
  const alike = areAlike([home, target]);
  const side = (each) => [domainName(`${each.dataset}:${each.on}`), `, ${exact(each.images)} images, evaluation ${each.evaluation} · `, ...(alike ? [] : [madeText(each), " · "])];
  return [
    h("p", { class: "wb-shift-said", id: "wb-shift-said" }, target.sentence),
    h("p", { class: "wb-provenance", id: "wb-shift-made" }, "Home: ", ...side(home), "there: ", ...side(target), ...(alike ? [madeText(home), " · "] : []), howSure(target.bootstrap, target.paired, true),
      restrict && " · restricted argmax: pixels only get classes that count as one of the dataset's"),
    notes([...target.notes, ...home.notes.filter((note) => !target.notes.includes(note)).map((note) => `At home: ${note}`)]),
    h("p", { class: "wb-hint" }, "Choose a class or a confusion to see its pictures."),
    h("div", { class: "wb-halves wb-shift-halves" },
      section("Classes, the largest drop first", saved(target, "iou-by-domain"), classes(target, colors, chosen.seen, onClass)),
      section("Confusions that grew most", null, confusions(target, chosen.cell, onCell))),
    h("details", { class: "wb-section wb-open" }, h("summary", {}, h("h2", {}, "Figures of the whole")), h("div", {}, figures(target))),
  ];
}

function notes(found) {
  return found.length > 0 && h("ul", { class: "wb-notes" }, ...found.map((note) => h("li", {}, h("bdi", {}, note))));
}

function saved(target, file) {
  const rows = () => target.classes.map(({ name: label, iou }) => ({ name: label, pair: iou, said: iou.difference === null ? "n/a" : `${points(iou.difference)} (${intervalText(iou)})` }));
  return savePlot(() => forest(rows()), file, { title: `IoU of the classes, in points: ${partTitle(target)} minus home` });
}

const HEADS = ["home %", "there %", "difference"];

function head(first, range) {
  return h("thead", {}, h("tr", {}, h("th", { scope: "col" }, first), ...HEADS.map((title) => h("th", { scope: "col", class: "wb-number" }, title)),
    h("th", { scope: "col", class: "wb-shift-plot" }, rangeAxis(range)), h("th", { scope: "col" }, "there it is")));
}

function cells(pair, range) {
  const number = (text, look = "") => h("td", { class: `wb-number ${look}` }, text);
  return [number(percent(pair.a)), number(percent(pair.b)), difference(pair),
    h("td", { class: "wb-shift-plot", title: intervalText(pair) }, intervalPlot(pair, range)), h("td", {}, verdict(pair, true))];
}

function classes(target, colors, seen, onClass) {
  const range = rangeOf(target.classes.map(({ iou }) => iou));
  const rows = target.classes.map(({ name: label, iou }) => {
    const button = h("button", { type: "button", class: "wb-choose", "aria-pressed": label === seen, title: "Its worst pictures" },
      h("span", { class: "wb-chip", style: { background: colors[label] ?? "transparent" } }), name(label));
    return h("tr", { class: label === seen ? "wb-chosen" : null, dataset: { verdict: signOf(iou, true) }, onclick: () => onClass(label === seen ? "" : label) }, h("th", { scope: "row" }, button), ...cells(iou, range));
  });
  return h("div", { class: "wb-wide" }, h("table", { class: "wb-table wb-shift-table", id: "wb-shift-classes" }, head("class (IoU)", range), h("tbody", {}, ...rows)));
}

function figures(target) {
  const pairs = FIGURES.map(([key, label]) => [key, label, target.metrics[key]]);
  const range = rangeOf(pairs.map(([, , pair]) => pair));
  return h("div", { class: "wb-wide" }, h("table", { class: "wb-table wb-shift-table" }, head("figure", range),
    h("tbody", {}, ...pairs.map(([key, label, pair]) => h("tr", {}, h("th", { scope: "row" }, term(key, label)), ...cells(pair, range))))));
}

function confusions({ confusions: grown }, cell, onCell) {
  if (!grown.length) return h("p", { class: "wb-hint" }, "None grew by half a percent of its class or more.");
  return h("div", { class: "wb-confusions", id: "wb-shift-confusions" }, h("ol", {}, ...grown.map((each) => {
    const key = each.cell.join(",");
    return h("li", {}, h("button", { type: "button", class: "wb-confusion", "aria-pressed": key === cell, onclick: () => onCell(key === cell ? "" : key) },
      h("span", { class: "wb-confusion-names" }, name(each.truth), " → ", name(each.predicted)),
      h("span", { class: "wb-confusion-figures" }, `${percent(each.home)} % of it at home, ${percent(each.target)} % there (${points(each.growth)}); ${exact(each.pixels)} pixels`),
      h("span", { class: "wb-confusion-share", style: { width: `${100 * each.target}%` }, "aria-hidden": "true" })));
  })));
}
