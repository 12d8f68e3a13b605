// The images whose labels a model doubts, as a source of pictures: what is labelled and what the model sees, with the
// suspect regions lit.

import { address, getJson } from "../../api.js";
import { LIT, paintMap, rgb } from "../../colorize.js";
import { openSource } from "../../sources.js";

const FAINT = 70; // alpha outside of the regions, of 255
const EDGE = 0xff000000 | rgb(LIT).reduceRight((value, part) => (value << 8) | part, 0);

// wanted: {state, label, seen, sort}; onPage(page) is told of every page that comes; gone(): images shown here that the
// server lists no more, as they were judged meanwhile.
export async function openDoubts(evaluation, wanted, onPage, gone, signal) {
  const base = await openSource({ kind: "evaluation", evaluation }, signal);
  const root = `/api/evaluations/${evaluation}/label-errors`;
  const mode = (id, label, layer) => ({ id, label, maps: [layer, "suspects"], paint: (canvas, [map, suspects], look) => paintDoubt(canvas, map, suspects, look.table) });
  const modes = [mode("labelled", "As labelled", "truth"), mode("seen", "As the model sees it", "prediction"), ...base.modes.filter(({ id }) => ["confidence", "photo"].includes(id))];
  const url = (entry, size) => address(`${root}/${entry.number}/suspects`, { size, v: entry.version });
  return {
    ...base,
    modes,
    fourUp: ["photo", "labelled", "seen", "confidence"],
    swipe: ["labelled", "seen"],
    keys: undefined,
    empty: "No image.",
    page: async (offset, limit, asked) => {
      const judged = gone();
      const page = await getJson(address(root, { ...wanted, offset: Math.max(0, offset - judged), limit }), { signal: asked });
      onPage(page);
      return { total: (page.total ?? 0) + judged, images: (page.images ?? []).map((image) => ({ ...image, version: page.about.version })) };
    },
    badge: ({ regions: [first] }) => ({ text: `${first.label} → ${first.seen}`, title: `labelled ${first.label}, the model sees ${first.seen}` }),
    facts: ({ regions }) => regions.slice(0, 6).map(({ label, seen, pixels }) => `${label} → ${seen}: ${pixels} px`),
    mapUrl: (entry, layer, size) => (layer === "suspects" ? url(entry, size) : base.mapUrl(entry, layer, size)),
    mapsUrl: (layer, size) => (layer === "suspects" ? null : base.mapsUrl(layer, size)),
  };
}

// Classes, faint but for the regions, which get a rim. A map of another size than that of the regions lights none.
function paintDoubt(canvas, map, suspects, table) {
  paintMap(canvas, map, table);
  const { width, height, data } = suspects;
  if (map.width !== width || map.height !== height) return;
  const context = canvas.getContext("2d");
  const image = context.getImageData(0, 0, width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const within = (x, y) => x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] === 1;
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      if (data[i] !== 1) {
        if (pixels[i]) pixels[i] = ((FAINT << 24) | (pixels[i] & 0xffffff)) >>> 0;
      } else if (!within(x - 1, y) || !within(x + 1, y) || !within(x, y - 1) || !within(x, y + 1)) pixels[i] = EDGE;
    }
  }
  context.putImageData(image, 0, 0);
}
