// The trainings of a project, or one of them. value: {project, run}; null where there is none.

import { loadStyle } from "../dom.js";
import { RunPage } from "../run_page.js";
import { RunTable } from "../run_table.js";
import { noProject } from "../which_project.js";

export function mount(element, value) {
  loadStyle();
  element.classList.add("wb-runs");
  let page = null;
  const update = (next) => {
    if (!next || page) return;
    if (!next.project) element.replaceChildren(noProject());
    else page = next.run ? new RunPage(element, next) : new RunTable(element, next);
  };
  update(value);
  return { update };
}
