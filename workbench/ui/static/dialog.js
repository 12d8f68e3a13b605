// Asking before something happens: a native dialog, so that the rest of the page waits and Escape cancels.

import { h } from "./dom.js";
import { awaitOutcome } from "./notices.js";

let numbers = 0;

// Returns what `read` gives when the verb is pressed, null where it was cancelled. `body` are nodes.
// title: what it is about; verb: on the button that does it ("Delete", never "OK"); focus: the field to begin with;
// danger: nothing is lost by pressing Enter, as Cancel is the default; send(answer): emits the event that does it. The
// dialog then stays until that is done, and after a mistake too, with what was entered and what is wrong with it.
export function openDialog({ title, verb, danger = false, focus = null, read = () => true, send = null }, ...body) {
  return new Promise((resolve) => {
    const cancel = h("button", { class: "wb-button", type: "button", onclick: () => close(null) }, "Cancel");
    const act = h("button", { class: `wb-button ${danger ? "wb-danger" : "wb-primary"}`, type: "submit" }, verb);
    const fault = h("p", { class: "wb-fault-line", role: "alert" });
    const form = h("form", { method: "dialog" }, h("h2", {}, title), ...body, fault, h("div", { class: "wb-dialog-buttons" }, cancel, act));
    const dialog = h("dialog", { class: "wb-dialog", "aria-label": title }, form);
    let outcome = null;
    const close = (answer) => {
      outcome?.leave();
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = read();
      if (!send) return close(answer);
      fault.textContent = "";
      act.disabled = true;
      outcome = awaitOutcome(() => send(answer));
      fault.textContent = await outcome.told ?? "";
      outcome = null;
      if (!fault.textContent) return close(answer);
      act.disabled = false;
      (focus ?? act).focus();
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close(null);
    });
    document.body.append(dialog);
    dialog.showModal();
    (danger ? cancel : focus ?? act).focus();
    focus?.select?.();
  });
}

// Returns the text entered (true where nothing is to be entered), null where it was cancelled.
// text: said below the title; label, value: of the field, if there is one; the rest as above.
export function ask({ title, text = null, verb, label = null, value = "", danger = false, send = null }) {
  const field = label && h("input", { type: "text", value, required: true, maxlength: "200", autocomplete: "off" });
  const read = () => (field ? field.value : true);
  return openDialog({ title, verb, danger, focus: field, read, send }, text && h("p", {}, text), label && h("label", {}, label, field));
}

// Returns {name: value} of several fields, null where it was cancelled.
// fields: [{name, label, type, value, hint, ...}], the type one of
//   "select"  options: [[value, label]]
//   "checks"  options likewise; its value is the list of those that are ticked
//   "text"    suggestions: [text]; required
//   "number"  min, max, step; an empty one is null
export function askForm({ title, text = null, verb, fields, danger = false, send = null }) {
  const made = fields.map(makeField);
  const read = () => Object.fromEntries(made.map(({ name, read }) => [name, read()]));
  const focus = made[0]?.focus ?? null;
  return openDialog({ title, verb, danger, focus, read, send }, text && h("p", {}, text), ...made.map(({ element }) => element));
}

function makeField({ name, label, type, value, hint = null, options = [], suggestions = null, ...limits }) {
  const small = hint && h("small", {}, hint);
  if (type === "checks") {
    const boxes = options.map(([key]) => h("input", { type: "checkbox", value: key, checked: value.includes(key) }));
    const rows = options.map(([, shown], place) => h("label", { class: "wb-check" }, boxes[place], h("bdi", {}, shown)));
    const element = h("fieldset", {}, h("legend", {}, label), ...rows, small);
    return { name, element, focus: boxes[0], read: () => boxes.filter(({ checked }) => checked).map((box) => box.value) };
  }
  if (type === "select") {
    const select = h("select", {}, ...options.map(([key, shown]) => h("option", { value: key, selected: key === value }, shown)));
    return { name, element: h("label", {}, label, select, small), focus: select, read: () => select.value };
  }
  const list = suggestions && h("datalist", { id: `wb-list-${(numbers += 1)}` }, ...suggestions.map((each) => h("option", { value: each })));
  const field = h("input", { type, value, list: list?.id, autocomplete: "off", ...limits });
  const read = type === "number" ? () => (field.value === "" ? null : field.valueAsNumber) : () => field.value;
  return { name, element: h("label", {}, label, field, list, small), focus: field, read };
}
