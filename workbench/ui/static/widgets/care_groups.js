// Groups of images that show the same: side by side, with the roles they have, and one role for all of them. value: as
// of care_findings.js, the task being the one that compares them.
// Sends "look" {} and "move" {group, to}; an empty group is all that leak.

import { address, getJson, isAbort } from "../api.js";
import { ask, askForm } from "../dialog.js";
import { exact, h, isTyping, name as bdi } from "../dom.js";
import { keepFocus } from "../focus.js";
import { follow } from "../follow.js";
import { Looking } from "../looking.js";
import { mounting } from "../part.js";
import { dataPage } from "../place.js";

const PAGE = 20;
const ROLES = ["train", "val", "test"];
const REASONS = {
  same: "the same file", alike: "look alike", place: "one time and place", sequence: "neighbours in a sequence",
};

class Groups {
  constructor(element, project, emit) {
    Object.assign(this, { element, project, emit, dataset: "", every: false, offset: 0 });
    this.tools = h("div", { class: "wb-filters" });
    this.place = h("div", { id: "wb-groups" });
    element.replaceChildren(h("h3", {}, "Images that show the same"),
      h("p", { class: "wb-say" }, "A model that learnt from one frame of a scene knows the next one. Where such images have different roles, figures are too good to be true. Give each group one role; frozen revisions keep theirs."),
      this.tools, this.place);
    this.looking = new Looking(this.place, "search", () => emit("look", {}), () => this.following.renew());
    this.following = follow(element, project, (signal) => this.load(signal), (message) => this.say(message));
  }

  destroy() {
    this.looking.destroy();
    this.following.stop();
    this.element.replaceChildren();
  }

  say(message) {
    this.place.replaceChildren(h("p", { class: "wb-message wb-bad", role: "alert" }, message));
  }

  async load(signal) {
    const root = `/api/projects/${this.project}`;
    const wanted = { dataset: this.dataset, every: this.every || "", offset: this.offset, limit: PAGE };
    const [{ datasets }, found] = await Promise.all(
      [getJson(`${root}/datasets`, { signal }), getJson(address(`${root}/care/groups`, wanted), { signal })]);
    if (!found.groups) {
      this.tools.replaceChildren();
      return this.looking.begin("Comparing the photos with each other. Each is read once; you can go on elsewhere meanwhile.");
    }
    if (this.offset && !found.groups.length) { // the last ones of the last page were moved
      this.offset = Math.max(0, PAGE * (Math.ceil(found.total / PAGE) - 1));
      return this.load(signal);
    }
    keepFocus(this.element, () => this.draw(found, datasets));
  }

  async choose(changes) {
    Object.assign(this, { offset: 0 }, changes);
    try {
      await this.load();
    } catch (error) {
      if (!isAbort(error)) this.say(error.message);
    }
  }

  draw(found, datasets) {
    this.drawTools(found, datasets);
    if (!found.total) {
      const none = found.joined
        ? `No group of images has different roles (of ${exact(found.joined)} that show the same).`
        : `No two of ${exact(found.images)} ${found.images === 1 ? "image" : "images"} show the same.`;
      this.place.replaceChildren(h("p", { class: "wb-well" }, none));
      return;
    }
    const list = h("ol", { class: "wb-alikes", onkeydown: (event) => this.key(event) }, ...found.groups.map((group) => this.drawGroup(group)));
    this.place.replaceChildren(list, this.drawPages(found));
  }

  drawTools({ leaking, joined }, datasets) {
    if (!joined && !this.dataset) return this.tools.replaceChildren(); // nothing to choose from
    const show = (every, text, count) => h("button", {
      type: "button", class: "wb-button", "aria-pressed": this.every === every, onclick: () => this.choose({ every }),
    }, `${text} ${exact(count)}`);
    const select = h("select", { "aria-label": "Dataset", onchange: () => this.choose({ dataset: select.value }) },
      h("option", { value: "" }, "All datasets"), ...datasets.map(({ name }) => h("option", { value: name, selected: name === this.dataset }, name)));
    const whole = leaking > 1 && !this.dataset && h("button", { type: "button", class: "wb-button", id: "wb-care-move-all", onclick: () => this.moveAll(leaking) }, `Move all ${exact(leaking)} …`);
    this.tools.replaceChildren(show(false, "Different roles", leaking), show(true, "All", joined), ...(datasets.length > 1 ? [select] : []), ...(whole ? [whole] : []));
  }

