// Which class of the project each class of a source becomes: a row each, to be changed.

import { exact, h, name as bdi } from "./dom.js";

const [KEEP, OTHER, IGNORE, DROP, CLASS] = ["keep", "other", "ignore", "drop", "class:"];
const MANY = 12; // rows from which on one is searched for

let numbers = 0;

// Sends "change" when a row changed.
export class Mapping extends EventTarget {
  // classes: [{name, color}] of the project; counts: how often each was seen, by name; from: in what; kept: rows from before
  constructor({ classes, counts, from, kept }) {
    super();
    Object.assign(this, { classes, counts, kept, stored: {}, entries: [] });
    this.list = h("datalist", { id: `wb-classes-${(numbers += 1)}` });
    this.body = h("tbody");
    const head = h("tr", {}, h("th", { scope: "col" }, "In the files"), h("th", { scope: "col", class: "wb-number" }, "Seen"), h("th", { scope: "col" }, "Becomes"));
    this.search = h("input", { type: "search", placeholder: "Find a class", "aria-label": "Find a class", oninput: (event) => { event.stopPropagation(); this.filter(); } });
    this.tools = h("div", { class: "wb-bar" }, this.search,
      h("button", { type: "button", class: "wb-button", onclick: () => this.all(DROP) }, "Leave all out"),
      h("button", { type: "button", class: "wb-button", onclick: () => this.all(null) }, "Reset"));
    this.empty = h("p", { class: "wb-hint" }, "No classes were seen; should labels come up, they keep their names.");
    this.table = h("div", { class: "wb-mapping-rows" }, h("table", { class: "wb-table", "aria-label": "Classes" }, h("thead", {}, head), this.body));
    this.element = h("div", { class: "wb-class-mapping" }, this.tools, this.table, this.empty, from && h("p", { class: "wb-hint" }, `Seen in ${from}. Classes that come up later keep their names.`), this.list);
    this.setNames([], {});
  }

  setNames(names, stored) {
    const before = this.rows();
    this.stored = stored;
    this.entries = names.map((each) => this.entry(each, before[each] === undefined ? this.kept[each] : before[each]));
    this.body.replaceChildren(...this.entries.map(({ row }) => row));
    this.tools.hidden = names.length <= MANY;
    this.table.hidden = !names.length;
    this.empty.hidden = names.length > 0;
    this.suggest();
  }

  // Another dataset was named: rows that nobody changed follow what is stored with it.
  setStored(stored) {
    if (JSON.stringify(stored) === JSON.stringify(this.stored)) return;
    this.stored = stored;
    for (const entry of this.entries) if (!entry.touched) this.put(entry, this.usual(entry.name));
  }

  entry(name, kept) {
    const option = (value, text) => h("option", { value }, text);
    const known = this.classes.some((each) => each.name === name);
    const select = h("select", { "aria-label": `${name} becomes`, onchange: () => this.chose(entry) },
      known ? null : option(KEEP, `new class: ${name}`),
      ...this.classes.map((each) => option(CLASS + each.name, each.name)),
      option(OTHER, "another name …"), option(IGNORE, "ignored: not learned, not scored"), option(DROP, "left out: like what nobody outlined"));
    const other = h("input", { type: "text", list: this.list.id, maxlength: 1000, "aria-label": `New name of ${name}`, oninput: () => { entry.touched = true; } });
    const hint = h("small", {});
    const row = h("tr", {}, h("th", { scope: "row" }, bdi(name)), h("td", { class: "wb-number" }, this.count(name)), h("td", {}, select, other, hint));
    const entry = { name, select, other, hint, row, touched: kept !== undefined && kept !== this.usual(name) };
    this.put(entry, kept === undefined ? this.usual(name) : kept);
    other.addEventListener("input", () => this.dispatchEvent(new Event("change")));
    return entry;
  }

  count(name) {
    const found = this.counts[name] ?? this.counts[name.replace(/^class_/, "")];
    return found === undefined ? "" : exact(found);
  }

  // What becomes of a name where nobody says: as stored; a class of the project that differs only in case; itself.
  usual(name) {
    if (name in this.stored) return this.stored[name];
    if (this.classes.some((each) => each.name === name)) return name;
    const alike = (text) => text.trim().toLowerCase();
    return this.classes.find((each) => alike(each.name) === alike(name))?.name ?? name;
  }

  put(entry, target) {
    const { name, select, other } = entry;
    if (target === null) select.value = DROP;
    else if (target === "ignore") select.value = IGNORE;
    else if (this.classes.some((each) => each.name === target)) select.value = CLASS + target;
    else if (target === name) select.value = KEEP;
    else Object.assign(select, { value: OTHER }) && Object.assign(other, { value: target });
    this.follow(entry);
  }

  chose(entry) {
    entry.touched = true;
    this.follow(entry);
    if (entry.select.value === OTHER) entry.other.focus();
    this.dispatchEvent(new Event("change"));
  }

  follow({ name, select, other, hint, row }) {
    other.hidden = select.value !== OTHER;
    const target = select.value.startsWith(CLASS) ? select.value.slice(CLASS.length) : null;
    hint.textContent = target && target !== name && target.trim().toLowerCase() === name.trim().toLowerCase() ? "differs only in case or spaces" : "";
    row.classList.toggle("wb-off", select.value === DROP || select.value === IGNORE);
  }

  all(value) {
    for (const entry of this.entries.filter(({ row }) => !row.hidden)) {
      this.put(entry, value === DROP ? null : this.usual(entry.name));
      entry.touched = value === DROP;
    }
    this.dispatchEvent(new Event("change"));
  }

  filter() {
    const part = this.search.value.trim().toLowerCase();
    for (const { name, row } of this.entries) row.hidden = !name.toLowerCase().includes(part);
  }

  suggest() {
    const names = [...new Set([...this.classes.map(({ name }) => name), ...this.entries.map(({ name }) => name)])];
    this.list.replaceChildren(...names.map((each) => h("option", { value: each })));
  }

  target({ name, select, other }) {
    if (select.value === DROP) return null;
    if (select.value === IGNORE) return "ignore";
    if (select.value === OTHER) return other.value.trim();
    return select.value === KEEP ? name : select.value.slice(CLASS.length);
  }

  // Every name with what it becomes; null: it is left out. One whose new name is still empty stays as it is.
  rows() {
    return Object.fromEntries(this.entries.map((entry) => [entry.name, this.target(entry) === "" ? entry.name : this.target(entry)]));
  }

  targets() {
    return [...new Set(Object.values(this.rows()))].filter((each) => each !== null && each !== "ignore");
  }

  missing() {
    const open = this.entries.filter((entry) => this.target(entry) === "");
    return open.map(({ name }) => `Say what ${name} becomes.`).slice(0, 1);
  }
}
