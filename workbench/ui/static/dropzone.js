// From dropped files to a finished upload: the place to drop, the progress, what was refused, what can be tried again.
//
// mountDropzone(element, {id, title, hint, folders, multiple, accept, limits, begun, onBegun, onReady})
//   -> {destroy(), unpack(path)}
//   limits: {most_bytes, most_files}; begun: id of an upload that a reload of the page broke off, else null
//   onBegun(upload id or null): it was begun, or thrown away
//   onReady({upload, files, bytes, name}): all is there; `name` is what the dropped folder or archive is called, empty for loose files

import { dropArea } from "./droparea.js";
import { exact, h, loadStyle, name as bdi, size } from "./dom.js";
import { lasting } from "./task.js";
import { Upload } from "./upload.js";

const SHOWN = 50; // of refused files
export const ARCHIVE = /\.(zip|tar|tgz|tar\.(gz|bz2|xz))$/i;

export function mountDropzone(element, options) {
  loadStyle();
  const zone = new Dropzone(element, options);
  return { destroy: () => zone.destroy(), unpack: (path) => zone.unpack(path) };
}

class Dropzone {
  constructor(element, options) {
    Object.assign(this, { element, options, notes: [], clutter: 0 });
    this.upload = new Upload(options.limits, options.begun);
    this.area = dropArea({ ...options, onFiles: (found) => this.take(found) });
    this.state = h("div", { class: "wb-sending", role: "status" });
    element.replaceChildren(this.area, this.state);
    this.onLeave = (event) => { if (this.upload.busy) event.preventDefault(); };
    window.addEventListener("beforeunload", this.onLeave);
    if (options.begun) this.recall();
    this.follow();
  }

  destroy() {
    window.removeEventListener("beforeunload", this.onLeave);
    if (this.upload.busy) this.upload.cancel().catch(() => {});
    this.element.replaceChildren();
  }

  follow() {
    this.upload.addEventListener("change", () => this.draw());
  }

  async recall() {
    try {
      await this.upload.recall();
    } catch {
      return this.reset(); // it is gone: begin anew
    }
    const { size: count } = this.upload.there;
    if (!count) return this.reset();
    const bytes = [...this.upload.there.values()].reduce((sum, each) => sum + each, 0);
    this.state.replaceChildren(
      h("p", {}, `${files(count)} (${size(bytes)}) had arrived when this page was closed or loaded again. Drop the same folder to send the rest, or go on with what is there.`),
      h("div", { class: "wb-bar" }, this.button("Go on with these", () => this.finish(), true), this.button("Throw them away", () => this.cancel())));
  }

  async take({ files: found, clutter, unread }) {
    if (this.upload.busy) return;
    const archives = found.filter(({ path }) => ARCHIVE.test(path));
    const alone = archives.length === 1 && found.length === 1 && !this.upload.there.size;
    const taken = alone || !archives.length ? found : found.filter((each) => !archives.includes(each));
    this.clutter += clutter;
    this.upload.refused.push(...unread, ...(alone ? [] : archives.map(({ path }) => ({ path, why: "an archive among other files; drop it alone" }))));
    if (!taken.length) {
      this.say(this.upload.refused.length ? "Nothing of this can be taken." : "There is no file in it.");
      return;
    }
    try {
      const sending = this.upload.send(taken);
      this.area.classList.add("wb-busy");
      this.draw();
      await sending;
    } catch (error) {
      this.area.classList.remove("wb-busy");
      return this.say(error.message);
    }
    await this.settle();
  }

  async settle() {
    const { stopped, failed, refused } = this.upload;
    if (stopped) return;
    this.area.classList.remove("wb-busy");
    if (failed.length || (refused.length && this.upload.sent)) this.draw();
    else if (refused.length) this.say("Nothing of this could be taken.");
    else await this.finish();
  }

  // An archive that lies where the workbench does, unpacked as one that was dropped.
  async unpack(path) {
    await this.upload.take(path);
    await this.finish("Unpacking …");
  }

