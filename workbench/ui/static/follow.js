// Loading what a part of a page shows: when it is first seen, and anew once its data have changed. What is out of sight
// waits until it is seen again.

import { isAbort } from "./api.js";
import { holdFocus } from "./focus.js";

// load(signal, byTask) fetches and draws; fault(message) says why that did not work. Returns {renew, stop}. `byTask`: only
// because a task ended, which may have changed nothing here.
// Data change by a handler of the page, which sends `wb-data` on the document, and by tasks of the same project.
export function follow(element, project, load, fault) {
  let stale = true;
  let byTask = false;
  let loading = null;
  const look = async () => {
    if (!stale || !element.checkVisibility()) return;
    stale = false;
    loading?.abort();
    loading = new AbortController();
    const { signal } = loading;
    try {
      const giveBack = holdFocus(element);
      await load(signal, byTask);
      giveBack();
    } catch (error) {
      if (!isAbort(error)) fault(error.message);
    }
  };
  const renew = () => wish(false);
  const wish = (ofTask) => {
    byTask = ofTask && (byTask || !stale);
    stale = true;
    look();
  };
  const onTask = ({ detail }) => {
    if (detail.kind === "task" && detail.project_id === project && detail.state !== "running") wish(true);
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
