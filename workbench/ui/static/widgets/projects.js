// The projects as cards. value: {cards, trash} as labeling.project_cards and training.care.trash have them; created: the
// project that was just made, which is then opened.
// Sends "create" {name}, "rename" {name, to}, "discard" {name}, "restore" {project, kind, name}.

import { ask } from "../dialog.js";
import { address } from "../api.js";
import { exact, h, isolated, loadStyle, name as bdi, percent } from "../dom.js";
import { keepFocus } from "../focus.js";
import { mountStorage } from "../storage.js";
import { drawTrash } from "../trash.js";
import { term } from "../words.js";

export function mount(element, value, emit) {
  loadStyle();
  element.classList.add("wb-projects");
  const cards = h("div", {});
  const storage = h("div", {});
  element.replaceChildren(cards, storage);
  mountStorage(storage);
  const update = (next) => {
    if (!next?.cards) return; // before the first answer there is nothing to say
    if (next.created) location.href = `/data?project=${next.created}&tab=import`;
    else keepFocus(cards, () => cards.replaceChildren(...draw(next, emit, cards.querySelector("#wb-trash")?.open)));
    document.dispatchEvent(new Event("wb-projects"));
  };
  update(value);
  return { update };
}

function draw({ cards, trash }, emit, opened) {
  const text = "A project holds one list of classes, and the photos, trainings and tests that share it.";
  const create = () => ask({ title: "New project", text, label: "Name", verb: "Create", send: (name) => emit("create", { name }) });
  const head = h("div", { class: "wb-page-head" }, h("h1", {}, "Projects"),
    h("button", { class: "wb-button wb-primary", type: "button", id: "wb-projects-create", onclick: create }, "New project"));
  const body = cards.length
    ? h("ul", { class: "wb-cards" }, ...cards.map((card) => drawCard(card, emit)))
    : h("div", { class: "wb-message" },
      h("p", {}, "No project yet. Make one, then bring your photos into it."),
      h("p", {}, "To look around first, run ", h("code", {}, "workbench demo"), ": it paints a small labelled campus and trains on it."));
  return [head, body, trash.length ? drawTrash(trash.map((item) => trashed(item, emit)), opened) : null].filter(Boolean);
}

function drawCard(card, emit) {
  const { id, name, datasets, images, labelled, runs, cover, best } = card;
  const picture = cover
    ? h("img", { src: address(`/api/projects/${id}/images/${cover.image}/photo`, { size: 512, v: cover.photo_version }), alt: "", loading: "lazy" })
    : h("span", { class: "wb-card-empty" }, "No photos yet");
  const rename = () => ask({ title: `Rename ${isolated(name)}`, label: "New name", value: name, verb: "Rename", send: (to) => emit("rename", { name, to }) });
  const discard = async () => {
    const text = `${plural(images, "image")}, ${plural(runs, "run")} and everything else of it go to the trash. It can be restored for 30 days.`;
    if (await ask({ title: `Delete ${isolated(name)}?`, text, verb: "Delete", danger: true })) emit("discard", { name });
  };
  return h("li", { class: "wb-card" },
    h("a", { class: "wb-card-link", href: `/data?project=${id}` },
      h("div", { class: "wb-card-picture" }, picture),
      h("h2", {}, bdi(name))),
    h("p", { class: "wb-card-counts" }, `${plural(images, "image")}, ${exact(labelled)} labelled · ${plural(datasets, "dataset")} · ${plural(runs, "run")}`),
    h("p", { class: "wb-card-best" }, ...(best
      ? ["best ", term("val", "val"), " ", term("miou", "mIoU"), " ",
        h("a", { href: `/runs?project=${id}&run=${best.run}`, title: "On photos at the size they are trained at; an evaluation takes them at their own size." }, `${percent(best.miou)} % (run ${best.run})`)]
      : ["not trained yet"])),
    h("div", { class: "wb-card-tools" },
      h("button", { class: "wb-button", type: "button", onclick: rename }, "Rename"),
      h("button", { class: "wb-button", type: "button", onclick: discard }, "Delete")));
}

function trashed({ project, kind, name, about, gone_at: gone }, emit) {
  const owner = project === null ? [] : [" of ", bdi(project)];
  return { what: [`${kind} `, bdi(name), ...owner, ` · ${about}`], label: `${kind} ${name}`, gone, restore: () => emit("restore", { project, kind, name }) };
}

function plural(count, word) {
  return `${exact(count)} ${word}${count === 1 ? "" : "s"}`;
}
