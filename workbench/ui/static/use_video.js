// Predicting a video by a task, as folders are: what comes out is watched here, or downloaded.
//
// mountVideos(element, {project, limits, model}) -> {destroy()}; model(): reference of the chosen model

import { post } from "./api.js";
import { h } from "./dom.js";
import { Folders } from "./use_folder.js";

const VIDEO = {
  kind: "video", id: "wb-use-video", path: "wb-use-video-path", start: "videos",
  summary: "Predict a video",
  hint: "A task predicts every frame with the model chosen above. What comes out, the video under the classes' colours with its sound, waits here to be watched. What is done stays when it is cancelled or broken off.",
  sees: "The network sees frames at",
  zone: { title: "Drop a video", hint: "MP4, MOV, Matroska, WebM, AVI and others.", multiple: false },
  where: "Or a video on this computer, below ", example: "e.g. videos/walk.mp4",
  unit: ["frame", "frames"], gone: "The video under the classes' colours is gone then. The one it was made of and the model stay.",
};
const SMOOTH = [["0", "not at all"], ["0.5", "a little"], ["0.7", "well"], ["0.9", "strongly"]];

export function mountVideos(element, options) {
  const videos = new Videos(element, options);
  return { destroy: () => videos.destroy() };
}

class Videos extends Folders {
  constructor(element, options) {
    super(element, options, VIDEO);
  }

  choices() {
    this.players = new Map();
    this.opacity = h("input", { type: "range", min: "0", max: "1", step: "0.05", value: "0.5" });
    this.legend = h("input", { type: "checkbox" });
    this.smooth = h("select", { title: "The weight of the frames before in the average of probabilities. It begins anew where the scene changes." },
      ...SMOOTH.map(([value, text]) => h("option", { value }, value === "0" ? text : `${text} (${value})`)));
    return [h("label", { class: "wb-select" }, "Opacity", this.opacity), h("label", { class: "wb-select" }, this.legend, " names of classes"), h("label", { class: "wb-select" }, "Smoothed over time", this.smooth)];
  }

  chosen() {
    return { opacity: Number(this.opacity.value), legend: this.legend.checked, smooth: Number(this.smooth.value) };
  }

  links(id, state, source) {
    const at = `${this.root}/${id}/video`;
    if (state === "running") return [];
    if (state !== "finished") return [h("button", { type: "button", class: "wb-button", "aria-label": `Go on with ${source}`, onclick: () => this.resume(id) }, "Go on")];
    const player = this.players.get(id) ?? h("video", { class: "wb-video", controls: true, preload: "none", playsInline: true, hidden: true, "aria-label": `${source} under the classes' colours` });
    this.players.set(id, player);
    const watch = h("button", { type: "button", class: "wb-button", "aria-expanded": String(!player.hidden), onclick: () => this.watch(player, watch, at) }, "Watch");
    return [watch, h("a", { class: "wb-button", href: `${at}?download=true`, download: "" }, "Download MP4"), player];
  }

  watch(player, button, at) {
    player.hidden = !player.hidden;
    button.setAttribute("aria-expanded", String(!player.hidden));
    if (player.hidden) return player.pause();
    if (!player.src) player.src = at;
    player.play().catch(() => {}); // a browser may want a click on the player itself
  }

  async resume(id) {
    this.fault.textContent = "";
    await post(`${this.root}/${id}/resume`).catch((error) => { this.fault.textContent = error.message; });
    await this.show();
  }
}
