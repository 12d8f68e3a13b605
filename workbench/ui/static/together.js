// Small maps of many tiles, fetched together: all that are asked for in one turn of the browser take a few requests.

import { getBytes, isAbort } from "./api.js";
import { loadMap } from "./colorize.js";

const MOST = 9; // maps of one answer: the first rows stand while the last are still made
let waiting = new Map(); // address of the maps of a layer -> those of it that are asked for: {key, url, signal, resolve, reject}

// The map of the image with a key. maps: where those of its layer are asked for; url: where it is alone
export function loadTogether(maps, key, url, { signal }) {
  return new Promise((resolve, reject) => {
    if (!waiting.size) queueMicrotask(fetchAll);
    const asked = waiting.get(maps) ?? [];
    asked.push({ key, url, signal, resolve, reject });
    waiting.set(maps, asked);
  });
}

function fetchAll() {
  for (const [maps, asked] of waiting) {
    for (let start = 0; start < asked.length; start += MOST) fetchSome(maps, asked.slice(start, start + MOST));
  }
  waiting = new Map();
}

async function fetchSome(maps, asked) {
  const loading = new AbortController();
  let left = asked.length;
  for (const { signal } of asked) signal.addEventListener("abort", () => { if (!(left -= 1)) loading.abort(); });
  try {
    const answer = getBytes(`${maps}&images=${asked.map(({ key }) => key)}`, { signal: loading.signal }).then(unpack);
    const found = await answer.catch((error) => { if (isAbort(error)) throw error; return []; });
    // Which of them cannot be had and why, it says itself.
    asked.forEach(({ url, signal, resolve }, place) => resolve(found[place] ?? loadMap(url, { signal })));
  } catch (error) {
    for (const { reject } of asked) reject(error);
  }
}

// [{width, height, data}], null where there is no map: the bytes are as workbench/server/tiles.py says.
function unpack(buffer) {
  const view = new DataView(buffer);
  const found = [];
  for (let at = 0; at < buffer.byteLength;) {
    const [width, height] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const end = at + 4 + width * height;
    found.push(width ? { width, height, data: new Uint8Array(buffer.slice(at + 4, end)) } : null);
    at = end;
  }
  return found;
}
