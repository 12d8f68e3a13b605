"""Another domain: what a model loses there, what helps, what to expect and what to label next."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from db.errors import UserError
from db.session import Database
from labeling.images import DatasetPhoto, photos_of
from training.adaptation.remedies import Case, read_remedies
from training.adaptation.remedy import NAMES
from training.evaluation.mapping import list_mappings, save_mapping
from training.evaluation.opened import open_evaluation
from training.evaluation.reporting.elements import POLICY
from training.models.files import ModelFile, find_model_file
from training.prediction.size import ORIGINAL, Size
from training.shift.make import evaluations_of
from training.shift.subject import Domain, read_domains
from training.shift.table import ShiftTable, shift_table
from training.shift.written import shift_csv, shift_markdown
from training.survey.estimate import estimate
from training.survey.holding import find_holding, rows_of
from training.survey.ranking import By
from training.survey.store import list_surveys, open_survey
from training.survey.suggest import Suggestion, suggest
from training.tasks.lifecycle import start_task
from workbench.plain import plain
from workbench.server.domain_choices import domain_choices
from workbench.server.reports import colors_of
from workbench.server.services import Services
from workbench.server.tray import task_entry

MOST_SUGGESTED = 500
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_MOST_NAMED = 60
"""Letters of a name within a file's."""


class Asked(BaseModel):
    """What was chosen in the tab.

    Attributes:
        model: reference of a model of the project.
        home: where it is at home, `DATASET:ON`.
        to: the other domains.
        size: what the network sees.
        mapping: name of a saved mapping, `by-name`, or nothing: as each evaluation was made.
        restrict: evaluations with restricted argmax.
    """

    model: str
    home: str = ""
    to: list[str] = []
    size: str = ORIGINAL
    mapping: str = ""
    restrict: bool = False

    def domains(self, database: Database, project: str) -> list[Domain]:
        """Home first."""
        return read_domains(database, project, (self.home, *self.to))


class AskedRemedies(Asked):
    """Which remedies to try on the first of `to`; none: all of them."""

    only: list[str] = []


class AskedSurvey(BaseModel):
    """Photos to survey with a model."""

    model: str
    on: str
    size: str = ORIGINAL


class AskedSuggestion(BaseModel):
    """How many of a survey's photos on a domain to choose, which way, and the list they go into, if it has a name."""

    survey: str
    on: str
    count: int = 10
    by: By = "mixed"
    subset: str = ""
    without: list[str] = []


class Mapping(BaseModel):
    """A mapping to save."""

    name: str
    rows: list[tuple[str, str | None]]


def _query(
    model: str,
    home: str = "",
    to: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI's own way
    size: str = ORIGINAL,
    mapping: str = "",
    restrict: bool = False,
) -> Asked:
    return Asked(model=model, home=home, to=to, size=size, mapping=mapping, restrict=restrict)


