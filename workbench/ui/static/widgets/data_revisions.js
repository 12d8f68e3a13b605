// The revisions of a project, and what changed between two. value: {project}; null shows nothing.
// Sends "freeze" {datasets, take, seed}.

import { address, getJson, isAbort } from "../api.js";
import { askForm } from "../dialog.js";
import { exact, h, moment, name as bdi } from "../dom.js";
import { keepFocus } from "../focus.js";
import { follow } from "../follow.js";
import { mounting } from "../part.js";
import { query, setQuery } from "../place.js";
import { drawTable } from "../table.js";

const PAGE = 50;
const DIGITS = 12; // of a revision's id
const CHANGES = { added: "added", removed: "removed", labels: "labels", photo: "photo", role: "role", subsets: "lists" };

class Revisions {
  constructor(element, project, emit) {
    const { from, to } = query();
    Object.assign(this, { element, project, emit, root: `/api/projects/${project}`, chosen: [from, to].filter(Boolean), only: "", offset: 0 });
    // What it asks for is not known before the first answer of the server.
    this.freezing = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-freeze", disabled: true, onclick: () => this.freeze() }, "Freeze a revision …");
    this.list = h("div");
    this.difference = h("section", { class: "wb-difference", "aria-live": "polite" });
    element.replaceChildren(
      h("p", { class: "wb-say" }, "A revision is a frozen snapshot of the labelled images, with their roles and lists: what models are trained and tested on. Freezing unchanged data gives the same revision."),
      h("div", { class: "wb-tools" }, this.freezing), this.list, this.difference);
    const say = (message) => this.list.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
    this.following = follow(element, project, (signal) => this.load(signal), say);
  }

  destroy() {
    this.following.stop();
    this.comparing?.abort();
    this.element.replaceChildren();
  }

  async load(signal) {
    const [{ revisions }, { datasets }] = await Promise.all(
      [getJson(`${this.root}/revisions`, { signal }), getJson(`${this.root}/datasets`, { signal })]);
    Object.assign(this, { revisions, datasets });
    this.freezing.disabled = false;
    const known = revisions.map(({ revision }) => revision);
    this.chosen = known.filter((id) => this.chosen.some((begin) => id.startsWith(begin))).slice(0, 2);
    this.drawList();
    this.compare();
  }

  async freeze() {
    const names = this.datasets.map(({ name }) => name);
    await askForm({
      title: "Freeze a revision", text: "Labelled images only. Class maps that are there already are not made again.", verb: "Freeze",
      fields: [
        { name: "datasets", label: "Datasets", type: "checks", value: names, options: names.map((name) => [name, name]) },
        { name: "take", label: "Only so many images, drawn at random", type: "number", value: "", min: 1, step: 1, hint: "Empty: all of them." },
        { name: "seed", label: "Seed of that draw", type: "number", value: 0, step: 1, required: true },
      ],
      send: (answer) => this.emit("freeze", answer),
    });
  }

  // ---- the list

  drawList() {
    const columns = [
      { id: "compare", title: "compare", cell: (row) => this.box(row) },
      { id: "revision", title: "revision", cell: ({ revision }) => h("code", { title: revision }, revision.slice(0, DIGITS)) },
      { id: "date", title: "frozen", cell: ({ created_at: at }) => h("time", { datetime: at }, moment(at)) },
      { id: "images", title: "images", cell: images },
      { id: "classes", title: "classes", number: true, cell: ({ classes }) => h("span", { title: classes.join(", ") }, exact(classes.length)) },
      { id: "draw", title: "", cell: ({ draw }) => (draw ? `${exact(draw.take)} drawn, seed ${draw.seed}` : "") },
    ];
    const table = drawTable({ label: "Revisions", columns, rows: this.revisions, empty: "No revision yet. Freeze one; a training does so by itself where there is none." });
    keepFocus(this.list, () => this.list.replaceChildren(table));
  }

  box({ revision }) {
    const checked = this.chosen.includes(revision);
    return h("input", {
      type: "checkbox", value: revision, checked, "aria-label": `Compare ${revision.slice(0, DIGITS)}`,
      onchange: () => this.choose(revision, !checked),
    });
  }

  // Two at most: a third takes the place of the one chosen first.
  choose(revision, on) {
    this.chosen = on ? [...this.chosen, revision].slice(-2) : this.chosen.filter((id) => id !== revision);
    Object.assign(this, { only: "", offset: 0 });
    this.drawList();
    this.compare();
  }

  // ---- the difference, from the older to the newer

