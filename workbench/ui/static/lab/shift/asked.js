// What the tab "Another domain" is about, kept in the address: of (the model), home, to (each other domain), at (the one that
// is looked at), size, classes (the mapping), restrict, and what chose the pictures: seen (a class) or cell (truth,predicted).
// Domains are written DATASET:IMAGES.

import { address, getJson, post } from "../../api.js";

// -> what the address says; where it says nothing, the last choice among the same datasets; else nothing is chosen.
export function readAsked(project, { models, datasets }) {
  const query = new URLSearchParams(location.search);
  if (!["of", "home", "to"].some((key) => query.has(key))) {
    const kept = JSON.parse(sessionStorage.getItem(storeName(project)) ?? "null");
    const isStill = kept?.among === among(datasets) && models.some(({ reference }) => reference === kept.asked.model);
    if (isStill) return { ...kept.asked, seen: "", cell: "", side: "there" };
  }
  const value = (key) => query.get(key) ?? "";
  const to = [...new Set(query.getAll("to"))];
  return {
    model: value("of"), home: value("home"), to, at: to.includes(value("at")) ? value("at") : to[0] ?? "",
    size: value("size") || "original", mapping: value("classes"), restrict: value("restrict") === "true",
    seen: value("seen"), cell: value("cell"), side: value("side") === "home" ? "home" : "there",
  };
}

// With a dataset that is new, or gone, one begins anew.
function among(datasets) {
  return JSON.stringify(datasets.map(({ name }) => name));
}

function storeName(project) {
  return `wb-shift:${project}`;
}

export function writeAsked(project, { datasets }, asked) {
  const { model, home, to, at, size, mapping, restrict, seen, cell, side } = asked;
  sessionStorage.setItem(storeName(project), JSON.stringify({ among: among(datasets), asked }));
  const url = new URL(location.href);
  const single = { of: model, home, at: to.length > 1 ? at : "", size: size === "original" ? "" : size, classes: mapping, restrict: restrict || "", seen, cell, side: side === "home" ? side : "" };
  for (const [key, value] of Object.entries(single)) {
    if (value) url.searchParams.set(key, value);
    else url.searchParams.delete(key);
  }
  url.searchParams.set("tab", "domains"); // a tab that was chosen while the page opened is not in it yet
  url.searchParams.delete("to");
  for (const each of to) url.searchParams.append("to", each);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}

// "day:val" -> ["day", "val"]
export function parts(domain) {
  const place = domain.lastIndexOf(":");
  return [domain.slice(0, place), domain.slice(place + 1)];
}

// What the server counts of a domain, {images, labelled}; null where it is not here any more.
export function countOf({ datasets }, domain) {
  const [dataset, on] = parts(domain);
  return datasets.find(({ name }) => name === dataset)?.parts[on] ?? null;
}

// Can anything be measured there? Of a list that nobody has labelled yet nothing can.
export function isLabelled(choices, domain) {
  return !domain.endsWith(":unlabelled") && countOf(choices, domain)?.labelled !== 0;
}

// The tab's own routes.
export class Routes {
  constructor(project) {
    this.root = `/api/projects/${project}/domains`;
  }

  // The address of what is asked with these words in its query; `to` may be several.
  url(path, { to = [], ...values }) {
    const [plain, query = ""] = address(`${this.root}/${path}`, values).split("?");
    const words = new URLSearchParams(query);
    for (const each of to) words.append("to", each);
    return `${plain}?${words}`;
  }

  get(path, values = {}, signal = undefined) {
    return getJson(this.url(path, values), { signal });
  }

  post(path, body) {
    return post(`${this.root}/${path}`, body);
  }
}
