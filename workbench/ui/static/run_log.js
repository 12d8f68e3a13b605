// The end of a log, which follows while one is at its bottom.
//
// new RunLog(element, url) -> {read(), ended}: `read` adds what is new; `ended` once its writer is gone and all is read

import { getJson } from "./api.js";
import { h } from "./dom.js";

const TAIL = 32 * 1024; // bytes read at first
const KEPT = 256 * 1024; // characters shown

export class RunLog {
  constructor(element, url) {
    Object.assign(this, { url, position: -TAIL, reading: false, ended: false });
    this.text = h("pre", { class: "wb-log", tabindex: 0, "aria-label": "Log" });
    element.replaceChildren(this.text);
  }

  async read() {
    if (this.reading) return;
    this.reading = true;
    try {
      const first = this.position < 0;
      const { text, position, ended } = await getJson(`${this.url}?from=${this.position}`);
      Object.assign(this, { position, ended });
      const atEnd = first || this.text.scrollTop + this.text.clientHeight > this.text.scrollHeight - 24;
      if (text) this.text.textContent = (first ? text : this.text.textContent + text).slice(-KEPT);
      if (atEnd) this.text.scrollTop = this.text.scrollHeight;
    } catch (error) {
      if (!this.text.textContent) this.text.textContent = error.message; // else what was read stays, and is read on
    } finally {
      this.reading = false;
    }
  }
}
