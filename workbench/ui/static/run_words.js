// How runs are told of, wherever they are.

import { exact, h, percent } from "./dom.js";
import { lasting } from "./task.js";
import { term } from "./words.js";

export const STATES = {
  queued: "waiting", preparing: "preparing", running: "running", finished: "finished", stopped: "stopped", interrupted: "interrupted", failed: "failed",
};
export const LIVE = new Set(["queued", "preparing", "running"]);
export const RESUMABLE = new Set(["stopped", "interrupted", "failed"]);

export function pill(state) {
  return h("span", { class: "wb-pill", dataset: { state } }, STATES[state] ?? state);
}

export function bestVal() {
  return ["Best ", term("val", "val"), " ", term("miou", "mIoU")];
}

export function score(miou) {
  return miou === null || miou === undefined ? "–" : `${percent(miou)} %`;
}

export function steps(done, total) {
  return total ? `${exact(done ?? 0)} / ${exact(total)}` : exact(done ?? 0);
}

export function left(eta) {
  return eta === null || eta === undefined ? "" : `${lasting(eta)} left`;
}

export function moment(text) {
  return new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
