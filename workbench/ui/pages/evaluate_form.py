"""The form that starts an evaluation: which model on which images, at which size, through which mapping."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from db.errors import UserError
from labeling.classes import list_classes
from labeling.datasets import UNASSIGNED, DatasetInfo, list_datasets
from labeling.parts import part_title
from training.crf.parameters import REPORTED
from training.evaluation import mapping as mappings
from training.evaluation.mapping import BY_NAME, Row
from training.evaluation.report import list_evaluations
from training.models.names import model_names
from training.prediction.refinement import Combine, Refinement
from training.tasks.lifecycle import start_task
from workbench.server.services import Services
from workbench.ui.address import name_of
from workbench.ui.components.widget import payload, widget
from workbench.ui.events import on

ORIGINAL, LONG, EXACT = "original", "long", "exact"
NO_STYLE = "none"
ROLE_ORDER = ("test", "val", "train")

Choices = list[tuple[str, str]]


class Form:
    """The form, and what happens in it.

    Attributes:
        filled: outputs of `fill`.
        chosen: inputs of `begin`.
        mapping: the choice of a mapping.
        start: the button.
    """

    def __init__(self, services: Services, project: gr.Number) -> None:
        """Lay the form out in the page that is being made; `project` holds the project's number."""
        self.services = services
        with gr.Column(elem_id="wb-evaluate-new"):
            gr.Markdown("# Evaluate")
            self.lack = gr.Markdown("Looking for models …", elem_id="wb-evaluate-lack")
            with gr.Accordion("New evaluation", open=True, visible=False, elem_id="wb-evaluate-form") as self.body:
                self._lay_out()
        self.filled = [self.body, self.lack, self.model, self.dataset, self.images, self.mapping]
        fields: list[Any] = [
            *(self.model, self.dataset, self.images, self.size, self.long, self.height, self.width),
            *(self.mapping, self.predictions),
            *(self.scales, self.flip, self.combine, self.window, self.crf, self.crf_set),
            *(self.style, self.restrict),
        ]
        self.chosen = [project, *fields]
        self._listen(project, fields)

    def _lay_out(self) -> None:
        with gr.Row():
            self.model = gr.Dropdown([], label="Model", elem_id="wb-evaluate-model", scale=2)
            self.dataset = gr.Dropdown([], label="Dataset", elem_id="wb-evaluate-dataset")
            self.images = gr.Dropdown([], label="Images", elem_id="wb-evaluate-on")
        with gr.Row():
            sizes = [("as they are", ORIGINAL), ("longer side", LONG), ("height × width", EXACT)]
            info = "Figures are at the photos' own size in any case."
            self.size = gr.Radio(
                sizes, value=ORIGINAL, label="Size for the network", info=info, elem_id="wb-evaluate-size"
            )
            self.long = _pixels("Longer side", 512)
            self.height, self.width = _pixels("Height", 360), _pixels("Width", 480)
            self.mapping = gr.Dropdown(
                [("classes of the same name", BY_NAME)],
                value=BY_NAME,
                label="Mapping of classes",
                elem_id="wb-evaluate-by",
            )
        self.differ = gr.Markdown(
            "The model's classes are not the dataset's. Check what each counts as, and save it as a mapping.",
            visible=False,
        )
        self.rows = widget("mapping", events=("save",), elem_id="wb-evaluate-rows")
        self.predictions = gr.Checkbox(
            True,
            label="Keep the predicted maps",
            info="Without them pictures are predicted again when you look at them.",
            elem_id="wb-evaluate-predictions",
        )
        with gr.Accordion("Several looks, windows, CRF, style", open=False, elem_id="wb-evaluate-refinement"):
            self._lay_out_refinement()
        self.command = gr.Textbox(label="Command", interactive=False, buttons=["copy"], elem_id="wb-evaluate-command")
        self.start = gr.Button("Evaluate", variant="primary", elem_id="wb-evaluate-start")

    def _lay_out_refinement(self) -> None:
        with gr.Row():
            info = "As 0.5, 1, 1.5: the photo is looked at in each of these sizes."
            self.scales = gr.Textbox("1", label="Scales", info=info, elem_id="wb-evaluate-scales")
            self.flip = gr.Checkbox(False, label="Mirror image, too", elem_id="wb-evaluate-flip")
            ways = [("mean of probabilities", "mean"), ("maximum of logits", "max")]
            self.combine = gr.Radio(ways, value="mean", label="Looks are combined by", elem_id="wb-evaluate-combine")
        with gr.Row():
            info = "Side in pixels; 0 takes photos whole where memory allows."
            self.window = gr.Number(0, label="Sliding windows", info=info, precision=0, elem_id="wb-evaluate-window")
            info = "A dense CRF sharpens along the photo's edges; 10 is usual, 0 is none."
            self.crf = gr.Number(0, label="CRF iterations", info=info, precision=0, elem_id="wb-evaluate-crf")
            usual = " ".join(f"{name}={value:g}" for name, value in REPORTED.others().items())
            info = f"Those that are other than {usual}"
            self.crf_set = gr.Textbox("", label="CRF parameters", info=info, elem_id="wb-evaluate-crf-set")
        with gr.Row():
            styles = [
                ("as they are", NO_STYLE),
                ("home's histogram", "histogram"),
                ("home's low frequencies", "fourier"),
            ]
            info = "Gives photos the light and tint of those the model was trained on, before it sees them."
            self.style = gr.Radio(styles, value=NO_STYLE, label="Look", info=info, elem_id="wb-evaluate-style")
            info = "Pixels get only classes that count as one of the dataset's. Else the argmax is taken first."
            self.restrict = gr.Checkbox(False, label="Restricted argmax", info=info, elem_id="wb-evaluate-restrict")

    def _listen(self, project: gr.Number, fields: list[Any]) -> None:
        on(self.size.change, size_fields, self.size, [self.long, self.height, self.width])
        # Not `change`, which the address's choice of images would be lost to.
        on(self.dataset.input, self._offer_images, [project, self.dataset], self.images)
        for field in self._what():
            on(field.change, self._compare_classes, [project, *self._what()], [self.rows, self.differ])
        for each in fields:
            on(each.change, self._show_command, self.chosen, self.command)
        saved = on(self.rows.save, self._save, [project, self.model], self.mapping)
        saved.success(None, None, None, js="() => document.querySelector('#wb-evaluate-by input')?.focus()")

    def _what(self) -> list[gr.Dropdown]:
        return [self.model, self.dataset, self.mapping]

    # ---- what happens

    def fill(self, project: int | None, asked: Mapping[str, str]) -> list[Any]:
        """Offer the models and datasets there are, or say what comes first.

        Args:
            project: its number.
            asked: the query of the page's address; `model`, `dataset` and `on` in it are chosen.
        """
        if project is None:
            return [gr.update(visible=False), "", *[gr.skip()] * 4]
        name = name_of(self.services, project)
        models = model_choices(self.services, name)
        datasets = {each.name: each for each in list_datasets(self.services.database, name)}
        with_roles = [each.name for each in datasets.values() if set(each.roles) - {UNASSIGNED}]
        dataset = preselected("dataset", asked, list(datasets), next(iter([*with_roles, *datasets]), None))
        images = image_choices(datasets.get(dataset or ""))
        is_open = "model" in asked or not list_evaluations(self.services.database, name)
        model = preselected("model", asked, [value for _, value in models], models[0][1] if models else None)
        on = preselected("on", asked, [value for _, value in images], first_images(images))
        return [
            gr.update(visible=bool(models and datasets), open=is_open),
            lacking(project, models, list(datasets.values())),
            gr.update(choices=models, value=model),
            gr.update(choices=list(datasets), value=dataset),
            gr.update(choices=images, value=on),
            gr.update(choices=mapping_choices(self.services, name), value=BY_NAME),
        ]

    def list_mappings(self, project: int, chosen: str) -> Any:
        """Offer the mappings that there are now."""
        return gr.update(choices=mapping_choices(self.services, name_of(self.services, project)), value=chosen)

    def begin(self, project: int, *fields: Any) -> None:
        """Start the evaluation as a task."""
        argv = command(name_of(self.services, project), *fields)
        model, dataset, images = fields[:3]
        start_task(
            self.services.home,
            argv,
            title=f"Evaluate {model} on {part_title(dataset, images)}",
            project_id=project,
            link=f"/evaluate?project={project}",
        )

    def _offer_images(self, project: int, dataset: str | None) -> Any:
        found = {each.name: each for each in list_datasets(self.services.database, name_of(self.services, project))}
        images = image_choices(found.get(dataset or ""))
        return gr.update(choices=images, value=first_images(images))

    def _compare_classes(self, project: int, model: str | None, dataset: str | None, mapping: str) -> tuple[Any, Any]:
        value = self._mapping_table(project, model, dataset, mapping)
        return value, gr.update(visible=value is not None and mapping == BY_NAME)

    def _mapping_table(
        self, project: int, model: str | None, dataset: str | None, mapping: str
    ) -> dict[str, Any] | None:
        """Return the rows to look at and change; None where the model's classes are the dataset's."""
        name = name_of(self.services, project)
        if model is None or dataset is None:
            return None
        theirs = model_classes(self.services, name, model)
        ours = dataset_classes(self.services, name)
        rows: Sequence[Row] = mappings.rows_by_name(theirs, ours)
        if mapping == BY_NAME and all(target is not None for _, target in rows):
            return None
        if mapping != BY_NAME:
            rows = mappings.load_mapping(self.services.database, name, mapping).rows
        suggested = f"{model} to {dataset}".replace("/", " ").replace("\\", " ")
        return {
            "model_classes": list(theirs),
            "classes": ours,
            "rows": [list(row) for row in rows],
            "name": suggested if mapping == BY_NAME else mapping,
        }

    def _save(self, project: int, model: str, event: gr.EventData) -> Any:
        sent, name = payload(event), name_of(self.services, project)
        rows = [(str(label), None if target is None else str(target)) for label, target in sent["rows"]]
        mappings.targets(rows, model_classes(self.services, name, model), dataset_classes(self.services, name))
        saved = mappings.save_mapping(self.services.database, name, str(sent["name"]), rows)
        return gr.update(choices=mapping_choices(self.services, name), value=saved.name)

    def _show_command(self, project: int | None, *fields: Any) -> str:
        try:
            return (
                "" if project is None else shlex.join(["workbench", *command(name_of(self.services, project), *fields)])
            )
        except UserError:
            return ""  # something is not chosen yet


