// Photos that nobody labelled: how accurate the model may be there, and which of them to label next.

import { address } from "../../api.js";
import { exact, h, name, percent } from "../../dom.js";
import { points, section } from "../../evaluation_parts.js";
import { dataPage } from "../../place.js";
import { term } from "../../words.js";
import { countText, domainName, domainTitle } from "./choose.js";
import { parts } from "./asked.js";
import { Doing } from "./doing.js";

const WAYS = [
  ["mixed", "unlike one another among the least sure"], ["uncertainty", "least sure"],
  ["disagreement", "least steady when mirrored"], ["diversity", "unlike one another and what is labelled"],
];
const ESTIMATES = [["atc", () => term("atc", "ATC")], ["confidence", () => "confidence"], ["entropy", () => "entropy"]];
const NEXT = /^label-next(-\d+)?$/; // names of lists of suggestions, as they are proposed here
const SHOWN = 60; // photos of a suggestion with their picture

export class Unlabelled {
  // send(event, what): to labelme; onDomain(domain): another one is looked at
  constructor(project, routes, { send, onDomain }) {
    Object.assign(this, { project, routes, send, onDomain, survey: null, suggestion: null, count: 10, by: "mixed", isFresh: true, made: [] });
    this.doing = new Doing(project, "survey", { told: () => this.allow(), ended: () => { this.allow(); this.load(); } });
    this.which = h("div", { class: "wb-bar" });
    this.expected = h("div");
    this.next = h("div");
    this.element = h("div", {},
      section("What to expect without labels", null, this.which, this.doing.element, this.expected),
      section("What to label next", null, this.next));
    this.element.id = "wb-shift-unlabelled";
  }

  // evaluation: the one at home, which the estimates learn from; null where there is none
  show({ asked, domain, dataset, evaluation, others }) {
    this.others = others; // datasets that have photos without labels
    const key = JSON.stringify([asked.model, asked.size, asked.mapping, domain, evaluation, dataset?.parts]);
    if (key === this.key) return;
    const [owner] = parts(domain);
    if (dataset?.name !== this.dataset?.name) this.made = []; // lists that were made here
    const without = dataset?.parts.unlabelled ? `${owner}:unlabelled` : null;
    Object.assign(this, { key, asked, domain, dataset, evaluation, suggestion: null, without, on: without ?? domain });
    this.drawWhich();
    this.look();
  }

  drawWhich() {
    const choices = [...new Set([this.without, this.domain.endsWith(":unlabelled") ? null : this.domain])].filter(Boolean);
    const select = h("select", { id: "wb-shift-survey-on", onchange: () => { this.on = select.value; this.suggestion = null; this.look(); } },
      ...choices.map((value) => h("option", { value, selected: value === this.on }, value.endsWith(":unlabelled") ? `${domainTitle(value)}, photos without labels (${exact(this.dataset.parts.unlabelled.images)})` : domainTitle(value))));
    this.which.replaceChildren(h("label", { class: "wb-select" }, "Photos ", select));
  }

  // What is known of the photos, and what goes on.
  look() {
    const [dataset, on] = parts(this.on);
    this.doing.find([this.asked.model, `--dataset=${dataset}`, `--on=${on}`]).catch(() => {});
    this.load();
  }

  async load() {
    const { key, on } = this;
    try {
      const found = await this.routes.get("surveys", { model: this.asked.model, on, size: this.asked.size, evaluation: this.evaluation ?? 0, mapping: this.asked.mapping });
      if (key !== this.key || on !== this.on) return;
      this.survey = found.survey;
      this.drawExpected(found.estimate);
      this.drawNext();
    } catch (error) {
      if (key !== this.key || on !== this.on) return;
      this.survey = null;
      this.expected.replaceChildren(h("p", { class: "wb-bad", role: "alert" }, error.message));
      this.drawNext();
    }
  }

  // One at a time: not while one is asked for, nor while it runs.
  allow() {
    if (this.button) this.button.disabled = this.doing.isBusy;
  }

  async begin() {
    const begun = this.doing.begin(this.routes.post("surveys", { model: this.asked.model, on: this.on, size: this.asked.size }));
    this.allow();
    await begun;
    this.allow();
  }

