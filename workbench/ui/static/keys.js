// The sheet of keys that `?` opens.

import { h } from "./dom.js";

export const OF_GRID = ["In the gallery", [
  ["← → ↑ ↓", "move from image to image"], ["Home End Page up Page down", "move far"], ["Enter", "open it large"],
  ["H, held", "the bare photo"], ["?", "these keys"],
]];

export const OF_IMAGE = ["One image", [
  ["← → or A D", "the one before, the next"], ["Home End", "the first, the last"], ["Wheel, drag, + −", "zoom, move; the next image is seen at the same place"],
  ["F or double click", "fit"], ["H, or the pointer held still", "the bare photo"],
]];

export const SWIPING = ["Swipe", [["S", "a divider between two pictures"], ["← → on the divider", "move it; Home and End to the edges"]]];
export const FOUR = ["Side by side", [["4", "four pictures, or one"], ["1", "one picture"]]];
export const HISTORY = ["Labels", [["V", "earlier versions"]]];

// groups: [[title, [[keys, what they do]]]]
export function openKeys(groups) {
  const close = h("button", { type: "button", class: "wb-button", onclick: () => dialog.close() }, "Close");
  const dialog = h("dialog", { class: "wb-dialog wb-keys", "aria-label": "Keys", onclose: () => dialog.remove(), onclick: (event) => { if (event.target === dialog) dialog.close(); } },
    h("h2", {}, "Keys"),
    ...groups.map(([title, rows]) => h("section", {}, h("h3", {}, title),
      h("dl", {}, ...rows.flatMap(([keys, text]) => [h("dt", {}, keys), h("dd", {}, text)])))),
    h("div", { class: "wb-dialog-buttons" }, close));
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
