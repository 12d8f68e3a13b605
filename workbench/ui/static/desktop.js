// labelme on the desktop of the workbench's computer: what is open in it, and what waits to be taken back from it.

import { getJson } from "./api.js";
import { askForm } from "./dialog.js";
import { exact, h, moment, name } from "./dom.js";

const OURS = "ours";

// place: where the sessions are said; send(event, what): "label_images" {images, dataset, on} and "take_back" {on_conflict}.
export function mountDesktop(place, project, send) {
  place.classList.add("wb-sessions");
  const collect = () => askForm({
    title: "Take labels back from labelme", verb: "Take back",
    text: "Every changed image gets a new version of its labels; the versions before stay.",
    fields: [{
      name: "on_conflict", label: "Images that were changed here as well", type: "select", value: OURS,
      options: [[OURS, "keep the labels here"], ["theirs", "take labelme's"]], hint: "What is not taken stays as a file, and is named.",
    }],
    send: (answer) => send("take_back", answer),
  });
  const draw = (sessions) => {
    const waiting = sessions.some(({ open }) => !open);
    const button = h("button", { type: "button", class: "wb-button wb-primary", id: "wb-desktop-collect", onclick: collect }, "Take back …");
    place.replaceChildren(...sessions.map(sentence), ...(waiting ? [button] : []));
    place.hidden = !sessions.length;
  };
  return {
    async load(signal) {
      draw((await getJson(`/api/projects/${project}/desktop`, { signal })).sessions);
    },
  };
}

function sentence({ dataset, images, started_at, open }) {
  const since = moment(started_at);
  const count = images === 1 ? "1 image of " : `${exact(images)} images of `;
  if (open) return h("p", {}, count, name(dataset), ` ${images === 1 ? "is" : "are"} open in labelme since ${since}. Close its window to have the changes.`);
  if (!images) return h("p", {}, "Files that were not handed out are left in labelme's folder of ", name(dataset), ". Taking back names them.");
  return h("p", {}, count, name(dataset), ` ${images === 1 ? "waits" : "wait"} to be taken back from labelme, handed out ${since}.`);
}

// Asks what to label, where nothing is selected, and sends it. datasets: as the API lists them; selected: numbers.
export async function askToLabel({ datasets, dataset, on, selected, send }) {
  if (selected.length) {
    const those = `${exact(selected.length)} ${selected.length === 1 ? "image" : "images"}`;
    await askForm({
      title: `Label ${those} in labelme`, verb: "Open labelme", fields: [],
      text: "labelme opens in a window of its own. When you close it, what you changed comes back as new versions.",
      send: () => send("label_images", { images: selected, dataset: null, on: null }),
    });
    return;
  }
  const filled = datasets.filter(({ images }) => images);
  const lists = [...new Set(filled.flatMap(({ subsets }) => Object.keys(subsets)))].sort();
  const roles = ["train", "val", "test"].filter((role) => !lists.includes(role) && filled.some(({ roles }) => roles[role]));
  const options = [["", "all images"], ...lists.map((list) => [list, `list ${list}`]), ...roles.map((role) => [role, `role ${role}`])];
  await askForm({
    title: "Label in labelme", verb: "Open labelme",
    text: "labelme opens in a window of its own. When you close it, what you changed comes back as new versions.",
    fields: [
      { name: "dataset", label: "Dataset", type: "select", value: dataset ?? "", options: filled.map((each) => [each.name, each.name]) },
      { name: "on", label: "Images", type: "select", value: on ?? "", options, hint: "Or select some in the gallery first." },
    ],
    send: (answer) => send("label_images", { images: [], dataset: answer.dataset, on: answer.on || null }),
  });
}
