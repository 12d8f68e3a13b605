// Following a task to its end.

import { getJson } from "./api.js";
import { repeat } from "./poll.js";

// Calls tell(task) at every look, the last time with the end state. tell(null): there is no such task (any more).
// -> {stop()}
export function followTask(id, tell) {
  return repeat(async () => {
    try {
      const task = await getJson(`/api/tasks/${id}`);
      tell(task);
      return task.state === "running";
    } catch (error) {
      if (error.status === 404) tell(null);
      return error.status !== 404 && error.status !== 401;
    }
  }, 700);
}

// "Freezing 10 of 300", "" before it told anything.
export function progressText({ progress }) {
  if (!progress) return "";
  const { done, total, what } = progress;
  return `${what}: ${done}${total ? ` of ${total}` : ""}`;
}
