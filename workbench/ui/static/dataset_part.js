// What people are told some photos are: a dataset, where it is all of it, else "day:val" for a role or a subset.

import { h, isolated, name } from "./dom.js";

export function partTitle({ dataset, on }) {
  return on === "all" ? isolated(dataset) : `${isolated(dataset)}:${isolated(on)}`;
}

export function partName({ dataset, on }) {
  return h("span", {}, name(dataset), ...(on === "all" ? [] : [":", name(on)]));
}
