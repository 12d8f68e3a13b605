// A confusion matrix in a page: value {labels: {truth, predicted}, counts, chosen}; null shows nothing.
// Sends "cell" {truth, predicted} when one is chosen.

import { mountMatrix } from "../matrix.js";

export function mount(element, value, emit) {
  let matrix = null;
  const update = (next) => {
    if (!next) {
      matrix?.destroy();
      matrix = null;
    } else if (matrix) {
      matrix.update(next);
    } else {
      matrix = mountMatrix(element, { ...next, onCell: (truth, predicted) => emit("cell", { truth, predicted }) });
    }
  };
  update(value);
  return { update };
}
