// Where a gallery's entries come from: a project's data, or an evaluation.
//
// A source has
//   classes            [{name, color}] by the index its maps hold
//   modes              [{id, label, maps, paint, words}]: what can be laid over a photo; `maps` are the layers `paint`
//                      needs, `words` say what colours mean that are not those of classes: [{label, color, hatched}]
//   named              [{layer, text, sure}]: what the maps say of the pixel under the pointer
//   fourUp             ids of the modes that the lightbox shows side by side; may be missing
//   swipe              ids of the two modes with a divider between them, or of more, of which one chooses two; may be missing
//   page(offset, limit, signal) -> {total, images, note}: a note, if there is one, is said above them
//   keys() -> [key] of all entries in order; may be missing
//   key(entry), caption(entry), badge(entry) -> {text, title, level} or null, has(entry, mode)
//   facts(entry) -> [text], said below the picture where it is large; may be missing
//   photoUrl(entry, size), mapUrl(entry, layer, size)
//   mapsUrl(layer, size)  where maps of many are asked for together, null where they are not; may be missing
//   history(entry, parent, onRestored)  opens the versions of its labels in `parent`; may be missing
//   empty              what to say where there is no image at all

import { address, getJson } from "./api.js";
import { ERROR_COLORS, LIT, paintCell, paintConfidence, paintErrors, paintMap } from "./colorize.js";
import { exact, isolated, percent } from "./dom.js";
import { openHistory } from "./history.js";

const SMALL = [256, 512]; // sizes of tiles

const PHOTO = { id: "photo", label: "Photo", maps: [], paint: null };

const CONFIDENCE = {
  id: "confidence", label: "Confidence", maps: ["confidence"], paint: (canvas, [map]) => paintConfidence(canvas, map),
  words: [{ label: "unsure", color: "#000000" }, { label: "sure", color: "#ffffff" }],
};
const ERRORS = {
  id: "error", label: "Error", maps: ["truth", "prediction"], paint: (canvas, maps, look) => paintErrors(canvas, ...maps, look.table),
  words: ["right", "wrong", "ignored"].map((label) => ({ label, color: ERROR_COLORS[label], hatched: label === "ignored" })),
};
const SURE = { layer: "confidence", text: "sure", sure: true };

const paintClasses = (canvas, [map], look) => paintMap(canvas, map, look.table);

// value: {kind: "data", project, dataset, subset, role, class, labelled, text, order} or
//        {kind: "evaluation", evaluation, sort, cell: [t, m], having, on, min, max, mapping} or
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
    named: [{ layer: "map", text: "labelled" }],
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
    mapsUrl: (_, size) => (SMALL.includes(size) ? address(`/api/projects/${project}/maps`, { size }) : null),
    history: (entry, parent, onRestored) => openHistory({ root: image(entry), entry, classes: shownClasses, parent, onRestored }),
  };
}

export async function openEvaluation({ evaluation, sort, cell, having, on, min, max, mapping, empty }, signal) {
  const root = `/api/evaluations/${evaluation}`;
  const { axes, confusion, version } = await getJson(address(root, { mapping }), { signal });
  // `other`, the last of what is predicted, is named where something lies in it.
  const used = axes.truth.length + (confusion.some((row) => row[axes.truth.length] > 0) ? 1 : 0);
  const query = { sort, cell: cell?.join(","), class: having, on, min_score: min, max_score: max, mapping };
  const isFiltered = Boolean(cell || having || on || min !== undefined || max !== undefined);
  const modes = [
    { id: "prediction", label: "Prediction", maps: ["prediction"], paint: paintClasses },
    { id: "truth", label: "Truth", maps: ["truth"], paint: paintClasses },
    ERRORS,
    CONFIDENCE,
    PHOTO,
  ];
  if (cell) {
    const [truth, predicted] = [axes.truth[cell[0]], axes.predicted[cell[1]]];
    const words = [{ label: `${truth}, taken for ${predicted}`, color: LIT }];
    modes.unshift({ id: "cell", label: `${truth} → ${predicted}`, maps: ["lit"], paint: (canvas, [map]) => paintCell(canvas, map), words });
  }
  const of = (layer, size) => ({
    size, v: version, mapping: ["prediction", "lit"].includes(layer) ? mapping : null, cell: layer === "lit" ? cell.join(",") : null,
  });
  const picture = (entry, layer, size) => address(`${root}/images/${entry.number}/${layer}`, of(layer, size));
  return {
    classes: axes.predicted.slice(0, used).map((name, index) => ({ name, color: axes.colors[index] })),
    modes,
    named: [{ layer: "truth", text: "truth" }, { layer: "prediction", text: "predicted" }, SURE],
    fourUp: ["photo", "truth", "prediction", cell ? "cell" : "error"],
    swipe: ["truth", "prediction"],
    empty: empty ?? (isFiltered ? "No image has that." : "The evaluation holds no image."),
    page: (offset, limit, signal) => getJson(address(`${root}/gallery`, { ...query, offset, limit }), { signal }),
    keys: async () => (await getJson(address(`${root}/gallery/numbers`, query))).images,
    key: (entry) => entry.number,
    caption: (entry) => `${entry.dataset}/${entry.path}`,
    badge: (entry) => (entry.pixels_in_cell !== null ? cellBadge(entry) : /^-?entropy$/.test(sort ?? "") ? entropyBadge(entry) : scoreBadge(entry)),
    has: () => true,
    photoUrl: (entry, size) => picture(entry, "photo", size),
    mapUrl: picture,
    mapsUrl: (layer, size) => (SMALL.includes(size) ? address(`${root}/maps/${layer}`, of(layer, size)) : null),
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
      ...(crf ? [] : [CONFIDENCE]),
      PHOTO,
    ],
    named: [{ layer: "map", text: "predicted" }, ...(crf ? [] : [SURE])],
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
  const figure = score_name === "mIoU" ? score_name : `IoU of ${isolated(score_name)}`;
  const title = score === null ? `${figure}: n/a, in neither truth nor prediction` : `${figure} ${percent(score)} %`;
  const level = score === null ? null : score < 0.4 ? "low" : score < 0.7 ? "middle" : "high";
  return { text: score === null ? percent(score) : `${percent(score)} %`, title, level };
}

function entropyBadge({ entropy, ...entry }) {
  if (entropy === null) return scoreBadge(entry); // an older evaluation; a note says so
  return { text: `entropy ${percent(entropy)} %`, title: `mean entropy ${percent(entropy)} %; ${scoreBadge(entry).title}` };
}

function cellBadge({ pixels_in_cell, ...entry }) {
  return { text: `${exact(pixels_in_cell)} px`, title: `${exact(pixels_in_cell)} pixels; ${scoreBadge(entry).title}` };
}
