// Where a gallery's entries come from: a project's data, or an evaluation.
//
// A source has
//   classes            [{name, color}] by the index its maps hold
//   modes              [{id, label, maps, paint}]: what can be laid over a photo; `maps` are the layers `paint` needs
//   fourUp             ids of the modes that the lightbox shows side by side, or null
//   page(offset, limit, signal) -> {total, images}
//   keys() -> [key] of all entries in order; may be missing
//   key(entry), caption(entry), badge(entry) -> {text, title, level} or null, has(entry, mode)
//   facts(entry) -> [text], said below the picture where it is large; may be missing
//   photoUrl(entry, size), mapUrl(entry, layer, size)
//   history(entry, parent, onRestored)  opens the versions of its labels in `parent`; may be missing
//   empty              what to say where there is no image at all

import { address, getJson } from "./api.js";
import { paintCell, paintConfidence, paintErrors, paintMap } from "./colorize.js";
import { exact, percent } from "./dom.js";
import { openHistory } from "./history.js";

const PHOTO = { id: "photo", label: "Photo", maps: [], paint: null };

const paintClasses = (canvas, [map], look) => paintMap(canvas, map, look.table);

// value: {kind: "data", project, dataset, subset, role, class, labelled, text, order} or
//        {kind: "evaluation", evaluation, sort, cell: [t, m], having, mapping} or
//        {kind: "tried", tried, crf}: crf is how many iterations of a CRF refined it, 0 by default
export function openSource(value, signal) {
  return { data: openData, evaluation: openEvaluation, tried: openTried }[value.kind](value, signal);
}

export async function openData({ project, empty, dataset, subset, role, class: shown, labelled, text, order }, signal) {
  const { classes } = await getJson(`/api/projects/${project}/classes`, { signal });
  const filters = { dataset, subset, role, class: shown, labelled, text, order };
  const image = (entry) => `/api/projects/${project}/images/${entry.id}`;
  const shownClasses = classes.filter(({ index }) => index !== null).sort((a, b) => a.index - b.index);
  return {
    classes: shownClasses,
    modes: [{ id: "labels", label: "Labels", maps: ["map"], paint: paintClasses }, PHOTO],
    fourUp: null,
    empty: empty ?? "No image fits these filters.",
    page: (offset, limit, signal) =>
      getJson(address(`/api/projects/${project}/gallery`, { ...filters, offset, limit }), { signal }),
    keys: async () => (await getJson(address(`/api/projects/${project}/gallery/ids`, filters))).images,
    key: (entry) => entry.id,
    caption: (entry) => `${entry.dataset}/${entry.path}`,
    badge: (entry) =>
      entry.labelled ? entry.role && { text: entry.role, title: `role ${entry.role}` } : { text: "no labels", level: "low" },
    facts: ({ width, height, role, subsets, classes }) => [
      `${width} × ${height}`, role ? `role ${role}` : "no role",
      ...(subsets.length ? [`in ${subsets.join(", ")}`] : []), ...(classes.length ? [`shows ${classes.join(", ")}`] : []),
    ],
    has: (entry) => entry.labelled,
    photoUrl: (entry, size) => address(`${image(entry)}/photo`, { size, v: entry.photo_version }),
    mapUrl: (entry, layer, size) => address(`${image(entry)}/${layer}`, { size, v: entry.map_version }),
    history: (entry, parent, onRestored) => openHistory({ root: image(entry), entry, classes: shownClasses, parent, onRestored }),
  };
}

export async function openEvaluation({ evaluation, sort, cell, having, mapping, empty }, signal) {
  const root = `/api/evaluations/${evaluation}`;
  const { axes, confusion, version } = await getJson(address(root, { mapping }), { signal });
  // `other`, the last of what is predicted, is named where something lies in it.
  const used = axes.truth.length + (confusion.some((row) => row[axes.truth.length] > 0) ? 1 : 0);
  const query = { sort, cell: cell?.join(","), class: having, mapping };
  const modes = [
    { id: "prediction", label: "Prediction", maps: ["prediction"], paint: paintClasses },
    { id: "truth", label: "Truth", maps: ["truth"], paint: paintClasses },
    { id: "error", label: "Error", maps: ["truth", "prediction"], paint: (canvas, maps) => paintErrors(canvas, ...maps) },
    { id: "confidence", label: "Confidence", maps: ["confidence"], paint: (canvas, [map]) => paintConfidence(canvas, map) },
    PHOTO,
  ];
  if (cell) {
    const label = `${axes.truth[cell[0]]} → ${axes.predicted[cell[1]]}`;
    const paint = (canvas, maps) => paintCell(canvas, ...maps, cell);
    modes.unshift({ id: "cell", label, maps: ["truth", "prediction"], paint });
  }
  const picture = (entry, layer, size) =>
    address(`${root}/images/${entry.number}/${layer}`, { size, v: version, mapping: layer === "prediction" ? mapping : null });
  return {
    classes: axes.predicted.slice(0, used).map((name, index) => ({ name, color: axes.colors[index] })),
    modes,
    fourUp: ["photo", "truth", "prediction", cell ? "cell" : "error"],
    empty: empty ?? (cell || having ? "No image has that." : "The evaluation holds no image."),
    page: (offset, limit, signal) => getJson(address(`${root}/gallery`, { ...query, offset, limit }), { signal }),
    key: (entry) => entry.number,
    caption: (entry) => `${entry.dataset}/${entry.path}`,
    badge: (entry) => (entry.pixels_in_cell === null ? scoreBadge(entry) : cellBadge(entry)),
    has: () => true,
    photoUrl: (entry, size) => picture(entry, "photo", size),
    mapUrl: picture,
  };
}

// The one photo that a model was tried on.
export async function openTried({ tried, crf = 0 }, signal) {
  const root = `/api/tried/${tried}`;
  const { width, height, classes, model } = await getJson(root, { signal });
  const picture = (entry, layer, size) => address(`${root}/${layer}`, { size, crf: layer === "map" ? crf : null });
  return {
    classes,
    modes: [
      { id: "prediction", label: "Prediction", maps: ["map"], paint: paintClasses },
      ...(crf ? [] : [{ id: "confidence", label: "Confidence", maps: ["confidence"], paint: (canvas, [map]) => paintConfidence(canvas, map) }]),
      PHOTO,
    ],
    fourUp: null,
    empty: "",
    page: async () => ({ total: 1, images: [{ id: tried, width, height }] }),
    key: (entry) => entry.id,
    caption: () => `Photo with the prediction of ${model}${crf ? `, refined by ${crf} iterations of a CRF` : ""}`,
    badge: () => null,
    has: () => true,
    photoUrl: (entry, size) => picture(entry, "photo", size),
    mapUrl: picture,
  };
}

function scoreBadge({ score, score_name }) {
  const title = score === null ? `${score_name}: n/a, in neither truth nor prediction` : `${score_name} ${percent(score)} %`;
  const level = score === null ? null : score < 0.4 ? "low" : score < 0.7 ? "middle" : "high";
  return { text: percent(score), title, level };
}

function cellBadge({ pixels_in_cell, score, score_name }) {
  return { text: `${exact(pixels_in_cell)} px`, title: `${exact(pixels_in_cell)} pixels; ${score_name} ${percent(score)}` };
}
