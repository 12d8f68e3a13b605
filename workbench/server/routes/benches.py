"""Benches and learning curves: several trainings side by side."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response

from db.errors import UserError
from training.architectures import names as architecture_names
from training.bench.document import bench_folder
from training.bench.listing import find_bench, list_benches
from training.bench.opening import check_request, free_name
from training.bench.table import write_table
from training.curves.chart import Axis, Kind, render
from training.curves.several import RunCurves, several_runs
from training.recipe import names as recipe_names
from training.tasks.files import shell_line
from training.tasks.lifecycle import start_task
from workbench.plain import plain
from workbench.server.bench_form import BenchForm
from workbench.server.services import Services
from workbench.server.told import told
from workbench.server.tray import task_entry

Runs = Annotated[str, Query(max_length=500)]
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}")

    def curves_of(project: int, runs: str) -> list[RunCurves]:
        numbers = [part for part in runs.split(",") if part]
        if not all(part.isascii() and part.isdecimal() for part in numbers):
            raise UserError("Runs are given by their numbers, with commas between.")
        return several_runs(services.home, services.database, services.name_of(project), numbers)

    def start(project: int, argv: list[str], name: str) -> dict[str, Any]:
        link = f"/runs?{urlencode({'project': project, 'bench': name})}"
        task = start_task(services.home, argv, title=f"Bench {name}", project_id=project, link=link)
        return task_entry(services, task) | {"bench": name}

    @routes.get("/curves")
    def curves(project: int, runs: Runs) -> dict[str, Any]:
        """The learning curves of some runs, and how their recipes differ."""
        return {"runs": told(services, plain(curves_of(project, runs)))}

    @routes.get("/curves/file/{kind}")
    def curves_file(project: int, kind: Kind, runs: Runs, x: Axis = "steps") -> Response:
        """The same as a file to keep."""
        content = render(curves_of(project, runs), kind, x)
        return _download(content, _TYPES[kind], f"learning-curves.{kind}")

    @routes.get("/benches")
    def benches(project: int) -> dict[str, Any]:
        """The benches of a project, the newest first, and what a new one can be made of."""
        found = list_benches(services.home, services.database, services.name_of(project))
        choices = {"architectures": architecture_names(), "recipes": recipe_names()}
        return {"benches": told(services, plain(found)), **plain(choices)}

    @routes.post("/benches/plan")
    def plan(project: int, form: BenchForm) -> dict[str, Any]:
        """The command that a form stands for, and what stands in its way."""
        name = services.name_of(project)
        return {"command": shell_line(form.argv(name), services.home.path), "obstacle": _obstacle(services, form, name)}

    @routes.post("/benches/start")
    def begin(project: int, form: BenchForm) -> dict[str, Any]:
        """Start a bench, by a task that goes on to its end."""
        name = services.name_of(project)
        if obstacle := _obstacle(services, form, name):
            raise UserError(obstacle)
        chosen = form.model_copy(update={"name": form.name.strip() or free_name(services.home, project)})
        return start(project, chosen.argv(name), chosen.name)

    @routes.get("/benches/{bench}")
    def one(project: int, bench: str) -> dict[str, Any]:
        """A bench with its table."""
        found: dict[str, Any] = told(
            services, plain(find_bench(services.home, services.database, services.name_of(project), bench))
        )
        return found | {"command": shell_line(_going_on(services.name_of(project), bench), services.home.path)}

    @routes.post("/benches/{bench}/go-on")
    def go_on(project: int, bench: str) -> dict[str, Any]:
        """Go on with a bench that was stopped or has failures, by a task."""
        found = find_bench(services.home, services.database, services.name_of(project), bench)
        if found.alive:
            raise UserError(f"The bench {bench!r} is being worked on.")
        return start(project, _going_on(services.name_of(project), bench), bench)

    @routes.get("/benches/{bench}/table/{form}")
    def table(project: int, bench: str, form: Literal["markdown", "csv"]) -> Response:
        """The table as a file to keep."""
        services.name_of(project)
        content = write_table(bench_folder(services.home, project, bench).read(), form).encode()
        ending = {"markdown": "md", "csv": "csv"}[form]
        return _download(content, f"text/{form}", f"bench.{ending}")

    return routes


def _going_on(project: str, bench: str) -> list[str]:
    return ["bench", f"--project={project}", f"--name={bench}"]


def _obstacle(services: Services, form: BenchForm, project: str) -> str | None:
    """Say what would be refused before the data are looked at, None where nothing is."""
    try:
        check_request(services.home, services.database, form.request(project))
    except UserError as error:
        return str(error)
    return None


def _download(content: bytes, kind: str, name: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
