// What the check of a project found: each finding with its files and the way out. value: {project, task} or {project,
// failed}; null shows nothing. `task` is the number of the task that checks, `failed` there where none could be started.
// Sends "look" {}, "merge" {name, into}, "drop" {classes} and "unrole" {dataset, kind}.

import { getJson } from "../api.js";
import { mountCommand } from "../command.js";
import { ask } from "../dialog.js";
import { exact, h, isolated, name as bdi } from "../dom.js";
import { keepFocus } from "../focus.js";
import { follow } from "../follow.js";
import { Looking } from "../looking.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";

const LEFT_OUT = new Set(["other-size", "out-of-range", "all-ignored", "tiny"]);
const ROLES = new Set(["no-role", "no-roles", "no-validation", "unlabelled-role"]);
const SHOWING = new Set(["not-in-train", "not-in-val", "rare"]);
const IMPORTED = new Set(["grey-colours", "smeared"]);
const WORDS = { error: "Cannot be trained", warning: "Warning", note: "Note" };

class Findings {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit });
    this.place = h("div", { id: "wb-findings", "aria-live": "polite" });
    element.replaceChildren(h("h3", {}, "Findings"),
      h("p", { class: "wb-say" }, "What would spoil a training or its figures. The same is looked at before every training."), this.place);
    this.looking = new Looking(this.place, "check", () => emit("look", {}), () => this.following.renew());
    const say = (message) => this.place.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
    this.following = follow(element, project, (signal) => this.load(signal), say);
  }

  destroy() {
    this.looking.destroy();
    this.following.stop();
    this.element.replaceChildren();
  }

  async load(signal) {
    const { uncounted, check } = await getJson(`/api/projects/${this.project}/care/findings`, { signal });
    if (check) keepFocus(this.place, () => this.draw(check));
    else this.looking.begin(`Looking at ${exact(uncounted)} class ${uncounted === 1 ? "map" : "maps"}. What is found is kept; you can go on elsewhere meanwhile.`);
  }

  draw({ findings, images }) {
    if (!images) {
      this.place.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, "No image yet, so nothing can be wrong."),
        h("a", { class: "wb-button wb-primary", href: dataPage(this.project, "import") }, "Import photos")));
      return;
    }
    const shown = findings.filter(({ kind }) => kind !== "leaks"); // those lie below
    this.place.replaceChildren(shown.length
      ? h("ul", { class: "wb-findings" }, ...shown.map((finding) => this.drawOne(finding)))
      : h("p", { class: "wb-well" }, `Nothing found in ${exact(images)} ${images === 1 ? "image" : "images"}.`));
  }

  drawOne(finding) {
    const { kind, severity, text, remedy, dataset, files, file_count: count, command } = finding;
    const link = (file) => h("a", { href: dataPage(this.project, "images", { dataset, text: file }) }, bdi(file));
    const more = count > files.length && h("li", {}, `and ${exact(count - files.length)} more`);
    const line = mountCommand();
    line.say(command);
    return h("li", { class: `wb-finding wb-finding-${severity}`, dataset: { kind } },
      h("p", { class: "wb-finding-text" }, h("strong", {}, `${WORDS[severity]}: `), text),
      files.length > 0 && h("ul", { class: "wb-finding-files" }, ...files.map((file) => h("li", {}, link(file))), more),
      h("p", { class: "wb-hint" }, remedy),
      h("div", { class: "wb-tools" }, ...this.ways(finding), command && line.element));
  }

  ways({ kind, dataset, classes, file_count: count, command }) {
    const button = (label, act) => h("button", { type: "button", class: "wb-button", onclick: act }, label);
    const way = (label, tab, filters) => h("a", { class: "wb-button", href: dataPage(this.project, tab, filters) }, label);
    if (kind === "case-variants") return [button(`Merge ${isolated(classes[0])} into ${isolated(classes[1])}`, () => this.merge(classes))];
    if (kind === "unused" && command) return [button("Delete unused classes", () => this.drop(command, classes)), way("Classes", "classes")];
    if (kind === "unused") return [way("Classes", "classes")];
    if (LEFT_OUT.has(kind)) return [button("Take their role away", () => this.unrole(kind, dataset, count))];
    if (ROLES.has(kind)) return [way("Roles", "roles")];
    if (SHOWING.has(kind)) return classes.slice(0, 5).map((each) => way(`Images of ${isolated(each)}`, "images", { class: each }));
    if (IMPORTED.has(kind)) return [way("Import", "import")];
    return [];
  }

  merge([name, into]) {
    return ask({
      title: `Merge ${isolated(name)} into ${isolated(into)}?`, verb: "Merge",
      text: "From the next freeze on the two are one class. Under Classes that can be undone.",
      send: () => this.emit("merge", { name, into }),
    });
  }

  drop(command, classes) {
    return ask({
      title: "Delete unused classes?", verb: "Delete", danger: true,
      text: `${classes.map(isolated).join(", ")}: classes that an earlier version of labels shows are kept.`,
      send: () => this.emit("drop", { classes }),
    });
  }

  unrole(kind, dataset, count) {
    return ask({
      title: `Take the role of ${exact(count)} ${count === 1 ? "image" : "images"} away?`, verb: "Take away",
      text: "They stay in the dataset, and no training uses them.",
      send: () => this.emit("unrole", { kind, dataset }),
    });
  }
}

export const mount = mounting(Findings);
