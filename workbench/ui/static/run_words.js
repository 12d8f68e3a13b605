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
