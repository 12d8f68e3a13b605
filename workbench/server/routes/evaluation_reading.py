"""What helps to read an evaluation: its classes in another order, and counting what is not counted yet."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from training.evaluation.opened import open_evaluation
from training.tasks.lifecycle import start_task
from workbench.server.reports import kept_report
from workbench.server.services import Services


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/evaluations/{evaluation}")

    @routes.get("/alike")
    def alike(evaluation: int, mapping: str = "") -> dict[str, tuple[int, ...]]:
        """The places of the classes in an order in which those that are confused stand together."""
        from training.evaluation.class_order import alike_order  # loads much of scipy

        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        return {"classes": alike_order(kept_report(found).confusion)}

    @routes.post("/boundary")
    def boundary(evaluation: int, mapping: str = "") -> dict[str, Any]:
        """Count boundaries and objects in the stored predictions, as a task."""
        found = open_evaluation(services.database, evaluation, mapping=mapping or None)
        argv = ["evaluations", "boundary", f"--project={found.project}"]
        argv += [f"--mapping={mapping}"] if mapping else []
        task = start_task(
            services.home,
            [*argv, str(evaluation)],
            title=f"Count the boundaries of evaluation {evaluation}",
            project_id=found.project_id,
            link=f"/evaluate?project={found.project_id}&evaluation={evaluation}",
        )
        return {"task": task.id}

    return routes
