// The evaluations of a project: their list, one of them, or several compared, as the page's address says.
// value: {project, pending: [task ids], mappings: [{mapping, rows}], trash: [{evaluation, ...}]}; project null: none is chosen
// Sends "discard" {evaluation}, "restore" {evaluation}, "save" {evaluation, name, rows}: a mapping.

import { address, isAbort } from "../api.js";
import { h, loadStyle } from "../dom.js";
import { EvaluationList } from "../evaluation_list.js";
import { BY_NAME, wayByName } from "../evaluation_parts.js";
import { Compared } from "../lab/compare/page.js";
import { KEPT, OneEvaluation } from "../lab/one/evaluation.js";
import { query, setQuery } from "../place.js";
import { noProject, otherProject } from "../which_project.js";

const FILTERS = Object.fromEntries(["evaluation", "a", "b", "ids", "base", "figure", "mapping", ...KEPT].map((key) => [key, null]));
const ASKED = { model: null, dataset: null, on: null }; // of the form, which has them by now
const VIEWS = { list: EvaluationList, one: OneEvaluation, several: Compared };

export function mount(element, value, emit) {
  loadStyle();
  element.classList.add("wb-evaluations");
  const page = new Evaluations(element, emit);
  addEventListener("popstate", () => { if (page.value) page.show(); });
  page.update(value);
  return { update: (next) => page.update(next) };
}

class Evaluations {
  constructor(element, emit) {
    Object.assign(this, { element, emit, value: null, view: null, then: null, begun: new Set() });
  }

  update(value) {
    if (!value) return;
    const { then } = this;
    // What was pending when the page was opened is no news to this visit.
    if (this.value) for (const id of value.pending) if (!this.value.pending.includes(id)) this.begun.add(id);
    Object.assign(this, { value, then: null });
    if (then) this.go(then);
    else this.show();
  }

  // Have something done, and go somewhere once it is: after a mistake nothing comes back and the view stays.
  send(event, data, then = null) {
    this.then = then;
    this.emit(event, data);
  }

  // An evaluation that was pending has ended. Is it what the visitor waits for: the only one, begun in this visit, and
  // since then nobody has gone into the form or anywhere else?
  over(id) {
    const { pending } = this.value;
    this.value = { ...this.value, pending: pending.filter((each) => each !== id) };
    const isIdle = [document.body, document.querySelector("#wb-evaluate-start")].includes(document.activeElement);
    return isIdle && pending.length === 1 && this.begun.has(id);
  }

  // Go to another view: {evaluation}, {a, b}, {ids, base} or {} for the list.
  go(where) {
    setQuery({ ...FILTERS, ...ASKED, ...where }, { push: true });
    this.show();
    scrollTo({ top: 0 });
  }

  async show() {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    const asked = query();
    const name = asked.evaluation ? "one" : (asked.a && asked.b) || asked.ids ? "several" : "list";
    document.body.dataset.wbEvaluate = this.value.project === null ? "none" : name; // the form belongs to the list
    const before = this.view;
    if (this.value.project === null) return this.fill(noProject());
    if (name !== this.name) this.fill(h("p", { class: "wb-message", role: "status" }, "Loading …"));
    try {
      const view = new VIEWS[name](this, asked);
      const elements = await view.load(signal);
      if (signal.aborted) return view.destroy?.();
      before?.destroy?.();
      const { project } = view.data ?? this.value;
      if (project !== this.value.project) {
        Object.assign(this, { view: null, name: null });
        return this.fill(otherProject(view.what, address(location.pathname, { ...asked, project })));
      }
      Object.assign(this, { view, name });
      this.fill(...elements);
      view.shown?.();
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      before?.destroy?.();
      Object.assign(this, { view: null, name: null });
      const mayFit = name === "one" && error.status === 400 && asked.mapping !== BY_NAME;
      this.fill(name !== "list" && this.back(), h("div", { class: "wb-message", role: "alert" }, h("p", { class: "wb-bad" }, error.message),
        mayFit && h("p", {}, wayByName(this, asked.evaluation))));
    }
  }

  fill(...elements) {
    this.element.replaceChildren(...elements.filter(Boolean));
  }

  back() {
    return this.link({}, "← All evaluations");
  }

  // A link to a view, which opens it in place; with ctrl or the middle button in a tab of its own.
  link(where, text, attributes = {}) {
    const onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.go(where);
    };
    return h("a", { href: address(location.pathname, { project: this.value.project, ...where }), onclick, ...attributes }, text);
  }
}
