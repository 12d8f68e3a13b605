// Where the visitor is: the query of the page's address, kept current, so that a reload and a copied link show the same.

import { address } from "./api.js";

export function query() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

// Change some values of the query; "", null and undefined take one out. `push`: a step that the back button undoes.
export function setQuery(changes, { push = false } = {}) {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) {
    if (value === "" || value === null || value === undefined) url.searchParams.delete(key);
    else url.searchParams.set(key, value);
  }
  if (url.href !== location.href) history[push ? "pushState" : "replaceState"](history.state, "", url);
}

// The address of a part of the data page.
export function dataPage(project, tab, values = {}) {
  return address("/data", { project, tab, ...values });
}
