// A difference in points with its 95 % interval, as a cell of a table.

import { h } from "../../dom.js";
import { points } from "../../evaluation_parts.js";
import { intervalText } from "../compare/words.js";

export function difference(pair) {
  return h("td", { class: "wb-number" }, points(pair.difference), pair.low === null ? "" : h("span", { class: "wb-shift-within" }, ` ${intervalText(pair)}`));
}
