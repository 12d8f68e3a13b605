// Another domain: what a model loses there, the pictures that show it, what helps, what to expect and what to label next.
// value: {project}; project null: none is chosen. Sends "label_images" {images, dataset, on}: to labelme.

import { isAbort, put } from "../api.js";
import { h, loadStyle } from "../dom.js";
import { follow } from "../follow.js";
import { countOf, isLabelled, parts, readAsked, Routes, writeAsked } from "../lab/shift/asked.js";
import { drawAway } from "../lab/shift/away.js";
import { bareText, domainName, mountChoose } from "../lab/shift/choose.js";
import { Doing } from "../lab/shift/doing.js";
import { mountLabelledCurve } from "../lab/shift/labelled_curve.js";
import { drawLost } from "../lab/shift/lost.js";
import { Pictures } from "../lab/shift/pictures.js";
import { drawReading } from "../lab/shift/reading.js";
import { Reason } from "../lab/shift/reason.js";
import { Remedies } from "../lab/shift/remedies.js";
import { drawSeveral } from "../lab/shift/several.js";
import { Unlabelled } from "../lab/shift/unlabelled.js";
import { BY_NAME, section } from "../evaluation_parts.js";
import { noProject } from "../which_project.js";

export function mount(element, value, emit) {
  loadStyle();
  element.classList.add("wb-evaluations", "wb-shift");
  let tab = null;
  const update = (next) => {
    if (!next || next.project === tab?.project) return;
    tab?.destroy();
    tab = null;
    if (next.project === null) element.replaceChildren(noProject());
    else tab = new Tab(element, next.project, emit);
  };
  update(value);
  return { update };
}

