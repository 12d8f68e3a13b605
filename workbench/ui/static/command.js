// A command line to read and to copy, folded away.

import { copyButton } from "./copy.js";
import { h } from "./dom.js";

// -> {element, say(command, fault)}
export function mountCommand() {
  const code = h("code", {});
  const fault = h("p", { class: "wb-fault-line" });
  const copy = copyButton("Copy", () => code.textContent);
  const element = h("details", { class: "wb-command" }, h("summary", {}, "The same as a command"), h("div", {}, code, copy), fault);
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