def command(
    project: str,
    model: str | None,
    dataset: str | None,
    images: str | None,
    size: str,
    long: float | None,
    height: float | None,
    width: float | None,
    mapping: str,
    predictions: bool,
    scales: str = "1",
    flip: bool = False,
    combine: Combine = "mean",
    window: float | None = 0,
    crf: float | None = 0,
    crf_set: str = "",
    style: str = NO_STYLE,
    restrict: bool = False,
) -> list[str]:
    """Return what stands after `workbench` for the choices made.

    Raises:
        UserError: something is not chosen, or a number is out of its range.
    """
    if not model or not dataset or not images:
        raise UserError("Choose a model, a dataset and its images first.")
    sides = {ORIGINAL: (), LONG: (long,), EXACT: (height, width)}[size]
    if any(side is None or side < 1 for side in sides):
        raise UserError("Give the size in pixels, 1 or more, or leave the photos as they are.")
    numbers = [str(int(side)) for side in sides if side is not None]
    text = {ORIGINAL: "original", LONG: f"long {numbers[0] if numbers else ''}", EXACT: "x".join(numbers)}[size]
    pairs = [pair.partition("=") for pair in crf_set.replace(",", " ").split()]
    settings = {name: value for name, _, value in pairs}
    refinement = Refinement.read(
        scales, flip=flip, combine=combine, window=int(window or 0), crf=int(crf or 0), crf_settings=settings
    )
    return [
        *("evaluate", f"--dataset={dataset}", f"--on={images}"),
        *((f"--size={text}",) if size != ORIGINAL else ()),
        *((f"--mapping={mapping}",) if mapping != BY_NAME else ()),
        *refinement.arguments(),
        *((f"--style={style}",) if style != NO_STYLE else ()),
        *(("--restrict",) if restrict else ()),
        *(() if predictions else ("--no-predictions",)),
        *(f"--project={project}", "--", model),
    ]


