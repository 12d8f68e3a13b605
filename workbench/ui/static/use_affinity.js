// Which pixels of a tried photo look alike, and which are predicted alike, behind a fold: drawn once it is opened.

import { address } from "./api.js";
import { h } from "./dom.js";

// crf: after how many iterations of a CRF the prediction is meant
export function mountAffinity(tried, crf) {
  const place = h("div", { class: "wb-affinity" });
  const draw = () => {
    if (place.firstChild) return;
    const failed = h("p", { class: "wb-message wb-bad", role: "alert", hidden: true }, "The picture could not be drawn. Try the photo again: what is tried is kept for a day.");
    const picture = h("img", { src: address(`/api/tried/${tried}/affinity`, { crf }), alt: "Two matrices side by side: affinity of the photo, affinity of the prediction", onerror: () => { failed.hidden = false; picture.hidden = true; } });
    place.append(h("div", { class: "wb-affinity-heads" }, h("span", {}, "look alike"), h("span", {}, "predicted alike")), picture, failed);
  };
  return h("details", { class: "wb-affinity-fold", ontoggle: (event) => event.target.open && draw() },
    h("summary", {}, "Which pixels look alike, and which are predicted alike"),
    h("p", { class: "wb-hint" }, "The photo is made small, 24 pixels on its longer side. Each row of a square is one of its pixels, compared with all of them, a column each, line by line from the top left to the bottom right. White is alike, black is not. Where the left square is bright and the right one dark, pixels of one look are predicted as different classes. The affinity loss brings the two squares together."),
    place);
}
