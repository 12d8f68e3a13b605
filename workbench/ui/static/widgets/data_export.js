// Exporting a dataset in a format that other programs read; what was exported waits here to be downloaded.
// value: {project}; null shows nothing.

import { getJson, post, remove } from "../api.js";
import { mountCommand } from "../command.js";
import { ask } from "../dialog.js";
import { exact, h, isolated, moment, name as bdi } from "../dom.js";
import { follow } from "../follow.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";

const ROLES = ["train", "val", "test"];
const WAIT = 200; // ms after the last change

class Exports {
  constructor(element, project) {
    Object.assign(this, { element, project, root: `/api/projects/${project}`, format: "coco", turn: 0 });
    element.classList.add("wb-use");
    const say = (message) => element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
    this.following = follow(element, project, (signal) => this.load(signal), say);
  }

  destroy() {
    clearTimeout(this.timer);
    this.turn += 1;
    this.following.stop();
    this.element.replaceChildren();
  }

  async load(signal) {
    const [{ datasets }, { exports, formats }] = await Promise.all(
      [getJson(`${this.root}/datasets`, { signal }), getJson(`${this.root}/dataset-exports`, { signal })]);
    const labelled = datasets.filter(({ labelled }) => labelled);
    const known = JSON.stringify([labelled, formats]);
    if (known !== this.known) {
      Object.assign(this, { known, datasets: labelled, formats });
      if (labelled.length) this.build();
      else this.drawEmpty();
    }
    if (labelled.length) this.drawList(exports);
  }

  drawEmpty() {
    this.element.replaceChildren(h("div", { class: "wb-message" },
      h("p", {}, "Nothing is labelled yet, so there is nothing to export."),
      h("a", { class: "wb-button wb-primary", href: dataPage(this.project, "import") }, "Import photos")));
  }

  // ---- what is asked

  build() {
    const select = (id, label, options, change = () => this.tell()) => {
      const field = h("select", { id, class: "wb-input", onchange: change }, ...options.map(([value, text]) => h("option", { value }, text)));
      return [field, h("label", { class: "wb-stack" }, h("span", {}, label), field)];
    };
    const [dataset, datasetRow] = select("wb-export-dataset", "Dataset", this.datasets.map(({ name, labelled }) => [name, `${name} (${exact(labelled)} labelled)`]), () => this.offer());
    const [on, onRow] = select("wb-export-on", "Images", []);
    const [photos, photosRow] = select("wb-export-photos", "Photos", [["copy", "beside the labels"], ["none", "labels alone"]]);
    const [objects, objectsRow] = select("wb-export-objects", "Objects", [["", "as they were drawn"], ["pixels", "pixel by pixel, what is seen of each"]]);
    const [masks, masksRow] = select("wb-export-masks", "Masks", [["", "class numbers with a palette"], ["colors", "colours, with a table of them"]]);
    Object.assign(this, { dataset, on, photos, objects, masks, objectsRow, masksRow });
    const format = ([key, { title, about }]) => h("label", { class: "wb-format" },
      h("input", { type: "radio", name: "wb-export-format", value: key, checked: key === this.format, onchange: () => {
        this.format = key;
        this.offer();
      } }), h("span", {}, h("strong", {}, title), h("span", {}, about)));
    this.button = h("button", { type: "submit", class: "wb-button wb-primary", id: "wb-export-dataset-start" }, "Export");
    this.fault = h("p", { class: "wb-fault-line", role: "alert" });
    this.command = mountCommand();
    this.list = h("div");
    const form = h("form", { class: "wb-export-dataset", onsubmit: (event) => {
      event.preventDefault();
      this.start();
    } },
      h("p", { class: "wb-say" }, "Take a dataset away: its labelled images with their photos, as other programs read them. What a format cannot say is told when it is done."),
      h("div", { class: "wb-two-fields" }, datasetRow, onRow),
      h("fieldset", { class: "wb-stack" }, h("legend", {}, "Format"), h("div", { class: "wb-formats" }, ...Object.entries(this.formats).map(format))),
      h("div", { class: "wb-two-fields" }, photosRow, objectsRow, masksRow),
      h("div", { class: "wb-bar" }, this.button), this.fault, this.command.element);
    this.element.replaceChildren(form, this.list);
    this.offer();
  }

