// A small menu beside a plot of the page, which saves it as a file: SVG, or PNG with twice as many dots.
//
// savePlot(plot, name, {title, legend}) -> element
//   plot: an <svg> with a viewBox, or a function that returns one (in the page or not) when it is asked for
//   name: of the file without its ending, or a function
//   title: what stands above the plot, legend: [{label, color, dash, fill}] below it, or functions; in the page they are text
// The file looks the same wherever it is opened: colours are those of the day, each style stands on its element. What is
// there for the pointer alone, such as a cursor, has `data-screen` and stays away.

import { h, svg } from "../dom.js";

const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-linecap", "stroke-opacity",
  "paint-order", "font-family", "font-size", "font-weight", "font-variant-numeric", "text-anchor",
  "opacity", "dominant-baseline",
];
const ALONE = { opacity: "1", "dominant-baseline": "auto" }; // what an element has, whatever is around it
const INITIAL = STYLES.map(() => null);
const DENSER = 2; // dots of a PNG for each pixel of the plot
const MARGIN = 12;
const LINE = 18; // px from one line of the legend to the next
const FONT = "13px system-ui, sans-serif";
const INK = "#1f2937";

export function savePlot(plot, name, { title = "", legend = [] } = {}) {
  const value = (each) => (typeof each === "function" ? each() : each);
  const way = (make) => async (kind) => download(URL.createObjectURL(await make(onPaper(value(plot), value(title), value(legend)))), `${value(name)}.${kind}`);
  return menu("this plot", { svg: way(asSvg), png: way(asPng) });
}

// The same for what the server draws: path(kind) is its address.
export function saveFile(label, path, name) {
  const way = (kind) => download(path(kind), `${name}.${kind}`);
  return menu(label, { svg: way, png: way });
}

function menu(label, ways) {
  const close = () => { element.open = false; };
  const outside = (event) => { if (!element.contains(event.target)) close(); };
  const summary = h("summary", { class: "wb-button", "aria-label": `Save ${label}`, title: `Save ${label}` }, "Save");
  const element = h("details", {
    class: "wb-save",
    ontoggle: () => document[element.open ? "addEventListener" : "removeEventListener"]("pointerdown", outside),
    onkeydown: (event) => {
      if (event.key !== "Escape" || !element.open) return;
      event.stopPropagation();
      close();
      summary.focus();
    },
  }, summary, h("div", {}, ...Object.entries(ways).map(([kind, act]) => h("button", { type: "button", class: "wb-save-way", onclick: () => {
    close();
    summary.focus();
    act(kind);
  } }, `Save as ${kind.toUpperCase()}`))));
  return element;
}

// A copy of a plot that needs nothing of this page, with its title above and its legend below.
function onPaper(plot, title, legend) {
  const { width, height, x, y } = plot.viewBox.baseVal;
  const copy = plot.cloneNode(true);
  styled(plot, copy);
  for (const element of copy.querySelectorAll("[data-screen]")) element.remove();
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const attribute of [...element.attributes]) if (/^(class|tabindex|role|aria-|data-)/.test(attribute.name)) element.removeAttribute(attribute.name);
  }
  const keys = laidOut(legend, width);
  const above = title ? 1.5 * LINE : 0;
  const below = keys.length ? LINE * (keys.at(-1).line + 1) + MARGIN : 0;
  const sizes = { width: width + 2 * MARGIN, height: height + above + below + 2 * MARGIN };
  for (const [attribute, to] of Object.entries({ x: MARGIN, y: MARGIN + above, width, height, viewBox: `${x} ${y} ${width} ${height}` })) copy.setAttribute(attribute, to);
  const text = (left, top, content, more = {}) => svg("text", { x: left, y: top, fill: INK, style: `font: ${FONT}`, ...more }, content);
  return svg("svg", { viewBox: `0 0 ${sizes.width} ${sizes.height}`, ...sizes },
    svg("rect", { ...sizes, fill: "#fff" }),
    ...(title ? [text(MARGIN, MARGIN + LINE, title, { style: `font: 600 ${FONT}` })] : []),
    copy,
    ...keys.flatMap(({ label, color, dash, fill, left, line }) => {
      const top = MARGIN + above + height + MARGIN + line * LINE;
      const sample = fill
        ? svg("rect", { x: left + 8, y: top - 2, width: 12, height: 12, fill: color, rx: 2 })
        : svg("line", { x1: left, x2: left + 22, y1: top + 4, y2: top + 4, stroke: color, "stroke-width": 2, "stroke-dasharray": dash || null });
      return [sample, text(left + 28, top + 8, label)];
    }));
}

// Write the styles that a plot has by day onto its copy, element by element.
function styled(plot, copy) {
  const inPage = plot.isConnected;
  copy.classList.add("wb-paper");
  if (inPage) plot.after(copy);
  else document.body.append(copy);
  const found = new Map([copy, ...copy.querySelectorAll("*")].map((element) => {
    const computed = getComputedStyle(element);
    return [element, STYLES.map((style) => plain(computed.getPropertyValue(style)))];
  }));
  copy.remove();
  for (const [element, values] of found) {
    const above = found.get(element.parentNode) ?? INITIAL;
    const own = STYLES.flatMap((style, i) => (values[i] === (style in ALONE ? ALONE[style] : above[i]) ? [] : [`${style}: ${values[i]}`]));
    element.setAttribute("style", own.join("; "));
  }
}

// Mixed colours as every program reads them: color(srgb 0.5 0 1) -> rgb(128, 0, 255)
function plain(value) {
  const mixed = value.match(/^color\(srgb ([\d.]+) ([\d.]+) ([\d.]+)\)$/);
  return mixed ? `rgb(${mixed.slice(1).map((part) => Math.round(255 * part)).join(", ")})` : value;
}

// Colours of a legend may be of the page's stylesheet, and its entries stand in as many lines as they need.
function laidOut(legend, width) {
  const paper = h("span", { class: "wb-paper" });
  document.body.append(paper);
  const measure = document.createElement("canvas").getContext("2d");
  measure.font = FONT;
  let [left, line] = [MARGIN, 0];
  const placed = legend.map((each) => {
    const needs = 28 + measure.measureText(each.label).width + 16;
    if (left > MARGIN && left + needs > width + MARGIN) [left, line] = [MARGIN, line + 1];
    paper.style.color = each.color;
    const found = { ...each, color: plain(getComputedStyle(paper).color), left, line };
    left += needs;
    return found;
  });
  paper.remove();
  return placed;
}

function asSvg(plot) {
  return new Blob([new XMLSerializer().serializeToString(plot)], { type: "image/svg+xml" });
}

async function asPng(plot) {
  const { width, height } = plot.viewBox.baseVal;
  const picture = new Image(width, height);
  picture.src = `data:image/svg+xml,${encodeURIComponent(await asSvg(plot).text())}`;
  await picture.decode();
  const canvas = h("canvas", { width: DENSER * width, height: DENSER * height });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}

function download(href, name) {
  const link = h("a", { href, download: name.replaceAll(/[/\\:*?"<>|\s]+/g, " ").trim() });
  document.body.append(link);
  link.click();
  link.remove();
  if (href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
