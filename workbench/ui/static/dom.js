// Making elements. Every text goes through textContent or an attribute, never through HTML.

// h("button", {class: "wb-button", onclick: run, disabled: false}, "Run", child): attributes by name, listeners as
// on<event>, `dataset`/`style` as objects; null, undefined and false leave an attribute out, but for aria-*, where false
// is a value. Children are nodes or text.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") setStyle(element, value);
    else element.setAttribute(name, value === true && !name.startsWith("aria-") ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function setStyle(element, values) {
  for (const [name, value] of Object.entries(values)) element.style.setProperty(name, value);
}

// The stylesheet of the widgets, once a page.
export function loadStyle() {
  const href = new URL("wb.css", import.meta.url).href;
  if ([...document.styleSheets].some((sheet) => sheet.href === href)) return;
  if (document.querySelector("link[data-wb-style]")) return;
  document.head.append(h("link", { rel: "stylesheet", href, "data-wb-style": true }));
}

// Is the user typing? Then single-key shortcuts are letters.
export function isTyping(event) {
  const target = event.composedPath()[0];
  return target instanceof Element && target.matches("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable]");
}

export function percent(value, digits = 1) {
  return value === null || value === undefined ? "n/a" : (100 * value).toFixed(digits);
}

// 1234567 -> "1.23M", for narrow places; `exact` has every digit.
export function short(count) {
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (count >= size) return `${(count / size).toPrecision(3)}${unit}`;
  }
  return String(count);
}

export function exact(count) {
  return count.toLocaleString("en-US");
}

// When something was, given as Date takes it.
export function moment(time) {
  return new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

// 1234567 -> "1.2 MB"
export function size(bytes) {
  for (const [unit, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (bytes >= unit) return `${(bytes / unit).toFixed(bytes >= 100 * unit ? 0 : 1)} ${name}`;
  }
  return `${bytes} bytes`;
}

// Names may be in any script: isolate them, so that one does not turn the text around it. In a string, which holds no
// elements, two characters do that.
export function isolated(text) {
  return `\u2068${text}\u2069`;
}

export function name(text, className = "") {
  return h("bdi", { class: className || null }, text);
}
