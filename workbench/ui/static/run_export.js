// Weights to take away: exported in a format, each checked against the original; and the trainer's own checkpoints.

import { getJson, post } from "./api.js";
import { h, size } from "./dom.js";
import { term } from "./words.js";

const FORMATS = [
  ["bundle", "bundle: weights, classes, preprocessing, for a workbench"], ["safetensors", "safetensors: the weights alone, for code of your own"],
  ["pt2", "pt2: the whole network, for PyTorch alone"], ["onnx", "ONNX: the whole network, for other programs"],
];

export function mountExport(element, run, project, checkpoints) {
  const format = h("select", { id: "wb-export-format", class: "wb-input" }, ...FORMATS.map(([value, text]) => h("option", { value }, text)));
  const which = h("select", { id: "wb-export-checkpoint", class: "wb-input" });
  const button = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-export-start", onclick: () => start() }, "Export");
  const said = h("p", { class: "wb-note wb-bad", role: "alert", hidden: true });
  const none = h("p", { class: "wb-hint" }, "There are no weights yet; they come with the first checkpoint.");
  const form = h("div", { class: "wb-export-form" }, h("label", { class: "wb-stack" }, h("span", {}, term("checkpoint", "Checkpoint")), which), h("label", { class: "wb-stack" }, "Format", format), button);
  const list = h("ul", { class: "wb-exports", id: "wb-exports" });
  const raw = h("p", { class: "wb-hint" });
  element.replaceChildren(none, form, said, list, raw);
  let turns = 0;
  const titles = { best: "best: highest val mIoU", last: "last: newest state" };

  function offer() {
    const kinds = checkpoints();
    none.hidden = kinds.length > 0;
    form.hidden = raw.hidden = !kinds.length;
    if (which.dataset.kinds === kinds.join()) return;
    which.dataset.kinds = kinds.join();
    which.replaceChildren(...kinds.map((kind) => h("option", { value: kind }, titles[kind])));
    raw.replaceChildren("Or the trainer's own checkpoints, as PyTorch files: ",
      ...kinds.flatMap((kind, i) => [i ? ", " : "", h("a", { href: `/api/runs/${run}/checkpoints/${kind}`, download: "" }, `${kind}.pt`)]), ".");
  }

  async function start() {
    button.disabled = true;
    said.hidden = true;
    try {
      await post(`/api/runs/${run}/export`, { checkpoint: which.value, format: format.value });
      await look();
    } catch (error) {
      said.hidden = false;
      said.textContent = error.message;
    }
    button.disabled = false;
  }

  // The page calls this whenever a task of anyone's ends.
  async function look() {
    const turn = (turns += 1);
    offer();
    const { exports } = await getJson(`/api/runs/${run}/exports`);
    if (turn !== turns) return; // something newer is on its way
    list.replaceChildren(...exports.map((each) => row(each, project)));
  }

  offer();
  return { look };
}

function row({ model, format, state, sentence, file, check }, project) {
  const title = `${format} of ${model}`;
  if (file) {
    return h("li", {}, h("a", { class: "wb-button", href: `/api/projects/${project}/exports/${encodeURIComponent(file.name)}`, download: file.name }, `Download ${file.name}`),
      h("span", {}, size(file.size)), check && h("span", { class: "wb-hint" }, verdict(check)));
  }
  const text = state === "running" ? "being written and checked…" : state === "finished" ? "removed from this computer since" : sentence ?? state;
  return h("li", {}, h("span", {}, title), h("span", { class: state === "failed" ? "wb-bad" : "wb-hint" }, text));
}

function verdict({ images_checked: images, max_abs_difference: most, argmax_agreement: agreement }) {
  if (!images) return "not checked: the project has no photos";
  const share = agreement === 1 ? "all" : `${(100 * agreement).toFixed(3)} %`;
  const scores = most ? `and their scores differ by at most ${most.toPrecision(2)}` : "with the very same scores";
  return `checked on ${images} photo${images === 1 ? "" : "s"}: ${share} of the pixels get the same class, ${scores}`;
}
