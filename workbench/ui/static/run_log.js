// The end of a log, which follows while one is at its bottom. Read only while its part of the page is open.

import { getJson } from "./api.js";
import { h } from "./dom.js";

const TAIL = 32 * 1024; // bytes read at first
const KEPT = 256 * 1024; // characters shown

export class RunLog {
  constructor(element, part, url) {
    Object.assign(this, { part, url, position: -TAIL });
    this.text = h("pre", { class: "wb-log", tabindex: 0, "aria-label": "Log" });
    element.replaceChildren(this.text);
    part.addEventListener("toggle", () => this.read());
  }

  async read() {
    if (!this.part.open || this.reading) return;
    this.reading = true;
    try {
      const first = this.position < 0;
      const { text, position } = await getJson(`${this.url}?from=${this.position}`);
      this.position = position;
      const atEnd = first || this.text.scrollTop + this.text.clientHeight > this.text.scrollHeight - 24;
      if (text) this.text.textContent = (this.text.textContent + text).slice(-KEPT);
      if (atEnd) this.text.scrollTop = this.text.scrollHeight;
    } finally {
      this.reading = false;
    }
  }
}
