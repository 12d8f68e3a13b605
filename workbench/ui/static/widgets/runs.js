// The trainings of a project, one of them, the curves of several, its benches, or one of those.
// value: {project, run}; null where there is none. What else there is to show, the address says.

import { BenchList } from "../bench_list.js";
import { BenchPage } from "../bench_page.js";
import { loadStyle } from "../dom.js";
import { query } from "../place.js";
import { RunOverlay } from "../run_overlay.js";
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
    else page = open(element, next, query());
  };
  update(value);
  return { update };
}

function open(element, { project, run }, { bench, runs, tab }) {
  if (run) return new RunPage(element, { project, run });
  if (runs) return new RunOverlay(element, { project, runs });
  if (bench) return new BenchPage(element, { project, bench });
  return tab === "benches" ? new BenchList(element, { project }) : new RunTable(element, { project });
}
