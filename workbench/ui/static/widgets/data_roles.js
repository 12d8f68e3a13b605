// Which images are for what: roles and lists of each dataset. value: {project}; null shows nothing.
// Sends "deal" {dataset, val, test, by, seed}, "create" {dataset, subset}, "rename" {dataset, subset, to} and
// "discard" {dataset, subset}, "discard_dataset" {dataset}.

import { address, getJson } from "../api.js";
import { ask, askForm } from "../dialog.js";
import { exact, h, isolated, name as bdi, percent } from "../dom.js";
import { follow } from "../follow.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";
import { drawTable } from "../table.js";

const ROLES = ["train", "val", "test", "none"];
const SHOWN = { none: "no role" };
const BY = [["random", "image by image"], ["folder", "whole folders together"], ["prefix", "names that begin alike together"]];

class Roles {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit });
    const say = (message) => element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
    this.following = follow(element, project, (signal) => this.load(signal), say);
  }

  destroy() {
    this.following.stop();
    this.element.replaceChildren();
  }

  async load(signal) {
    const { datasets } = await getJson(`/api/projects/${this.project}/datasets`, { signal });
    if (!datasets.length) {
      this.element.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, "No dataset yet. The first import makes one."),
        h("a", { class: "wb-button wb-primary", href: dataPage(this.project, "import") }, "Import photos")));
      return;
    }
    this.element.replaceChildren(
      h("section", {}, h("h3", {}, "Roles"),
        h("p", { class: "wb-say" }, "A model learns from train, val chooses its best checkpoint, and test is for the end. A role once dealt stays, so that no test image slips into a later training."),
        this.drawRoles(datasets), datasets.some(({ roles }) => roles.train) && h("div", { class: "wb-tools" },
          h("a", { class: "wb-button", href: address("/train", { project: this.project }) }, "Train a model"))),
      h("section", {}, h("h3", {}, "Lists"),
        h("p", { class: "wb-say" }, "Named sets of images, to train or test on by themselves: a camera, the dusk, the hard ones. An image may be in many."),
        this.drawLists(datasets)));
  }

  // ---- roles

  drawRoles(datasets) {
    const count = (role) => ({
      id: role, title: h("span", {}, h("span", { class: `wb-chip wb-role-${role}` }), SHOWN[role] ?? role), number: true, cell: ({ name, roles }) => this.link(roles[role] ?? 0, { dataset: name, role }),
    });
    const columns = [
      { id: "name", title: "dataset", cell: ({ name }) => bdi(name) },
      { id: "images", title: "images", number: true, cell: ({ name, images }) => this.link(images, { dataset: name }) },
      { id: "labelled", title: "labelled", number: true, cell: ({ name, labelled }) => this.link(labelled, { dataset: name, labelled: "true" }) },
      { id: "bar", title: "", cell: shares },
      ...ROLES.map(count),
      { id: "deal", title: "", cell: (row) => this.dealing(row) },
      { id: "delete", title: "", cell: (row) => h("button", { type: "button", class: "wb-button", "aria-label": `Delete the dataset ${row.name}`, onclick: () => this.discardDataset(row) }, "Delete …") },
    ];
    return drawTable({ label: "Roles of each dataset", columns, rows: datasets });
  }

  link(count, filters) {
    if (!count) return h("span", { class: "wb-zero" }, "0");
    return h("a", { href: dataPage(this.project, "images", filters), title: "Show these images" }, exact(count));
  }

  dealing(row) {
    const button = h("button", { type: "button", class: "wb-button", disabled: !row.labelled, "aria-label": `Deal roles of ${row.name}`, onclick: () => this.deal(row) }, "Deal roles …");
    return h("span", {}, button, !row.labelled && h("span", { class: "wb-hint" }, " No labels yet: only labelled images get a role."));
  }

  async deal({ name, labelled, roles }) {
    const held = ROLES.slice(0, 3).reduce((sum, role) => sum + (roles[role] ?? 0), 0);
    const share = (field, label, value) => ({ name: field, label, type: "number", value, min: 0, max: 90, step: 1, required: true });
    await askForm({
      title: `Deal roles in ${isolated(name)}`, verb: "Deal roles",
      text: `Labelled images without a role get one: val and test as many as you say, what is left over becomes train. ${exact(held)} have a role already and keep it. ${exact(labelled)} are labelled.`,
      fields: [
        share("val", "val, % of the labelled images", 20), share("test", "test, % of the labelled images", 0),
        { name: "by", label: "Deal", type: "select", value: "random", options: BY, hint: "Frames of one place or film belong together, or val is too easy." },
        { name: "seed", label: "Seed", type: "number", value: 0, step: 1, required: true, hint: "The same seed deals the same." },
      ],
      send: (answer) => this.emit("deal", { dataset: name, ...answer, val: answer.val / 100, test: answer.test / 100 }),
    });
  }

  async discardDataset({ name: dataset, images }) {
    const text = `${exact(images)} images go to the trash with their labels, and can be restored for 30 days, at the foot of the page Projects. Revisions that hold them keep them.`;
    await ask({ title: `Delete the dataset ${isolated(dataset)}?`, text, verb: "Delete", danger: true, send: () => this.emit("discard_dataset", { dataset }) });
  }

  // ---- lists

  drawLists(datasets) {
    const rows = datasets.flatMap(({ name: dataset, subsets, images: of }) =>
      Object.entries(subsets).map(([subset, images]) => ({ dataset, subset, images, of })));
    const button = (verb, { subset }, act) => h("button", { type: "button", class: "wb-button wb-plain", "aria-label": `${verb} ${subset}`, onclick: act }, verb);
    const columns = [
      { id: "subset", title: "list", cell: ({ subset }) => bdi(subset) },
      { id: "dataset", title: "dataset", cell: ({ dataset }) => bdi(dataset) },
      { id: "images", title: "images", number: true, cell: ({ dataset, subset, images }) => this.link(images, { dataset, subset }) },
      { id: "share", title: "% of the dataset", number: true, cell: ({ images, of }) => percent(of ? images / of : null) },
      { id: "rename", title: "", cell: (row) => button("Rename", row, () => this.rename(row)) },
      { id: "discard", title: "", cell: (row) => button("Delete", row, () => this.discard(row)) },
    ];
    const table = drawTable({ label: "Lists", columns, rows, empty: "No list yet. Make one here, or select images under Images and add them to one." });
    const make = h("button", { type: "button", class: "wb-button", id: "wb-list-create", onclick: () => this.create(datasets) }, "New list");
    return h("div", {}, table, h("div", { class: "wb-tools" }, make));
  }

  async create(datasets) {
    await askForm({
      title: "New list", verb: "Create",
      fields: [
        { name: "subset", label: "Name", type: "text", value: "", required: true },
        { name: "dataset", label: "Dataset", type: "select", value: datasets[0].name, options: datasets.map(({ name }) => [name, name]) },
      ],
      send: (answer) => this.emit("create", answer),
    });
  }

  async rename({ dataset, subset }) {
    const text = "Revisions that are frozen keep the name it has now, and so does what was trained and tested on them.";
    const send = (to) => this.emit("rename", { dataset, subset, to });
    await ask({ title: `Rename the list ${isolated(subset)}`, text, label: "Name", value: subset, verb: "Rename", send });
  }

  async discard({ dataset, subset, images }) {
    const text = `${exact(images)} images stay in the dataset ${dataset}, and so do the revisions that name the list.`;
    if (await ask({ title: `Delete the list ${isolated(subset)}?`, text, verb: "Delete", danger: true })) this.emit("discard", { dataset, subset });
  }
}

function shares({ images, roles }) {
  const parts = ROLES.filter((role) => roles[role]).map((role) => h("span", {
    class: `wb-role-${role}`, style: { width: `${(100 * roles[role]) / images}%` }, title: `${SHOWN[role] ?? role}: ${percent(roles[role] / images)} %`,
  }));
  return h("span", { class: "wb-role-bar", "aria-hidden": "true" }, ...parts);
}

export const mount = mounting(Roles);
