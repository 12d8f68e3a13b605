"""Puts the server together: own routes first, then the pages at "/", and the guard around everything."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from db.errors import NotFoundError, UserError
from workbench.server import login
from workbench.server.guard import Guard
from workbench.server.mounting import mount_pages, prepare_gradio
from workbench.server.routes import (
    benches,
    care,
    comparisons,
    data,
    desktop,
    evaluation_files,
    evaluation_reading,
    evaluations,
    exports,
    history,
    imports,
    links,
    live,
    photos,
    predict,
    projects,
    revisions,
    run_pages,
    runs,
    shift,
    shift_why,
    static,
    storage,
    tasks,
    train,
    trust,
    uploads,
    use,
    videos,
)
from workbench.server.security import Security
from workbench.server.services import Services
from workbench.server.sessions import Sessions
from workbench.server.told import said

# The order is the order of matching. A family of routes adds its line here.
ROUTERS: tuple[Callable[[Services], APIRouter], ...] = (
    static.router,
    projects.router,
    links.router,
    uploads.router,
    imports.router,
    photos.router,
    history.router,
    storage.router,
    data.router,
    care.router,
    desktop.router,
    revisions.router,
    exports.router,
    comparisons.router,  # before the evaluations, which would take `compare` for a number
    evaluations.router,
    evaluation_files.router,
    trust.router,
    evaluation_reading.router,
    shift.router,
    shift_why.router,
    predict.router,
    live.router,
    use.router,
    videos.router,
    tasks.router,
    runs.router,
    run_pages.router,
    benches.router,
    train.router,
)


def create_app(services: Services, security: Security, *, ui: bool = True) -> FastAPI:
    """Return the app.

    Args:
        services: what routes and pages get.
        security: who is let in.
        ui: mount the pages too. Tests of routes leave them out: Gradio takes seconds to load.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    sessions = Sessions(security, services.database)
    app.include_router(login.router(sessions))
    for router in ROUTERS:
        app.include_router(router(services))
    # Not handed on to the pages: who asks here reads `error`.
    for path in ("/api", "/api/{rest:path}"):
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        app.add_api_route(path, _say_nothing_there, methods=methods, include_in_schema=False)
    if ui:
        prepare_gradio(services)
        from workbench.ui.app import appearance, build

        mount_pages(app, build(services), **appearance())

    def say_user_error(_: Request, error: Exception) -> JSONResponse:
        status = 404 if isinstance(error, NotFoundError) else 400
        return JSONResponse({"error": said(services, str(error))}, status)

    app.add_exception_handler(UserError, say_user_error)
    app.add_exception_handler(OverflowError, _say_out_of_range)
    app.add_exception_handler(HTTPException, _say_http_error)
    app.add_exception_handler(RequestValidationError, _say_invalid)
    app.add_middleware(Guard, sessions=sessions, upload_limit=services.upload_limit_bytes)
    return app


def _say_nothing_there(request: Request) -> None:
    raise NotFoundError(f"There is nothing at {request.url.path[:200]}, or not for {request.method}.")


def _say_out_of_range(_: Request, error: Exception) -> JSONResponse:
    if "SQLite" not in str(error):
        raise error
    return JSONResponse({"error": "There is nothing of this number: it is larger than any that is given."}, 404)


def _say_http_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _say_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    parts = (f"{'.'.join(str(step) for step in each['loc'][1:])}: {each['msg']}" for each in error.errors())
    return JSONResponse({"error": "; ".join(parts)}, 400)
