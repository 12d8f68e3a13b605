// The questions of an import, each asked once: name, classes, what is unlabelled, role, and the rest folded.

import { h } from "./dom.js";
import { Mapping } from "./import_mapping.js";

const FIT = {
  overlap: ["Where shapes overlap", [["", "as is usual for the format"], ["order", "later ones cover earlier ones"], ["area", "smaller ones cover larger ones"]]],
  raster: ["Which pixels a polygon covers", [["", "as is usual for the format"], ["labelme", "as labelme draws them, borders included"], ["center", "pixels whose centre lies inside"]]],
  crowd: ["Crowd regions become", [["", "ignored"], ["class", "their class"]]],
  border: ["The pets' outline becomes", [["", "a class of its own, border"], ["ignore", "ignored"]]],
  void: ["Labels that Cityscapes does not evaluate become", [["", "ignored"], ["class", "a class each: 34 in all"]]],
};
const ASKED = new Set(["crowd", "border", "void"]); // of the formats that say so; the others of all with shapes
const FILES = {
  images: "Folder of the photos", masks: "Folder of the masks", classes_file: "File of class names, one a line", colors_file: "Colour table, lines `name r g b`",
};
const NAMING = [...Object.keys(FILES), "ignore_index", "border", "void"];

// Sends "change" {again}: the answers changed; `again`: one that names the classes, so they may be others.
export class Questions extends EventTarget {
  // kept: answers from before, of which `touched` names those that were given on purpose
  constructor({ source, format, guess, kept, told, classes }) {
    super();
    Object.assign(this, { source, format, facts: told.formats[format], guess, told, classes, fault: "" });
    this.touched = new Set(kept.touched ?? []);
    this.fields = new Map();
    this.mapping = new Mapping({ classes, counts: guess?.classes ?? {}, from: guess?.classes_from ?? "", kept: kept.touched ? kept.mapping : {} });
    this.mapping.addEventListener("change", () => this.tell());
    this.faultLine = h("p", { class: "wb-fault-line", role: "alert" });
    this.hint = h("small", { id: "wb-import-dataset-hint" });
    this.element = h("div", { class: "wb-questions" },
      this.label("Name of the dataset", this.text("dataset", kept.dataset ?? "", { id: "wb-import-dataset", maxlength: 200, "aria-describedby": "wb-import-dataset-hint" }), this.hint),
      h("fieldset", {}, h("legend", {}, "Its classes"), this.faultLine, this.mapping.element),
      this.unlabelled(kept), this.joining(kept), source.path && this.linking(kept), this.more(kept));
    this.element.addEventListener("input", () => this.tell());
    this.known();
  }

  get touched() {
    return [...this.names];
  }

  set touched(names) {
    this.names = new Set(names);
  }

  label(text, field, hint = null) {
    return h("label", {}, text, field, hint);
  }

  text(name, value, attributes = {}) {
    const field = h("input", { type: "text", value, autocomplete: "off", spellcheck: "false", ...attributes });
    this.fields.set(name, field);
    return field;
  }

  select(name, value, options) {
    const field = h("select", {}, ...options.map(([key, shown]) => h("option", { value: key, selected: key === value }, shown)));
    this.fields.set(name, field);
    return field;
  }

  unlabelled(kept) {
    const chosen = kept.unlabelled ?? this.usual();
    const group = (value, text) => h("label", { class: "wb-check" },
      h("input", { type: "radio", name: "wb-import-unlabelled", value, onchange: () => this.names.add("unlabelled") }), text);
    const classes = h("select", { "aria-label": "Class of unlabelled pixels", onchange: () => {
      this.rest.querySelector("[value=class]").checked = true;
      this.names.add("unlabelled");
    } });
    this.restClass = classes;
    this.rest = h("fieldset", {}, h("legend", {}, this.facts.labels === "pixels" ? "Pixels that the masks leave open become" : "Pixels that nobody outlined become"),
      group("background", "background, a class like any other"), group("ignore", "ignored: left out of training and of scores"),
      h("div", { class: "wb-check" }, group("class", "the class"), classes));
    this.wished = chosen;
    return this.rest;
  }

  usual() {
    return this.dataset()?.options.unlabelled ?? this.guess?.options.unlabelled ?? this.facts.unlabelled;
  }

  joining(kept) {
    const roles = [["", "none yet: deal them out later"], ["train", "train: learned from"], ["val", "val: chooses the best checkpoint"], ["test", "test: looked at once"]];
    return h("div", { class: "wb-two-fields" },
      this.label("Role of its images", this.select("role", kept.role ?? "", roles)),
      this.label("Add them to a list", this.text("list_name", kept.list_name ?? "", { placeholder: "none", maxlength: 200 })));
  }

