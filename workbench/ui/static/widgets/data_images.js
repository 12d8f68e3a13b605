// The images of a project: filters, gallery, and what is done with those selected. value: {project}; null shows nothing.
// Sends "set_role" {images, role}, "enlist" {images, subset}, "unlist" {images, subset}, "discard" {images}, "label_images" {images, dataset, on} and
// "take_back" {on_conflict}; images are numbers, role null for none.

import { getJson } from "../api.js";
import { mountFilters, readFilters } from "../data_filters.js";
import { askToLabel, mountDesktop } from "../desktop.js";
import { ask, askForm } from "../dialog.js";
import { exact, h } from "../dom.js";
import { follow } from "../follow.js";
import { mountGallery } from "../gallery.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";

class Images {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit, selected: [] });
    this.following = follow(element, project, (signal, byTask) => this.load(signal, byTask), (message) => this.say(message));
  }

  destroy() {
    this.following.stop();
    this.filters?.destroy();
    this.gallery?.destroy();
    this.element.replaceChildren();
  }

  say(text) {
    this.gallery?.destroy();
    this.gallery = null;
    this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, text));
  }

  async load(signal, byTask) {
    const root = `/api/projects/${this.project}`;
    const [{ datasets }, { classes }] = await Promise.all(
      [getJson(`${root}/datasets`, { signal }), getJson(`${root}/classes`, { signal })]);
    const known = JSON.stringify([datasets, classes]);
    const same = known === this.known;
    const told = this.desktop?.load(signal);
    if (this.gallery && same && byTask && this.selected.length) return told; // what is selected stays so
    Object.assign(this, { datasets, known });
    if (!datasets.some(({ images }) => images)) return this.drawEmpty();
    if (this.gallery) {
      this.choose([]);
      this.gallery.refresh();
      if (same) return;
    } else this.build(signal);
    this.filters?.destroy();
    this.filters = mountFilters(this.bar, { datasets, classes }, (filters) => this.show(filters));
  }

  drawEmpty() {
    this.gallery?.destroy();
    this.gallery = null;
    this.element.replaceChildren(h("div", { class: "wb-message" },
      h("p", {}, "No images yet. Bring your photos, with labels or without."),
      h("a", { class: "wb-button wb-primary", href: dataPage(this.project, "import") }, "Import photos")));
  }

  build(signal) {
    const button = (text, id, act) => h("button", { type: "button", class: "wb-button", id: `wb-selected-${id}`, onclick: act }, text);
    this.bar = h("div", { class: "wb-filters", role: "search", "aria-label": "Filters" });
    this.picker = button("Select", "pick", () => this.pick(!this.picking));
    this.count = h("span", { class: "wb-selected-count", role: "status" });
    this.acts = [
      button("Set role …", "role", () => this.setRole()), button("Add to list …", "add", () => this.addToList()),
      button("Remove from list …", "remove", () => this.removeFromList()),
      button("Delete …", "delete", () => this.discard()),
    ];
    this.all = button("Select all", "all", () => this.selectAll());
    this.tools = h("div", { class: "wb-tools", role: "group", "aria-label": "Selected images" }, ...this.acts, this.all, this.count);
    const place = h("div");
    const sessions = h("div", { role: "status" });
    this.desktop = mountDesktop(sessions, this.project, (name, what) => this.emit(name, what));
    this.desktop.load(signal).catch(() => {}); // the gallery does not wait for it, nor fail with it
    const buttons = h("div", { class: "wb-tools" }, button("Label …", "label", () => this.label()), this.picker);
    this.element.replaceChildren(sessions, h("div", { class: "wb-above" }, this.bar, buttons), this.tools, place);
    this.gallery = mountGallery(place, {
      value: this.value(readFilters()), selectable: true, onSelect: (keys) => this.choose(keys), onTotal: (total) => { this.total = total; },
    });
    this.pick(false);
  }

  value(filters) {
    return { kind: "data", project: this.project, ...filters };
  }

  show(filters) {
    this.choose([]);
    this.gallery.update(this.value(filters));
  }

  // ---- selecting

  pick(on) {
    this.picking = on;
    this.picker.setAttribute("aria-pressed", on);
    this.picker.textContent = on ? "Done" : "Select";
    this.gallery.pick(on);
    if (!on) this.gallery.clearSelection();
    this.choose(on ? this.selected : []);
  }

  choose(keys) {
    this.selected = keys;
    if (keys.length && !this.picking) {
      this.picking = true;
      this.picker.setAttribute("aria-pressed", "true");
      this.picker.textContent = "Done";
      this.gallery.pick(true);
    }
    for (const act of this.acts) act.disabled = !keys.length;
    this.tools.hidden = !this.picking;
    this.count.textContent = this.picking && !keys.length ? "Click the images to select; Shift selects up to one." : "";
  }

  async selectAll() {
    this.all.disabled = true;
    try {
      await this.gallery.selectAll();
    } catch (error) {
      this.count.textContent = error.message;
    }
    this.all.disabled = false;
  }

  // ---- what is done with those selected

  get those() {
    return `${exact(this.selected.length)} ${this.selected.length === 1 ? "image" : "images"}`;
  }

  get lists() {
    return [...new Set(this.datasets.flatMap(({ subsets }) => Object.keys(subsets)))].sort();
  }

  async setRole() {
    const options = [["train", "train"], ["val", "val"], ["test", "test"], ["none", "no role"]];
    await askForm({
      title: `Set the role of ${this.those}`, text: "Revisions that are frozen keep the roles they hold.", verb: "Set role",
      fields: [{ name: "role", label: "Role", type: "select", value: "train", options }],
      send: ({ role }) => this.send("set_role", { role: role === "none" ? null : role }),
    });
  }

  async addToList() {
    await askForm({
      title: `Add ${this.those} to a list`, verb: "Add",
      fields: [{ name: "subset", label: "List", type: "text", value: "", required: true, suggestions: this.lists, hint: "One that is there, or a new name." }],
      send: (answer) => this.send("enlist", answer),
    });
  }

  async removeFromList() {
    if (!this.lists.length) {
      await ask({ title: "There is no list yet", text: "Add images to a list first.", verb: "Close" });
      return;
    }
    await askForm({
      title: `Remove ${this.those} from a list`, text: "The images stay in their dataset.", verb: "Remove",
      fields: [{ name: "subset", label: "List", type: "select", value: "", options: this.lists.map((name) => [name, name]) }],
      send: (answer) => this.send("unlist", answer),
    });
  }

  async discard() {
    const text = "They go to the trash with their labels, and can be restored for 30 days, at the foot of the page Projects. Revisions that hold them keep them.";
    await ask({ title: `Delete ${this.those}?`, text, verb: "Delete", danger: true, send: () => this.send("discard", {}) });
  }

  async label() {
    const { dataset, subset, role } = readFilters();
    const on = subset || (role && role !== "none" ? role : null);
    await askToLabel({ datasets: this.datasets, dataset, on, selected: this.selected, send: (name, what) => this.emit(name, what) });
  }

  send(name, what) {
    this.emit(name, { images: this.selected, ...what });
  }
}

export const mount = mounting(Images);
