"""Testing models: start an evaluation, read one, put two side by side; and what a model loses on another domain.

Which of these the address says.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from training.evaluation.mapping import Row, list_mappings, save_mapping
from training.evaluation.trash import discard_evaluation, list_trashed_evaluations, restore_evaluation
from training.tasks.lifecycle import list_tasks
from workbench.plain import plain
from workbench.server.services import Services
from workbench.ui.address import name_of, read_address
from workbench.ui.components.widget import kept_number, payload, widget
from workbench.ui.events import act, on
from workbench.ui.pages import data_desktop, evaluate_form

EVALUATIONS, DOMAINS = "evaluations", "domains"
# Gradio opens the first tab before it asks which one to open: only what is chosen after that goes into the address.
_OPENED = "() => { document.body.dataset.wbEvaluateOpened = ''; }"
_KEEP_TAB = """() => {
  if (!("wbEvaluateOpened" in document.body.dataset)) return;
  const url = new URL(location.href);
  url.searchParams.set("tab", "%s");
  history.replaceState(history.state, "", url);
}"""


def page(services: Services, blocks: gr.Blocks) -> None:
    """Fill the page."""
    project = kept_number()
    with gr.Tabs(elem_id="wb-evaluate-tabs") as tabs:
        with gr.Tab("Evaluations", id=EVALUATIONS) as first:
            form = evaluate_form.Form(services, project)
            evaluations = widget("evaluations", events=("discard", "restore", "save"), elem_id="wb-evaluations")
        with gr.Tab("Another domain", id=DOMAINS) as second:
            domains = widget("shift", events=("label_images", "take_back"), elem_id="wb-shift")
    for tab, name in ((first, EVALUATIONS), (second, DOMAINS)):
        on(tab.select, None, js=_KEEP_TAB % name)
    data_desktop.listen(services, domains, project)

    def open_page(request: gr.Request) -> list[Any]:
        asked = read_address(services, request)
        number = None if asked.project is None else asked.project.id
        # The first one is open already: whoever was quicker than this has chosen another.
        opened = gr.update(selected=DOMAINS) if asked.tab == DOMAINS else gr.skip()
        # At once, so that the list does not jump below a form that comes later.
        return [number, opened, {"project": number}, content(services, number), *form.fill(number, asked.values)]

    def discard(number: int, event: gr.EventData) -> dict[str, Any]:
        name = name_of(services, number)
        discard_evaluation(services.home, services.database, name, int(payload(event)["evaluation"]))
        return content(services, number)

    def restore(number: int, event: gr.EventData) -> dict[str, Any]:
        name = name_of(services, number)
        restore_evaluation(services.home, services.database, name, int(payload(event)["evaluation"]))
        return content(services, number)

    def save(number: int, event: gr.EventData) -> dict[str, Any]:
        sent = payload(event)
        save_mapping(services.database, name_of(services, number), str(sent["name"]), read_rows(sent["rows"]))
        return content(services, number)

    loaded = on(blocks.load, open_page, None, [project, tabs, domains, evaluations, *form.filled])
    on(loaded.then, None, js=_OPENED)
    act(evaluations.discard, discard, project, evaluations)
    act(evaluations.restore, restore, project, evaluations)
    saved = act(evaluations.save, save, project, evaluations)
    on(saved.success, form.list_mappings, [project, form.mapping], form.mapping)
    begun = act(form.start.click, form.begin, form.chosen, None)
    on(begun.success, lambda number: content(services, number), project, evaluations)


def content(services: Services, project: int | None) -> dict[str, Any]:
    """Return what the widget of the evaluations is told; see `static/widgets/evaluations.js`."""
    if project is None:
        return {"project": None, "pending": [], "mappings": [], "trash": []}
    name = name_of(services, project)
    running = [task for task in list_tasks(services.home) if task.state == "running" and task.project_id == project]
    return {
        "project": project,
        "pending": [task.id for task in running if task.argv[0] == "evaluate"],
        "mappings": plain(list_mappings(services.database, name)),
        "trash": plain(list_trashed_evaluations(services.home, services.database, name)),
    }


def read_rows(sent: Any) -> list[Row]:
    """Return the rows of a mapping as the browser sends them."""
    return [(str(model), None if target is None else str(target)) for model, target in sent]
