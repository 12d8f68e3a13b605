// A camera, live: the newest frame goes to the model, its class map is laid over that very frame. One frame is on its way at
// a time; those that come meanwhile are dropped, so that what is seen is never late by more than one answer.
//
// mountWebcam(element, {project, model}) -> {modelChanged(), destroy()}; model(): reference of the chosen one

import { address, getJson } from "./api.js";
import { decodeMap, paintMap } from "./colorize.js";
import { h } from "./dom.js";
import { mountControls, mountLegend } from "./legend.js";
import { peekByKey } from "./peek.js";
import { Look } from "./pictures.js";

const SIDES = [320, 480, 640, 960];
const USUAL = 480;
const QUALITY = 0.8; // of the JPEG that is sent
const WITHIN_MS = 3000; // the frame rate is that of so long
const MODES = { modes: [] };

export function mountWebcam(element, options) {
  const webcam = new Webcam(element, options);
  const modelChanged = () => webcam.modelChanged().catch((error) => { if (webcam.running) webcam.fail(reason(error)); });
  return { modelChanged, destroy: () => webcam.destroy() };
}

class Webcam {
  constructor(element, { project, model }) {
    Object.assign(this, { project, model, running: false, done: [] });
    this.button = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-webcam-start", onclick: () => (this.running ? this.stop() : this.start()) }, "Start the camera");
    this.side = h("select", { "aria-label": "Longer side of a frame" }, ...SIDES.map((side) => h("option", { value: side, selected: side === USUAL }, `${side} pixels`)));
    this.camera = h("select", { "aria-label": "Camera", hidden: true, onchange: () => this.start() });
    this.figures = h("span", { class: "wb-hint", id: "wb-webcam-figures", role: "status" });
    this.fault = h("p", { class: "wb-bad", role: "alert", hidden: true });
    this.video = h("video", { muted: true, playsinline: true, hidden: true });
    this.photo = h("canvas", { "aria-label": "What the camera sees", role: "img" });
    this.over = h("canvas", { "aria-hidden": "true" });
    this.pane = h("div", { class: "wb-webcam", hidden: true }, this.photo, this.over);
    this.legend = h("div");
    this.body = h("div", { class: "wb-gallery" }, h("p", { class: "wb-hint" }, "Frames go to the workbench alone and are not kept."),
      h("div", { class: "wb-bar" }, this.button, this.camera, h("label", { class: "wb-select" }, "Frames of", this.side), this.figures), this.fault, this.legend, this.pane);
    element.replaceChildren(h("summary", {}, "Webcam"), this.body);
    this.hidden = () => { if (document.hidden) this.stop(); };
    document.addEventListener("visibilitychange", this.hidden);
    this.closed = () => { if (!element.open) this.stop(); };
    element.addEventListener("toggle", this.closed);
    if (!navigator.mediaDevices?.getUserMedia) {
      this.button.disabled = true;
      this.say("A browser gives its camera only to pages over https or from its own computer (127.0.0.1, localhost). Open the workbench there, or put it behind a proxy with TLS.");
    }
  }

  destroy() {
    this.stop();
    this.unpeek?.();
    document.removeEventListener("visibilitychange", this.hidden);
  }

  say(text) {
    this.fault.textContent = text;
    this.fault.hidden = !text;
  }

