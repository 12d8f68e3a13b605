"""Why another domain differs: what was found, the map of its photos, starting the search; and what labels bought."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from labeling.classes import list_classes
from labeling.colors import colors_for
from training.curves.labelled import read_labelled_curves
from training.models.files import find_model_file
from training.shift.looks import LOOKS
from training.shift.photos import choose
from training.shift.plane import Way
from training.shift.scores import known_of
from training.shift.store import Shift, list_shifts, open_shift
from training.tasks.files import shell_line
from training.tasks.lifecycle import start_task
from workbench.plain import plain
from workbench.server.services import Services
from workbench.server.tray import task_entry


class Asked(BaseModel):
    """What is to be compared: photos as `training.shift.photos.choose` reads them."""

    model: str
    home: str
    to: list[str] = Field(min_length=1)
    size: str = "original"
    map: Way = "pca"

    def argv(self, project: str) -> list[str]:
        """Return what stands after `workbench`."""
        photos = [f"--from={self.home}", *(f"--to={text}" for text in self.to)]
        return ["shift", *photos, f"--size={self.size}", f"--map={self.map}", f"--project={project}", "--", self.model]


def router(services: Services) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/api/projects/{project}")

    @routes.get("/shifts")
    def shifts(project: int) -> dict[str, Any]:
        """What was found so far, newest first."""
        services.name_of(project)
        return {"shifts": [found.head() for found in list_shifts(services.home, project)]}

    @routes.post("/shifts")
    def start(project: int, asked: Asked) -> dict[str, Any]:
        """Start the search as a task; its result has the name of the shift."""
        name = services.name_of(project)
        find_model_file(services.home, services.database, name, asked.model, bundles=False)
        home, *targets = (chosen.domain.title for chosen in choose(services.database, name, (asked.home, *asked.to)))
        link = f"/evaluate?{urlencode({'project': project, 'tab': 'domains'})}"
        title = f"Why {', '.join(targets)} differs from {home}"
        return task_entry(
            services, start_task(services.home, asked.argv(name), title=title, project_id=project, link=link)
        )

    @routes.get("/shifts/{shift}")
    def one(project: int, shift: str) -> dict[str, Any]:
        """Every figure of a shift."""
        name = services.name_of(project)
        found = open_shift(services.home, project, shift)
        values = plain(found.record) | {"shift": found.name, "command": _command(services, name, found)}
        del values["model_sha256"], values["arrays_sha256"], values["project_id"]
        for row, look in zip(values["looks"], LOOKS, strict=True):
            row |= {"unit": look.unit, "more": look.more, "less": look.less}
        for row, told in zip(values["features"], found.record.features, strict=True):
            if told is not None:
                row |= {"times": told.times, "by_chance": told.by_chance, "few": told.few}
        known = {each.name: each.color for each in list_classes(services.database, name)}
        for rows in ((values["frequencies"] or {}).get("classes", []), values["object_sizes"] or []):
            for row, color in zip(rows, colors_for([row["name"] for row in rows], known), strict=True):
                row["color"] = color
        return values

    @routes.get("/shifts/{shift}/plane")
    def plane(project: int, shift: str) -> dict[str, Any]:
        """The map of a shift's photos: a list of values a column, in one order."""
        name = services.name_of(project)
        found = open_shift(services.home, project, shift)
        arrays = found.arrays()
        known = known_of(services.database, name, found, arrays)
        return {
            "x": _numbers(arrays.places[:, 0]),
            "y": _numbers(arrays.places[:, 1]),
            "domain": arrays.domain.tolist(),
            "path": [plain(path) for path, _ in arrays.names],
            "image": known.image,
            "version": [sha[:8] for _, sha in arrays.names],
            "labelled": arrays.labelled.tolist(),
            "entropy": _numbers(arrays.entropy),
            "far": _numbers(arrays.far),
            "score": [None if np.isnan(score) else round(score, 4) for score in known.score.tolist()],
            "number": [None if number < 0 else number for number in known.number.tolist()],
            "evaluations": known.evaluations,
        }

    @routes.get("/labelled-curve")
    def labelled_curve(project: int, dataset: str = "", on: str = "") -> dict[str, Any]:
        """The mIoU of runs on the same photos, by how many labelled ones each was trained on."""
        name = services.name_of(project)
        found = read_labelled_curves(services.home, services.database, name, dataset or None, on or None)
        return {"curves": plain(found)}

    return routes


def _numbers(values: NDArray[np.float32]) -> list[float]:
    """Return values with the digits that a picture can show."""
    return [float(f"{value:.5g}") for value in values.tolist()]


def _command(services: Services, project: str, found: Shift) -> str:
    """Return the line that compares the same again."""
    record = found.record
    home, *targets = (each.dataset if each.on == "all" else f"{each.dataset}:{each.on}" for each in record.domains)
    asked = Asked(model=record.model, home=home, to=targets, size=record.size, map=record.map)
    return shell_line(asked.argv(project), services.home.path)
