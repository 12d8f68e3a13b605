// The entries of a source, fetched a page at a time as they are asked for.

import { isAbort } from "./api.js";

const PAGE = 100;

export class Entries extends EventTarget {
  constructor(source) {
    super();
    this.source = source;
    this.total = null; // unknown until the first page is there
    this.found = [];
    this.pages = new Map(); // page -> promise of it
    this.abort = new AbortController();
  }

  get(index) {
    return this.found[index];
  }

  // Fetch what is missing of [start, end); the event "change" tells when some of it came.
  want(start, end) {
    for (let page = Math.floor(Math.max(0, start) / PAGE); page * PAGE < Math.max(1, end); page += 1) this.fetch(page);
  }

  // Resolves to the entry at an index, fetching its page first.
  async at(index) {
    if (!this.found[index]) await this.fetch(Math.floor(index / PAGE));
    return this.found[index];
  }

  close() {
    this.abort.abort();
  }

  // Resolves once the page is there, whoever asked for it first, or cannot be had.
  fetch(page) {
    if (!this.pages.has(page)) this.pages.set(page, this.load(page));
    return this.pages.get(page);
  }

  async load(page) {
    try {
      const { total, images, note = null } = await this.source.page(page * PAGE, PAGE, this.abort.signal);
      Object.assign(this, { total, note });
      images.forEach((entry, place) => { this.found[page * PAGE + place] = entry; });
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      this.pages.delete(page); // asked for again, it is tried again
      if (!isAbort(error)) this.dispatchEvent(new CustomEvent("fault", { detail: error.message }));
    }
  }
}
