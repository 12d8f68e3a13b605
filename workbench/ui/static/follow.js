// Loading what a part of a page shows: when it is first seen, and anew once its data have changed. What is out of sight
// waits until it is seen again.

import { isAbort } from "./api.js";

// load(signal) fetches and draws; fault(message) says why that did not work. Returns {renew, stop}.
// Data change by a handler of the page, which sends `wb-data` on the document, and by tasks of the same project.
export function follow(element, project, load, fault) {
  let stale = true;
  let loading = null;
  const look = async () => {
    if (!stale || !element.checkVisibility()) return;
    stale = false;
    loading?.abort();
    loading = new AbortController();
    const { signal } = loading;
    try {
      await load(signal);
    } catch (error) {
      if (!isAbort(error)) fault(error.message);
    }
  };
  const renew = () => {
    stale = true;
    look();
  };
  const onTask = ({ detail }) => {
    if (detail.kind === "task" && detail.project_id === project && detail.state !== "running") renew();
  };
  const watcher = new ResizeObserver(look);
  document.addEventListener("wb-data", renew);
  document.addEventListener("wb-task", onTask);
  watcher.observe(element);
  look();
  return {
    renew,
    stop() {
      loading?.abort();
      watcher.disconnect();
      document.removeEventListener("wb-data", renew);
      document.removeEventListener("wb-task", onTask);
    },
  };
}
