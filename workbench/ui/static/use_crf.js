// What a CRF makes of a prediction, after no, one, two and more iterations side by side; one of them is seen large.
//
// mountCrfSteps(record, chosen, onChoose) -> element
//   record: of a tried photo; chosen: number of iterations seen large; onChoose(iterations)

import { address } from "./api.js";
import { loadMap, paintMap, palette } from "./colorize.js";
import { h } from "./dom.js";

const SIZE = 512;

export function mountCrfSteps({ id, classes, steps }, chosen, onChoose) {
  const table = palette(classes.map(({ color }) => color));
  const photo = address(`/api/tried/${id}/photo`, { size: SIZE });
  const figure = (iterations) => {
    const canvas = h("canvas");
    const words = iterations ? `${iterations} ${iterations === 1 ? "iteration" : "iterations"}` : "without a CRF";
    const caption = h("span", { class: "wb-caption" }, words);
    loadMap(address(`/api/tried/${id}/map`, { size: SIZE, crf: iterations })).then((map) => paintMap(canvas, map, table), (error) => { caption.textContent = error.message; });
    return h("button", { type: "button", class: "wb-crf-step", "aria-pressed": iterations === chosen, onclick: () => onChoose(iterations) },
      h("span", { class: "wb-crf-picture" }, h("img", { src: photo, alt: "" }), canvas), caption);
  };
  return h("div", { class: "wb-crf-steps", role: "group", "aria-label": "Iterations of the CRF" }, ...[0, ...steps].map(figure));
}
