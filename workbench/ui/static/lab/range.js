// A range with two ends, each a slider: the one is never beyond the other.

import { h } from "../dom.js";

const PAUSE = 250; // ms after which a key is the last of several

// Shares, 0..1, in whole percents. onChange(low, high): an end was let go; null where it lies at the very end.
export function mountRange({ label, low, high, onChange }) {
  let settling = 0;
  const end = (value, text) => h("input", { type: "range", min: 0, max: 100, step: 1, value: Math.round(100 * value), "aria-label": `${text} ${label}` });
  const ends = [end(low ?? 0, "Lowest"), end(high ?? 1, "Highest")];
  const told = h("output", { class: "wb-range-told" });
  const rail = h("span", { class: "wb-range" }, h("span", { class: "wb-range-part", "aria-hidden": "true" }), ...ends);
  const draw = () => {
    const [from, to] = ends.map(({ value }) => Number(value));
    rail.style.setProperty("--from", from / 100);
    rail.style.setProperty("--to", to / 100);
    for (const each of ends) each.setAttribute("aria-valuetext", `${each.value} %`);
    told.textContent = `${from}–${to} %`;
    ends[0].style.zIndex = from > 50 ? 1 : 0; // where both lie at the right edge, the left one can be grasped
  };
  ends.forEach((each, index) => {
    each.addEventListener("input", () => {
      const other = Number(ends[1 - index].value);
      if (index ? Number(each.value) < other : Number(each.value) > other) each.value = other;
      draw();
    });
    each.addEventListener("change", () => {
      const [from, to] = ends.map(({ value }) => Number(value));
      clearTimeout(settling);
      settling = setTimeout(() => onChange(from > 0 ? from / 100 : null, to < 100 ? to / 100 : null), PAUSE);
    });
  });
  draw();
  return h("span", { class: "wb-select wb-score", role: "group", "aria-label": label }, h("bdi", {}, label), rail, told);
}