def preselected(what: str, asked: Mapping[str, str], there: Sequence[str], usual: str | None) -> str | None:
    """Return what an address asks for, else the usual; nothing, and say so, where it asks for what is not there."""
    wanted = asked.get(what)
    if not wanted:
        return usual
    if wanted in there:
        return wanted
    gr.Warning(
        f"The address asks for {what}={escape(wanted)}, which is not here (any more). Choose another one.",
        None,
        title="",
    )
    return None


def size_fields(size: str) -> list[Any]:
    """Show the numbers that a kind of size needs."""
    return [gr.update(visible=size == LONG), *[gr.update(visible=size == EXACT)] * 2]


def model_choices(services: Services, project: str) -> Choices:
    """Return the models that can be tested: the checkpoints of runs, the newest first, then the imported ones."""
    choices = []
    for model in model_names(services.home, services.database, project):
        score = [] if model.miou is None else [f"val mIoU {100 * model.miou:.1f} %"]
        words = dict.fromkeys([model.reference, model.title, model.architecture, *score])
        choices.append((" · ".join(words), model.reference))
    return choices


def model_classes(services: Services, project: str, reference: str) -> tuple[str, ...]:
    """Return what a model predicts, in output order."""
    from training.models.find import read_spec  # loads torch, which takes seconds: the form is there before

    return read_spec(services.home, services.database, project, reference).classes


