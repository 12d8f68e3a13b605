// What can be done without labels: each remedy with one click, re-evaluated beside the original, and honest where it makes it worse.

import { address } from "../../api.js";
import { h, name, percent } from "../../dom.js";
import { points, section } from "../../evaluation_parts.js";
import { keepFocus } from "../../focus.js";
import { term } from "../../words.js";
import { intervalPlot, rangeAxis, rangeOf } from "../compare/intervals.js";
import { intervalText, verdict } from "../compare/words.js";
import { parts } from "./asked.js";
import { domainName, domainTitle } from "./choose.js";
import { difference } from "./difference.js";
import { Doing } from "./doing.js";

export class Remedies {
  constructor(project, routes) {
    Object.assign(this, { project, routes, found: null, trying: null });
    this.doing = new Doing(project, "remedies", { told: (task) => this.told(task), ended: () => { this.trying = null; this.load(); } });
    this.body = h("div");
    this.beside = h("p", { class: "wb-provenance" });
    this.element = section("What helps without labels", this.beside, this.body, this.doing.element);
    this.element.id = "wb-shift-remedies";
  }

  // asked: {model, home, size, mapping}; domain: the one looked at; evaluation: of the model there, null while there is none
  show(asked, domain, evaluation) {
    const { model, home, size, mapping } = asked;
    const key = JSON.stringify([model, home, size, mapping, domain, evaluation]);
    if (key === this.key) return;
    Object.assign(this, { key, asked: { model, home, size, mapping, to: [domain] }, domain, found: null, trying: null });
    this.beside.replaceChildren("On ", domainName(domain), ". Each gives an evaluation of its own on the same images; weights of the original stay as they are. AdaBN and TENT learn from these very photos, without their labels.");
    this.body.replaceChildren(h("p", { class: "wb-hint", role: "status" }, "Looking at what the network has …"));
    const [dataset, on] = parts(domain);
    this.doing.find([model, `--dataset=${dataset}`, `--on=${on}`]).catch(() => {});
    this.load();
  }

  async load() {
    const { key } = this;
    try {
      const found = await this.routes.get("remedies", this.asked);
      if (key !== this.key) return;
      this.found = found;
      this.draw();
    } catch (error) {
      if (key === this.key) this.body.replaceChildren(h("p", { class: "wb-bad", role: "alert" }, error.message));
    }
  }

  // Which one is being tried says the task, "AdaBN: images evaluated"; the one before it is done then.
  told({ progress }) {
    const title = progress?.what.split(": ")[0] ?? null;
    if (title === this.trying) return;
    this.trying = title;
    this.load();
  }

  async attempt(only) {
    const begun = this.doing.begin(this.routes.post("remedies", { ...this.asked, only }));
    this.draw();
    await begun;
    if (this.found) this.draw();
  }

  draw() {
    const { original, remedies } = this.found;
    const tried = remedies.filter(({ metrics }) => metrics);
    const range = rangeOf(tried.map(({ metrics }) => metrics.miou));
    const left = remedies.filter(({ metrics, refused }) => !metrics && !refused);
    const heads = [["remedy"], ["mIoU %", "wb-number"], ["difference", "wb-number"]];
    const all = left.length > 0 && h("button", { type: "button", class: "wb-button wb-primary", id: "wb-shift-try-all", disabled: this.doing.isBusy, onclick: () => this.attempt([]) }, left.length === remedies.length ? "Try all" : `Try the other ${left.length}`);
    keepFocus(this.body, () => this.body.replaceChildren(
      h("div", { class: "wb-wide" }, h("table", { class: "wb-table wb-shift-table" },
        h("thead", {}, h("tr", {}, ...heads.map(([text, look = null]) => h("th", { scope: "col", class: look }, text)), h("th", { scope: "col", class: "wb-shift-plot" }, tried.length ? rangeAxis(range) : ""), h("th", { scope: "col" }, "it is"), h("th", { scope: "col" }, "IoU gets worse in"), h("th", {}))),
        h("tbody", {}, original && h("tr", {}, h("th", { scope: "row" }, "as it is"), h("td", { class: "wb-number" }, percent(original.miou)), h("td", { colspan: 4 }), h("td", {}, this.link(original.evaluation))),
          ...remedies.map((each) => this.row(each, range))))),
      ...(all ? [h("p", { class: "wb-bar wb-shift-after" }, all, h("span", { class: "wb-hint" }, "One after the other, as a task. What is done stays done."))] : []),
      this.verdict(tried)));
  }