class Tab {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit, asked: null, routes: new Routes(project) });
    this.following = follow(element, project, (signal) => this.load(signal), (message) => this.say(message));
  }

  destroy() {
    this.following.stop();
    this.reading?.abort();
    this.clear();
    this.element.replaceChildren();
  }

  clear() {
    this.doing?.stop();
    for (const part of [this.pictures, this.reason, this.remedies, this.unlabelled, this.bought]) part?.destroy();
    Object.assign(this, { pictures: null, reason: null, remedies: null, unlabelled: null, bought: null, built: false });
  }

  say(text) {
    this.clear();
    this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, text));
  }

  // ---- what there is, and what is asked

  async load(signal) {
    this.choices = await this.routes.get("choices", {}, signal);
    const { models, datasets, usual } = this.choices;
    if (!models.length || !datasets.length) return this.drawEmpty();
    const asked = this.asked ?? readAsked(this.project, this.choices); // what is usual changes with each evaluation; what is looked at does not
    this.asked = { ...asked, model: asked.model || usual.model, home: asked.home || usual.home || "" };
    if (!asked.model && !asked.to.length) this.asked.to = usual.to;
    this.asked.to = this.asked.to.filter((each) => each !== this.asked.home);
    if (!this.asked.to.includes(this.asked.at)) this.asked.at = this.asked.to[0] ?? "";
    if (!this.built) this.build();
    this.choose.update(this.asked);
    await this.read(signal);
  }

  drawEmpty() {
    this.clear();
    const { models } = this.choices;
    const [text, page, verb] = models.length
      ? ["There are no images to test a model on yet.", `/data?project=${this.project}&tab=import`, "Import photos"]
      : ["There is no model to test yet. Train one, or import a checkpoint.", `/train?project=${this.project}`, "Train"];
    this.element.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, text), h("a", { class: "wb-button wb-primary", href: page }, verb)));
  }

  change(changes) {
    const isOther = ["model", "home", "to", "mapping", "restrict"].some((key) => key in changes);
    Object.assign(this.asked, isOther || "at" in changes ? { seen: "", cell: "" } : {}, changes);
    if (!this.asked.to.includes(this.asked.at)) this.asked.at = this.asked.to[0] ?? "";
    writeAsked(this.project, this.choices, this.asked);
    this.choose.update(this.asked);
    if (isOther) this.readAgain();
    else this.draw();
  }

  async readAgain() {
    this.reading?.abort();
    this.reading = new AbortController();
    const { signal } = this.reading;
    await this.read(signal);
  }

  // What is evaluated already is shown at once.
  async read(signal) {
    const { model, home, to, size, mapping, restrict } = this.asked;
    if (!model || !home || !this.isLabelled(home)) {
      this.found = this.words = null;
      return this.draw();
    }
    const words = { model, home, to: this.labelled(to), size, mapping, restrict: restrict || null };
    this.words = words;
    this.doing.find([`--model=${model}`, [`--from=${home}`, ...to.map((domain) => `--to=${domain}`)]]).catch(() => {});
    let refused = null;
    const found = await this.routes.get("table", words, signal).catch((error) => { refused = error; return null; });
    if (signal?.aborted || isAbort(refused) || this.words !== words) return; // something else was asked for meanwhile
    this.found = found;
    this.draw();
    if (refused) this.lost.replaceChildren(this.refusal(refused));
  }

  // ---- drawing

  build() {
    const place = h("div");
    this.choose = mountChoose(place, { choices: this.choices, asked: this.asked, onChange: (changes) => this.change(changes) });
    this.doing = new Doing(this.project, "domains", {
      told: ({ progress }) => {
        const domain = progress?.what.split(": ")[0];
        if (domain !== this.evaluating) this.readAgain(); // the one before it is done
        this.evaluating = domain;
        this.drawMissing(); // not to be begun twice
      },
      ended: () => { this.evaluating = null; this.readAgain(); },
    });
    this.missing = h("div");
    this.several = h("div");
    this.lost = h("div");
    this.pictures = new Pictures(this.project, { onSide: (side) => this.change({ side }), onAll: () => this.change({ seen: "", cell: "" }) });
    this.reason = new Reason(this.project);
    this.remedies = new Remedies(this.project, this.routes);
    this.unlabelled = new Unlabelled(this.project, this.routes, {
      send: (event, what) => this.emit(event, what),
      onDomain: (domain) => this.change({ to: [...new Set([...this.asked.to, domain])], at: domain }),
    });
    this.classes = h("div");
    const bought = h("div");
    this.bought = mountLabelledCurve(bought, { project: this.project });
    const labelled = section("What more labels brought", null, bought);
    labelled.id = "wb-shift-labelled";
    this.away = h("div");
    this.steps = h("nav", { class: "wb-bar wb-shift-steps", "aria-label": "On this page" });
    this.element.replaceChildren(
      h("div", { class: "wb-page-head" }, h("h1", {}, "Another domain")),
      h("p", { class: "wb-hint-line" }, "What a model loses on photos that are not like those it knows, the pictures that show it, and what helps."),
      place, this.steps, this.missing, this.doing.element, this.several, this.lost, this.pictures.element, this.reason.element, this.classes, this.remedies.element, this.unlabelled.element, labelled, this.away);
    for (const part of [this.pictures, this.reason, this.remedies, this.unlabelled]) part.element.hidden = true; // until it has something to show
    this.lost.replaceChildren(h("p", { class: "wb-message", role: "status" }, "Loading …"));
    this.built = true;
  }

  draw() {
    const { asked, found } = this;
    const { home: homeName, to, at } = asked;
    this.drawMissing();
    const targets = found?.table?.targets ?? [];
    const without = to.filter((each) => !targets.some((target) => domainOf(target) === each)).map((each) =>
      [each, this.isLabelled(each) ? "not evaluated yet" : `${bareText(countOf(this.choices, each))}: see what to expect there, below`]);
    const target = targets.find((each) => domainOf(each) === at) ?? null;
    this.several.replaceChildren(drawSeveral({ home: found?.table?.home ?? null, targets, missing: found?.table ? without : [], at, onLook: (domain) => this.change({ at: domain }) }) ?? "");
    const [dataset] = parts(at || homeName);
    const isAt = Boolean(at);
    for (const part of [this.pictures, this.classes, this.away]) (part.element ?? part).hidden = !target;
    const isHome = Boolean(homeName) && this.isLabelled(homeName);
    this.remedies.element.hidden = !isAt || !this.isLabelled(at);
    this.reason.element.hidden = this.unlabelled.element.hidden = !isAt || !isHome;
    if (target) this.drawTarget(target);
    else this.lost.replaceChildren(this.hint());
    if (isAt && this.isLabelled(at)) this.remedies.show(asked, at, found?.evaluations[at] ?? null);
    if (isAt && isHome) {
      this.reason.show(asked, at);
      this.unlabelled.architecture = this.choices.models.find(({ reference }) => reference === asked.model)?.architecture;
      const { datasets } = this.choices;
      this.unlabelled.show({
        asked, domain: at, dataset: datasets.find(({ name }) => name === dataset), evaluation: (!asked.restrict && found?.evaluations[homeName]) || null, // a survey's argmax is not restricted
        others: datasets.filter(({ parts: { unlabelled } }) => unlabelled),
      });
    }
    this.drawSteps();
  }

  // The way through the page, as far as there is something to see.
  drawSteps() {
    const steps = [
      ["What is lost", this.lost], ["Pictures", this.pictures.element], ["Why", this.reason.element], ["What helps", this.remedies.element],
      ["What to label next", this.unlabelled.element], ["Take it away", this.away],
    ].filter(([, element]) => !element.hidden && element.childElementCount);
    this.steps.hidden = steps.length < 3;
    this.steps.replaceChildren(...steps.map(([text, element]) =>
      h("button", { type: "button", class: "wb-button wb-plain", onclick: () => element.scrollIntoView({ block: "start" }) }, text)));
  }

  hint() {
    const { home, to, at } = this.asked;
    if (home && !this.isLabelled(home)) return h("p", { class: "wb-message" }, domainName(home), ` is no home: ${bareText(countOf(this.choices, home))}. Choose labelled photos above.`);
    if (!home) return h("p", { class: "wb-message" }, "Choose where the model is at home: labelled photos like those it was trained on, but not those themselves.");
    if (!to.length) return h("p", { class: "wb-message" }, "Add another domain above: a dataset, a role or a list whose photos are unlike home's.");
    if (!this.isLabelled(at)) return h("p", { class: "wb-message" }, domainName(at), `: ${bareText(countOf(this.choices, at))}, so nothing can be measured. What to expect there, and which photos to label, is below.`);
    return "";
  }

  // A mapping may fit no more, since an evaluation was made: another way to read it is a click away.
  refusal({ message, status }) {
    const mayFit = status === 400 && this.asked.mapping !== BY_NAME;
    return h("div", { class: "wb-message", role: "alert" }, h("p", { class: "wb-bad" }, message),
      mayFit && h("button", { type: "button", class: "wb-button", onclick: () => this.change({ mapping: BY_NAME }) }, "Read classes by their names"));
  }

  drawMissing() {
    const missing = this.found?.missing ?? [];
    const { model, home, to, size, mapping, restrict } = this.asked;
    if (!missing.length || !home || this.doing.isBusy) return this.missing.replaceChildren();
    const begin = async () => {
      const begun = this.doing.begin(this.routes.post("evaluate", { model, home, to: this.labelled(to), size, mapping, restrict }));
      this.drawMissing();
      await begun;
      this.drawMissing(); // it was refused, perhaps
    };
    const names = missing.flatMap((each, place) => [place ? ", " : "", domainName(each)]);
    this.missing.replaceChildren(h("div", { class: "wb-message", id: "wb-shift-missing" }, h("p", {}, `${restrict ? "With restricted argmax nobody" : "Nobody"} has evaluated the model there yet: `, ...names, "."),
      h("button", { type: "button", class: "wb-button wb-primary", id: "wb-shift-evaluate", onclick: begin },
        ...(missing.length > 3 ? [`Evaluate on these ${missing.length}`] : ["Evaluate on ", ...missing.flatMap((each, place) => [place ? ", " : "", domainName(each)])]))));
  }

  drawTarget(target) {
    const { asked, found } = this;
    const { home } = found.table;
    this.lost.replaceChildren(section(asked.to.length > 1 ? h("span", {}, "What is lost on ", domainName(asked.at)) : "What is lost", null, ...drawLost({
      home, target, colors: found.classes.colors, chosen: asked, restrict: asked.restrict,
      onClass: (seen) => this.look({ seen, cell: "" }), onCell: (cell) => this.look({ cell, seen: "" }),
    }).filter(Boolean)));
    this.pictures.show({ home, target, mapping: asked.mapping, chosen: asked, confusion: target.confusions.find(({ cell }) => cell.join() === asked.cell) });
    const key = JSON.stringify([found.classes, found.mappings, asked.mapping, asked.restrict]);
    if (key !== this.readKey) {
      this.readKey = key;
      this.classes.replaceChildren(drawReading({
        known: found.classes, mappings: found.mappings, asked, open: this.classes.querySelector("details")?.open, onChange: (changes) => this.change(changes),
        onSave: async (name, rows) => {
          const { mapping } = await put(`${this.routes.root}/mappings`, { name, rows });
          this.change({ mapping });
        },
      }));
    }
    this.away.replaceChildren(drawAway({ routes: this.routes, asked, target }));
  }

  look(changes) {
    this.change(changes);
    if (changes.seen || changes.cell) this.pictures.element.scrollIntoView({ block: "start" });
  }

  isLabelled(domain) {
    return isLabelled(this.choices, domain);
  }

  labelled(domains) {
    return domains.filter((each) => this.isLabelled(each));
  }
}

function domainOf({ dataset, on }) {
  return `${dataset}:${on}`;
}