  // Offer what the dataset and the format leave to choose.
  offer() {
    const { roles, subsets, labelled } = this.datasets.find(({ name }) => name === this.dataset.value);
    const before = this.on.value || "all";
    const options = [["all", `all (${exact(labelled)})`], ...ROLES.filter((role) => roles[role]).map((role) => [role, role]),
      ...Object.keys(subsets).filter((each) => !roles[each]).sort().map((each) => [each, `list ${each}`])];
    this.on.replaceChildren(...options.map(([value, text]) => h("option", { value, selected: value === before }, text)));
    const { objects, masks } = this.formats[this.format];
    this.objectsRow.hidden = !objects;
    this.masksRow.hidden = !masks;
    this.tell();
  }

  wanted() {
    const { objects, masks } = this.formats[this.format];
    return {
      dataset: this.dataset.value, format: this.format, on: this.on.value, photos: this.photos.value,
      objects: (objects && this.objects.value) || null, masks: (masks && this.masks.value) || null,
    };
  }

  tell() {
    const turn = (this.turn += 1);
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      try {
        const { command } = await post(`${this.root}/dataset-exports/command`, this.wanted());
        if (turn === this.turn) this.command.say(command);
      } catch (error) {
        if (turn === this.turn) this.command.say("", error.message);
      }
    }, WAIT);
  }

  async start() {
    this.button.disabled = true;
    this.fault.textContent = "";
    try {
      await post(`${this.root}/dataset-exports`, this.wanted());
      this.drawList((await getJson(`${this.root}/dataset-exports`)).exports);
    } catch (error) {
      this.fault.textContent = error.message;
    }
    this.button.disabled = false;
  }

  // ---- what was exported

  drawList(exports) {
    this.list.replaceChildren(...(exports.length ? [h("h3", {}, "Exported"), h("ul", { class: "wb-predictions", id: "wb-exported" }, ...exports.map((each) => this.row(each)))] : []));
  }

  row({ id, dataset, format, on, state, sentence, report, started_at: started }) {
    const words = { running: "is being written; the tasks above show how far it is", cancelled: "cancelled", interrupted: "broken off", failed: sentence ?? "failed" };
    const facts = report ? `${exact(report.images)} ${report.images === 1 ? "image" : "images"}, ${exact(report.files)} files` : words[state] ?? "";
    const link = state === "finished" && h("a", { class: "wb-button", href: `${this.root}/dataset-exports/${id}/zip`, download: "" }, "Download zip");
    const drop = state !== "running" && h("button", { type: "button", class: "wb-button", "aria-label": `Delete the export of ${dataset} as ${format}`, onclick: () => this.discard(id, dataset, format) }, "Delete");
    return h("li", { dataset: { state } },
      h("span", { class: "wb-prediction-name" }, bdi(dataset), on === "all" ? "" : " · ", on === "all" ? "" : bdi(on), ` as ${this.formats[format].title}`),
      h("span", { class: "wb-hint" }, `${moment(1000 * started)} · ${facts}`), link, drop, report && this.told(report));
  }

  // What the format could not say.
  told({ losses, renamed, notes }) {
    const lines = [...notes, ...losses.map(({ what, images, count }) => `${what}: ${exact(count)} in ${exact(images)} ${images === 1 ? "image" : "images"}`),
      ...renamed.slice(0, 20).map(({ path, name }) => `${path} is ${name}`), ...(renamed.length > 20 ? [`and ${exact(renamed.length - 20)} more`] : [])];
    if (!lines.length) return null;
    return h("details", { class: "wb-left-out" }, h("summary", {}, "What it does not say, or says otherwise"),
      h("ul", {}, ...lines.map((each) => h("li", {}, bdi(each)))));
  }

  async discard(id, dataset, format) {
    if (!(await ask({ title: `Delete the export of ${isolated(dataset)} as ${this.formats[format].title}?`, text: "Its files are gone then. The dataset and its labels stay.", verb: "Delete", danger: true }))) return;
    await remove(`${this.root}/dataset-exports/${id}`).catch((error) => { this.fault.textContent = error.message; });
    this.following.renew();
  }
}

export const mount = mounting(Exports);