  // The best of those tried, in words.
  verdict(tried) {
    if (!tried.length) return "";
    const equal = this.found.best.map((best) => tried.find(({ remedy }) => remedy === best));
    if (!equal.length) return h("p", {}, "None of those tried is surely better than the model as it is.");
    const titles = equal.flatMap(({ title }, place) => [place === 0 ? "" : place === equal.length - 1 ? " and " : ", ", h("strong", {}, title)]);
    const said = equal.length > 1 ? " help most; these images cannot tell which helps more." : ` helps most: ${points(equal[0].metrics.miou.difference)} points.`;
    const made = equal.flatMap(({ title, model }) => (model ? [` The model that ${title} made is called “`, name(model), "”."] : []));
    return h("div", {}, h("p", {}, ...titles, said, ...made), ...equal.filter(({ model }) => model && this.asked.home).map((each) => this.atHome(each)));
  }

  // A model that was adapted to some photos has not become better everywhere.
  atHome({ title, model, at_home: found }) {
    const [dataset, on] = parts(this.asked.home);
    const test = address("/evaluate", { project: this.project, model, dataset, on });
    return h("p", { class: "wb-hint" }, ...(found
      ? [`At home, on ${domainTitle(this.asked.home)}, the model of ${title} gives ${percent(found[1])} % mIoU, the original ${percent(found[0])} %.`]
      : [`${title} made a model for photos like these. What it gives at home nobody has tested yet: `, h("a", { href: test }, "test it there"), "."]));
  }

  row({ remedy, title, what, model, evaluation, metrics, worse, refused }, range) {
    const head = h("th", { scope: "row" }, h("div", {}, term(remedy, title)), h("div", { class: "wb-hint" }, what));
    const number = (text) => h("td", { class: "wb-number" }, text);
    if (refused) return h("tr", { dataset: { remedy } }, head, h("td", { colspan: 6, class: "wb-hint" }, "Not possible. ", refused));
    if (metrics) {
      const pair = metrics.miou;
      const worst = Object.entries(worse).sort(([, one], [, other]) => one - other);
      return h("tr", { dataset: { remedy } }, head, number(percent(pair.b)), difference(pair), h("td", { class: "wb-shift-plot", title: intervalText(pair) }, intervalPlot(pair, range)),
        h("td", {}, verdict(pair, true)), h("td", {}, ...(worst.length ? worst.flatMap(([label, lost], place) => [place ? ", " : "", name(label), ` ${points(lost)}`]) : ["none"])),
        h("td", {}, this.link(evaluation), model && h("div", {}, h("a", { href: address("/use", { project: this.project, model }), "aria-label": `Use the model that ${title} made` }, "Use this model"))));
    }
    const now = this.doing.isBusy && this.trying === title;
    const button = h("button", { type: "button", class: "wb-button", disabled: this.doing.isBusy, "aria-label": `Try ${title}`, onclick: () => this.attempt([remedy]) }, now ? "Trying …" : "Try");
    return h("tr", { dataset: { remedy } }, head, h("td", { colspan: 5, class: "wb-hint" }, model ? "The model is made, but not evaluated yet." : ""), h("td", {}, button));
  }

  link(evaluation) {
    const { original } = this.found;
    const where = original && original.evaluation !== evaluation ? { a: original.evaluation, b: evaluation } : { evaluation };
    return h("a", { href: address("/evaluate", { project: this.project, ...where }), "aria-label": where.a ? `Compare evaluation ${evaluation} with the original` : null }, where.a ? "Compare" : `Evaluation ${evaluation}`);
  }

  destroy() {
    this.doing.stop();
  }
}
