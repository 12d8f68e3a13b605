// Zoom and place of a picture, in fractions of it: the next picture is seen at the same place, whatever its size.

import { h } from "./dom.js";

const MOST = 40;
const STEP = 1.5; // of the keys and buttons
const HELD_MS = 350; // a press longer than this is no click
const STILL_PX = 6;

export class View extends EventTarget {
  constructor() {
    super();
    this.reset();
  }

  reset() {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 }); // x, y: the point of the picture in the middle of the pane
    this.dispatchEvent(new Event("change"));
  }

  // Zoom by a factor around a point of the pane. `box` is the picture's size at zoom 1, `at` the point from the middle.
  zoomBy(factor, box, at = { x: 0, y: 0 }) {
    const zoom = Math.min(MOST, Math.max(1, this.zoom * factor));
    this.x += (at.x / box.width) * (1 / this.zoom - 1 / zoom);
    this.y += (at.y / box.height) * (1 / this.zoom - 1 / zoom);
    this.zoom = zoom;
    this.settle();
  }

  panBy(dx, dy, box) {
    this.x -= dx / (box.width * this.zoom);
    this.y -= dy / (box.height * this.zoom);
    this.settle();
  }

  settle() {
    const margin = 0.5 / this.zoom; // the picture may not leave the pane
    this.x = Math.min(1 - margin, Math.max(margin, this.x));
    this.y = Math.min(1 - margin, Math.max(margin, this.y));
    this.dispatchEvent(new Event("change"));
  }

  place(element, box) {
    const [dx, dy] = [(0.5 - this.x) * box.width * this.zoom, (0.5 - this.y) * box.height * this.zoom];
    element.style.width = `${box.width}px`;
    element.style.height = `${box.height}px`;
    element.style.transform = `translate(-50%, -50%) translate(${dx}px, ${dy}px) scale(${this.zoom})`;
  }
}

// Wheel, drag and pinch over `element` move the view; `box()` gives the picture's size at zoom 1. `inPage`: the page
// scrolls past a picture that is not zoomed into, by wheel and finger; the wheel zooms into it while Ctrl is held.
export function steer(element, view, box, { inPage = false } = {}) {
  const isStill = () => inPage && view.zoom === 1;
  const fingers = new Map();
  const middle = (event) => {
    const pane = element.getBoundingClientRect();
    return { x: event.clientX - pane.left - pane.width / 2, y: event.clientY - pane.top - pane.height / 2 };
  };
  if (inPage) {
    const yieldFinger = () => { element.style.touchAction = isStill() ? "pan-y" : "none"; };
    yieldFinger();
    view.addEventListener("change", yieldFinger);
  }
  element.addEventListener("wheel", (event) => {
    if (isStill() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), box(), middle(event));
  }, { passive: false });
  element.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, middle(event));
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = middle(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    fingers.set(event.pointerId, now);
    if (!other) return view.panBy(now.x - before.x, now.y - before.y, box());
    const factor = distance(now, other) / Math.max(1, distance(before, other));
    view.zoomBy(factor, box(), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    element.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  element.addEventListener("dblclick", () => view.reset());
}

// While the pointer is held still on an element, only the photo is seen: what H does, for a finger.
export function holdToPeek(element, look) {
  let begun = null;
  let timer = 0;
  const end = () => {
    clearTimeout(timer);
    if (begun && look.peek) look.set({ peek: false });
    begun = null;
  };
  element.addEventListener("pointerdown", (event) => {
    end();
    if (!event.isPrimary || event.button) return;
    begun = event;
    timer = setTimeout(() => look.set({ peek: true }), HELD_MS);
  });
  element.addEventListener("pointermove", (event) => {
    if (begun && !look.peek && Math.hypot(event.clientX - begun.clientX, event.clientY - begun.clientY) > STILL_PX) end();
  });
  for (const over of ["pointerup", "pointercancel"]) element.addEventListener(over, end);
}

// The same by keys and by buttons: {keys: {key: act}, buttons}.
export function zooming(view, box) {
  const larger = () => view.zoomBy(STEP, box());
  const smaller = () => view.zoomBy(1 / STEP, box());
  const fit = () => view.reset();
  const button = (label, title, act) => h("button", { type: "button", class: "wb-button", title, "aria-label": title, onclick: act }, label);
  return {
    keys: { "+": larger, "=": larger, "-": smaller, f: fit },
    buttons: [button("−", "Smaller (-)", smaller), button("+", "Larger (+)", larger), button("Fit", "Fit (F)", fit)],
  };
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
