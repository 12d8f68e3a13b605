// What a page says that is about no project, where none was chosen or the address names one that is gone, or about what
// belongs to another one.

import { h } from "./dom.js";

export function noProject() {
  return h("div", { class: "wb-message" }, h("p", {}, "No project is chosen. Choose one in the bar above, or make one."),
    h("a", { class: "wb-button wb-primary", href: "/" }, "All projects"));
}

// `what`: "Run 3 belongs"; `url`: of the same page in the project it belongs to.
export function otherProject(what, url) {
  return h("div", { class: "wb-message" }, h("p", {}, `${what} to another project than the one in the bar above.`),
    h("a", { class: "wb-button wb-primary", href: url }, "Go there"));
}
