// How evaluations and their differences are said where several are compared.

import { partTitle } from "../../dataset_part.js";
import { exact, h } from "../../dom.js";
import { points } from "../../evaluation_parts.js";

const VERDICTS = { better: ["▲", "better", "wb-up"], worse: ["▼", "worse", "wb-down"], "cannot tell": ["○", "cannot tell", ""] };

// a, b, c, ...: the baseline is a.
export function letter(place) {
  return String.fromCharCode("a".charCodeAt(0) + place);
}

// In words and with a sign of its own: never by colour alone.
export function verdict({ difference, low, verdict: found }, computed) {
  if (difference === null) return h("span", { class: "wb-hint" }, "n/a");
  if (!found) return h("span", { class: "wb-hint" }, "no interval");
  if (!computed) return h("span", { class: "wb-hint" }, "not computed");
  const [sign, words, look] = VERDICTS[found];
  return h("span", { class: `wb-verdict ${look}`, title: low === null ? "Too few images for an interval" : null }, h("span", { "aria-hidden": "true" }, `${sign} `), words);
}

export function signOf({ difference, verdict: found }, computed) {
  return difference === null || !found || !computed ? "" : VERDICTS[found][0];
}

export function lookOfVerdict({ verdict: found }, computed) {
  return found && computed ? VERDICTS[found][2] : "";
}

export function intervalText({ low, high }) {
  return low === null ? "n/a" : `${points(low)} to ${points(high)}`;
}

// What tells evaluations from each other, a text for each: the model; of the first what else is not the same in all of
// them, of each other what is not as in the first.
export function labels(evaluations) {
  const [first] = evaluations;
  const model = ({ model: found }) => `model ${found}`;
  const parts = [
    partTitle,
    ({ size }) => `size ${size}`,
    ({ refinement }) => refinement || "not refined",
    ({ mapping }) => (mapping === null ? "classes by name" : `mapping ${mapping}`),
  ].filter((part) => new Set(evaluations.map(part)).size > 1);
  return evaluations.map((each) => [model, ...parts.filter((part) => each === first || part(each) !== part(first))].map((part) => part(each)).join(" · "));
}

export function howSure({ images, resamples, seed, few_images }, paired, computed) {
  if (!computed) return "Intervals are not computed yet.";
  const drawn = paired ? `${exact(images)} paired images` : `the images of each evaluation by itself, as these are not the same photos (the fewest: ${exact(images)})`;
  return `95 % intervals: bootstrap over ${drawn}, ${exact(resamples)} resamples, seed ${seed}.${few_images ? " So few images make them rough." : ""}`;
}
