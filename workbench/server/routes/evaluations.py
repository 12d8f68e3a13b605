"""Evaluations: figures, and the gallery with its pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from training.evaluation.as_csv import figures_csv
from training.evaluation.curves import evaluation_curves
from training.evaluation.gallery import EvaluationPage, evaluation_page, read_cell
from training.evaluation.lit import lit_picture
from training.evaluation.mapping_advice import suggested_rows, where_classes_lie
from training.evaluation.opened import OpenEvaluation, open_evaluation
from training.evaluation.parts import parts
from training.evaluation.pictures import Layer, evaluation_picture
from training.evaluation.report import list_evaluations
from training.evaluation.reporting.findings import OTHER_COLOR
from workbench.plain import plain
from workbench.server.pictures import answer
from workbench.server.reports import MAX_PAGE, colors_of, kept_report
from workbench.server.routes.photos import checked_size
from workbench.server.services import Services
from workbench.server.tiles import answer_maps, read_numbers

MapLayer = Literal["truth", "prediction", "confidence", "lit"]


@dataclass(frozen=True)
class _Wanted:
    """Which images of an evaluation, in which order, as an address asks for them."""

    sort: str = ""
    cell: str = ""
    class_: Annotated[str, Query(alias="class")] = ""
    mapping: str = ""
    min_score: float | None = None
    max_score: float | None = None
    on: str = ""

    def page(self, found: OpenEvaluation, offset: int, limit: int) -> EvaluationPage:
        return evaluation_page(
            found,
            sort=self.sort or None,
            cell=read_cell(found, self.cell) if self.cell else None,
            having=self.class_ or None,
            min_score=self.min_score,
            max_score=self.max_score,
            on=self.on or None,
            offset=offset,
            limit=limit,
        )


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api")

    @routes.get("/projects/{project}/evaluations")
    def evaluations(project: int) -> dict[str, Any]:
        """The evaluations of a project, newest first."""
        found = list_evaluations(services.database, services.name_of(project))
        return {"evaluations": [each.to_json() for each in found]}

    @routes.get("/evaluations/{evaluation}")
    def evaluation(evaluation: int, mapping: str = "") -> dict[str, Any]:
        """All figures of an evaluation."""
        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        values = kept_report(found).to_json()
        del values["directory"]  # where the server keeps it is nobody's business
        values["axes"]["colors"] = [*colors_of(services, found, found.record.truth_classes), OTHER_COLOR]
        record = found.record
        return values | {
            "project": found.project_id,
            "version": found.version,
            "predictions": record.predictions,
            "model_classes": list(record.model_classes),
            "device": record.device,
            "seconds": record.seconds,
            "created_at": record.created_at.isoformat(),
        }

    @routes.get("/evaluations/{evaluation}/where-classes-lie")
    def lying(evaluation: int) -> dict[str, Any]:
        """Where each class of the model is predicted, in their order, and what it may therefore count as."""
        found = open_evaluation(services.database, evaluation)
        classes = where_classes_lie(found)
        return {"classes": plain(classes), "rows": suggested_rows(classes, found.record.truth_classes)}

    @routes.get("/evaluations/{evaluation}/curves")
    def score_curves(
        evaluation: int, class_: Annotated[str, Query(alias="class")] = "", mapping: str = ""
    ) -> dict[str, Any]:
        """The areas under every class's ROC and precision-recall curve; of one class also the points."""
        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        curves = evaluation_curves(found)
        return curves.classes[found.record.class_index(class_)].to_json(points=True) if class_ else curves.to_json()

    @routes.get("/evaluations/{evaluation}/calibration")
    def reliability(evaluation: int, class_: Annotated[str, Query(alias="class")], mapping: str = "") -> dict[str, Any]:
        """The reliability diagram of the pixels predicted as one class."""
        found = kept_report(open_evaluation(services.database, evaluation, mapping=mapping or None))
        return found.reliability_of(class_).to_json()

    @routes.get("/evaluations/{evaluation}/figures.csv")
    def figures(evaluation: int, mapping: str = "") -> Response:
        """The figures as a file for spreadsheets."""
        text = figures_csv(kept_report(open_evaluation(services.database, evaluation, mapping=mapping or None)))
        headers = {"Content-Disposition": f'attachment; filename="evaluation-{evaluation}.csv"'}
        return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.get("/evaluations/{evaluation}/gallery")
    def gallery(
        evaluation: int, wanted: Annotated[_Wanted, Depends()], offset: int = 0, limit: int = 100
    ) -> dict[str, Any]:
        """A page of an evaluation's images."""
        found = open_evaluation(services.database, evaluation, mapping=wanted.mapping or None)
        return asdict(wanted.page(found, max(0, offset), min(max(1, limit), MAX_PAGE)))

    @routes.get("/evaluations/{evaluation}/gallery/numbers")
    def numbers(evaluation: int, wanted: Annotated[_Wanted, Depends()]) -> dict[str, list[int]]:
        """The numbers of the images of all pages together, in their order."""
        found = open_evaluation(services.database, evaluation, mapping=wanted.mapping or None)
        return {"images": [image.number for image in wanted.page(found, 0, len(found.record.images)).images]}

    @routes.get("/evaluations/{evaluation}/images/{number}/lit")
    def lit(
        evaluation: int, number: int, cell: str, request: Request, size: int = 512, mapping: str = "", v: str = ""
    ) -> Response:
        """Which pixels of an image lie in a cell of the confusion matrix: 1 there, 0 elsewhere."""
        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        where = read_cell(found, cell)
        made = lit_picture(services.home, services.database, found, number, where, checked_size(size))
        return answer(made, request, immutable=v == found.version)

    @routes.get("/evaluations/{evaluation}/maps/{layer}")
    def maps(
        evaluation: int, layer: MapLayer, images: str, size: int = 256, mapping: str = "", cell: str = ""
    ) -> Response:
        """Small maps of several images at once (`tiles.answer_maps`), each as the two routes for one image have it."""
        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        small = checked_size(size)
        if layer == "lit":
            cell_of = read_cell(found, cell)
            find = partial(lit_picture, services.home, services.database, found, cell=cell_of, size=small)
        else:
            find = partial(evaluation_picture, services.home, services.database, found, layer=layer, size=small)
        return answer_maps(read_numbers(images), size, find)

    @routes.get("/evaluations/{evaluation}/parts")
    def evaluation_parts(evaluation: int) -> dict[str, Any]:
        """The roles and subsets among an evaluation's images, with how many each has: what `on` may name."""
        return {"parts": parts(open_evaluation(services.database, evaluation))}

    @routes.get("/evaluations/{evaluation}/images/{number}/{layer}")
    def picture(
        evaluation: int, number: int, layer: Layer, request: Request, size: int = 512, mapping: str = "", v: str = ""
    ) -> Response:
        """A picture of an image: photo, truth, prediction or confidence."""
        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        made = evaluation_picture(services.home, services.database, found, number, layer, checked_size(size))
        return answer(made, request, immutable=v == found.version)

    return routes
