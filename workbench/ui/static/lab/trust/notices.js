// What is plainly odd about an evaluation, a line each, and the way to the labels that its model doubts. Classes that are
// absent altogether are named above it.
//
// mountTrust(element, {project, evaluation, mapping, signal})

import { address, getJson, isAbort } from "../../api.js";
import { h } from "../../dom.js";
import { dataPage } from "../../place.js";

const WORDS = { warning: "Warning", note: "Note" };

export function mountTrust(element, { project, evaluation, mapping, signal }) {
  const way = h("a", { class: "wb-button", href: dataPage(project, "care", { evaluation }) }, "Labels the model doubts");
  const list = h("ul", { class: "wb-findings wb-odd" });
  element.replaceChildren(list, h("div", { class: "wb-tools" }, way));
  getJson(address(`/api/evaluations/${evaluation}/sanity`, { mapping }), { signal })
    .then(({ notices }) => list.replaceChildren(...notices.filter(({ kind }) => kind !== "absent").map(({ kind, severity, text }) =>
      h("li", { class: `wb-finding wb-finding-${severity}`, dataset: { kind } }, h("p", {}, h("strong", {}, `${WORDS[severity]}: `), text)))))
    .catch((error) => { if (!isAbort(error)) list.replaceChildren(h("li", { class: "wb-finding" }, h("p", { class: "wb-bad" }, error.message))); });
}
