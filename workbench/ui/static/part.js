// Mounting a part of the data page: what it shows is of one project, and is made anew for another.

import { loadStyle } from "./dom.js";

// Part: a class made with (element, project, emit), which has destroy() and knows its `project`; one that waits for a task
// has `looking`, too (looking.js), which is told of it. Returns the widget's `mount`, whose value is {project} or {project,
// task} or {project, failed}; null shows nothing.
export function mounting(Part) {
  return (element, value, emit) => {
    loadStyle();
    element.classList.add("wb-data");
    let part = null;
    const update = (next) => {
      if (next?.project !== part?.project) {
        part?.destroy();
        part = next && new Part(element, next.project, emit);
      }
      if (next) part.looking?.tell(next);
    };
    update(value);
    return { update };
  };
}
