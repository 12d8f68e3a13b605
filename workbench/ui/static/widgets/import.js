// The import wizard: bring files, see what they are, answer the questions, import, read the report.
// value: {project}; null shows nothing. Where it stands is in the address (upload, path, task), answers in the session.

import { getJson, post, remove } from "../api.js";
import { h, loadStyle, name as bdi, size } from "../dom.js";
import { ARCHIVE, drawFiles, files, mountDropzone } from "../dropzone.js";
import { mountCheck } from "../import_check.js";
import { mountReport } from "../import_report.js";
import { query, setQuery } from "../place.js";

const STEPS = ["Bring files", "Check and choose", "Import"];

export function mount(element, value) {
  loadStyle();
  element.classList.add("wb-import");
  let wizard = null;
  const update = (next) => {
    if (next?.project === wizard?.project) return;
    wizard?.leave();
    wizard = next && new Wizard(element, next.project);
    if (!wizard) element.replaceChildren();
  };
  update(value);
  return { update };
}

class Wizard {
  constructor(element, project) {
    Object.assign(this, { project, part: null });
    this.steps = h("ol", { class: "wb-steps", "aria-label": "Steps of the import" }, ...STEPS.map((title) => h("li", {}, title)));
    this.body = h("div", { class: "wb-import-body" });
    element.replaceChildren(this.steps, this.body);
    this.begin();
  }

  // Go on where the address says that one was.
  async begin() {
    const { upload, path, task } = query();
    try {
      this.limits ??= await getJson("/api/sources");
      if (task) return this.report(Number(task));
      if (path) return await this.look({ path });
      if (!upload) return await this.bringAgain();
      const { state } = await getJson(`/api/uploads/${upload}`);
      return state === "finished" ? await this.look({ upload }) : this.bring({ begun: upload });
    } catch (error) {
      setQuery({ upload: null, path: null, task: null });
      return this.limits ? this.bring({ said: error.message }) : this.say(error.message);
    }
  }

  show(step, ...content) {
    this.leave();
    [...this.steps.children].forEach((each, place) => {
      each.toggleAttribute("data-done", place < step);
      if (place === step) each.setAttribute("aria-current", "step");
      else each.removeAttribute("aria-current");
    });
    this.body.replaceChildren(...content.filter(Boolean));
  }

  leave() {
    this.part?.destroy();
    this.part = null;
  }

  say(text, fault = true) {
    this.show(0, h("p", { class: fault ? "wb-message wb-bad" : "wb-message", role: fault ? "alert" : "status" }, text));
  }

  // What was looked at in this tab, and neither imported nor thrown away, is offered again.
  async bringAgain() {
    const left = this.left;
    if (left?.upload && !(await getJson(`/api/uploads/${left.upload}`).catch(() => null))) this.left = null; // it is gone
    this.bring();
  }

  get left() {
    return JSON.parse(sessionStorage.getItem(`wb-import:${this.project}`) ?? "null");
  }

  set left(source) {
    if (source) sessionStorage.setItem(`wb-import:${this.project}`, JSON.stringify(source));
    else sessionStorage.removeItem(`wb-import:${this.project}`);
  }

  goOn() {
    const source = this.left;
    if (!source) return null;
    const known = this.known(source);
    const act = () => {
      setQuery(source);
      this.look(source).catch((error) => { this.left = null; this.bring({ said: error.message }); });
    };
    return h("div", { class: "wb-bar" },
      h("button", { type: "button", class: "wb-button wb-primary", id: "wb-import-go-on", onclick: act }, "Go on with ",
        bdi(source.path ?? (known?.name || "the files you brought")), known && `, ${files(known.files)}`),
      h("button", { type: "button", class: "wb-button", onclick: () => this.discard(source) }, "Throw away"));
  }

  known({ upload }) {
    return upload ? JSON.parse(sessionStorage.getItem(`wb-upload:${upload}`) ?? "null") : null;
  }

