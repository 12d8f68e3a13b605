// A part of the page that is loaded only once it is opened, and stays open in the address (`open`, names with commas).
//
// fold(id, title, hint, load(element)) -> element

import { h } from "../../dom.js";
import { query, setQuery } from "../../place.js";

export function fold(id, title, hint, load) {
  const body = h("div", {});
  const opened = () => (query().open ?? "").split(",").filter(Boolean);
  let isLoaded = false;
  const element = h("details", { class: "wb-section wb-open", id: `wb-evaluate-${id}`, open: opened().includes(id), ontoggle: () => {
    const others = opened().filter((each) => each !== id);
    setQuery({ open: (element.open ? [...others, id] : others).join(",") });
    if (!element.open || isLoaded) return;
    isLoaded = true;
    load(body);
  } }, h("summary", {}, h("h2", {}, title), h("span", { class: "wb-hint" }, hint)), body);
  return element;
}
