// A button that puts a text into the clipboard.

import { h } from "./dom.js";

const TOLD = 1500; // ms for which it says what became of it

// label: on the button; text(): what is copied.
export function copyButton(label, text) {
  const button = h("button", { type: "button", class: "wb-button", onclick: async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Select it and press Ctrl+C";
    setTimeout(() => { button.textContent = label; }, TOLD);
  } }, label);
  return button;
}

// -> whether it worked. Browsers give their clipboard to pages of this computer and of https only; a field that is
// selected is copied from everywhere.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const focused = document.activeElement;
    const field = h("textarea", { readonly: true, style: { position: "fixed", opacity: "0" } }, text);
    (focused?.closest("dialog") ?? document.body).append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    focused?.focus();
    return copied;
  }
}
