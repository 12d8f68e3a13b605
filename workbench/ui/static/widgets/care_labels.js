// Labels that a model doubts which did not learn from them. value: {project}; null shows nothing.
// Sends "label_images" {images, dataset, on} and "take_back" {on_conflict}, as data_images.js does.

import { address, getJson, isAbort, post } from "../api.js";
import { askToLabel, mountDesktop } from "../desktop.js";
import { exact, h } from "../dom.js";
import { partTitle } from "../dataset_part.js";
import { follow } from "../follow.js";
import { mountDoubts } from "../lab/trust/doubts.js";
import { Looking } from "../looking.js";
import { mounting } from "../part.js";
import { query, setQuery } from "../place.js";

const MANY = 2000; // images: so many are looked at within a minute

class Labels {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit, shown: null });
    this.select = h("select", { id: "wb-doubts-evaluation", "aria-label": "Evaluation", onchange: () => this.choose(Number(this.select.value)) });
    this.tools = h("div", { class: "wb-filters", hidden: true }, this.select,
      h("button", { type: "button", class: "wb-button", onclick: () => this.again() }, "Look again"));
    this.warnings = h("div", { role: "status" });
    this.sessions = h("div", { role: "status" });
    this.place = h("div", { id: "wb-doubts" });
    element.replaceChildren(h("h3", {}, "Labels that a model doubts"),
      h("p", { class: "wb-say" }, "Where a model that has not learnt from an image is sure of another class than it is labelled as, the label may be wrong. Fix it, or say that it is right: it is not listed again while its labels stay."),
      this.sessions, this.tools, this.warnings, this.place);
    this.desktop = mountDesktop(this.sessions, project, emit);
    this.looking = new Looking(this.place, "search", () => this.start(), () => this.show(this.evaluation));
    this.following = follow(element, project, (signal, byTask) => this.load(signal, byTask), (message) => this.say(message));
  }

  destroy() {
    this.looking.destroy();
    this.following.stop();
    this.doubts?.destroy();
    this.element.replaceChildren();
  }

  say(message) {
    this.clear();
    this.place.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
  }

  clear() {
    this.doubts?.destroy();
    this.doubts = null;
    this.shown = null;
  }

  async load(signal, byTask) {
    this.desktop.load(signal).catch(() => {}); // the list does not wait for it, nor fail with it
    const { evaluations } = await getJson(`/api/projects/${this.project}/evaluations`, { signal });
    this.tools.hidden = !evaluations.length;
    if (!evaluations.length) {
      this.clear();
      this.place.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, "No evaluation yet. Evaluate a model on images that it was not trained on."),
        h("a", { class: "wb-button wb-primary", href: address("/evaluate", { project: this.project }) }, "Evaluate")));
      return;
    }
    const wished = evaluations.find(({ evaluation }) => evaluation === (this.evaluation ?? Number(query().evaluation)));
    const best = wished ? null : (await getJson(`/api/projects/${this.project}/label-errors`, { signal })).evaluation;
    const { evaluation: id } = wished ?? evaluations.find(({ evaluation }) => evaluation === best) ?? evaluations[0];
    this.select.replaceChildren(...evaluations.map((each) => h("option", { value: each.evaluation, selected: each.evaluation === id },
      `${each.evaluation}: ${each.model} on ${partTitle(each)} (${exact(each.images)})`)));
    if (this.shown !== id || !byTask) await this.show(id, signal);
  }

  choose(id) {
    setQuery({ evaluation: id });
    this.show(id).catch((error) => { if (!isAbort(error)) this.say(error.message); });
  }

  // The list, where somebody has looked already; else a task looks now, or when it is asked to where that takes minutes.
  async show(id, signal) {
    this.evaluation = id;
    const { made, about } = await getJson(address(`/api/evaluations/${id}/label-errors`, { limit: 1 }), { signal });
    if (this.evaluation !== id) return null; // another one was chosen meanwhile
    this.warnings.replaceChildren(...about.warnings.map((text) => h("p", { class: "wb-finding wb-finding-warning" }, h("strong", {}, "Warning: "), text)));
    this.clear();
    if (!about.predictions) return this.say(`Evaluation ${id} stored no predictions. Evaluate again with them, or choose another.`);
    if (!made) {
      const working = `Looking for label errors in ${exact(about.images)} images. What is found is kept; you can go on elsewhere meanwhile.`;
      if (about.images <= MANY) return this.looking.begin(working);
      return this.looking.offer(`Nobody has looked for label errors in these ${exact(about.images)} images yet. It takes a few minutes, more where photos are large.`, "Look for label errors", working);
    }
    this.shown = id;
    const list = h("div");
    this.place.replaceChildren(list);
    this.doubts = mountDoubts(list, { evaluation: id, onFix: (image) => this.fix(image), onPage: () => {} });
    return null;
  }

  again() {
    this.clear();
    this.looking.begin("Looking again.");
  }

  async start() {
    try {
      this.looking.tell({ task: (await post(`/api/evaluations/${this.evaluation}/label-errors/look`)).id });
    } catch (error) {
      this.looking.tell({ failed: true });
      this.warnings.replaceChildren(h("p", { class: "wb-bad" }, error.message));
    }
  }

  fix(image) {
    askToLabel({ selected: [image], send: this.emit });
  }
}

export const mount = mounting(Labels);
