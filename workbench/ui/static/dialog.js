// Asking before something happens: a native dialog, so that the rest of the page waits and Escape cancels.

import { h } from "./dom.js";

// Returns the text entered (true where nothing is to be entered), null where it was cancelled.
// title, text: what it is about; verb: on the button that does it ("Delete", never "OK");
// label, value: of the field, if there is one; danger: nothing is lost by pressing Enter, as Cancel is the default.
export function ask({ title, text = null, verb, label = null, value = "", danger = false }) {
  return new Promise((resolve) => {
    const field = label && h("input", { type: "text", value, required: true, maxlength: "200", autocomplete: "off" });
    const cancel = h("button", { class: "wb-button", type: "button", onclick: () => close(null) }, "Cancel");
    const act = h("button", { class: `wb-button ${danger ? "wb-danger" : "wb-primary"}`, type: "submit" }, verb);
    const form = h("form", { method: "dialog" }, h("h2", {}, title), text && h("p", {}, text),
      label && h("label", {}, label, field), h("div", { class: "wb-dialog-buttons" }, cancel, act));
    const dialog = h("dialog", { class: "wb-dialog", "aria-label": title }, form);
    const close = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      close(field ? field.value : true);
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close(null);
    });
    document.body.append(dialog);
    dialog.showModal();
    (danger ? cancel : field ?? act).focus();
    field?.select();
  });
}
