// Two pictures of the same place with a divider between them, which is dragged or moved by keys.

import { h } from "./dom.js";

const KEYS = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };

// A pane with one picture to the left of the divider and one to the right. `labels`: what they are.
// Returns {element, handle, place(at)}: the divider's place is a fraction of the pane's width, `onMove(at)` tells a new one.
// choices: [[id, label]] of what either side can show, of which `chosen` are seen, `choose(side, id)` tells another one.
export function swipePane([left, right], labels, at, onMove, { choices = [], chosen = [], choose } = {}) {
  const sides = [left, right].map((picture) => h("div", { class: "wb-swipe-side" }, picture.element));
  const handle = h("div", {
    class: "wb-divider", role: "slider", tabindex: 0,
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal", title: "Drag, or left and right",
  }, h("span", { class: "wb-grip", "aria-hidden": "true" }, "⇔"));
  const choice = (index) => {
    const select = h("select", {
      "aria-label": index ? "Right of the divider" : "Left of the divider",
      onpointerdown: (event) => event.stopPropagation(), // the pane below would be moved
      onchange: () => {
        labels = labels.with(index, choices[select.selectedIndex][1]);
        place(at);
        choose(index, select.value);
      },
    }, ...choices.map(([id, label]) => h("option", { value: id, selected: id === chosen[index] }, label)));
    return select;
  };
  const tags = labels.map((label, index) => h("bdi", { class: "wb-pane-label", dataset: { side: index ? "right" : "left" } }, choices.length > 2 ? choice(index) : label));
  const element = h("div", { class: "wb-pane" }, ...sides, ...tags, handle);
  const place = (next) => {
    at = Math.min(1, Math.max(0, next));
    const share = `${100 * at}%`;
    sides[0].style.clipPath = `inset(0 ${100 - 100 * at}% 0 0)`;
    sides[1].style.clipPath = `inset(0 0 0 ${share})`;
    handle.style.left = share;
    handle.setAttribute("aria-label", `Divider between ${labels[0]} and ${labels[1]}`);
    handle.setAttribute("aria-valuenow", Math.round(100 * at));
    handle.setAttribute("aria-valuetext", `${Math.round(100 * at)} % ${labels[0]}`);
    onMove(at);
  };
  handle.addEventListener("pointerdown", (event) => {
    event.stopPropagation(); // the pane below would be moved
    handle.setPointerCapture(event.pointerId);
    handle.dataset.held = "";
  });
  handle.addEventListener("pointermove", (event) => {
    if (!("held" in handle.dataset)) return;
    event.stopPropagation();
    const pane = element.getBoundingClientRect();
    place((event.clientX - pane.left) / pane.width);
  });
  for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, () => delete handle.dataset.held);
  handle.addEventListener("dblclick", (event) => { event.stopPropagation(); place(0.5); });
  handle.addEventListener("keydown", (event) => {
    if (!(event.key in KEYS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation(); // the arrows are not for the next picture here
    place(at + KEYS[event.key]);
  });
  place(at);
  return { element, handle };
}
