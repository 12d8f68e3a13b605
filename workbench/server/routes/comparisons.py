"""Evaluations compared: figures, images, and the models behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from db.errors import UserError
from training.evaluation.compare import MOST, check_numbers, compare_reports, head, images_in_the_way
from training.evaluation.compare_images import DISPUTED, LOST, shared_images
from training.evaluation.derived.disputes import cannot_dispute, read_disputes
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.tasks.lifecycle import start_task
from workbench.plain import plain
from workbench.server.reports import MAX_PAGE, colors_of, kept_report
from workbench.server.services import Services
from workbench.server.told import told
from workbench.server.tray import task_entry

AT_ONCE = 3000
"""So many images are resampled while a page waits: about half a second. For more it is a task."""
Ids = Annotated[str, Query(max_length=200)]


class Work(BaseModel):
    """What to compute by a task. `predictions`: compare them pixel by pixel, too."""

    ids: list[int] = Field(min_length=2, max_length=MOST)
    predictions: bool = False


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/evaluations/compare/several")

    @routes.get("")
    def several(ids: Ids) -> dict[str, Any]:
        """Evaluations beside the first of them. Without intervals where computing them takes a task."""
        found = _opened(services, _numbers(ids))
        base, *others = (kept_report(each) for each in found)
        intervals = images_in_the_way(base, others) <= AT_ONCE
        compared = [compare_reports(base, each, intervals=intervals) for each in others]
        names = list(dict.fromkeys(name for each in compared for name in each.classes))
        colors = colors_of(services, found[0], names)
        return {
            "project": found[0].project_id,
            "evaluations": [head(each) for each in (base, *others)],
            "classes": [{"name": name, "color": color} for name, color in zip(names, colors, strict=True)],
            "comparisons": [each.to_json() for each in compared],
            "computed": intervals,
        }

    @routes.get("/images")
    def images(ids: Ids, sort: str = LOST, offset: int = 0, limit: int = 100) -> dict[str, Any]:
        """A page of the images that all hold; whether their predictions were compared, or why they cannot be."""
        found = _opened(services, _numbers(ids))
        compared = read_disputes(found) is not None
        order = sort if compared or sort != DISPUTED else LOST
        page = shared_images(found, sort=order, offset=max(0, offset), limit=min(max(1, limit), MAX_PAGE))
        obstacle = None if compared else cannot_dispute(found)
        return asdict(page) | {"sort": order, "compared": compared, "obstacle": obstacle}

    @routes.get("/models")
    def models(ids: Ids) -> dict[str, Any]:
        """The models: their runs, what these were asked, and what a prediction costs."""
        from training.evaluation.compare_models import compared_models  # loads torch, without which the server starts

        found = _opened(services, _numbers(ids))
        mious = [kept_report(each).metrics.miou for each in found]
        return asdict(compared_models(services.home, services.database, found, mious))

    @routes.post("/start")
    def start(work: Work) -> dict[str, Any]:
        """Compute what a comparison lacks, by a task."""
        found = _opened(services, work.ids)
        if work.predictions and (obstacle := cannot_dispute(found)):
            raise UserError(obstacle)
        numbers = [str(number) for number in work.ids]
        argv = ["compare", f"--project={found[0].project}", *(["--disputed=1"] if work.predictions else []), *numbers]
        link = f"/evaluate?project={found[0].project_id}&ids={','.join(numbers)}"
        title = f"Compare evaluations {', '.join(numbers)}"
        task = start_task(services.home, argv, title=title, project_id=found[0].project_id, link=link)
        return told(services, plain(task_entry(services, task)))

    return routes


def _numbers(ids: str) -> list[int]:
    parts = ids.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
        raise UserError("Evaluations are given by their numbers, with commas between, the baseline first.")
    return [int(part) for part in parts]


def _opened(services: Services, numbers: Sequence[int]) -> list[OpenEvaluation]:
    check_numbers(numbers)
    first = open_evaluation(services.database, numbers[0])
    return [first, *(open_evaluation(services.database, each, project=first.project) for each in numbers[1:])]