Wanted = Annotated[Asked, Depends(_query)]


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}/domains")
    home, database = services.home, services.database

    def file_of(name: str, model: str) -> ModelFile:
        return find_model_file(home, database, name, model, bundles=False)

    def begin(project: int, argv: list[str], title: str) -> dict[str, Any]:
        link = f"/evaluate?project={project}&tab=domains"
        return task_entry(services, start_task(home, argv, title=title, project_id=project, link=link))

    def one_domain(name: str, text: str) -> Domain:
        return read_domains(database, name, [text])[0]

    def photos_on(name: str, text: str) -> list[DatasetPhoto]:
        domain = one_domain(name, text)
        return photos_of(database, name, domain.dataset, domain.on)

    def found(name: str, asked: Asked) -> list[int | None]:
        file, mapping, domains = file_of(name, asked.model), asked.mapping or None, asked.domains(database, name)
        return evaluations_of(database, name, file, domains, size=asked.size, mapping=mapping, restrict=asked.restrict)

    def table_of(name: str, asked: Asked) -> ShiftTable | None:
        first, *others = found(name, asked)
        there = [number for number in others if number is not None]
        return None if first is None else shift_table(database, name, first, there, asked.mapping or None)

    def written(project: int, asked: Asked) -> ShiftTable:
        table = table_of(services.name_of(project), asked)
        if table is None or not table.targets:
            raise UserError("Nobody has evaluated home and another domain yet, so there is no table.")
        return table

    @routes.get("/choices")
    def choices(project: int) -> dict[str, Any]:
        """Models and domains there are."""
        return domain_choices(services, services.name_of(project))

    @routes.get("/table")
    def table(project: int, asked: Wanted) -> dict[str, Any]:
        """What is lost, as far as evaluations are there; and where they are missing."""
        name = services.name_of(project)
        numbers = found(name, asked)
        known = {str(domain): number for domain, number in zip(asked.domains(database, name), numbers, strict=True)}
        there = next((number for number in numbers if number is not None), None)
        return {
            "evaluations": known,
            "missing": [domain for domain, number in known.items() if number is None],
            "table": plain(table_of(name, asked)),
            "classes": None if there is None else _classes(services, name, there, asked.mapping or None),
            "mappings": plain(list_mappings(database, name)),
        }

    @routes.get("/table.csv")
    def as_csv(project: int, asked: Wanted) -> Response:
        """The tables for spreadsheets."""
        return _download(shift_csv(written(project, asked)), "text/csv", f"{_called(asked)}.csv")

    @routes.get("/table.md")
    def as_markdown(project: int, asked: Wanted) -> Response:
        """The tables as Markdown."""
        return _download(shift_markdown(written(project, asked)), "text/markdown", f"{_called(asked)}.md")

    @routes.get("/report.html")
    def report(project: int, asked: Wanted) -> Response:
        """All of it as one page, with what is known of why, of remedies and of photos without labels."""
        from training.shift.page import shift_html  # loads matplotlib, without which the server starts

        name, found = services.name_of(project), written(project, asked)
        page = shift_html(home, database, name, found, model=file_of(name, asked.model).reference)
        headers = {
            "Content-Disposition": f'attachment; filename="{_called(asked)}.html"',
            "Content-Security-Policy": f"{POLICY}; sandbox",
        }
        return Response(page.encode(errors="backslashreplace"), media_type="text/html; charset=utf-8", headers=headers)

    @routes.post("/evaluate")
    def evaluate(project: int, asked: Asked) -> dict[str, Any]:
        """Evaluate the model where nobody has yet, as a task."""
        name = services.name_of(project)
        first, *others = (str(domain) for domain in asked.domains(database, name))
        argv = ["domains", f"--model={file_of(name, asked.model).reference}", f"--from={first}"]
        argv += [*(f"--to={domain}" for domain in others or [first]), *_settings(asked)]
        argv += ["--restrict"] if asked.restrict else []
        return begin(project, [*argv, f"--project={name}"], f"Evaluate {asked.model} on other domains")

    @routes.get("/remedies")
    def remedies(project: int, asked: Wanted) -> dict[str, Any]:
        """What became of the remedies on the first of `to`."""
        return plain(read_remedies(_case(services, services.name_of(project), asked)))

    @routes.post("/remedies")
    def try_remedies(project: int, asked: AskedRemedies) -> dict[str, Any]:
        """Try remedies, as a task."""
        name = services.name_of(project)
        case = _case(services, name, asked)
        if unknown := sorted(set(asked.only) - set(NAMES)):
            raise UserError(f"There is no remedy {unknown[0]!r}. There are: {', '.join(NAMES)}.")
        argv = ["remedies", f"--dataset={case.domain.dataset}", f"--on={case.domain.on}", *_settings(asked)]
        argv += [f"--from={case.look.of}"] if case.look.of else []
        argv += [*(f"--only={each}" for each in asked.only), f"--project={name}", "--", case.file.reference]
        what = asked.only[0] if len(asked.only) == 1 else "remedies"
        return begin(project, argv, f"Try {what} for {asked.model} on {case.domain.title}")

    @routes.put("/mappings")
    def keep_mapping(project: int, asked: Mapping) -> dict[str, Any]:
        """Save a mapping."""
        return plain(save_mapping(database, services.name_of(project), asked.name, asked.rows))

    @routes.get("/surveys")
    def surveys(
        project: int, model: str, on: str, size: str = ORIGINAL, evaluation: int = 0, mapping: str = ""
    ) -> dict[str, Any]:
        """The survey of a domain's photos as they are now, with what to expect, learnt from an evaluation (0: none)."""
        name = services.name_of(project)
        sha256, wanted_size = file_of(name, model).sha256, str(Size.parse(size))
        found = find_holding(list_surveys(home, project), photos_on(name, on), model_sha256=sha256, size=wanted_size)
        if found is None:
            return {"survey": None, "estimate": None}
        survey, images = found.survey, [found.survey.record.images[row] for row in found.rows]
        head = {"name": survey.name, "images": len(images), "missing": found.missing}
        head |= {"unlabelled": sum(not image.labelled for image in images)}
        head |= {"entropy": sum(image.entropy for image in images) / len(images)}
        expected = None
        if evaluation:
            expected = estimate(database, name, survey, evaluation, rows=found.rows, mapping=mapping or None)
        return {"survey": head, "estimate": plain(expected)}

    @routes.post("/surveys")
    def begin_survey(project: int, asked: AskedSurvey) -> dict[str, Any]:
        """Survey photos, as a task."""
        name = services.name_of(project)
        domain = one_domain(name, asked.on)
        argv = ["survey", f"--dataset={domain.dataset}", f"--on={domain.on}", f"--size={asked.size}"]
        argv += [f"--project={name}", "--", file_of(name, asked.model).reference]
        return begin(project, argv, f"Survey {domain.title} with {asked.model}")

    @routes.post("/suggestions")
    def suggested(project: int, asked: AskedSuggestion) -> dict[str, Any]:
        """Choose photos to label next, and put them into a list where one is named."""
        name = services.name_of(project)
        survey = open_survey(home, project, asked.survey)
        rows = rows_of(survey.record, photos_on(name, asked.on))
        count = min(max(1, asked.count), MOST_SUGGESTED)
        result = suggest(
            *(database, name, survey),
            count=count,
            by=asked.by,
            rows=rows,
            subset=asked.subset or None,
            without=asked.without,
        )
        return plain(result) | {"photos": _numbered(services, name, result)}

    return routes


