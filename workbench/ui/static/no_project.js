// What a page says that is about no project: none was chosen, or the address names one that is gone.

import { base } from "./api.js";
import { h } from "./dom.js";

export function noProject() {
  return h("div", { class: "wb-message" }, h("p", {}, "No project is chosen. Choose one in the bar above, or make one."),
    h("a", { class: "wb-button wb-primary", href: `${base}/` }, "All projects"));
}
