// The second step: what was recognised, the questions, and what the import would make of it.
//
// mountCheck(element, {project, source, told, classes, onStart}) -> {destroy()}
//   source: {upload} or {path}; told: the server's answer on it; classes: [{name, color}] of the project
//   onStart(choices): resolves once the import is begun

import { post } from "./api.js";
import { exact, h, name as bdi } from "./dom.js";
import { mountCommand } from "./command.js";
import { Preview } from "./import_preview.js";
import { Questions } from "./import_questions.js";
import { repeat } from "./poll.js";

const WAIT = 350; // ms after the last change

export function mountCheck(element, options) {
  const check = new Check(element, options);
  return { destroy: () => check.destroy() };
}

class Check {
  constructor(element, { project, source, told, classes, onStart }) {
    Object.assign(this, { project, source, told, classes, onStart, turn: 0 });
    this.root = `/api/projects/${project}/import`;
    this.key = `wb-import:${project}:${source.upload ?? source.path}`;
    const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
    const guessed = told.guesses.map(({ format }) => format);
    this.format = kept?.format ?? guessed[0] ?? (told.photos ? "labelme" : null);
    this.kept = kept;
    this.formats = this.formatRows(guessed, Object.keys(told.formats).filter((each) => !guessed.includes(each)));
    this.problems = h("details", { class: "wb-left-out", hidden: true });
    this.place = h("div", { class: "wb-import-columns" });
    this.preview = new Preview(`${this.root}/preview`, classes);
    element.replaceChildren(
      h("section", { class: "wb-import-part" }, h("h2", {}, "What was recognised"), this.summary(), this.format && this.formats, this.problems),
      this.place);
    if (this.format) this.ask();
    else this.place.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, "There is no photo in it, so there is nothing to import. Start over with a folder of photos."));
  }

  destroy() {
    clearTimeout(this.timer);
    this.turn += 1;
    this.stopReading();
    this.preview.destroy();
  }

  summary() {
    return h("div", {}, ...this.told.notes.map((each) => h("p", {}, bdi(each))));
  }

  // What was recognised; all other formats folded, or in the open where nothing was.
  formatRows(guessed, others) {
    const rows = (formats) => h("div", { class: "wb-formats" }, ...formats.map((each) => this.formatRow(each)));
    const folded = guessed.length > 0 && h("details", { class: "wb-more", open: !guessed.includes(this.format) },
      h("summary", {}, `It is labelled in another way (${others.length})`), rows(others));
    return h("div", { role: "radiogroup", "aria-label": "How it is labelled" }, guessed.length > 0 && rows(guessed), folded || rows(others));
  }

  formatRow(format) {
    const { title, sign } = this.told.formats[format];
    const guess = this.guess(format);
    const radio = h("input", { type: "radio", name: "wb-import-format", value: format, checked: format === this.format, onchange: () => {
      this.format = format;
      this.kept = { dataset: this.questions?.choices().dataset ?? this.told.name };
      this.ask();
    } });
    const facts = guess
      ? [`${exact(guess.images)} photos, ${exact(guess.labels)} labelled`, ...guess.evidence]
      : [`${sign}; not recognised here`];
    return h("label", { class: `wb-format ${guess ? "" : "wb-unlikely"}` }, radio,
      h("span", {}, h("strong", {}, title), ...facts.map((each) => h("span", {}, bdi(each)))));
  }

  tellProblems(problems) {
    this.problems.hidden = !problems.length;
    this.problems.open = problems.length <= 2;
    this.problems.replaceChildren(h("summary", { class: "wb-bad" }, "Not everything is well with it"),
      h("ul", {}, ...problems.map((each) => h("li", {}, bdi(each)))));
  }

  guess(format) {
    return this.told.guesses.find((each) => each.format === format) ?? null;
  }

  // Ask the questions of a format: first which classes it has.
  async ask() {
    const turn = (this.turn += 1);
    const guess = this.guess(this.format);
    this.tellProblems(guess?.problems ?? []);
    this.stopReading();
    const waiting = h("p", { class: "wb-message", role: "status" }, "Reading the classes …");
    this.place.replaceChildren(waiting);
    const kept = this.kept ?? { dataset: this.told.name };
    const questions = new Questions({
      source: this.source, format: this.format, guess, kept, told: this.told, classes: this.classes,
    });
    this.questions = questions;
    questions.addEventListener("change", ({ detail }) => this.changed(detail));
    const go = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-import-start", onclick: () => this.start() }, "Import");
    const fault = h("p", { class: "wb-fault-line", role: "alert" });
    const command = mountCommand();
    Object.assign(this, { go, fault, command, missing: h("p", { class: "wb-hint", role: "status" }) });
    await this.readClasses(turn, waiting);
    if (turn !== this.turn) return;
    this.place.replaceChildren(
      h("section", { class: "wb-import-part" }, h("h2", {}, "Questions"), questions.element),
      h("section", { class: "wb-import-part wb-import-preview" }, h("h2", {}, "What it will look like"), this.preview.element),
      h("section", { class: "wb-import-go" }, h("div", { class: "wb-bar" }, go, this.missing), fault, command.element));
    this.changed({ look: true });
  }

  // A large file takes its time: `waiting` says how far it is.
  async readClasses(turn, waiting = this.preview.said) {
    const watch = repeat(async () => {
      const found = await post(`${this.root}/reading`, { source: this.source });
      if (found && this.watch === watch) waiting.textContent = `${exact(found.done)} of ${exact(found.total)} ${found.what}`;
    });
    this.watch = watch;
    try {
      const seen = Object.keys(this.guess(this.format)?.classes ?? {});
      const { classes } = await post(`${this.root}/classes`, { choices: this.questions.choices(), seen });
      if (turn === this.turn) this.questions.setClasses(classes);
    } catch (error) {
      if (turn === this.turn) this.questions.setFault(error.message);
    } finally {
      watch.stop();
      if (this.watch === watch) this.watch = null;
    }
  }

  // Nobody waits any more for what is read at the moment.
  stopReading() {
    if (!this.watch) return;
    this.watch.stop();
    this.watch = null;
    post(`${this.root}/reading/stop`, { source: this.source }).catch(() => {}); // then it is read to its end
  }

  // `again`: other classes may be in it now, as a file was named beside it.
  changed({ again = false } = {}) {
    const choices = this.questions.choices();
    sessionStorage.setItem(this.key, JSON.stringify({ ...choices, touched: this.questions.touched }));
    const missing = this.questions.missing();
    this.go.disabled = missing.length > 0;
    this.missing.textContent = missing.join(" ");
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      const { turn } = this;
      if (again) await this.readClasses(turn);
      if (turn !== this.turn) return;
      this.preview.update(this.questions.choices());
      if (missing.length) this.command.say("");
      else post(`${this.root}/command`, this.questions.choices()).then(({ command }) => this.command.say(command), (error) => this.command.say("", error.message));
    }, WAIT);
  }

  async start() {
    this.go.disabled = true;
    this.fault.textContent = "";
    try {
      await this.onStart(this.questions.choices());
    } catch (error) {
      this.fault.textContent = error.message;
      this.go.disabled = false;
    }
  }
}
