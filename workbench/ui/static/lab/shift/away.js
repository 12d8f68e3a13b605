// Taking the findings away: the report of the evaluation there, and the tables of this page.

import { address } from "../../api.js";
import { h } from "../../dom.js";
import { section } from "../../evaluation_parts.js";

export function drawAway({ routes, asked, target }) {
  const { model, home, size, mapping, restrict, at } = asked;
  const to = [at, ...asked.to.filter((each) => each !== at)]; // the one that is looked at first
  const file = (path) => routes.url(path, { model, home, to: to.filter((each) => !each.endsWith(":unlabelled")), size, mapping, restrict });
  const link = (text, href, id, download = "") => h("a", { class: "wb-button", href, id, download }, text);
  return section("Take it away", null, h("div", { class: "wb-bar", id: "wb-shift-away" },
    link("All of this as a page", file("report.html"), "wb-shift-report"),
    link("Its tables as CSV", file("table.csv"), "wb-shift-csv"), link("as Markdown", file("table.md"), "wb-shift-markdown"),
    link(`Report of evaluation ${target.evaluation}`, address(`/api/evaluations/${target.evaluation}/report.html`, { mapping }), "wb-shift-evaluation-report")));
}