  drawExpected(estimate) {
    const isWhole = this.survey?.missing === 0;
    const begin = h("button", { type: "button", class: `wb-button ${isWhole ? "" : "wb-primary"}`, id: "wb-shift-survey", onclick: () => this.begin() },
      this.survey ? "Run the model over them again" : "Run the model over these photos");
    this.button = begin;
    this.allow();
    if (!this.survey) {
      return this.expected.replaceChildren(h("p", {}, "The model runs over the photos once and keeps how sure it is of each; no label is needed. Then its accuracy can be estimated, and the photos ranked that would teach it most."), begin);
    }
    const said = h("div", {}, !isWhole && h("p", { id: "wb-shift-newer" }, `${exact(this.survey.missing)} of these photos ${this.survey.missing === 1 ? "is" : "are"} not in the survey: look at them again.`),
      h("p", { class: "wb-provenance" }, `Survey ${this.survey.name}: ${exact(this.survey.images)} photos, ${exact(this.survey.unlabelled)} without labels then, mean `, term("entropy", "entropy"), ` ${percent(this.survey.entropy)} %`));
    if (!estimate) return this.expected.replaceChildren(said, h("p", {}, "Evaluate the model at home first: from there it is known how right it is where it is so sure."), begin);
    const told = ESTIMATES.filter(([key]) => [estimate, ...estimate.checks].some(({ expected }) => expected[key] !== null)); // the notes tell why one is not
    const cells = (expected) => told.map(([key]) => h("td", { class: "wb-number" }, percent(expected[key])));
    const isOff = ({ expected, off }) => told.map(([key]) => h("td", { class: "wb-number" }, percent(expected[key]), expected[key] === null ? "" : h("span", { class: "wb-shift-within" }, ` (${points(off[key])})`)));
    const heads = [["pixel accuracy, %"], ...told.map(([, label]) => ["by ", label()]), ["true"]].map((text, place) => h("th", { scope: "col", class: place ? "wb-number" : null }, ...text));
    this.expected.replaceChildren(said, h("p", { class: "wb-shift-said", id: "wb-shift-headline" }, estimate.headline),
      h("div", { class: "wb-wide" }, h("table", { class: "wb-table wb-shift-table", id: "wb-shift-expected" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {},
        h("tr", { class: "wb-chosen" }, h("th", { scope: "row" }, "expected on ", domainName(this.on)), ...cells(estimate.expected), h("td", { class: "wb-number" }, "unknown")),
        ...estimate.checks.map((check) => h("tr", {}, h("th", { scope: "row" }, "expected, and how far off, on ", domainName(`${check.dataset}:${check.on}`)), ...isOff(check), h("td", { class: "wb-number" }, percent(check.accuracy)))),
        h("tr", {}, h("th", { scope: "row" }, "home, where they learn"), h("td", { colspan: told.length }), h("td", { class: "wb-number" }, percent(estimate.home_accuracy)))))),
      h("p", { class: "wb-provenance" }, "In brackets the estimate minus the truth, in points."), ...estimate.notes.map((note) => h("p", { class: "wb-provenance" }, note)), begin);
  }

  // ---- what to label next

  drawNext() {
    if (!this.without) {
      const elsewhere = this.others.map((each) => h("button", { type: "button", class: "wb-button", onclick: () => this.onDomain(`${each.name}:unlabelled`) },
        "Choose among those of ", name(each.name), ` (${exact(each.parts.unlabelled.images)})`));
      return this.next.replaceChildren(h("p", {}, "Every photo of ", name(parts(this.domain)[0]), " is labelled. ",
        ...(elsewhere.length ? ["Others are not:"] : [h("a", { href: dataPage(this.project, "import") }, "Import photos without labels"), " to choose among them."])),
        h("div", { class: "wb-bar" }, ...elsewhere), this.earlier(), this.again());
    }
    if (!this.survey) {
      return this.next.replaceChildren(h("p", {}, "Run the model over the photos above first: then it is known which of them it is unsure of."), this.earlier(), this.again());
    }
    const count = h("input", { type: "number", min: 1, max: 500, value: this.count, id: "wb-shift-count", oninput: () => { this.count = Number(count.value); } });
    const by = h("select", { id: "wb-shift-by", onchange: () => { this.by = by.value; } }, ...WAYS.map(([value, text]) => h("option", { value, selected: value === this.by }, text)));
    const lists = this.lists();
    const fresh = h("input", { type: "checkbox", checked: this.isFresh, id: "wb-shift-fresh", onchange: () => { this.isFresh = fresh.checked; } });
    const only = lists.length > 0 && h("label", { class: "wb-shift-check" }, fresh, h("span", {}, "Leave out those in ", ...lists.flatMap((each, place) => [place ? ", " : "", name(each)])));
    this.fault = h("p", { class: "wb-bad", role: "alert", hidden: true });
    this.next.replaceChildren(h("div", { class: "wb-bar" }, h("label", { class: "wb-select" }, "Photos ", count), h("label", { class: "wb-select" }, "chosen ", by), only,
      h("button", { type: "button", class: "wb-button wb-primary", id: "wb-shift-suggest", onclick: () => this.suggest(this.wish()) }, "Suggest")), this.fault, this.suggested(), this.earlier(), this.again());
  }

