// Why a model fares worse on another domain: what was found, on one place.
//
// mountWhy(element, {project, shift, at}) -> {update({shift, at}), destroy()}
//   shift: name, or "last"; at: which target is looked at, DATASET:ON; without it there is a choice where there are several
// askWhy(project, {model, home, to, size, map}) -> promise of the task that finds it; its result's `shift` is the name

import { getJson, isAbort, post } from "../../api.js";
import { mountCommand } from "../../command.js";
import { partTitle } from "../../dataset_part.js";
import { exact, h, loadStyle, moment, name, percent } from "../../dom.js";
import { points } from "../../evaluation_parts.js";
import { showTable } from "../../table.js";
import { term } from "../../words.js";
import { drawLooks, effectSaid } from "./looks.js";
import { mountPlane } from "./plane.js";

const FEW_OUTLIERS = 9; // as many as the list shows without scrolling

export function askWhy(project, asked) {
  return post(`/api/projects/${project}/shifts`, asked);
}

export function mountWhy(element, options) {
  loadStyle();
  element.classList.add("wb-why");
  const why = new Why(element, options);
  why.load();
  return { update: (changes) => why.update(changes), destroy: () => why.destroy() };
}

class Why {
  constructor(element, { project, shift = "last", at = null }) {
    Object.assign(this, { element, project, shift, at, sorts: { classes: { id: "moved", down: true }, sizes: { id: "delta", down: true } } });
  }

  update({ shift = this.shift, at = this.at }) {
    const isSame = shift === this.shift && this.data;
    Object.assign(this, { shift, at });
    if (isSame) this.draw();
    else this.load();
  }

  async load() {
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    if (!this.data) this.element.replaceChildren(h("p", { class: "wb-message", role: "status" }, "Loading …"));
    try {
      this.data = await getJson(`/api/projects/${this.project}/shifts/${encodeURIComponent(this.shift)}`, { signal });
      await this.draw();
    } catch (error) {
      if (!isAbort(error)) this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
    }
  }

  destroy() {
    this.loading?.abort();
    this.plane?.destroy();
    this.element.replaceChildren();
  }

  // Place of the target that is looked at.
  place() {
    const found = this.data.domains.findIndex(({ dataset, on }, place) => place > 0 && `${dataset}:${on}` === this.at);
    return found > 0 ? found : 1;
  }

  async draw() {
    const { data } = this;
    const place = this.place();
    const names = [0, place].map((each) => partTitle(data.domains[each]));
    const classes = h("div");
    const sizes = h("div");
    const map = h("div", { class: "wb-why-map" });
    const outliers = h("div", { class: "wb-why-outliers" });
    const command = mountCommand();
    command.say(data.command);
    this.plane?.destroy();
    this.element.replaceChildren(
      ...[this.head(names, place), this.choice(place), this.findings(place)].filter(Boolean),
      part("How the photos look", this.key(names), drawLooks({ looks: data.looks, place, names })),
      part("Classes", null, h("p", { class: "wb-provenance" }, this.classesSaid(place)), classes),
      part("Sizes of objects", null, h("p", { class: "wb-provenance" }, ...this.sizesSaid(place)), sizes),
      part("What the network sees", null, h("p", { class: "wb-provenance" }, ...this.featuresSaid(place)), h("div", { class: "wb-why-seen" }, map, outliers)),
      command.element);
    this.classes(classes, place);
    this.sizes(sizes, place);
    const plane = await mountPlane(map, { project: this.project, shift: data.shift, record: data });
    if (!this.element.contains(map)) { // another target was chosen, or the page left, meanwhile
      plane.destroy();
      return;
    }
    this.plane = plane;
    this.outliers(outliers, place, FEW_OUTLIERS);
  }

  head([home, there], place) {
    const { model, domains, created_at: made } = this.data;
    return h("p", { class: "wb-provenance" }, name(model), ` · home ${home}, ${exact(domains[0].images)} photos · there ${there}, ${exact(domains[place].images)} photos · measured ${moment(made)}`);
  }

  choice(place) {
    const targets = this.data.domains.slice(1);
    if (this.at !== null || targets.length < 2) return null;
    const select = h("select", { onchange: () => this.update({ at: select.value }) },
      ...targets.map((domain, i) => h("option", { value: `${domain.dataset}:${domain.on}`, selected: i + 1 === place }, partTitle(domain))));
    return h("label", { class: "wb-select" }, "Compare home with ", select);
  }

  key([home, there]) {
    return h("span", { class: "wb-bar" }, h("span", { class: "wb-key" }, h("span", { class: "wb-why-swatch" }), `home: ${home}`),
      h("span", { class: "wb-key" }, h("span", { class: "wb-stroke", style: { "--line": "var(--wb-line-2)" } }), there));
  }

  // ---- in a few sentences