  async compare() {
    this.comparing?.abort();
    const [from, to] = this.chosen.length === 2
      ? this.revisions.filter(({ revision }) => this.chosen.includes(revision)).map(({ revision }) => revision).reverse()
      : [null, null];
    setQuery({ from: from?.slice(0, DIGITS), to: to?.slice(0, DIGITS) });
    if (!from) {
      const hint = this.revisions.length > 1 ? "Tick two revisions to see what changed." : "";
      this.difference.replaceChildren(hint && h("p", { class: "wb-say" }, hint));
      return;
    }
    this.comparing = new AbortController();
    try {
      const url = address(`${this.root}/revisions/${from}/difference/${to}`, { only: this.only, offset: this.offset, limit: PAGE });
      this.drawDifference(await getJson(url, { signal: this.comparing.signal }));
    } catch (error) {
      if (!isAbort(error)) this.difference.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
    }
  }

  drawDifference(found) {
    const show = (only) => { Object.assign(this, { only, offset: 0 }); this.compare(); };
    const chip = (only, text, count) => h("button", {
      type: "button", class: "wb-button", disabled: Boolean(only) && !count, "aria-pressed": this.only === only, onclick: () => show(only),
    }, `${text} ${exact(count)}`);
    const changed = found.images_a - found.unchanged + found.counts.added;
    keepFocus(this.difference, () => this.difference.replaceChildren(
      h("h3", {}, "From ", h("code", {}, found.a.slice(0, DIGITS)), " to ", h("code", {}, found.b.slice(0, DIGITS))),
      h("p", { class: "wb-say" }, `${exact(found.images_a)} images before, ${exact(found.images_b)} after; ${exact(found.unchanged)} unchanged.`),
      ...[["Classes added", found.classes_added], ["Classes removed", found.classes_removed], ["Classes with another index", found.classes_moved]]
        .filter(([, names]) => names.length).map(([what, names]) => h("p", { class: "wb-say" }, `${what}: `, ...commas(names))),
      h("div", { class: "wb-tools", role: "group", "aria-label": "Kind of change" }, chip("", "all", changed),
        ...Object.entries(CHANGES).map(([only, text]) => chip(only, text, found.counts[only]))),
      this.drawEntries(found), this.drawPages(found)));
  }

  drawEntries({ entries }) {
    const columns = [
      { id: "photo", title: "", cell: (row) => this.photo(row) },
      { id: "path", title: "image", cell: ({ dataset, path }) => bdi(`${dataset}/${path}`) },
      { id: "changes", title: "changed", cell: ({ changes }) => changes.map((change) => CHANGES[change]).join(", ") },
      { id: "role", title: "role", cell: (row) => moved(row.changes, row.role_before ?? "no role", row.role_after ?? "no role") },
      { id: "lists", title: "lists", cell: (row) => moved(row.changes, row.subsets_before.join(", ") || "none", row.subsets_after.join(", ") || "none") },
    ];
    return drawTable({ label: "Images that differ", columns, rows: entries, empty: "No image differs." });
  }

  photo({ image }) {
    if (image === null) return "";
    const src = address(`${this.root}/images/${image}/photo`, { size: 256 });
    return h("img", { src, alt: "", loading: "lazy", class: "wb-small-photo" });
  }

  drawPages({ total, entries }) {
    if (total <= PAGE) return "";
    const turn = (by) => () => { this.offset += by; this.compare(); };
    return h("div", { class: "wb-tools" },
      h("button", { type: "button", class: "wb-button", disabled: !this.offset, onclick: turn(-PAGE) }, "Before"),
      h("span", { class: "wb-say" }, `${exact(this.offset + 1)} to ${exact(this.offset + entries.length)} of ${exact(total)}`),
      h("button", { type: "button", class: "wb-button", disabled: this.offset + entries.length >= total, onclick: turn(PAGE) }, "Next"));
  }
}

function images({ images: counts }) {
  const rows = Object.entries(counts).map(([dataset, roles]) => h("div", {}, bdi(dataset), ": ",
    Object.entries(roles).map(([role, count]) => `${role === "none" ? "no role" : role} ${exact(count)}`).join(", ")));
  return h("div", {}, ...rows);
}

function commas(names) {
  return names.flatMap((each, place) => (place ? [", ", bdi(each)] : [bdi(each)]));
}

function moved(changes, before, after) {
  if (changes.includes("added")) return h("bdi", {}, after);
  if (changes.includes("removed") || before === after) return h("bdi", {}, before);
  return h("span", {}, h("bdi", {}, before), " → ", h("bdi", {}, after));
}

export const mount = mounting(Revisions);
