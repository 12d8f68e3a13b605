// A gallery in a page: value as in ../gallery.js, with {tile, selectable} beside it; null shows nothing.
// Sends "picked" {keys} when the selection changes.

import { mountGallery } from "../gallery.js";

export function mount(element, value, emit) {
  let gallery = null;
  const update = (next) => {
    if (!next) {
      gallery?.destroy();
      gallery = null;
    } else if (gallery) {
      gallery.update(next);
    } else {
      const { tile, selectable } = next;
      gallery = mountGallery(element, { value: next, tile, selectable, onSelect: (keys) => emit("picked", { keys }) });
    }
  };
  update(value);
  return { update };
}
