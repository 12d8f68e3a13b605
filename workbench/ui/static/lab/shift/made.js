// What figures of several evaluations hold for: the revision of the data, and the size that the network saw.

import { h } from "../../dom.js";

export function madeText({ size, revision }) {
  return h("span", { title: `revision ${revision}` }, `size ${size} · revision ${revision.slice(0, 12)}`);
}

// Whether it is one and the same for all of them, and so can be said once.
export function areAlike([first, ...others]) {
  return others.every(({ size, revision }) => size === first.size && revision === first.revision);
}