def image_choices(dataset: DatasetInfo | None) -> Choices:
    """Return the roles and lists of a dataset, and all of it, with how many images each has."""
    if dataset is None:
        return []
    roles = [role for role in ROLE_ORDER if role in dataset.roles]
    lists = [name for name, count in dataset.subsets.items() if count and name not in roles and name != "all"]
    counts = {**dataset.subsets, **dataset.roles}
    return [
        *((f"{role} ({plural(counts[role], 'image')})", role) for role in roles),
        *((f"{name} ({plural(counts[name], 'image')}, list)", name) for name in lists),
        (f"all ({plural(dataset.labelled, 'labelled image')})", "all"),
    ]


def plural(count: int, noun: str) -> str:
    """Return `1 image`, `2 images`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def first_images(choices: Choices) -> str | None:
    """Return what is offered first: images that no training used, where there are such."""
    return next((value for _, value in choices if value != "train"), None)


def mapping_choices(services: Services, project: str) -> Choices:
    """Return the saved mappings, after the one that is none."""
    saved = mappings.list_mappings(services.database, project)
    return [("classes of the same name", BY_NAME), *((each.name, each.name) for each in saved)]


def dataset_classes(services: Services, project: str) -> list[str]:
    """Return the classes that a revision frozen now would have, in index order."""
    live = [each for each in list_classes(services.database, project) if each.index is not None]
    return [each.name for each in sorted(live, key=lambda each: each.index or 0)]


def lacking(project: int, models: Choices, datasets: Sequence[DatasetInfo]) -> str:
    """Say what is missing before a model can be tested well, in our own words only: it is shown as Markdown."""
    if not any(each.labelled for each in datasets):
        return f"No labelled photos yet. [Import some](/data?project={project}&tab=import), then train a model on them."
    if not models:
        return f"No model yet. [Train one](/train?project={project}); it is tested here afterwards."
    if not any(set(each.roles) - {UNASSIGNED} for each in datasets):
        return (
            "No image has a role yet, so a model can only be tested on all images, those it was trained on among them. "
            f"[Give roles](/data?project={project}&tab=roles)"
        )
    return ""


def _pixels(label: str, value: int) -> gr.Number:
    return gr.Number(value, label=f"{label} (pixels)", precision=0, minimum=1, visible=False)
