"""An evaluation as files: its report, and its plots."""

from __future__ import annotations

from fastapi import APIRouter, Response

from training.evaluation.opened import open_evaluation
from training.evaluation.reporting.elements import POLICY
from training.evaluation.reporting.findings import read_findings
from training.evaluation.reporting.images import IMAGES
from training.evaluation.reporting.words import PlotKind
from workbench.server.services import Services

MOST_IMAGES = 100
_TYPES: dict[PlotKind, str] = {"svg": "image/svg+xml", "png": "image/png"}


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/evaluations/{evaluation}")

    @routes.get("/report.html")
    def report(evaluation: int, mapping: str = "", images: int = IMAGES) -> Response:
        """The report, as one page."""
        from training.evaluation.reporting.page import report_html  # loads matplotlib, without which the server starts

        found = read_findings(
            services.database, open_evaluation(services.database, evaluation, mapping=mapping or None)
        )
        page = report_html(services.database, found, min(max(0, images), MOST_IMAGES))
        headers = {
            "Content-Disposition": f'attachment; filename="evaluation-{evaluation}.html"',
            "Content-Security-Policy": f"{POLICY}; sandbox",
        }
        return Response(page.encode(errors="backslashreplace"), media_type="text/html; charset=utf-8", headers=headers)

    @routes.get("/plots/{name}.{kind}")
    def drawn(evaluation: int, name: str, kind: PlotKind, mapping: str = "") -> Response:
        """One of the plots."""
        from training.evaluation.reporting.plots.draw import plot

        found = read_findings(
            services.database, open_evaluation(services.database, evaluation, mapping=mapping or None)
        )
        headers = {"Content-Disposition": f'inline; filename="evaluation-{evaluation}-{name}.{kind}"'}
        return Response(plot(found, name, kind), media_type=_TYPES[kind], headers=headers)

    return routes
