// Merging a class into another one, with what it would change said before it is done.

import { address, getJson, isAbort } from "./api.js";
import { openDialog } from "./dialog.js";
import { exact, h, isolated } from "./dom.js";

// send(into): emits what merges it into the class of this name.
export async function askMerge(project, name, others, send) {
  const select = h("select", { id: "wb-merge-into", required: true, onchange: () => preview() },
    h("option", { value: "", disabled: true, selected: true }, "Choose a class"), ...others.map((each) => h("option", { value: each }, each)));
  const said = h("p", { role: "status", id: "wb-merge-preview" });
  let loading = null;
  const preview = async () => {
    loading?.abort();
    loading = new AbortController();
    said.textContent = "Looking what would change …";
    try {
      const url = address(`/api/projects/${project}/merge_preview`, { name, into: select.value });
      said.textContent = sentence(await getJson(url, { signal: loading.signal }));
    } catch (error) {
      if (!isAbort(error)) said.textContent = error.message;
    }
  };
  await openDialog(
    { title: `Merge ${isolated(name)} into another class`, verb: "Merge", focus: select, read: () => select.value, send },
    h("p", {}, "Its labels count for the other class from then on. No label is rewritten, and it can be undone."),
    h("label", {}, "Merge into", select), said);
  loading?.abort();
}

function sentence({ images, datasets, pixels }) {
  if (!images) return "No image shows it, so no class map changes.";
  const where = Object.entries(datasets).map(([dataset, count]) => `${exact(count)} in ${dataset}`).join(", ");
  const many = pixels === null ? "" : ` ${exact(pixels)} pixels.`;
  return `Changes the class maps of ${exact(images)} ${images === 1 ? "image" : "images"}: ${where}.${many}`;
}
