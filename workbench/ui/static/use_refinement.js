// What is done for a prediction besides running the network once, behind a fold: scales, mirror image, windows, a CRF.
//
// mountRefinement(id) -> {element, value()}; value() has the names that `Refinement.read` takes

import { h } from "./dom.js";
import { term } from "./words.js";

const WAYS = [["mean", "the mean of probabilities"], ["max", "the maximum of logits"]];

export function mountRefinement(id) {
  const scales = h("input", { type: "text", id: `${id}-scales`, value: "1", size: 10, autocomplete: "off", spellcheck: "false", title: "As 0.5, 1, 1.5: the photo is looked at in each of these sizes." });
  const flip = h("input", { type: "checkbox", id: `${id}-flip` });
  const combine = h("select", { id: `${id}-combine` }, ...WAYS.map(([value, text]) => h("option", { value }, text)));
  const window = h("input", { type: "number", id: `${id}-window`, value: "0", min: "0", title: "Side in pixels; 0 takes photos whole where memory allows." });
  const crf = h("input", { type: "number", id: `${id}-crf`, value: "0", min: "0", max: "100", title: "10 is usual, 0 is none." });
  const field = (input, ...words) => h("label", { class: "wb-select" }, ...words, input);
  const element = h("details", { class: "wb-refinement" }, h("summary", {}, "Several looks, windows, CRF"),
    h("div", { class: "wb-bar" }, field(scales, "Scales"), h("label", { class: "wb-select" }, flip, " mirror image, too"), field(combine, "Looks are combined by"),
      field(window, "Sliding windows of"), field(crf, "Iterations of a ", term("crf", "CRF"))),
    h("p", { class: "wb-hint" }, "Windows and iterations of 0 are none. Each scale, and its mirror image, is a look that takes as long as the first."));
  return {
    element,
    value: () => ({ scales: scales.value, flip: flip.checked, combine: combine.value, window: Number(window.value), crf: Number(crf.value) }),
  };
}
