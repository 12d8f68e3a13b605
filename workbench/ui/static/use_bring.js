// Bringing a model from elsewhere: drop its file, say what it does not say itself, import it by a task.
//
// mountBring(element, {project, limits, onModel}) -> {destroy()}; onModel(name): it is there

import { getJson, post } from "./api.js";
import { exact, h, name as bdi } from "./dom.js";
import { mountDropzone } from "./dropzone.js";
import { followTask } from "./task.js";

export function mountBring(element, options) {
  const bring = new Bring(element, options);
  return { destroy: () => bring.destroy() };
}

class Bring {
  constructor(element, { project, limits, onModel }) {
    Object.assign(this, { project, limits, onModel, root: `/api/projects/${project}/models` });
    this.place = h("div");
    element.replaceChildren(h("summary", {}, "Import a model from elsewhere"),
      h("p", { class: "wb-hint" }, "A bundle of this workbench, a .safetensors file, or a PyTorch checkpoint. Nothing in the file is run."), this.place);
    this.ask();
  }

  destroy() {
    this.following?.stop();
    this.zone?.destroy();
  }

  ask() {
    this.zone = mountDropzone(this.place, {
      id: "wb-use-file", title: "Drop the model's file", hint: "One file.", multiple: false, limits: this.limits, begun: null,
      onBegun: () => {},
      onReady: ({ upload }) => this.look(upload),
    });
  }

  async look(upload) {
    this.zone.destroy();
    this.zone = null;
    this.place.replaceChildren(h("p", { class: "wb-hint", role: "status" }, "Looking at the file …"));
    try {
      const [told, { classes }] = await Promise.all([post(`${this.root}/look`, { upload }), getJson(`/api/projects/${this.project}/classes`)]);
      this.form(upload, told, classes.filter(({ index }) => index !== null).map(({ name }) => name));
    } catch (error) {
      this.place.replaceChildren(h("p", { class: "wb-fault-line", role: "alert" }, error.message), h("button", { type: "button", class: "wb-button", onclick: () => this.ask() }, "Choose another file"));
    }
  }

  form(upload, { name, bundle, architectures }, ours) {
    const title = h("input", { type: "text", value: name, required: true, maxlength: 200, autocomplete: "off", id: "wb-use-name" });
    const network = h("select", { id: "wb-use-architecture" }, ...architectures.map((each) => h("option", { value: each }, each)));
    const lines = h("textarea", { rows: 6, required: !bundle, spellcheck: "false", id: "wb-use-classes", placeholder: "background\nroad\n…" });
    const said = bundle
      ? [h("p", {}, "It says itself what it is: ", bdi(bundle.architecture), `, ${exact(bundle.classes.length)} classes: `, bdi(bundle.classes.join(", ")))]
      : [h("p", {}, "The file holds weights only, so two things are asked."),
        h("label", {}, "Architecture it was trained as", network),
        h("label", {}, "Its classes, one a line, in the order of its outputs", lines),
        h("button", { type: "button", class: "wb-button", hidden: !ours.length, onclick: () => { lines.value = ours.join("\n"); } }, "Take this project's classes")];
    this.fault = h("p", { class: "wb-fault-line", role: "alert" });
    this.go = h("button", { class: "wb-button wb-primary", type: "submit" }, "Import the model");
    const submit = (event) => {
      event.preventDefault();
      this.start({ upload, name: title.value, ...(bundle ? {} : { architecture: network.value, classes: lines.value }) });
    };
    this.place.replaceChildren(h("form", { class: "wb-questions", onsubmit: submit }, h("label", {}, "Name", title), ...said,
      h("div", { class: "wb-bar" }, this.go, h("button", { type: "button", class: "wb-button", onclick: () => this.ask() }, "Choose another file")), this.fault));
  }

  async start(brought) {
    this.go.disabled = true;
    this.fault.textContent = "";
    const failed = (text) => {
      this.fault.textContent = text;
      this.go.disabled = false;
    };
    try {
      const { id } = await post(this.root, brought);
      this.fault.textContent = "";
      this.go.textContent = "Importing …";
      this.following = followTask(id, (task) => {
        if (task?.state === "running") return;
        this.go.textContent = "Import the model";
        if (task?.state === "finished") this.onModel(task.result.name);
        else failed(task?.sentence ?? "The import was broken off. Try again.");
      });
    } catch (error) {
      failed(error.message);
    }
  }
}
