// Care for the data: findings with their way out, and groups of images that show the same. value: {project, command,
// task} or {project, failed}; null shows nothing. `task` is the number of the task that runs `command`, check or leaks.
// Sends "move" {group, to}, an empty group being all that leak, "merge" {name, into}, "drop" {classes}, "unrole"
// {dataset, kind} and "look" {command}.

import { loadStyle } from "../dom.js";
import { Findings } from "../care_findings.js";
import { Groups } from "../care_groups.js";

export function mount(element, value, emit) {
  loadStyle();
  element.classList.add("wb-data");
  let care = null;
  const update = (next) => {
    if (next?.project !== care?.project) {
      care?.destroy();
      care = next && new Care(element, next.project, emit);
    }
    if (next?.task) care.watch(next);
    if (next?.failed) care.fail();
  };
  update(value);
  return { update };
}

class Care {
  constructor(element, project, emit) {
    const [findings, groups] = [document.createElement("section"), document.createElement("section")];
    element.replaceChildren(findings, groups);
    Object.assign(this, { element, project, parts: { check: new Findings(findings, project, emit), leaks: new Groups(groups, project, emit) } });
  }

  watch({ command, task }) {
    this.parts[command].counting.watch(task);
  }

  fail() {
    for (const { counting } of Object.values(this.parts)) counting.failToStart();
  }

  destroy() {
    for (const part of Object.values(this.parts)) part.destroy();
    this.element.replaceChildren();
  }
}
