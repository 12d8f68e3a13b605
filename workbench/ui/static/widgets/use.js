// Using models: try one on a few photos or a camera, predict a folder or a video, bring a model from elsewhere.
// value: {project}, its number or null; null shows nothing.

import { address, getJson } from "../api.js";
import { h, loadStyle, percent } from "../dom.js";
import { query, setQuery } from "../place.js";
import { mountBring } from "../use_bring.js";
import { mountFolders } from "../use_folder.js";
import { mountTrial } from "../use_try.js";
import { mountVideos } from "../use_video.js";
import { mountWebcam } from "../use_webcam.js";
import { noProject } from "../which_project.js";

export function mount(element, value) {
  loadStyle();
  element.classList.add("wb-use");
  let page = null;
  const update = (next) => {
    page?.destroy();
    page = next && new Page(element, next.project);
  };
  update(value);
  return { update };
}

class Page {
  constructor(element, project) {
    Object.assign(this, { element, project, parts: [] });
    if (project) this.load();
    else element.replaceChildren(noProject());
  }

  destroy() {
    for (const part of this.parts) part.destroy();
    this.element.replaceChildren();
  }

  async load() {
    try {
      const [{ models }, limits] = await Promise.all([getJson(`/api/projects/${this.project}/models`), getJson("/api/sources")]);
      this.draw(models, limits);
    } catch (error) {
      this.element.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, error.message));
    }
  }

  draw(models, limits) {
    const { project } = this;
    const trial = h("section", { "aria-label": "Try it on photos" });
    const folders = h("details", { class: "wb-use-part", open: "prediction" in query() });
    const videos = h("details", { class: "wb-use-part", id: "wb-use-videos", open: "prediction" in query() });
    const webcam = h("details", { class: "wb-use-part", id: "wb-use-webcam" });
    const bring = h("details", { class: "wb-use-part", id: "wb-use-bring", open: !models.length });
    this.select = h("select", { id: "wb-use-model", onchange: () => this.choose() });
    const head = h("div", { class: "wb-page-head" }, h("h1", {}, "Use a model"), h("label", { class: "wb-select" }, "Model", this.select));
    const none = h("div", { class: "wb-message", id: "wb-use-none" },
      h("p", {}, "This project has no model yet."),
      h("p", {}, h("a", { class: "wb-button wb-primary", href: address("/train", { project }) }, "Train one"), " or import one from elsewhere, below."));
    head.lastChild.hidden = !models.length;
    this.element.replaceChildren(head, models.length ? trial : none, ...(models.length ? [folders, videos, webcam] : []), bring);
    this.fill(models);
    if (models.length) {
      this.trial = mountTrial(trial, { project, models, model: () => this.select.value });
      const many = { project, limits, model: () => this.select.value };
      this.webcam = mountWebcam(webcam, { project, model: () => this.select.value });
      this.parts = [this.trial, mountFolders(folders, many), mountVideos(videos, many), this.webcam];
    }
    this.parts.push(mountBring(bring, { project, limits, onModel: (name) => this.renew(name) }));
  }

  fill(models) {
    const wished = query().model;
    const options = models.map(({ reference, title, architecture, miou }) => {
      const shown = [title === reference ? reference : `${title} (${reference})`, architecture, miou !== null && `val mIoU ${percent(miou)} %`];
      return h("option", { value: reference, selected: reference === wished }, shown.filter(Boolean).join(" · "));
    });
    this.select.replaceChildren(...options);
    this.select.title = this.select.selectedOptions[0]?.textContent ?? "";
  }

  choose() {
    setQuery({ model: this.select.value });
    this.select.title = this.select.selectedOptions[0].textContent;
    this.trial.modelChanged();
    this.webcam.modelChanged();
  }

  // A model came in: it is the one to try.
  async renew(name) {
    setQuery({ model: name });
    for (const part of this.parts) part.destroy();
    this.parts = [];
    await this.load();
  }
}
