// A mapping in a page: value as in ../mapping_table.js; null shows nothing. Sends "save" {name, rows}.

import { loadStyle } from "../dom.js";
import { mountMapping } from "../mapping_table.js";

export function mount(element, value, emit) {
  loadStyle();
  const update = (next) => {
    if (next) mountMapping(element, { ...next, onSave: (name, rows) => emit("save", { name, rows }) });
    else element.replaceChildren();
  };
  update(value);
  return { update };
}