def _case(services: Services, project: str, asked: Asked) -> Case:
    if not asked.to:
        raise UserError("Choose another domain first.")
    file = find_model_file(services.home, services.database, project, asked.model, bundles=False)
    domain, *at_home = read_domains(services.database, project, [asked.to[0], *([asked.home] if asked.home else [])])
    mapping = asked.mapping or None
    return Case(services.home, services.database, project, file.reference, domain, asked.size, mapping, *at_home)


def _settings(asked: Asked) -> list[str]:
    size = [] if asked.size == ORIGINAL else [f"--size={asked.size}"]
    return [*size, *([f"--mapping={asked.mapping}"] if asked.mapping else [])]


def _classes(services: Services, project: str, number: int, mapping: str | None) -> dict[str, Any]:
    """Return the classes of an evaluation on both sides, and how the one counts as the other."""
    found = open_evaluation(services.database, number, project=project, mapping=mapping)
    truth, record = found.record.truth_classes, found.record
    columns = found.columns.tolist()
    rows = [
        (name, truth[column] if column < len(truth) else None)
        for name, column in zip(record.model_classes, columns, strict=True)
    ]
    return {
        "evaluation": number,
        "model_classes": list(record.model_classes),
        "truth": list(truth),
        "colors": dict(zip(truth, colors_of(services, found, truth), strict=True)),
        "mapping": {"name": found.mapping.name if found.mapping else None, "rows": rows},
    }


def _numbered(services: Services, project: str, result: Suggestion) -> list[dict[str, Any]]:
    """Return the photos with the numbers that their pictures are asked for by."""
    numbers = {photo.path: photo.id for photo in photos_of(services.database, project, result.dataset)}
    return [{**vars(photo), "id": numbers[photo.path]} for photo in result.photos]


def _called(asked: Asked) -> str:
    """Return what a file of it is called, in letters that every system takes."""
    words = ("another-domain", asked.model, *(domain.removesuffix(":all") for domain in asked.to[:1]))
    return "-".join(filter(None, (_UNSAFE.sub("-", word).strip("-.")[:_MOST_NAMED] for word in words)))


def _download(text: str, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode(errors="backslashreplace"), media_type=f"{kind}; charset=utf-8", headers=headers)
