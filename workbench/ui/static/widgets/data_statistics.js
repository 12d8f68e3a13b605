// Images and pixels per class. value: {project, task} or {project, failed}; null shows nothing. `task` is the number of
// the task that counts, `failed` there where none could be started.
// Sends "count" {} where class maps are still to be counted; each is counted once, ever.

import { getJson } from "../api.js";
import { exact, h, name as bdi, percent, short } from "../dom.js";
import { follow } from "../follow.js";
import { Looking } from "../looking.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";
import { showTable } from "../table.js";
import { term } from "../words.js";

const SIZES = 8; // image sizes shown
const MANY = 20; // classes from which on one is searched for

class Statistics {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit, dataset: "", text: "", sort: { id: "index", down: false } });
    this.looking = new Looking(element, "count", () => emit("count", {}), () => this.following.renew());
    this.following = follow(element, project, (signal) => this.load(signal), (message) => this.say(message));
  }

  destroy() {
    this.looking.destroy();
    this.following.stop();
    this.element.replaceChildren();
  }

  async load(signal) {
    const root = `/api/projects/${this.project}`;
    const [{ classes }, { uncounted, statistics }] = await Promise.all(
      [getJson(`${root}/classes`, { signal }), getJson(`${root}/statistics`, { signal })]);
    this.colors = new Map(classes.map(({ name, color }) => [name, color]));
    if (statistics) this.draw(statistics);
    else this.looking.begin(`Counting the pixels of ${exact(uncounted)} class ${uncounted === 1 ? "map" : "maps"}. This is done once; you can go on elsewhere meanwhile.`);
  }

  say(text) {
    this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, text));
  }

  // ---- what there is

  draw(found) {
    this.found = found;
    if (!found.images) {
      this.element.replaceChildren(h("div", { class: "wb-message" }, h("p", {}, "Nothing to count yet."),
        h("a", { class: "wb-button wb-primary", href: dataPage(this.project, "import") }, "Import photos")));
      return;
    }
    const names = Object.keys(found.datasets);
    if (!names.includes(this.dataset)) this.dataset = "";
    const select = h("select", { "aria-label": "Dataset", id: "wb-statistics-dataset", onchange: () => { this.dataset = select.value; this.drawTable(); } },
      h("option", { value: "" }, "All datasets"), ...names.map((each) => h("option", { value: each, selected: each === this.dataset }, each)));
    const search = h("input", {
      type: "search", "aria-label": "Part of a class's name", placeholder: "Part of a class's name", value: this.text,
      oninput: () => { this.text = search.value; this.drawTable(); },
    });
    this.place = h("div");
    this.element.replaceChildren(
      summary(found),
      h("div", { class: "wb-filters" }, names.length > 1 && select, found.classes.length > MANY && search),
      this.place, sizes(found.sizes, found.images));
    this.drawTable();
  }

  drawTable() {
    const wanted = this.text.toLowerCase();
    const all = this.dataset ? this.found.datasets[this.dataset] : this.found.classes;
    const rows = all.map((row, index) => ({ ...row, index })).filter(({ name }) => name.toLowerCase().includes(wanted));
    const most = Math.max(...all.map(({ share }) => share ?? 0), Number.MIN_VALUE);
    const columns = [
      { id: "index", title: "#", number: true, value: ({ index }) => index, cell: ({ index }) => String(index) },
      { id: "name", title: "class", value: ({ name }) => name, cell: ({ name }) => this.label(name) },
      { id: "bar", title: "", cell: ({ name, share }) => bar((share ?? 0) / most, this.colors.get(name)) },
      { id: "share", title: "% of pixels", number: true, value: ({ share }) => share ?? -1, cell: ({ share }) => percent(share, 2) },
      { id: "pixels", title: "pixels", number: true, value: ({ pixels }) => pixels, cell: ({ pixels }) => h("span", { title: exact(pixels) }, short(pixels)) },
      { id: "images", title: "images", number: true, value: ({ images }) => images, cell: (row) => this.images(row) },
    ];
    const redraw = (sort) => { this.sort = sort; this.drawTable(); };
    showTable(this.place, {
      label: "Classes by pixels and images", columns, rows, sort: this.sort, onSort: redraw,
      empty: all.length ? "No class is named so." : "No class yet. Classes come with the labels of an import, or are added under Classes.",
    });
  }

  label(name) {
    return h("span", { class: "wb-class" }, h("span", { class: "wb-chip", style: { background: this.colors.get(name) ?? "transparent" } }), bdi(name));
  }

  images({ name, images }) {
    return h("a", { href: dataPage(this.project, "images", { class: name, dataset: this.dataset }), title: "Show these images" }, exact(images));
  }
}

function bar(share, color) {
  return h("span", { class: "wb-bar-rail", "aria-hidden": "true" },
    h("span", { class: "wb-bar-fill", style: { width: `${100 * share}%`, ...(color && { "--bar": color }) } }));
}

function summary({ images, labelled, ignored_pixels: ignored, pixels }) {
  const fact = (figure, what) => h("div", { class: "wb-total" }, h("strong", {}, figure), h("span", {}, what));
  return h("div", { class: "wb-totals" }, fact(exact(images), images === 1 ? "image" : "images"), fact(exact(labelled), "labelled"),
    fact(exact(images - labelled), "not labelled"), fact(pixels ? `${percent(ignored / pixels, 2)} %` : "n/a", h("span", {}, "of their pixels ", term("ignored", "ignored"))));
}

function sizes(found, images) {
  const rows = found.slice(0, SIZES).map(([width, height, count]) => h("li", {},
    h("span", {}, `${width} × ${height}`), bar(count / images, "var(--wb-accent)"), h("span", { class: "wb-number" }, exact(count))));
  const rest = found.length - rows.length;
  return h("section", { class: "wb-sizes" }, h("h3", {}, "Image sizes"), h("ul", {}, ...rows),
    rest > 0 && h("p", { class: "wb-count-rest" }, `and ${exact(rest)} more ${rest === 1 ? "size" : "sizes"}`));
}

export const mount = mounting(Statistics);