  wish() {
    return { survey: this.survey.name, on: this.on, count: this.count || 1, by: this.by, without: this.isFresh ? this.lists() : [] };
  }

  // A list gets the photos that are shown, whatever is wished for since.
  async suggest(wish, subset = "") {
    try {
      this.suggestion = { ...await this.routes.post("suggestions", { ...wish, subset }), wish };
      if (subset) this.made = [...new Set([...this.made, this.suggestion.subset])];
      this.drawNext();
      return true;
    } catch (error) {
      Object.assign(this.fault, { hidden: false, textContent: error.message });
      return false;
    }
  }

  suggested() {
    if (!this.suggestion) return "";
    const { photos, candidates, left_out: out, order, subset, dataset, wish } = this.suggestion;
    const pictures = photos.slice(0, SHOWN).map(({ id, path, entropy }) => h("li", {},
      h("img", { src: address(`/api/projects/${this.project}/images/${id}/photo`, { size: 256 }), alt: path, loading: "lazy" }), h("span", { class: "wb-hint" }, h("bdi", {}, path), ` · entropy ${percent(entropy)} %`)));
    const title = h("input", { type: "text", value: this.listName ?? subset ?? this.freeName(), maxlength: 200, id: "wb-shift-list", "aria-label": "Name of the list", oninput: () => { this.listName = title.value; } });
    const keep = async (then) => { if (await this.suggest(wish, title.value)) then?.(this.suggestion.subset); };
    const open = (list) => this.send("label_images", { images: [], dataset, on: list });
    const made = subset !== null && h("p", { id: "wb-shift-listed" }, `${exact(photos.length)} photos are in the list `, name(subset), ". ", h("a", { href: dataPage(this.project, "images", { dataset, subset }) }, "See the list in Data"));
    return h("div", {}, h("p", {}, `${exact(photos.length)} of ${exact(candidates)} photos without labels, ${order}${out ? `; ${exact(out)} more are left out, in a list already` : ""}:`), h("ol", { class: "wb-shift-next" }, ...pictures),
      h("div", { class: "wb-bar" }, h("label", { class: "wb-select" }, "List ", title),
        h("button", { type: "button", class: "wb-button wb-primary", id: "wb-shift-label", onclick: () => keep(open) }, `Label these ${exact(photos.length)} in labelme`),
        h("button", { type: "button", class: "wb-button", id: "wb-shift-enlist", onclick: () => keep() }, "Only make the list")), made);
  }

  // The lists that are there, to go on with.
  earlier() {
    const lists = Object.entries(this.dataset?.parts ?? {}).filter(([each]) => NEXT.test(each) && each !== this.suggestion?.subset);
    if (!lists.length) return "";
    const [owner] = parts(this.domain);
    const items = lists.map(([list, { images, labelled }]) => h("li", { class: "wb-bar" },
      h("span", {}, h("a", { href: dataPage(this.project, "images", { dataset: owner, subset: list }) }, name(list)), ` ${countText(images, "photo")}, ${labelled === images ? "all" : labelled ? exact(labelled) : "none"} labelled`),
      labelled < images && h("button", { type: "button", class: "wb-button", "aria-label": `Label ${list} in labelme`, onclick: () => this.send("label_images", { images: [], dataset: owner, on: list }) }, "Label these in labelme")));
    return h("div", { id: "wb-shift-earlier" }, h("p", {}, "Suggested earlier:"), h("ul", { class: "wb-shift-lists" }, ...items));
  }

  // Those of earlier suggestions.
  lists() {
    return [...new Set([...Object.keys(this.dataset?.parts ?? {}).filter((each) => NEXT.test(each)), ...this.made])];
  }

  // One that is not there yet: "label-next", "label-next-2" ...
  freeName() {
    const there = [...Object.keys(this.dataset?.parts ?? {}), ...this.made];
    for (let number = 1; ; number++) {
      const found = number === 1 ? "label-next" : `label-next-${number}`;
      if (!there.includes(found)) return found;
    }
  }

  again() {
    return h("p", {}, "Once they are labelled: ", h("a", { id: "wb-shift-train", href: address("/train", { project: this.project, init: this.asked.model, arch: this.architecture }) }, "train again from this model"), ".");
  }

  destroy() {
    this.doing.stop();
  }
}
