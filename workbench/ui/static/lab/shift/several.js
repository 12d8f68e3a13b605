// Several domains beside each other: what becomes of the mean IoU on each, and which one is looked at.

import { exact, h, percent } from "../../dom.js";
import { intervalPlot, rangeAxis, rangeOf } from "../compare/intervals.js";
import { verdict } from "../compare/words.js";
import { domainName } from "./choose.js";
import { difference } from "./difference.js";
import { areAlike, madeText } from "./made.js";

// home: of the table; null where there is none; missing: [domain, why it is] of those without a row there
export function drawSeveral({ home, targets, missing, at, onLook }) {
  if (targets.length + missing.length < 2) return null;
  const made = targets.length ? [home, ...targets] : [];
  const alike = made.length > 0 && areAlike(made);
  const range = rangeOf(targets.map(({ metrics }) => metrics.miou));
  const look = (domain) => h("button", { type: "button", class: "wb-choose", "aria-pressed": domain === at, onclick: () => onLook(domain) }, domainName(domain));
  const number = (text) => h("td", { class: "wb-number" }, text);
  const rows = targets.map((target) => {
    const domain = `${target.dataset}:${target.on}`;
    const pair = target.metrics.miou;
    return h("tr", { class: domain === at ? "wb-chosen" : null }, h("th", { scope: "row" }, look(domain), !alike && h("div", { class: "wb-hint" }, madeText(target))), number(exact(target.images)), number(percent(pair.b)), difference(pair),
      h("td", { class: "wb-shift-plot" }, intervalPlot(pair, range)), h("td", {}, verdict(pair, true)), h("td", {}, target.losing.slice(0, 3).join(", ")));
  });
  const rest = missing.map(([domain, why]) => h("tr", { class: domain === at ? "wb-chosen" : null }, h("th", { scope: "row" }, look(domain)),
    h("td", { colspan: 6, class: "wb-hint" }, why)));
  const heads = [["domain"], ["images", "wb-number"], ["mIoU %", "wb-number"], ["difference", "wb-number"]];
  const said = h("p", { class: "wb-provenance" }, "Home", alike && " and all others", ": ", made.length > 0 && madeText(home));
  return h("div", {}, h("div", { class: "wb-wide" }, h("table", { class: "wb-table wb-shift-table", id: "wb-shift-several" },
    h("thead", {}, h("tr", {}, ...heads.map(([text, look = null]) => h("th", { scope: "col", class: look }, text)), h("th", { scope: "col", class: "wb-shift-plot" }, rangeAxis(range)), h("th", { scope: "col" }, "there it is"), h("th", { scope: "col" }, "loses most"))),
    h("tbody", {}, ...rows, ...rest))), made.length > 0 && said);
}
