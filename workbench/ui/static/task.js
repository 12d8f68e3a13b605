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