  findings(place) {
    const { looks, frequencies, object_sizes: sizes } = this.data;
    const strong = looks.filter((look) => ["medium", "large"].includes(look.sizes[place]));
    const lines = [
      strong.length ? `Photos there, beside home's: ${listed(strong.map((look) => effectSaid(look, place).split(" there,")[0]))}.` : "Photos look much as at home.",
      this.movedSaid(frequencies, place),
      this.grownSaid(sizes, place),
      this.farSaid(place),
    ].filter(Boolean);
    return h("ul", { class: "wb-why-said" }, ...lines.map((line) => h("li", {}, line)));
  }

  movedSaid(frequencies, place) {
    if (!frequencies || frequencies.distances[place] === null) return null;
    const moved = [...frequencies.classes].sort((a, b) => Math.abs(shift(b, place)) - Math.abs(shift(a, place))).slice(0, 3);
    return h("span", {}, `Some classes cover more of the photos than at home, others less, ${percent(frequencies.distances[place])} % of the area in all; most moved `,
      ...joined(moved.map((row) => h("span", {}, name(row.name), ` (${percent(row.pixels[0])} to ${percent(row.pixels[place])} %)`))), `. Seen in the ${this.labelledSaid(place)}.`);
  }

  grownSaid(sizes, place) {
    const strong = (sizes ?? []).filter((row) => ["medium", "large"].includes(row.sizes[place])).sort((a, b) => Math.abs(b.deltas[place]) - Math.abs(a.deltas[place]));
    if (!sizes) return null;
    if (!strong.length) return "Objects are about as large as at home.";
    return h("span", {}, "Of another size there: ", ...joined(strong.slice(0, 4).map((row) => h("span", {}, name(row.name), row.deltas[place] > 0 ? " (larger)" : " (smaller)"))), ".");
  }

  labelledSaid(place) {
    const [home, there] = [this.data.domains[0], this.data.domains[place]];
    return `labelled photos (${exact(home.labelled)} of ${exact(home.images)} at home, ${exact(there.labelled)} of ${exact(there.images)} there)`;
  }

  farSaid(place) {
    const found = this.data.features[place];
    const [far, { images }] = [this.data.farther[place], this.data.domains[place]];
    const others = far > images / 2 ? this.fartherSaid(place) : null; // many more than chance gives
    if (!found) return others && `In the network's features ${others}.`;
    if (found.by_chance) return `Distance in the network's features: ${this.chanceSaid(found, place)}${others ? `, but ${others}` : ""}.`;
    return `To the network they are elsewhere: ${timesSaid(found)} as far from home as random parts of it are from each other.`;
  }

  // That chance gives as much does not say that they are the same.
  chanceSaid(found, place) {
    const [home, there] = [this.data.domains[0], this.data.domains[place]];
    return found.few ? `too few photos to tell by this distance (${exact(home.images)} at home, ${exact(there.images)} there, ${dimensionsOf(found)})` : "no more than chance gives";
  }

  fartherSaid(place) {
    const [far, { images }] = [this.data.farther[place], this.data.domains[place]];
    return far === null ? null : `${exact(far)} of ${exact(images)} photos are farther from home than 95 % of its own`;
  }

  // ---- tables

  classesSaid(place) {
    const { frequencies } = this.data;
    if (!frequencies || frequencies.distances[place] === null) return "Shares of classes need labels on both sides.";
    const only = [["Only at home", frequencies.only_home[place]], ["Only there", frequencies.only_there[place]]].filter(([, names]) => names.length);
    return `Distance ${percent(frequencies.distances[place])} %: the area that some classes have more of than at home, and others less, in the ${this.labelledSaid(place)}.${only.map(([where, names]) => ` ${where}: ${names.join(", ")}.`).join("")}`;
  }

  classes(element, place) {
    const rows = this.data.frequencies?.distances[place] === null ? [] : this.data.frequencies?.classes ?? [];
    if (!rows.length) return;
    const share = (id, title, read, write = percent) => ({ id, title, number: true, cell: (row) => write(read(row)), value: read });
    showTable(element, {
      label: "Classes at home and there", rows, sort: this.sorts.classes,
      onSort: (sort) => { this.sorts.classes = sort; this.classes(element, place); },
      columns: [
        classColumn(),
        share("home", "pixels at home %", (row) => row.pixels[0]), share("there", "there %", (row) => row.pixels[place]),
        { id: "moved", title: "moved by", number: true, cell: (row) => points(shift(row, place)), value: (row) => Math.abs(shift(row, place)) },
        share("images", "photos at home %", (row) => row.images[0]), share("images there", "there %", (row) => row.images[place]),
      ],
    });
  }

  sizesSaid(place) {
    if (!this.data.object_sizes?.some((row) => row.medians[0] !== null && row.medians[place] !== null)) return ["Sizes of objects need labels on both sides."];
    return ["An object is a labelled shape, or else a connected part of its class; its size is its share of the photo, the median of all. How much they differ says ", term("delta", "Cliff's delta"), "."];
  }

