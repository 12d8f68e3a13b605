// What lies in the trash, folded away, with the way out of it.

import { exact, h } from "./dom.js";

// items: [{what, label, gone, restore}]: what it is, as nodes; the same in a word or two, for the button; until when it is
// kept; restore() takes it out. open: unfolded.
export function drawTrash(items, open = false) {
  return h("details", { class: "wb-fold", id: "wb-trash", open }, h("summary", {}, `Trash (${exact(items.length)})`), h("ul", {}, ...items.map(drawItem)));
}

function drawItem({ what, label, gone, restore }) {
  return h("li", {}, h("span", {}, ...what), h("span", { class: "wb-hint" }, `kept until ${new Date(gone).toLocaleDateString()}`),
    h("button", { type: "button", class: "wb-button", "aria-label": `Restore ${label}`, onclick: restore }, "Restore"));
}
