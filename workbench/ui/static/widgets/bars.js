// Bars of classes in a page: value {rows, titles, unit, chosen} as in ../bars.js; null shows nothing.
// Sends "chosen" {name} when one is clicked.

import { mountBars } from "../bars.js";

export function mount(element, value, emit) {
  let bars = null;
  const update = (next) => {
    if (!next) {
      bars?.destroy();
      bars = null;
    } else if (bars) {
      bars.update(next);
    } else {
      bars = mountBars(element, { ...next, onChoose: (name) => emit("chosen", { name }) });
    }
  };
  update(value);
  return { update };
}
