"""Likely label errors of an evaluation, what people said of them, and what is plainly odd about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from labeling.classes import list_classes
from labeling.colors import colors_for
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.tasks.lifecycle import list_tasks, start_task
from training.trust.find import suspect_picture
from training.trust.ranking import LabelErrors, Sort, State, errors_csv, image_maps, label_errors
from training.trust.sanity import evaluation_sanity
from training.trust.store import is_looked
from training.trust.verdicts import say_right
from training.trust.worth import best_evaluation, warnings
from workbench.plain import plain
from workbench.server.pictures import answer
from workbench.server.routes.photos import checked_size
from workbench.server.services import Services
from workbench.server.tray import task_entry

_MOST = 100


class Said(BaseModel):
    """What somebody said of the labels of images, by their numbers in the evaluation."""

    model_config = ConfigDict(extra="forbid")

    images: list[int]
    right: bool


@dataclass(frozen=True)
class Wanted:
    """Which label errors, in which order, as an address asks for them."""

    state: State = "open"
    label: str = ""
    seen: str = ""
    sort: Sort = "score"

    def of(self, services: Services, found: OpenEvaluation, offset: int, limit: int) -> LabelErrors:
        """Return a page of them."""
        return label_errors(
            services.database,
            found,
            state=self.state,
            label=self.label or None,
            seen=self.seen or None,
            sort=self.sort,
            offset=offset,
            limit=limit,
        )


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api")

    def opened(evaluation: int, mapping: str) -> OpenEvaluation:
        return open_evaluation(services.database, evaluation, mapping=mapping or None)

    @routes.get("/projects/{project}/label-errors")
    def best(project: int) -> dict[str, Any]:
        """The evaluation whose doubts say most; null where none is fit."""
        found = best_evaluation(services.database, services.name_of(project))
        return {"evaluation": None if found is None else found.id}

    @routes.get("/evaluations/{evaluation}/label-errors")
    def errors(
        evaluation: int,
        wanted: Annotated[Wanted, Depends()],
        mapping: str = "",
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 20,
    ) -> dict[str, Any]:
        """A page of them; `made` is false where nobody has looked for them yet."""
        found = opened(evaluation, mapping)
        record = found.record
        colors = {one.name: one.color for one in list_classes(services.database, found.project)}
        names = record.truth_classes
        about = {
            "version": found.version,
            "predictions": record.predictions,
            "images": len(record.images),
            "colors": dict(zip(names, colors_for(names, colors), strict=True)),
            "warnings": warnings(services.database, found),
        }
        if not is_looked(found):
            return {"made": False, "about": about}
        return {"made": True, "about": about, **plain(wanted.of(services, found, offset, limit))}

    @routes.get("/evaluations/{evaluation}/label-errors.csv")
    def csv(evaluation: int, wanted: Annotated[Wanted, Depends()], mapping: str = "") -> Response:
        """All of them as a file for spreadsheets, a region a row."""
        found = opened(evaluation, mapping)
        text = errors_csv(wanted.of(services, found, 0, len(found.record.images)))
        headers = {"Content-Disposition": f'attachment; filename="label-errors-{evaluation}.csv"'}
        return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.post("/evaluations/{evaluation}/label-errors/look")
    def look(evaluation: int, mapping: str = "") -> dict[str, Any]:
        """Look for them by a task: one that does so already, else a new one."""
        found = opened(evaluation, mapping)
        argv = ["label-errors", str(evaluation), "--again", f"--project={found.project}"]
        argv += [f"--mapping={mapping}"] if mapping else []
        for task in list_tasks(services.home):
            if task.state == "running" and task.argv == tuple(argv):
                return task_entry(services, task)
        link = f"/data?project={found.project_id}&tab=care&evaluation={evaluation}"
        title = f"Look for label errors by evaluation {evaluation}"
        return task_entry(
            services, start_task(services.home, argv, title=title, project_id=found.project_id, link=link)
        )

    @routes.get("/evaluations/{evaluation}/label-errors/{number}/suspects")
    def suspects(
        evaluation: int, number: int, request: Request, size: int = 512, mapping: str = "", v: str = ""
    ) -> Response:
        """The regions of an image: 1 there, 0 elsewhere."""
        found = opened(evaluation, mapping)
        made = suspect_picture(found, number, checked_size(size))
        return answer(made, request, immutable=v == found.version)

    @routes.post("/evaluations/{evaluation}/label-errors/said")
    def say(evaluation: int, said: Said) -> dict[str, Any]:
        """Remember that labels are right, or that this is open again."""
        found = opened(evaluation, "")
        maps = image_maps(found, said.images)
        say_right(services.database, found.project_id, found.record.dataset, maps, right=said.right)
        return {"images": len(maps), "right": said.right}

    @routes.get("/evaluations/{evaluation}/sanity")
    def sanity(evaluation: int, mapping: str = "") -> dict[str, Any]:
        """What is plainly odd about the evaluation."""
        return {"notices": plain(evaluation_sanity(services.database, opened(evaluation, mapping)))}

    return routes
