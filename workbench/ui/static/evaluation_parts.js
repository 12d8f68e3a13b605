// Parts that one evaluation and two side by side have in common.

import { partName } from "./dataset_part.js";
import { exact, h, name, percent } from "./dom.js";
import { term } from "./words.js";

export const FIGURES = [
  ["miou", "mIoU"], ["pa", "pixel accuracy"], ["ma", "mean accuracy"], ["fwiou", "frequency-weighted IoU"],
  ["precision", "mean precision"], ["recall", "mean recall"], ["f1", "mean F1"],
];

export const BY_NAME = "by-name"; // no mapping can be called so

// The way out where the mapping that an evaluation was made with fits no more.
export function wayByName(page, evaluation) {
  return page.link({ evaluation, mapping: BY_NAME }, "Read it with classes of the same name");
}

// What stands above the figures and beside the images: the model, what it was tested on, at which size, and how classes were read.
// `told`: what a revision is, too; once a page.
export function provenance({ model, dataset, on, images, size, refinement, revision, mapping }, { told = false } = {}) {
  const read = mapping === null ? "classes by name" : "mapping ";
  return h("p", { class: "wb-provenance" }, name(model), " on ", partName({ dataset, on }),
    ` · ${exact(images)} ${images === 1 ? "image" : "images"} · size ${size} · ${refinement ? `${refinement} · ` : ""}`,
    h("span", { title: revision }, told ? term("revision", "revision") : "revision", ` ${revision.slice(0, 12)}`), " · ", read, mapping !== null && name(mapping));
}

export function section(title, beside, ...content) {
  return h("section", { class: "wb-section" }, h("div", { class: "wb-section-head" }, h("h2", {}, title), beside), ...content);
}

export function points(value) {
  if (value === null || value === undefined) return "n/a";
  const shown = Math.abs(100 * value).toFixed(1);
  return `${value > 0 && shown !== "0.0" ? "+" : value < 0 && shown !== "0.0" ? "−" : ""}${shown}`;
}

export function withUnit(value) {
  return value === null ? "n/a" : `${percent(value)} %`;
}