  async start() {
    this.stop();
    this.say("");
    const turn = (this.turn = {}); // a later start or stop ends this one
    this.running = true;
    this.button.textContent = "Stop";
    try {
      const camera = this.camera.value ? { deviceId: { exact: this.camera.value } } : { facingMode: "environment" };
      const stream = await navigator.mediaDevices.getUserMedia({ video: { ...camera, width: { ideal: 1280 } }, audio: false });
      if (turn !== this.turn) return release(stream);
      this.stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => { if (turn === this.turn) this.fail("The camera was taken away."); });
      this.video.muted = true; // the attribute alone does not count for one made by a script
      this.video.srcObject = stream;
      await this.video.play();
      await this.cameras(stream);
      await this.modelChanged();
      while (turn === this.turn) await this.frame(turn);
    } catch (error) {
      if (turn === this.turn) this.fail(reason(error));
    }
    return null;
  }

  stop() {
    this.turn = null;
    this.running = false;
    this.abort?.abort();
    if (this.stream) release(this.stream);
    this.stream = null;
    this.video.srcObject = null;
    this.button.textContent = "Start the camera";
    if (this.figures.textContent) this.figures.textContent = "stopped";
  }

  fail(text) {
    this.stop();
    this.say(text);
  }

  // Names of cameras are known once one is allowed.
  async cameras(stream) {
    const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    const { deviceId } = stream.getVideoTracks()[0].getSettings();
    this.camera.replaceChildren(...found.map((each, place) => h("option", { value: each.deviceId, selected: each.deviceId === deviceId }, each.label || `Camera ${place + 1}`)));
    this.camera.hidden = found.length < 2;
  }

  async modelChanged() {
    if (!this.running) return;
    const { turn } = this;
    const model = this.model();
    const { classes } = await getJson(address(`/api/projects/${this.project}/live`, { model }));
    if (turn !== this.turn || model !== this.model()) return;
    const { opacity = 0.6 } = this.look ?? {};
    this.look = new Look(classes);
    this.look.opacity = opacity;
    this.counts = mountLegend(this.look);
    this.look.addEventListener("change", () => this.paint());
    this.unpeek?.();
    this.unpeek = peekByKey(this.look, () => this.pane.checkVisibility());
    this.legend.replaceChildren(h("div", { class: "wb-bar" }, mountControls(MODES, this.look).element), this.counts.element);
    this.of = model;
    this.map = null;
    this.done = [];
  }

  // One frame: taken now, answered, shown with its answer.
  async frame(turn) {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, Number(this.side.value) / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.max(1, Math.round(videoWidth * scale)), Math.max(1, Math.round(videoHeight * scale))];
    const taken = new OffscreenCanvas(width, height);
    taken.getContext("2d").drawImage(this.video, 0, 0, width, height);
    const begun = performance.now();
    const body = await taken.convertToBlob({ type: "image/jpeg", quality: QUALITY });
    const { of: model } = this;
    this.abort = new AbortController();
    const response = await fetch(address(`/api/projects/${this.project}/live`, { model }), {
      method: "POST", body, headers: { "X-Workbench": "1" }, credentials: "same-origin", signal: this.abort.signal,
    });
    if (!response.ok) throw new Error((await response.json().catch(() => null))?.error ?? `The workbench answered ${response.status}.`);
    const map = await decodeMap(await response.blob());
    if (turn !== this.turn || model !== this.of) return; // another model's classes
    this.map = map;
    this.photo.width = width;
    this.photo.height = height;
    this.photo.getContext("2d").drawImage(taken, 0, 0);
    this.pane.hidden = false;
    this.paint();
    this.counts.count(map, false);
    this.tell(performance.now() - begun);
  }

  paint() {
    if (!this.map) return;
    paintMap(this.over, this.map, this.look.table);
    this.over.style.opacity = this.look.peek ? 0 : this.look.opacity;
  }

  tell(latency) {
    const now = performance.now();
    this.done = [...this.done.filter((at) => now - at < WITHIN_MS), now];
    const [first] = this.done;
    const rate = this.done.length > 1 ? (1000 * (this.done.length - 1)) / (now - first) : null;
    this.figures.textContent = `${rate === null ? "" : `${rate.toFixed(1)} frames/s · `}${Math.round(latency)} ms late`;
  }
}

function release(stream) {
  for (const track of stream.getTracks()) track.stop();
}

function reason(error) {
  if (error.name === "NotAllowedError") return "The browser was not allowed to use the camera. Allow it beside the address, then start again.";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "No camera was found.";
  if (error.name === "NotReadableError") return "The camera is used by another program.";
  return error instanceof TypeError ? "The workbench does not answer." : error.message;
}
