// The bar on top of every page: the project, the pages, the tasks, light or dark. It stands outside Gradio's part of
// the page, so that it is there at once and stays while Gradio renders.

import { getJson } from "./api.js";
import { h } from "./dom.js";
import { watchNotices } from "./notices.js";
import { mountTray } from "./tray.js";

const PAGES = [
  ["Projects", "/"], ["Data", "/data"], ["Train", "/train"], ["Runs", "/runs"], ["Evaluate", "/evaluate"], ["Use", "/use"],
];

function here() {
  return location.pathname.replace(/\/+$/, "") || "/";
}

function query() {
  return new URLSearchParams(location.search);
}

function links(project) {
  return PAGES.map(([title, path]) => {
    const target = project ? `${path}?project=${project}` : path;
    return h("a", { href: target, "aria-current": here() === path ? "page" : null }, title);
  });
}

function switcher(projects, chosen) {
  const select = h("select", { "aria-label": "Project", onchange: () => go(select.value) });
  if (!chosen) select.append(h("option", { value: "" }, projects.length ? "Choose a project" : "No project yet"));
  for (const { id, name } of projects) select.append(h("option", { value: id, selected: id === chosen }, name));
  return select;
}

function go(project) {
  if (project) location.href = here() === "/" ? `/data?project=${project}` : `${here()}?project=${project}`;
}

// Light or dark: the visitor's choice, else the system's. Gradio reads the class `dark` of the body.
function setTheme(dark) {
  document.body.classList.toggle("dark", dark);
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
}

function chosenTheme() {
  const kept = localStorage.getItem("wb-theme");
  return kept ? kept === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeButton() {
  const button = h("button", { class: "wb-shell-icon", type: "button", title: "Light or dark", "aria-label": "Light or dark" }, "◐");
  button.addEventListener("click", () => {
    localStorage.setItem("wb-theme", document.body.classList.contains("dark") ? "light" : "dark");
    setTheme(chosenTheme());
  });
  return button;
}

function start() {
  setTheme(chosenTheme());
  // Gradio sets the class by the system once it has loaded: the choice is put back.
  new MutationObserver(() => {
    if (document.body.classList.contains("dark") !== chosenTheme()) setTheme(chosenTheme());
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  const nav = h("nav", { "aria-label": "Pages" }, ...links(Number(query().get("project")) || null));
  const projectPlace = h("span", { class: "wb-shell-project" });
  const tray = mountTray();
  const bar = h("header", { class: "wb-shell" },
    h("a", { class: "wb-shell-brand", href: "/" }, h("img", { src: "/static-wb/icon.svg", alt: "" }), "Workbench"),
    projectPlace, nav, h("span", { class: "wb-shell-space" }), tray.button, themeButton());
  document.body.prepend(bar, tray.panel, tray.said);
  // A file that misses its field must not open in place of the page.
  for (const event of ["dragover", "drop"]) {
    addEventListener(event, (dragged) => { if (dragged.dataTransfer?.types.includes("Files")) dragged.preventDefault(); });
  }

  watchNotices();
  const showProjects = async () => {
    try {
      const { projects } = await getJson("/api/projects");
      const wanted = Number(query().get("project"));
      const chosen = projects.find(({ id, current }) => (wanted ? id === wanted : current))?.id ?? null;
      projectPlace.replaceChildren(switcher(projects, chosen));
      nav.replaceChildren(...links(chosen));
    } catch {
      // the button of the tray says that there is no answer
    }
  };
  document.addEventListener("wb-projects", showProjects); // some were made, renamed or deleted
  showProjects();
}

start();