  drawGroup(group) {
    const { id, reasons, roles, images, image_count: count } = group;
    const why = Object.entries(reasons).map(([reason]) => REASONS[reason]).join(", ");
    const chips = Object.entries(roles).map(([role, of]) => h("span", { class: "wb-alike-role" },
      h("span", { class: `wb-chip wb-role-${role}` }), `${role === "none" ? "no role" : role} ${exact(of)}`));
    const buttons = ROLES.map((role) => h("button", {
      type: "button", class: "wb-button", "aria-label": `All ${exact(count)} to ${role}`, disabled: roles[role] === count, onclick: () => this.move(group, role),
    }, role));
    return h("li", { class: "wb-alike", tabindex: 0, "aria-label": `${exact(count)} images: ${why}`, dataset: { group: id } },
      h("div", { class: "wb-alike-head" }, h("strong", {}, `${exact(count)} images`), h("span", {}, why), ...chips,
        h("span", { class: "wb-alike-move", role: "group", "aria-label": "All to" }, "All to", ...buttons)),
      h("div", { class: "wb-alike-photos" }, ...images.map((image) => this.drawImage(image)),
        count > images.length && h("span", { class: "wb-hint" }, `and ${exact(count - images.length)} more`)));
  }

  drawImage({ id, dataset, path, role, photo_version: v }) {
    const url = address(`/api/projects/${this.project}/images/${id}/photo`, { size: 256, v });
    return h("a", { class: `wb-alike-photo wb-has-${role ?? "none"}`, href: dataPage(this.project, "images", { dataset, text: path }), title: `${dataset}/${path}` },
      h("img", { src: url, alt: "", loading: "lazy", decoding: "async" }),
      h("span", { class: "wb-alike-name" }, `${role ?? "no role"} · `, bdi(path.split("/").pop())));
  }

  drawPages({ total }) {
    if (total <= PAGE) return "";
    const turn = (label, by, possible) => h("button", { type: "button", class: "wb-button", disabled: !possible, onclick: () => this.choose({ offset: this.offset + by }) }, label);
    return h("div", { class: "wb-tools" }, turn("Previous", -PAGE, this.offset > 0), turn("Next", PAGE, this.offset + PAGE < total),
      h("span", { class: "wb-hint" }, `${exact(this.offset + 1)}–${exact(Math.min(this.offset + PAGE, total))} of ${exact(total)}`));
  }

  // Up and down go from group to group.
  key(event) {
    if (isTyping(event) || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const groups = [...this.place.querySelectorAll(".wb-alike")];
    const next = groups[groups.indexOf(event.target.closest(".wb-alike")) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  // ---- moving

  move({ id, roles, image_count: count }, to) {
    const others = Object.entries(roles).filter(([role]) => role !== to).map(([role, of]) => `${exact(of)} ${role === "none" ? "without a role" : `from ${role}`}`);
    return ask({
      title: `Move all ${exact(count)} images to ${to}?`, verb: `Move to ${to}`,
      text: `That moves ${others.join(" and ")}. Revisions that were frozen keep the roles they hold.`,
      send: () => this.emit("move", { group: id, to }),
    });
  }

  moveAll(leaking) {
    return askForm({
      title: `Move all ${exact(leaking)} groups`, verb: "Move",
      text: "Every image of every group that has different roles gets this one, also on the other pages. Revisions that were frozen keep the roles they hold.",
      fields: [{ name: "to", label: "To", type: "select", value: "train", options: ROLES.map((role) => [role, role]) }],
      send: ({ to }) => this.emit("move", { group: "", to }),
    });
  }
}

export const mount = mounting(Groups);
