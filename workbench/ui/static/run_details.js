// The recipe a run used, its settings in the groups of the form; what differs from the recipe is marked.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { written } from "./train_field.js";
import { term } from "./words.js";

const WORDS = {
  steps: "step", epochs: "epoch", batch: "batch", crop: "crop", seed: "seed", "optimizer.lr": "rate", precision: "computes",
  "options.encoder": "encoder", "options.backbone": "encoder", "options.output_stride": "stride",
};

export function mountDetails(element, run) {
  const mounted = { settled: null, read };
  async function read() {
    const { details } = await getJson(`/api/runs/${run}/details`);
    mounted.settled = details.settled;
    const about = `Recipe ${details.recipe}, trained on ${details.on}${details.datasets.length ? ` of ${details.datasets.join(", ")}` : ""}, device ${details.device}.`;
    element.replaceChildren(h("p", {}, about, " Settings that differ from the recipe are marked."),
      h("div", { class: "wb-used" }, ...details.groups.map(group), details.settled && settledGroup(details.settled)));
  }
  return mounted;
}

function group({ title, settings }) {
  return table(title, settings.map(({ key, value, changed }) => [key, written(value), changed]));
}

function settledGroup(settled) {
  return table("Settled before the first step", Object.entries(settled).map(([key, value]) => [key, written(typeof value === "number" ? Number(value.toPrecision(6)) : value), false]));
}

function table(title, rows) {
  return h("table", {}, h("caption", {}, title),
    h("tbody", {}, ...rows.map(([key, value, changed]) => h("tr", { class: changed ? "wb-changed" : null }, h("th", { scope: "row" }, h("code", {}, WORDS[key] ? term(WORDS[key], key) : key)), h("td", {}, value, changed && h("span", { class: "wb-mark" }, " changed"))))));
}
