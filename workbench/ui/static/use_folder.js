// Predicting many photos by a task: a dropped folder, or one on this computer; the results wait to be downloaded.
//
// mountFolders(element, {project, limits, model}) -> {destroy()}; model(): reference of the chosen model
// Folders is what use_video.js builds on, too.

import { getJson, post, remove } from "./api.js";
import { ask } from "./dialog.js";
import { exact, h, isolated, moment, name as bdi } from "./dom.js";
import { mountDropzone } from "./dropzone.js";
import { query } from "./place.js";
import { mountRefinement } from "./use_refinement.js";

const SIZES = ["original", "long 2048", "long 1024", "long 512"];

export function mountFolders(element, options) {
  const folders = new Folders(element, options);
  return { destroy: () => folders.destroy() };
}

const PHOTOS = {
  kind: "photos", id: "wb-use-folder", path: "wb-use-path", start: "predictions",
  summary: "Predict a whole folder",
  hint: "A task predicts every photo with the model chosen above. What comes out, index PNGs and overlays, waits here to be downloaded.",
  sees: "The network sees them at",
  zone: { title: "Drop a folder of photos", hint: "Or files, or one zip.", folders: true },
  where: "Or a folder on this computer, below ", example: "e.g. photos/new",
  unit: ["image", "images"], gone: "Its index PNGs and overlays are gone then. The photos and the model stay.",
};

export class Folders {
  constructor(element, { project, limits, model }, words = PHOTOS) {
    Object.assign(this, { project, limits, model, words, root: `/api/projects/${project}/predictions` });
    this.size = h("select", { "aria-label": "Size that the network sees" }, ...SIZES.map((value) => h("option", { value }, value === "original" ? "its own size" : value.replace("long", "long side"))));
    this.refinement = mountRefinement(words.id);
    this.zonePlace = h("div");
    this.fault = h("p", { class: "wb-fault-line", role: "alert" });
    this.list = h("div");
    element.replaceChildren(...[
      h("summary", {}, words.summary),
      h("p", { class: "wb-hint" }, words.hint),
      h("div", { class: "wb-bar" }, h("label", { class: "wb-select" }, words.sees, this.size), ...this.choices()),
      this.refinement.element, this.zonePlace, limits.root && this.pathForm(), this.fault, this.list,
    ].filter(Boolean));
    this.zone();
    this.onTask = ({ detail }) => { if (detail.kind === "task" && detail.project_id === project) this.show(); };
    document.addEventListener("wb-task", this.onTask);
    this.show();
  }

  // What can be chosen besides, and its values by the names that the server takes.
  choices() {
    this.labelme = h("input", { type: "checkbox", id: "wb-use-labelme" });
    return [h("label", { class: "wb-select" }, this.labelme, " and labelme files")];
  }

  chosen() {
    return { labelme: this.labelme.checked };
  }

  destroy() {
    document.removeEventListener("wb-task", this.onTask);
    this.dropped.destroy();
  }

  zone() {
    this.dropped?.destroy();
    this.dropped = mountDropzone(this.zonePlace, {
      id: this.words.id, ...this.words.zone, limits: this.limits, begun: null,
      onBegun: () => {},
      onReady: async ({ upload }) => {
        await this.start({ upload });
        this.zone();
      },
    });
  }

  pathForm() {
    const field = h("input", { type: "text", id: this.words.path, required: true, autocomplete: "off", spellcheck: "false", placeholder: this.words.example });
    const submit = (event) => {
      event.preventDefault();
      this.start({ path: field.value.trim() });
    };
    return h("form", { class: "wb-path", onsubmit: submit },
      h("label", { for: this.words.path }, this.words.where, h("code", {}, this.limits.root)),
      h("div", { class: "wb-bar" }, field, h("button", { class: "wb-button", type: "submit" }, "Predict it")));
  }

  async start(source) {
    this.fault.textContent = "";
    try {
      await post(`/api/projects/${this.project}/${this.words.start}`, { source, model: this.model(), size: this.size.value, ...this.refinement.value(), ...this.chosen() });
      await this.show();
    } catch (error) {
      this.fault.textContent = error.message;
    }
  }

  async show() {
    try {
      const predictions = (await getJson(this.root)).predictions.filter(({ kind }) => kind === this.words.kind);
      this.list.replaceChildren(predictions.length ? h("ul", { class: "wb-predictions" }, ...predictions.map((each) => this.row(each))) : "");
    } catch (error) {
      this.fault.textContent = error.message;
    }
  }

  row({ id, model, source, state, images, skipped, started_at: started, refinement }) {
    const facts = { running: "is being predicted; the tasks above show how far it is", finished: images === null ? "" : `${exact(images)} ${this.words.unit[images === 1 ? 0 : 1]}`, failed: "failed; its task says why", cancelled: "cancelled", interrupted: "broken off" };
    const left = skipped.length ? h("details", { class: "wb-left-out" }, h("summary", {}, `${skipped.length} could not be read`),
      h("ul", {}, ...skipped.map(({ file, reason }) => h("li", {}, bdi(file), h("span", {}, reason))))) : null;
    const drop = state !== "running" && h("button", { type: "button", class: "wb-button", "aria-label": `Delete the prediction of ${source}`, onclick: () => this.discard(id, source) }, "Delete");
    return h("li", { class: query().prediction === String(id) ? "wb-asked" : null, dataset: { state } },
      h("span", { class: "wb-prediction-name" }, bdi(source), ` with ${model}${refinement ? ` (${refinement})` : ""}`), h("span", { class: "wb-hint" }, `${moment(1000 * started)} · ${facts[state] ?? state}`), ...this.links(id, state, source), drop, left);
  }

  links(id, state) {
    return state === "finished" ? [h("a", { class: "wb-button", href: `${this.root}/${id}/zip`, download: "" }, "Download zip")] : [];
  }

  async discard(id, source) {
    if (!(await ask({ title: `Delete the prediction of ${isolated(source)}?`, text: this.words.gone, verb: "Delete", danger: true }))) return;
    await remove(`${this.root}/${id}`).catch((error) => { this.fault.textContent = error.message; });
    await this.show();
  }
}