  sizes(element, place) {
    const rows = (this.data.object_sizes ?? []).filter((row) => row.objects[0] || row.objects[place]);
    if (!rows.length || !this.data.domains[place].labelled) return;
    const number = (id, title, read, write) => ({ id, title, number: true, cell: (row) => write(read(row)), value: read });
    showTable(element, {
      label: "Sizes of objects at home and there", rows, sort: this.sorts.sizes,
      onSort: (sort) => { this.sorts.sizes = sort; this.sizes(element, place); },
      columns: [
        classColumn(),
        number("objects", "objects at home", (row) => row.objects[0], exact), number("objects there", "there", (row) => row.objects[place], exact),
        number("home", "size at home %", (row) => row.medians[0], small), number("there", "there %", (row) => row.medians[place], small),
        { id: "delta", title: "Cliff's delta", number: true, cell: (row) => signed(row.deltas[place]), value: (row) => (row.deltas[place] === null ? null : Math.abs(row.deltas[place])) },
        { id: "size", title: "there they are", cell: (row) => sizeSaid(row, place) },
      ],
    });
  }

  // ---- features

  featuresSaid(place) {
    const found = this.data.features[place];
    const others = this.fartherSaid(place);
    const each = others === null ? "" : ` ${others}; 1 in 20 would be by chance.`;
    if (!found) return [`Too few photos to tell how far apart the domains are; 20 at home and 10 there are needed.${each}`];
    return [
      term("frechet", "Fréchet distance"), ` ${figure(found.distance)} between home and there; between random parts of home ${figure(found.nothing)} (at most ${figure(found.most_nothing)})`,
      found.by_chance ? `: ${this.chanceSaid(found, place)}.` : `: ${timesSaid(found)} that.`,
      ` In ${dimensionsOf(found)}, which ${found.dimensions === 1 ? "holds" : "hold"} ${percent(found.explained, 0)} % of the variance.${each}`,
    ];
  }

  // The keyboard's way to the photos that lie far out.
  outliers(element, place, most) {
    const { data, plane } = this;
    const found = data.outliers.filter(({ domain }) => domain === place);
    const items = found.slice(0, most).map(({ row, path, far }) => {
      const photo = plane.photoUrl(row);
      return h("li", {}, h("button", {
        type: "button", class: "wb-why-outlier", title: path, onclick: () => plane.open(row), onfocus: () => plane.point(row), onblur: () => plane.point(null),
        onpointerenter: () => plane.point(row), onpointerleave: () => plane.point(null),
      }, photo && h("img", { src: photo, alt: "", loading: "lazy" }), name(path), h("span", { class: "wb-hint" }, `${Number(far.toPrecision(2))} ×`)));
    });
    const rest = found.length - items.length;
    element.replaceChildren(h("h4", {}, "Least like home"), h("p", { class: "wb-hint" }, "How many times as far from home's photos as those are from each other."), h("ol", {}, ...items),
      ...(rest > 0 ? [h("button", { type: "button", class: "wb-button", onclick: () => this.outliers(element, place, Infinity) }, `${rest} more`)] : []));
  }
}

function part(title, beside, ...content) {
  return h("section", { class: "wb-why-part" }, h("div", { class: "wb-section-head" }, h("h3", {}, title), beside), ...content);
}

function classColumn() {
  return { id: "name", title: "class", cell: (row) => h("span", { class: "wb-class" }, h("span", { class: "wb-chip", style: { background: row.color } }), name(row.name)), value: (row) => row.name };
}

function shift(row, place) {
  return row.pixels[place] - row.pixels[0];
}

function sizeSaid({ sizes, deltas }, place) {
  if (sizes[place] === null) return "too few to tell";
  if (sizes[place] === "negligible") return "as large";
  return `${deltas[place] > 0 ? "larger" : "smaller"}, ${sizes[place]} effect`;
}

function timesSaid({ times }) {
  return times === null ? "many times" : `${times < 10 ? times.toFixed(1) : exact(Math.round(times))} times`;
}

function dimensionsOf({ dimensions }) {
  return `${dimensions} ${dimensions === 1 ? "dimension" : "dimensions"}`;
}

function figure(value) {
  return String(Number(value.toPrecision(3)));
}

function small(value) {
  return value === null ? "n/a" : String(Number((100 * value).toPrecision(3)));
}

function signed(value) {
  if (value === null) return "n/a";
  const shown = Math.abs(value).toFixed(2);
  return `${Number(shown) === 0 ? "" : value > 0 ? "+" : "−"}${shown}`;
}

function listed(words) {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function joined(nodes) {
  return nodes.flatMap((node, i) => (i === 0 ? [node] : [i === nodes.length - 1 ? " and " : ", ", node]));
}
