// What the tab is about: a model, where it is at home, and other domains.
//
// mountChoose(element, {choices, asked, onChange(changes)}) -> {update(asked)}

import { partName, partTitle } from "../../dataset_part.js";
import { exact, h, isolated, percent } from "../../dom.js";
import { countOf, isLabelled, parts } from "./asked.js";

export function mountChoose(element, { choices, asked, onChange }) {
  const draw = (now) => element.replaceChildren(
    h("div", { class: "wb-shift-choose" },
      field("Model", "of", h("select", { id: "wb-shift-model", onchange: ({ target }) => onChange({ model: target.value }) },
        ...known(now.model, choices.models.map((each) => [each.reference, modelText(each)])).map(([value, text]) => h("option", { value, selected: value === now.model }, text)))),
      field("Home", "home", domains("wb-shift-home", choices, now.home, [], false, (home) => onChange({ home, to: now.to.filter((each) => each !== home) })))),
    h("div", { class: "wb-bar wb-shift-to", role: "group", "aria-label": "Other domains" }, h("span", { class: "wb-hint" }, "Other domains"),
      ...now.to.map((domain) => chip(domain, () => onChange({ to: now.to.filter((each) => each !== domain) }))),
      h("span", { class: "wb-select" }, domains("wb-shift-add", choices, "", [now.home, ...now.to], true, (domain) => onChange({ to: [...now.to, domain], at: domain })))));
  draw(asked);
  return { update: draw };
}

function field(label, title, select) {
  return h("label", { class: "wb-select" }, `${label} `, select);
}

function modelText({ reference, title, architecture, miou }) {
  const words = [reference, title !== reference && isolated(title), architecture, miou !== null && `val mIoU ${percent(miou)} %`];
  return words.filter(Boolean).join(" · ");
}

// What an address names and is gone stays to be seen, until something else is chosen.
function known(value, options) {
  return !value || options.some(([each]) => each === value) ? options : [[value, `${value} (not here any more)`], ...options];
}

function domains(id, choices, chosen, without, adds, choose) {
  const groups = choices.datasets.map((dataset) => {
    const options = Object.entries(dataset.parts).map(([on, count]) => [`${dataset.name}:${on}`, partText(dataset.name, on, count)]);
    return [dataset.name, options.filter(([value]) => !without.includes(value) && (adds || isLabelled(choices, value)))];
  });
  const all = groups.flatMap(([, options]) => options.map(([value]) => value));
  const first = adds ? [h("option", { value: "", selected: true }, "Add a domain …")] : chosen && all.includes(chosen) ? [] : [h("option", { value: chosen, selected: true }, chosen ? `${chosen} (${countOf(choices, chosen) ? "no labels yet" : "not here any more"})` : "Choose …")];
  const select = h("select", { id, "aria-label": adds ? "Add a domain" : null, onchange: () => select.value && choose(select.value) }, ...first,
    ...groups.filter(([, options]) => options.length).map(([label, options]) =>
      h("optgroup", { label }, ...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)))));
  return select;
}

function partText(dataset, on, { images, labelled }) {
  const title = partTitle({ dataset, on });
  if (!labelled) return `${title}, photos without labels (${countText(images, "image")})`;
  const rest = images > labelled && on !== "all" ? `, ${exact(images - labelled)} more without labels` : "";
  return `${title}${on === "all" ? ", all that is labelled" : ""} (${countText(labelled, "image")}${rest})`;
}

export function countText(count, noun) {
  return `${exact(count)} ${count === 1 ? noun : `${noun}s`}`;
}

// "its 10 photos have no labels yet"
export function bareText(count) {
  if (!count) return "its photos have no labels yet";
  return count.images === 1 ? "its one photo has no labels yet" : `its ${exact(count.images)} photos have no labels yet`;
}

export function domainTitle(domain) {
  const [dataset, on] = parts(domain);
  return partTitle({ dataset, on });
}

export function domainName(domain) {
  const [dataset, on] = parts(domain);
  return partName({ dataset, on });
}

function chip(domain, remove) {
  return h("span", { class: "wb-filter" }, domainName(domain),
    h("button", { type: "button", "aria-label": `Leave out ${domain}`, title: "Leave out", onclick: remove }, "✕"));
}
