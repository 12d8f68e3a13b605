// Sending files to an upload of the server, several at once. It knows nothing of the page.

import { address, getJson, post, put, remove } from "./api.js";
import { size } from "./dom.js";

const AT_ONCE = 4;
const TELL_EVERY = 100; // ms
const RATE_OVER = 4000; // ms that the rate is measured over
const PAGE = 1000;

// Sends "change" while it works, and once more when nothing is under way any more.
export class Upload extends EventTarget {
  // id: of an upload that is there already, null for a new one; `limits` are {most_bytes, most_files}
  constructor(limits, id = null) {
    super();
    Object.assign(this, { limits, id, waiting: [], next: 0, under: new Map(), sent: 0, sentBytes: 0, moved: [] });
    this.refused = []; // [{path, why}]: sending it again would not help
    this.failed = []; // [{path, file, why}]: it may
    this.there = new Map(); // path -> bytes, of what the server has from before
    this.total = 0;
    this.totalBytes = 0;
    this.stopped = false;
  }

  get busy() {
    return this.under.size > 0 || this.next < this.waiting.length;
  }

  get bytes() {
    let bytes = this.sentBytes;
    for (const { loaded } of this.under.values()) bytes += loaded;
    return bytes;
  }

  // Bytes a second, lately; null where it cannot be said yet.
  get rate() {
    const [first] = this.moved;
    const last = this.moved.at(-1);
    return first && last.at - first.at > 500 ? (1000 * (last.bytes - first.bytes)) / (last.at - first.at) : null;
  }

  // Know what an upload that was begun before the page was loaded again holds.
  async recall() {
    for (let offset = 0; ; offset += PAGE) {
      const { total, files } = await getJson(address(`/api/uploads/${this.id}/files`, { offset, limit: PAGE }));
      for (const { path, bytes } of files) this.there.set(path, bytes);
      if (offset + PAGE >= total) return;
    }
  }

  async send(files) {
    const fresh = files.filter(({ path, file }) => this.there.get(path.normalize("NFC")) !== file.size);
    const bytes = fresh.reduce((sum, { file }) => sum + file.size, this.totalBytes);
    const count = this.total + fresh.length + this.there.size;
    const { most_bytes: mostBytes, most_files: mostFiles } = this.limits;
    if (count > mostFiles) throw new Error(`That is ${count} files; an upload takes ${mostFiles}. Drop fewer, or name the folder by its path.`);
    if (bytes > mostBytes) throw new Error(`That is ${size(bytes)}; an upload takes ${size(mostBytes)}. Drop fewer, or name the folder by its path.`);
    this.id ??= (await post("/api/uploads")).upload;
    this.total += fresh.length;
    this.totalBytes = bytes;
    this.waiting.push(...fresh);
    await this.work();
  }

  async retry() {
    const again = this.failed.splice(0);
    this.waiting.push(...again);
    await this.work();
  }

  // Resolves once nothing is under way. Whoever calls while it works waits for the same end.
  work() {
    this.working ??= Promise.all(Array.from({ length: AT_ONCE }, () => this.lane())).then(() => {
      this.working = null;
      this.tell(true);
    });
    return this.working;
  }

  async lane() {
    while (!this.stopped && this.next < this.waiting.length) {
      const item = this.waiting[this.next];
      this.waiting[this.next] = null; // ten thousand files need not be held for good
      this.next += 1;
      await this.put(item);
    }
  }

  put(item) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest(); // fetch does not tell how far it is
      request.open("PUT", address(`/api/uploads/${this.id}/files`, { path: item.path }));
      request.setRequestHeader("X-Workbench", "1");
      request.upload.addEventListener("progress", ({ loaded }) => {
        const state = this.under.get(request);
        if (state) state.loaded = loaded;
        this.tell();
      });
      request.addEventListener("loadend", () => {
        this.under.delete(request);
        if (!this.stopped) this.settle(item, request);
        this.tell();
        resolve();
      });
      this.under.set(request, { path: item.path, size: item.file.size, loaded: 0 });
      this.tell();
      request.send(item.file);
    });
  }

  settle({ path, file }, request) {
    if (request.status >= 200 && request.status < 300) {
      this.sent += 1;
      this.sentBytes += file.size;
      return;
    }
    if (request.status === 400 || request.status === 413) this.refused.push({ path, why: sentence(request) });
    else this.failed.push({ path, file, why: request.status ? sentence(request) : "It could not be read, or the workbench did not answer." });
  }

  // Take an archive of the computer that the workbench runs on, for what would have been sent.
  async take(path) {
    this.id ??= (await post("/api/uploads")).upload;
    await put(`/api/uploads/${this.id}/archive`, { path });
  }

  // Stop, and delete what was sent.
  async cancel() {
    this.stopped = true;
    for (const request of [...this.under.keys()]) request.abort();
    if (this.id) await remove(`/api/uploads/${this.id}`);
  }

  // -> what the upload holds, its archive unpacked. onStatus({state, done, total}) while that takes time.
  async finish(onStatus) {
    let over = false;
    const watch = async () => {
      while (!over) {
        await new Promise((resolve) => { setTimeout(resolve, 500); });
        if (!over) await getJson(`/api/uploads/${this.id}`).then((status) => { if (!over) onStatus(status); }, () => {});
      }
    };
    watch();
    try {
      return await post(`/api/uploads/${this.id}/finish`);
    } finally {
      over = true;
    }
  }

  // The last change is told too, be it a little later: perhaps nothing follows it for long.
  tell(now = false) {
    const at = performance.now();
    const early = TELL_EVERY - (at - (this.told ?? -Infinity));
    if (!now && early > 0) {
      this.later ??= setTimeout(() => this.tell(true), early);
      return;
    }
    clearTimeout(this.later);
    this.later = null;
    this.told = at;
    this.moved.push({ at, bytes: this.bytes });
    while (at - this.moved[0].at > RATE_OVER) this.moved.shift();
    this.dispatchEvent(new Event("change"));
  }
}

function sentence(request) {
  try {
    return JSON.parse(request.responseText).error;
  } catch {
    return `The workbench answered ${request.status}.`;
  }
}
