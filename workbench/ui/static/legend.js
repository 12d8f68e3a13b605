// What lies over the photos: mode, opacity, and an eye and a solo button for each class.

import { countIndices } from "./colorize.js";
import { exact, h, name, percent } from "./dom.js";

let numbers = 0;

export function mountControls(source, look) {
  const opacity = h("input", {
    type: "range", min: 0, max: 1, step: 0.05, value: look.opacity, "aria-label": "Opacity of the overlay",
    oninput: () => look.set({ opacity: Number(opacity.value) }),
  });
  const group = `wb-mode-${(numbers += 1)}`;
  const modes = source.modes.map(({ id, label }) =>
    h("label", { class: "wb-mode" },
      h("input", { type: "radio", name: group, value: id, checked: id === look.mode, onchange: () => look.set({ mode: id }) }),
      name(label)));
  const told = h("span", { class: "wb-told" });
  const element = h("div", { class: "wb-controls" },
    h("div", { class: "wb-modes", role: "radiogroup", "aria-label": "What lies over the photos" }, ...modes),
    h("label", { class: "wb-opacity" }, "Opacity", opacity), told);
  const tell = () => told.replaceChildren(keyWords(source.modes.find(({ id }) => id === look.mode)) ?? h("span", { class: "wb-hint" }, "Hold H for the bare photo"));
  tell();
  const follow = () => {
    tell();
    opacity.value = look.opacity;
    for (const input of element.querySelectorAll("input[type=radio]")) input.checked = input.value === look.mode;
  };
  look.addEventListener("change", follow);
  return { element, destroy: () => look.removeEventListener("change", follow) };
}

// What the colours of a mode mean that are not those of classes; null where they are.
export function keyWords(mode) {
  if (!mode?.words) return null;
  return h("span", { class: "wb-words" }, ...mode.words.map(({ label, color, hatched }) =>
    h("span", {}, h("span", { class: hatched ? "wb-chip wb-hatched" : "wb-chip", style: { background: hatched ? null : color, "--hatch": color } }), name(label))));
}

export function mountLegend(look) {
  const rows = look.classes.map(({ name: label, color }, index) => {
    const eye = h("button", {
      type: "button", class: "wb-eye", title: "Show or hide", onclick: () => look.toggleHidden(index),
    }, h("span", { class: "wb-chip", style: { background: color } }), name(label));
    const share = h("span", { class: "wb-share" });
    const solo = h("button", {
      type: "button", class: "wb-solo", "aria-label": `Only ${label}`, title: "Only this class", onclick: () => look.toggleSolo(index),
    }, "solo");
    return { eye, share, solo, element: h("li", {}, eye, share, solo) };
  });
  const all = h("button", { type: "button", class: "wb-all", onclick: () => look.set({ hidden: new Set(), solo: null }) }, "Show all");
  const shares = h("span");
  const element = h("details", { class: "wb-legend", open: look.classes.length <= 12 && window.innerWidth > 700 },
    h("summary", {}, `Classes (${look.classes.length})`, shares), h("ul", {}, ...rows.map((row) => row.element), h("li", { class: "wb-all-place" }, all)));
  const follow = () => {
    rows.forEach((row, index) => {
      const shown = look.solo === null ? !look.hidden.has(index) : look.solo === index;
      row.eye.setAttribute("aria-pressed", shown);
      row.solo.setAttribute("aria-pressed", look.solo === index);
      row.element.classList.toggle("wb-off", !shown);
    });
    all.disabled = look.solo === null && look.hidden.size === 0;
  };
  look.addEventListener("change", follow);
  follow();
  return {
    element,
    // Say each class's share of a map's pixels; null says nothing. `whole`: the map is as large as its photo; `label`:
    // what the map is
    count(map, whole, label = null) {
      shares.textContent = map && label ? `, shares of pixels: ${label}` : "";
      const counts = map && countIndices(map);
      const total = counts ? look.classes.reduce((sum, _, index) => sum + counts[index], 0) : 0;
      rows.forEach((row, index) => {
        row.share.textContent = total ? `${percent(counts[index] / total)} %` : "";
        row.share.title = total && whole ? `${exact(counts[index])} pixels` : "";
        row.element.classList.toggle("wb-absent", total > 0 && counts[index] === 0);
      });
    },
    destroy: () => look.removeEventListener("change", follow),
  };
}
