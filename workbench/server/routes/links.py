"""Deep links: addresses that say what they mean, redirected to the page that shows it."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from db.schema import Evaluation, Project, Run
from workbench.server.services import Services

_PAGES = frozenset({"data", "train", "runs", "evaluate", "use"})
_NOT_THERE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Not found - Segmentation workbench</title>
<style>:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }} body {{ margin: 3rem; }}</style>
<h1>Not found</h1>
<p>{message}</p>
<p><a href="/">All projects</a></p>
</html>
"""


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter()

    def go(request: Request, project: str, page: str, kind: type[Run | Evaluation] | None, number: str) -> Response:
        with services.database.read() as session:
            missing = _missing(session, project, kind, number)
        if missing is not None:
            return HTMLResponse(_NOT_THERE.format(message=escape(missing)), 404)
        found = {"project": project} | ({kind.__tablename__: number} if kind is not None else {})
        kept = {key: value for key, value in request.query_params.items() if key not in found}
        return RedirectResponse(f"/{page}?{urlencode(found | kept)}", 303)

    @routes.get("/project/{project}")
    def to_project(request: Request, project: str) -> Response:
        return go(request, project, "data", None, "")

    @routes.get("/project/{project}/run/{run}")
    def to_run(request: Request, project: str, run: str) -> Response:
        return go(request, project, "runs", Run, run)

    @routes.get("/project/{project}/evaluation/{evaluation}")
    def to_evaluation(request: Request, project: str, evaluation: str) -> Response:
        return go(request, project, "evaluate", Evaluation, evaluation)

    @routes.get("/project/{project}/{page}")
    def to_page(request: Request, project: str, page: str) -> Response:
        if page not in _PAGES:
            message = f"There is no page {page[:40]!r}. The pages are {', '.join(sorted(_PAGES))}."
            return HTMLResponse(_NOT_THERE.format(message=escape(message)), 404)
        return go(request, project, page, None, "")

    return routes


def _missing(session: Session, project: str, kind: type[Run | Evaluation] | None, number: str) -> str | None:
    """Say what of the address does not exist, None where all does."""
    owner = session.get(Project, _row(project))
    if owner is None or owner.deleted_at is not None:
        return f"There is no project {project[:40]}, or it is in the trash."
    if kind is None:
        return None
    row = _row(number)
    found = session.get(Run, row) if kind is Run else session.get(Evaluation, row)
    if found is None or found.deleted_at is not None or found.project_id != owner.id:
        return f"The project {owner.name} has no {kind.__tablename__} {number[:40]}, or it is in the trash."
    return None


def _row(text: str) -> int:
    """Return the number of a row, -1 (which no row has) for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else -1