  linking(kept) {
    const field = h("input", { type: "checkbox", checked: kept.link });
    this.fields.set("link", field);
    return h("label", { class: "wb-check" }, field, "Leave the photos where they are instead of copying them");
  }

  more(kept) {
    const masked = this.facts.labels === "pixels";
    const fits = Object.entries(FIT).filter(([name]) => ASKED.has(name) ? this.facts.asks.includes(name) : !masked);
    const named = Object.entries(FILES).filter(([name]) => {
      if (name === "masks") return ["masks", "panoptic", "cocostuff"].includes(this.format);
      if (name === "classes_file") return this.facts.tables;
      if (name === "colors_file") return masked && this.facts.tables;
      return name !== "images" || this.format !== "labelme";
    });
    const conflict = this.label("Labels changed both here and at the source",
      this.select("on_conflict", kept.on_conflict ?? "ours", [["ours", "keep those here"], ["theirs", "take those of the source"]]));
    this.conflict = conflict;
    const ignored = masked && this.label("Value of the masks that means ignore",
      this.text("ignore_index", kept.ignore_index ?? "", { type: "number", min: 0, max: 65535, placeholder: "255, as usual" }));
    return h("details", { class: "wb-more" }, h("summary", {}, "More choices"),
      h("div", { class: "wb-two-fields" }, ignored || null,
        ...fits.map(([name, [text, options]]) => this.label(text, this.select(name, kept[name] ?? "", options))),
        ...named.map(([name, text]) => this.label(text, this.text(name, kept[name] ?? "", { placeholder: "found by itself; a path inside the source" }))), conflict));
  }

  setClasses(names) {
    this.setFault("");
    this.mapping.setNames(names, this.dataset()?.options.mapping ?? {});
    this.known();
  }

  setFault(text) {
    this.fault = text;
    this.faultLine.textContent = text;
  }

  dataset() {
    const name = this.fields.get("dataset")?.value.trim();
    return this.told.datasets.find((each) => each.name === name) ?? null;
  }

  // Follow the dataset that is named: what is stored with it stays, unless it is answered anew.
  known() {
    const found = this.dataset();
    this.hint.textContent = found
      ? `Updates the dataset of this name (${found.images} images): only what changed is read in.`
      : "A new dataset: one domain of this project, beside the others.";
    this.conflict.hidden = !found;
    this.mapping.setStored(found?.options.mapping ?? {});
    const value = this.names.has("unlabelled") ? this.wished : this.usual();
    const names = [...new Set([...this.classes.map(({ name }) => name), ...this.mapping.targets(), ...(["background", "ignore"].includes(value) ? [] : [value])])];
    const before = this.restClass.value;
    this.restClass.replaceChildren(...names.map((each) => h("option", { value: each }, each)));
    this.restClass.value = names.includes(before) ? before : names[0] ?? "";
    const radio = this.rest.querySelector(`[value=${["background", "ignore"].includes(value) ? value : "class"}]`);
    if (!this.rest.querySelector(":checked") || !this.names.has("unlabelled")) radio.checked = true;
    if (radio.value === "class" && !this.shown) this.restClass.value = value;
    this.shown = true;
  }

  tell() {
    const beside = NAMING.map((name) => this.fields.get(name)?.value ?? "").join("\n");
    const again = this.beside !== undefined && this.beside !== beside;
    this.beside = beside;
    this.known();
    this.dispatchEvent(new CustomEvent("change", { detail: { again } }));
  }

  missing() {
    const found = this.dataset();
    const name = this.fields.get("dataset").value.trim();
    return [
      this.fault && "The classes cannot be read yet: see above.",
      !name && "Name the dataset.",
      found && found.format !== this.format && `The dataset ${name} was imported as ${found.format}: choose another name.`,
      ...this.mapping.missing(),
    ].filter(Boolean);
  }

  choices() {
    const value = (name) => this.fields.get(name)?.value.trim() ?? "";
    const checked = this.rest.querySelector(":checked")?.value ?? "background";
    const ignored = value("ignore_index");
    return {
      source: this.source,
      format: this.format,
      dataset: value("dataset"),
      mapping: this.mapping.rows(),
      unlabelled: checked === "class" ? this.restClass.value : checked,
      ignore_index: ignored === "" ? null : Number(ignored),
      role: value("role") || null,
      list_name: value("list_name"),
      link: this.fields.get("link")?.checked ?? false,
      on_conflict: value("on_conflict"),
      ...Object.fromEntries(Object.keys(FIT).map((name) => [name, value(name) || null])),
      ...Object.fromEntries(Object.keys(FILES).map((name) => [name, value(name)])),
    };
  }
}
