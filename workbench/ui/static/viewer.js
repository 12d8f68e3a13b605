// One picture in a page with what lies over it: the photo a model was tried on.
//
// mountViewer(element, {value: {kind: "tried", tried: ID}}) -> {update(value), destroy()}

import { isAbort } from "./api.js";
import { h, loadStyle } from "./dom.js";
import { mountControls, mountLegend } from "./legend.js";
import { Look, Picture } from "./pictures.js";
import { openSource } from "./sources.js";
import { View, steer, zooming } from "./view.js";

const SIZE = 1600;

export function mountViewer(element, { value }) {
  loadStyle();
  element.classList.add("wb-gallery");
  let loading = null;
  let close = () => {};
  const say = (text) => element.replaceChildren(h("p", { class: "wb-message", role: "status" }, text));
  const update = async (next) => {
    loading?.abort();
    close();
    close = () => {};
    loading = new AbortController();
    const { signal } = loading;
    say("Loading …");
    try {
      const source = await openSource(next, signal);
      const { images } = await source.page(0, 1, signal);
      if (!signal.aborted) close = show(element, source, images[0]);
    } catch (error) {
      if (!isAbort(error)) say(error.message);
    }
  };
  update(value);
  return {
    update,
    destroy() {
      loading.abort();
      close();
      element.replaceChildren();
    },
  };
}

function show(element, source, entry) {
  const look = new Look(source.classes);
  look.mode = source.modes[0].id;
  const controls = mountControls(source, look);
  const legend = mountLegend(look);
  const picture = new Picture(source, look);
  const view = new View();
  const stage = h("div", { class: "wb-pane wb-viewer", tabindex: 0, "aria-label": source.caption(entry), role: "img" }, picture.element);
  const box = () => {
    const scale = Math.min(stage.clientWidth / entry.width, stage.clientHeight / entry.height);
    return { width: entry.width * scale, height: entry.height * scale };
  };
  const { keys, buttons } = zooming(view, box);
  const key = (event) => {
    const act = keys[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    act();
  };
  const arrange = () => view.place(picture.element, box());
  const peek = (event) => {
    const ours = stage.matches(":hover") || document.activeElement === stage;
    if (event.key.toLowerCase() === "h" && !event.repeat && (ours || look.peek)) look.set({ peek: event.type === "keydown" });
  };
  steer(stage, view, box, { inPage: true });
  stage.addEventListener("keydown", key);
  look.addEventListener("change", ({ detail }) => (detail.recolored ? picture.paint() : picture.fade()));
  view.addEventListener("change", arrange);
  const watcher = new ResizeObserver(arrange);
  watcher.observe(stage);
  document.addEventListener("keydown", peek);
  document.addEventListener("keyup", peek);
  element.replaceChildren(h("div", { class: "wb-bar" }, controls.element, h("span", { class: "wb-bar wb-zooming" }, ...buttons)), legend.element, stage);
  picture.show(entry, SIZE).then(() => picture.maps && legend.count(picture.maps[0], picture.maps[0].width === entry.width));
  return () => {
    watcher.disconnect();
    document.removeEventListener("keydown", peek);
    document.removeEventListener("keyup", peek);
  };
}