  bring({ begun = null, said = null } = {}) {
    const zone = h("div");
    this.show(0, said && h("p", { class: "wb-fault-line", role: "alert" }, said), !begun && this.goOn(), zone, this.limits.root && this.pathForm());
    this.part = mountDropzone(zone, {
      id: "wb-import-drop",
      title: "Drop photos with their labels here",
      hint: "A folder, files, or one zip or tar. labelme, COCO, VOC, YOLO, CVAT, Cityscapes, masks and others are recognised; photos without labels are fine too.",
      folders: true,
      limits: this.limits,
      begun,
      onBegun: (upload) => setQuery({ upload }),
      onReady: (ready) => this.ready(ready),
    });
  }

  ready(ready) {
    sessionStorage.setItem(`wb-upload:${ready.upload}`, JSON.stringify(ready));
    setQuery({ upload: ready.upload });
    this.look({ upload: ready.upload }).catch((error) => this.bring({ said: error.message }));
  }

  pathForm() {
    const field = h("input", { type: "text", id: "wb-import-path", required: true, autocomplete: "off", spellcheck: "false", placeholder: "e.g. photos/dusk" });
    const fault = h("p", { class: "wb-fault-line", role: "alert" });
    const open = async (event) => {
      event.preventDefault();
      fault.textContent = "";
      const path = field.value.trim();
      try {
        if (ARCHIVE.test(path)) return await this.part.unpack(path);
        await this.look({ path });
        setQuery({ path });
      } catch (error) {
        fault.textContent = error.message;
      }
    };
    return h("form", { class: "wb-path", onsubmit: open },
      h("label", { for: "wb-import-path" }, "Or a folder, zip or tar on this computer, below ", h("code", {}, this.limits.root)),
      h("div", { class: "wb-bar" }, field, h("button", { class: "wb-button", type: "submit" }, "Look at it")), fault);
  }

  async look(source) {
    const [told, { classes }] = await Promise.all([
      post(`/api/projects/${this.project}/import/look`, { source }), getJson(`/api/projects/${this.project}/classes`)]);
    this.left = source;
    const known = this.known(source);
    const place = h("div");
    this.show(1, this.head(source, told, known), place);
    this.part = mountCheck(place, {
      project: this.project, source, told: { ...told, name: known?.name || told.name },
      classes: classes.filter(({ index }) => index !== null), onStart: (choices) => this.start(choices),
    });
  }

  head(source, told, known) {
    const facts = known ? `${files(known.files)}, ${size(known.bytes)}` : "";
    return h("div", { class: "wb-import-source" },
      h("div", { class: "wb-bar" },
        h("strong", {}, bdi(source.path ? told.source : known?.name || told.name)), facts && h("span", { class: "wb-hint" }, facts),
        h("button", { type: "button", class: "wb-button", onclick: () => this.discard(source) }, "Start over")),
      known?.refused.length > 0 && drawFiles("left out", known.refused),
      known?.clutter > 0 && h("p", { class: "wb-hint" }, `${files(known.clutter)} that the system keeps (.DS_Store and the like) left out.`));
  }

  async discard({ upload }) {
    setQuery({ upload: null, path: null, task: null });
    this.left = null;
    this.bring();
    if (upload) await remove(`/api/uploads/${upload}`).catch(() => {}); // it goes by itself after three days
  }

  async start(choices) {
    const { id } = await post(`/api/projects/${this.project}/import`, choices);
    this.left = null;
    setQuery({ task: id });
    this.report(id);
  }

  report(task) {
    const place = h("div");
    this.show(2, place);
    this.part = mountReport(place, {
      project: this.project,
      task,
      onBack: () => { setQuery({ task: null }); this.begin(); },
      onNew: () => { setQuery({ task: null, upload: null, path: null }); this.bring(); },
      onDone: () => setQuery({ upload: null, path: null }),
    });
  }
}
