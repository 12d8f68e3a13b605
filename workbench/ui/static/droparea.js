// A place to drop files and folders on, with buttons for those who do not drag.
//
// dropArea({id, title, hint, folders, multiple, accept, onFiles}) -> element
//   folders: folders are taken too, with the paths below them; accept: as of <input type=file>
//   onFiles({files: [{path, file}], clutter, unread: [{path, why}]}); clutter counts what systems leave beside files

import { h } from "./dom.js";

const CLUTTER = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

export function dropArea({ id, title, hint, folders = false, multiple = true, accept = null, onFiles }) {
  const tell = (found) => { if (found.files.length || found.clutter || found.unread.length) onFiles(found); };
  const input = (attributes, name) => {
    const element = h("input", { type: "file", hidden: true, tabindex: "-1", id: id && `${id}-${name}`, ...attributes });
    element.addEventListener("change", () => {
      tell(chosen(element.files));
      element.value = ""; // the same choice again is a choice
    });
    return element;
  };
  const files = input({ multiple, accept }, "files");
  const folder = folders && input({ webkitdirectory: true, multiple: true }, "folder");
  const button = (text, target) => h("button", { type: "button", class: "wb-button", onclick: () => target.click() }, text);
  const said = h("p", { class: "wb-drop-hint", role: "status" }, hint);
  const area = h("div", { class: "wb-drop", id, role: "group", "aria-label": title },
    h("p", { class: "wb-drop-title" }, title), said,
    h("div", { class: "wb-drop-buttons" },
      folder && button("Choose a folder", folder), button(multiple ? "Choose files" : "Choose a file", files)),
    files, folder || null);
  let depth = 0; // of elements below the pointer: leaving a child is not leaving
  const over = (change) => {
    depth = change === 0 ? 0 : Math.max(0, depth + change);
    area.classList.toggle("wb-over", depth > 0);
  };
  area.addEventListener("dragenter", (event) => { event.preventDefault(); over(1); });
  area.addEventListener("dragleave", () => over(-1));
  area.addEventListener("dragover", (event) => event.preventDefault());
  area.addEventListener("drop", async (event) => {
    event.preventDefault();
    over(0);
    const reading = dropped(event.dataTransfer, folders, (count) => { said.textContent = `Looking through it: ${count} files …`; });
    const found = await reading;
    said.textContent = hint;
    tell(multiple ? found : { ...found, files: found.files.slice(0, 1) });
  });
  return area;
}

export function isClutter(path) {
  const parts = path.split("/");
  const last = parts.at(-1);
  return parts.includes("__MACOSX") || CLUTTER.has(last) || last.startsWith("._");
}

function chosen(list) {
  return sorted([...list].map((file) => ({ path: file.webkitRelativePath || file.name, file })), []);
}

// What was dropped must be taken from the event at once; looking through folders may take longer.
async function dropped(transfer, folders, tell) {
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => [item.webkitGetAsEntry?.() ?? null, item.getAsFile()]);
  const found = [];
  const unread = [];
  for (const [entry, file] of entries) {
    if (entry?.isDirectory && !folders) unread.push({ path: entry.name, why: "a folder; drop its files instead" });
    else if (entry?.isDirectory) await walk(entry, found, unread, tell);
    else if (file) found.push({ path: file.name, file });
  }
  return sorted(found, unread);
}

async function walk(folder, found, unread, tell) {
  const reader = folder.createReader();
  for (;;) {
    const entries = await new Promise((resolve) => reader.readEntries(resolve, (error) => {
      unread.push({ path: folder.fullPath.slice(1), why: error.message });
      resolve([]);
    }));
    if (!entries.length) return; // the reader hands out a hundred at a time
    for (const entry of entries) {
      const path = entry.fullPath.slice(1);
      if (entry.isDirectory) {
        if (!isClutter(path)) await walk(entry, found, unread, tell);
        continue;
      }
      await new Promise((resolve) => entry.file((file) => { found.push({ path, file }); resolve(); }, (error) => {
        unread.push({ path, why: error.message });
        resolve();
      }));
    }
    tell(found.length);
  }
}

function sorted(found, unread) {
  const files = found.filter(({ path }) => !isClutter(path));
  return { files, clutter: found.length - files.length, unread };
}