  async finish(text = "All files are there. Looking at them …") {
    const { upload } = this;
    this.area.classList.add("wb-busy");
    this.state.replaceChildren(h("p", {}, text));
    try {
      const done = await upload.finish(({ state, done: members, total }) => {
        if (state === "unpacking") this.state.replaceChildren(h("p", {}, `Unpacking: ${exact(members)}${total ? ` of ${exact(total)}` : ""} files …`));
      });
      this.options.onReady({ ...done, refused: [...upload.refused, ...done.skipped], clutter: this.clutter + done.clutter });
    } catch (error) {
      this.area.classList.remove("wb-busy");
      this.say(error.message, error.status === 0 && this.button("Try again", () => this.finish(), true));
    }
  }

  async cancel() {
    await this.upload.cancel().catch(() => {});
    this.reset();
  }

  reset() {
    this.upload = new Upload(this.options.limits);
    this.clutter = 0;
    this.begun = undefined;
    this.follow();
    this.area.classList.remove("wb-busy");
    this.state.replaceChildren();
    this.options.onBegun(null);
  }

  draw() {
    const { upload } = this;
    if (upload.stopped) return;
    if (upload.id && this.begun !== upload.id) this.options.onBegun((this.begun = upload.id));
    if (!upload.busy && !upload.failed.length && !upload.refused.length) return;
    const { sent, total, bytes, totalBytes, rate } = upload;
    const left = rate ? (totalBytes - bytes) / rate : null;
    const figures = [`${exact(sent)} of ${files(total)}`, `${size(bytes)} of ${size(totalBytes)}`, upload.busy && rate && `${size(rate)} a second`,
      upload.busy && left !== null && `${lasting(left)} left`];
    const go = upload.failed.length ? "Go on without them" : "Go on";
    this.state.replaceChildren(...[
      h("progress", { max: totalBytes || 1, value: bytes, "aria-label": "Files sent" }),
      h("p", { class: "wb-figure-line" }, figures.filter(Boolean).join(" · ")),
      this.drawUnder(),
      upload.failed.length > 0 && drawFiles("could not be sent", upload.failed),
      upload.refused.length > 0 && drawFiles("not taken", upload.refused),
      h("div", { class: "wb-bar" },
        !upload.busy && upload.failed.length > 0 && this.button("Try those again", () => this.retry(), true),
        !upload.busy && sent > 0 && this.button(go, () => this.finish(), !upload.failed.length),
        this.button("Cancel", () => this.cancel())),
    ].filter(Boolean));
  }

  // The few that are on their way, however many wait.
  drawUnder() {
    if (!this.upload.busy) return null;
    const rows = [...this.upload.under.values()].map(({ path, size: whole, loaded }) =>
      h("li", {}, bdi(path), h("progress", { max: whole || 1, value: loaded, "aria-hidden": "true" })));
    return h("ul", { class: "wb-under-way" }, ...rows);
  }

  async retry() {
    this.draw();
    await this.upload.retry();
    await this.settle();
  }

  // `remedy`: a button beside starting over
  say(text, remedy = null) {
    const { refused } = this.upload;
    this.state.replaceChildren(...[
      h("p", { class: "wb-fault-line", role: "alert" }, text), refused.length > 0 && drawFiles("not taken", refused),
      this.upload.id && h("div", { class: "wb-bar" }, remedy || null, this.button("Start over", () => this.cancel())),
    ].filter(Boolean));
    if (!this.upload.id) this.upload.refused = [];
  }

  button(text, act, primary = false) {
    return h("button", { type: "button", class: `wb-button ${primary ? "wb-primary" : ""}`, onclick: act }, text);
  }
}

// Files with the reason why each was left out.
export function drawFiles(what, list) {
  const rows = list.slice(0, SHOWN).map(({ path, why }) => h("li", {}, bdi(path), h("span", {}, why)));
  const more = list.length > SHOWN && h("li", {}, `and ${exact(list.length - SHOWN)} more`);
  return h("details", { class: "wb-left-out", open: list.length <= 5 }, h("summary", {}, `${files(list.length)} ${what}`), h("ul", {}, ...rows, more || null));
}

export function files(count) {
  return `${exact(count)} ${count === 1 ? "file" : "files"}`;
}
