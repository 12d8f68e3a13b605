// A command line to read and to copy, folded away.

import { h } from "./dom.js";

// -> {element, say(command, fault)}
export function mountCommand(title) {
  const code = h("code", {});
  const fault = h("p", { class: "wb-fault-line" });
  const copy = h("button", { type: "button", class: "wb-button", onclick: async () => {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  } }, "Copy");
  const element = h("details", { class: "wb-command" }, h("summary", {}, title), h("div", {}, code, copy), fault);
  return {
    element,
    say(command, problem = "") {
      code.textContent = command;
      fault.textContent = problem;
      copy.hidden = !command;
      element.hidden = !command && !problem;
    },
  };
}
