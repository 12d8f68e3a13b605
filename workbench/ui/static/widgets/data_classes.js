// The classes of a project. value: {project}; null shows nothing.
// Sends "create" {name}, "rename" {name, to}, "recolor" {name, color}, "hotkey" {name, key}, "merge" {name, into}, "unmerge" {name},
// "discard" {names}.

import { getJson } from "../api.js";
import { ask } from "../dialog.js";
import { exact, h, isolated, name as bdi } from "../dom.js";
import { follow } from "../follow.js";
import { askMerge } from "../merge_dialog.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";
import { showTable } from "../table.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
const MANY = 20; // classes from which on one is searched for

class Classes {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit, text: "", sort: { id: "index", down: false } });
    this.search = h("input", {
      type: "search", "aria-label": "Part of a class's name", placeholder: "Part of a class's name",
      oninput: () => { this.text = this.search.value; this.drawTable(); },
    });
    this.count = h("span", { class: "wb-count" });
    this.place = h("div");
    this.merged = h("div");
    const add = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-class-add", onclick: () => this.add() }, "Add class");
    this.unused = h("button", { type: "button", class: "wb-button", id: "wb-class-unused", hidden: true, onclick: () => this.discard(this.unusedNames()) });
    element.replaceChildren(h("div", { class: "wb-tools" }, add, this.unused, this.search, this.count), this.place, this.merged);
    const say = (message) => this.place.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
    this.following = follow(element, project, (signal) => this.load(signal), say);
  }

  destroy() {
    this.following.stop();
    this.element.replaceChildren();
  }

  async load(signal) {
    const { classes } = await getJson(`/api/projects/${this.project}/classes?images=true`, { signal });
    this.classes = classes.filter(({ index }) => index !== null);
    this.search.hidden = this.classes.length <= MANY;
    if (this.search.hidden) this.text = "";
    this.count.textContent = `${exact(this.classes.length)} of at most 254 classes`;
    const many = this.unusedNames().length;
    this.unused.hidden = many < 2;
    this.unused.textContent = `Delete ${exact(many)} unused …`;
    this.drawTable();
    this.drawMerged(classes.filter(({ index }) => index === null));
  }

  drawTable() {
    const { id: focused, value: typed, defaultValue: before } = document.activeElement ?? {};
    const wanted = this.text.toLowerCase();
    const columns = [
      { id: "index", title: "#", number: true, value: ({ index }) => index, cell: ({ index }) => String(index) },
      { id: "color", title: "colour", cell: (row) => this.color(row) },
      { id: "name", title: "name", value: ({ name }) => name, cell: (row) => this.name(row) },
      { id: "key", title: "key", value: ({ hotkey }) => hotkey ?? "~", cell: (row) => this.key(row) },
      { id: "images", title: "images", number: true, value: ({ images, labelled }) => images ?? labelled, cell: (row) => this.images(row) },
      { id: "merge", title: "", cell: (row) => h("span", { class: "wb-acts" }, this.merge(row), row.unused && this.discarding(row)) },
    ];
    showTable(this.place, {
      label: "Classes", columns, sort: this.sort, onSort: (sort) => { this.sort = sort; this.drawTable(); },
      rows: this.classes.filter(({ name }) => name.toLowerCase().includes(wanted)),
      empty: this.classes.length ? "No class is named so." : "No class yet. They come with the labels of an import, or add one.",
    });
    // A name that is being typed stays, whatever else changed meanwhile.
    const field = focused ? this.place.querySelector(`#${CSS.escape(focused)}`) : null;
    if (field && typed !== before && field.type === "text") field.value = typed;
    field?.focus();
  }

  // The fields send when they are left; what is not taken is put back by the next load.
  color({ id, name, color }) {
    const field = h("input", {
      type: "color", value: color, id: `wb-class-color-${id}`, "aria-label": `Colour of ${name}`, title: color,
      onchange: () => this.emit("recolor", { name, color: field.value }),
    });
    return field;
  }

  name({ id, name }) {
    const field = h("input", {
      type: "text", value: name, id: `wb-class-name-${id}`, class: "wb-inline", "aria-label": `Name of ${name}`, dir: "auto", autocomplete: "off",
      onchange: () => this.emit("rename", { name, to: field.value }),
      onkeydown: (event) => {
        if (event.key === "Enter") field.blur();
        if (event.key === "Escape") field.value = name;
      },
    });
    return field;
  }

  key({ id, name, hotkey }) {
    const select = h("select", {
      id: `wb-class-key-${id}`, "aria-label": `Key of ${name}`, onchange: () => this.emit("hotkey", { name, key: select.value || null }),
    }, h("option", { value: "" }, "–"), ...KEYS.map((key) => h("option", { value: key, selected: key === hotkey }, key)));
    return select;
  }

  // Pixels without a label become a class too, which no label names: only the maps tell how many images show it.
  images({ name, images, labelled, unused }) {
    if (labelled) return h("a", { href: dataPage(this.project, "images", { class: name }), title: "Show the images labelled with it" }, exact(images ?? labelled));
    if (images) return h("span", { title: "It covers what no label covers" }, exact(images));
    if (images === 0 || unused) return h("span", { class: "wb-zero" }, "0");
    return h("a", { href: dataPage(this.project, "statistics"), title: "No label names it. The statistics count where it covers what no label covers." }, "not counted yet");
  }

  merge({ name }) {
    const others = this.classes.map((each) => each.name).filter((each) => each !== name);
    const act = () => askMerge(this.project, name, others, (into) => this.emit("merge", { name, into }));
    return h("button", { type: "button", class: "wb-button wb-plain", disabled: !others.length, onclick: act, "aria-label": `Merge ${name}` }, "Merge …");
  }

  // Only what nothing uses; all else is merged.
  discarding({ name }) {
    return h("button", { type: "button", class: "wb-button wb-plain", onclick: () => this.discard([name]), "aria-label": `Delete ${name}` }, "Delete");
  }

  unusedNames() {
    return this.classes.filter(({ unused }) => unused).map(({ name }) => name);
  }

  async discard(names) {
    const [one] = names;
    const title = names.length === 1 ? `Delete the class ${isolated(one)}?` : `Delete ${exact(names.length)} unused classes?`;
    const listed = names.length === 1 ? "" : `${names.map(isolated).join(", ")}. `;
    const text = `${listed}No label shows ${names.length === 1 ? "it" : "them"}. Classes further down move up; revisions and models keep the classes they were made with.`;
    await ask({ title, text, verb: "Delete", danger: true, send: () => this.emit("discard", { names }) });
  }

  add() {
    const text = "It gets the next index and a colour of its own.";
    return ask({ title: "Add a class", text, label: "Name", verb: "Add", send: (name) => this.emit("create", { name }) });
  }

  drawMerged(merged) {
    const rows = merged.map(({ name, color, labelled: images, merged_into: into }) => h("li", {},
      h("span", { class: "wb-chip", style: { background: color } }), bdi(name), ` counts for `, bdi(into), ` (${exact(images)} ${images === 1 ? "image" : "images"}) `,
      h("button", { type: "button", class: "wb-button wb-plain", "aria-label": `Undo the merge of ${name}`, onclick: () => this.emit("unmerge", { name }) }, "Undo merge")));
    this.merged.replaceChildren(...(rows.length ? [h("section", { class: "wb-merged" }, h("h3", {}, "Merged"), h("ul", {}, ...rows))] : []));
  }
}

export const mount = mounting(Classes);
