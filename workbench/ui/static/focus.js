// Keeping the focus where it is while what has it is drawn anew.

// Draw what is within an element anew.
export function keepFocus(element, draw) {
  const back = holdFocus(element);
  draw();
  back();
}

// Take note of what has the focus within an element; what it returns gives the focus back, once all is drawn anew, unless
// it went elsewhere meanwhile.
export function holdFocus(element) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  return () => {
    if (!focused || focused.isConnected || document.activeElement !== document.body) return;
    const found = likeIt(element, focused);
    // The last step of a way back or on: nearest is the other way.
    (found?.disabled ? found.parentElement.querySelector("button:enabled") : found)?.focus();
  };
}

// What stands where something stood: it has the same id, else the same name.
function likeIt(element, { tagName, id, ariaLabel, textContent }) {
  const isLike = (each) => (id ? each.id === id : ariaLabel ? each.ariaLabel === ariaLabel : textContent && each.textContent === textContent);
  return [...element.querySelectorAll(tagName)].find(isLike);
}
