// Following a task to its end.

import { getJson } from "./api.js";
import { repeat } from "./poll.js";

// Calls tell(task) at every look, the last time with the end state. tell(null): there is no such task (any more).
// -> {stop()}
export function followTask(id, tell) {
  return repeat(async () => {
    let task = null;
    try {
      task = await getJson(`/api/tasks/${id}`);
    } catch (error) {
      if (error.status !== 404) return error.status !== 401; // it may answer again
    }
    tell(task);
    return task?.state === "running";
  }, 700);
}

// "Freezing: 10 of 300"; what it does, or waits for, before there is anything to count; "" before it told anything.
export function progressText({ progress }) {
  if (!progress) return "";
  const { done, total, what } = progress;
  return done || total ? `${what}: ${done}${total ? ` of ${total}` : ""}` : what;
}

// The same of a run before its first step, with how long that takes already.
export function preparingText(progress) {
  if (!progress) return "";
  return `${progressText({ progress })} · for ${lasting(Date.now() / 1000 - progress.since)}`;
}

// 75 -> "1 min 15 s"
export function lasting(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
