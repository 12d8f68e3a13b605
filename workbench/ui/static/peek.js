// Only the photo while H is held: what lies over it is taken off.

import { isTyping } from "./dom.js";

// seen(): whether pictures of this look can be seen now. Returns what ends it.
export function peekByKey(look, seen) {
  const peek = (event) => {
    if (event.key.toLowerCase() !== "h" || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const down = event.type === "keydown";
    if (look.peek || (down && seen() && !isTyping(event))) look.set({ peek: down });
  };
  document.addEventListener("keydown", peek);
  document.addEventListener("keyup", peek);
  return () => {
    document.removeEventListener("keydown", peek);
    document.removeEventListener("keyup", peek);
  };
}
