"""Asking for a bench: a new one, or one to go on with."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Literal

from db.errors import NotFoundError, UserError
from db.home import Home
from db.session import Database
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.revisions import RevisionInfo, find_revision, freeze
from training.architectures import names
from training.bench.document import Bench, BenchFolder, BenchPlan, Entry, bench_folder
from training.prediction.size import ORIGINAL, Size
from training.recipe import load_recipe
from training.recipe import names as recipe_names

ALL = "all"
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class BenchRequest:
    """What a person asks for; what is None has its default, or stays as the bench of this name has it.

    Attributes:
        project: name; None is the current one, or the only one.
        name: None for a new one of the next free name.
        architectures: `all` among them for every one.
        seeds: of the trainings of each.
        datasets: to train on; empty for all.
        revision: digest or its beginning; None freezes the datasets now.
        train_on: subset or role to train on.
        on: subset or role to test on.
        size: that tests are made at; None is what the recipe resizes photos to, else their own.
        precision: that tests are made in.
        recipe: name or path.
        settings: by dotted key, as text; `unet:batch` is for that architecture only.
        device: as a training takes it.
    """

    project: str | None = None
    name: str | None = None
    architectures: Sequence[str] = ()
    seeds: Sequence[int] | None = None
    datasets: Sequence[str] = ()
    revision: str | None = None
    train_on: str | None = None
    on: str | None = None
    size: str | None = None
    precision: Literal["fp32", "bf16", "fp16"] | None = None
    recipe: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None


def read_seeds(text: str) -> tuple[int, ...]:
    """Read `3`, which is the seeds 0, 1 and 2, or a list: `0,1,2`, or `7,` for the one.

    Raises:
        UserError: it is neither.

    Example:
        >>> read_seeds("3")
        (0, 1, 2)
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() and len(part) <= 9 for part in parts):
        raise UserError(f"--seeds takes a number of seeds (3) or a list of them (0,1,2), found {text!r}.")
    if "," not in text:
        if not 0 < int(text) <= 100:
            raise UserError(f"--seeds takes 1 to 100 seeds, found {text}.")
        return tuple(range(int(text)))
    return tuple(dict.fromkeys(map(int, parts)))


def open_bench(
    home: Home, database: Database, request: BenchRequest, progress: Progress = silent
) -> tuple[BenchFolder, Bench]:
    """Find the bench that is asked for and add what is new to it, or make it. Nothing trains yet.

    Architectures and seeds may be added to a bench; what all its trainings have in common may not change.

    Raises:
        UserError: something asked for is not there or does not fit, or is not what the bench has.
    """
    folder, known, bench = _asked_for(home, database, request)
    if known is None:
        revision = _revision(home, database, request, progress)
        settled = {"revision": revision.digest, "classes": revision.classes}
        bench = bench.model_copy(update={"plan": bench.plan.model_copy(update=settled)})
    if bench != known:
        folder.write(bench)
    return folder, bench


def check_request(home: Home, database: Database, request: BenchRequest) -> None:
    """Find what is wrong with a bench that is asked for, without looking at the data.

    Raises:
        UserError: as `open_bench`.
    """
    _asked_for(home, database, request)


def _asked_for(home: Home, database: Database, request: BenchRequest) -> tuple[BenchFolder, Bench | None, Bench]:
    """Return where a bench lies, the bench that is there, and the one asked for; a new one has no revision yet."""
    with database.read() as session:
        owner = find_project(session, request.project)
    _check(request)
    folder = bench_folder(home, owner.id, request.name or free_name(home, owner.id))
    known = None
    with suppress(NotFoundError):
        known = folder.read()
        _same(known.plan, request)
    begun = known or Bench(name=folder.path.name, created_at=time.time(), plan=_plan(request), entries=())
    bench = begun.model_copy(update={"entries": _entries(begun, request)})
    if not bench.entries:
        raise UserError("Which architectures? Name them as --archs unet,deeplabv2, or take --archs all.")
    _check_settings(bench)
    return folder, known, bench


def _check(request: BenchRequest) -> None:
    unknown = [name for name in request.architectures if name not in (*names(), ALL)]
    if unknown:
        raise UserError(f"There is no architecture {unknown[0]!r}. Choose some of {', '.join(names())}, or all.")


def free_name(home: Home, project_id: int) -> str:
    """Return the name that a bench gets to which nobody gives one."""
    names = (f"bench-{number}" for number in count(1))
    return next(name for name in names if not bench_folder(home, project_id, name).document.exists())


def _plan(request: BenchRequest) -> BenchPlan:
    recipe = _recipe(request.recipe or "default")
    common = {key: text for key, text in request.settings.items() if ":" not in key}
    resize = load_recipe(recipe, common).resize
    return BenchPlan(
        revision="",
        classes=(),
        datasets=tuple(request.datasets),
        train_on=request.train_on or "train",
        on=request.on or "val",
        size=str(Size.parse(request.size or (ORIGINAL if resize == "none" else resize))),
        precision=request.precision or "fp32",
        recipe=recipe,
        settings=dict(request.settings),
        device=request.device or "auto",
    )


def _revision(home: Home, database: Database, request: BenchRequest, progress: Progress) -> RevisionInfo:
    if request.revision is not None:
        return find_revision(database, request.project, request.revision)
    return freeze(home, database, project=request.project, datasets=tuple(request.datasets), progress=progress)


def _recipe(name: str) -> str:
    """Return a recipe's name, or its path made absolute: the bench may be gone on with from another folder."""
    return name if name in recipe_names() else str(Path(name).expanduser().absolute())


def _same(plan: BenchPlan, request: BenchRequest) -> None:
    """Make sure that nothing is asked for that a bench begun earlier has not."""
    asked = {
        "--dataset": (tuple(request.datasets) or None, plan.datasets),
        "--train-on": (request.train_on, plan.train_on),
        "--on": (request.on, plan.on),
        "--size": (None if request.size is None else str(Size.parse(request.size)), plan.size),
        "--precision": (request.precision, plan.precision),
        "--recipe": (None if request.recipe is None else _recipe(request.recipe), plan.recipe),
        "--set": (dict(request.settings) or None, plan.settings),
        "--device": (request.device, plan.device),
    }
    other = [
        f"{option} is {had}, found {now}" for option, (now, had) in asked.items() if now is not None and now != had
    ]
    if request.revision is not None and not plan.revision.startswith(request.revision):
        other.append(f"--revision is {plan.revision[:12]}, found {request.revision}")
    if other:
        raise UserError(
            "A bench of this name has begun, and all its trainings are alike: "
            f"{'; '.join(other)}. Leave that out to go on with it, or give another --name."
        )


def _entries(bench: Bench, request: BenchRequest) -> tuple[Entry, ...]:
    """Return a bench's trainings with those that are new: every architecture with every seed, seed by seed.

    So that a bench that is stopped half way has looked at every architecture once.
    """
    wanted = names() if ALL in request.architectures else tuple(request.architectures)
    architectures = tuple(dict.fromkeys([*bench.architectures, *wanted]))
    seeds = tuple(dict.fromkeys([*(entry.seed for entry in bench.entries), *(request.seeds or ())])) or SEEDS
    known = {(entry.architecture, entry.seed): entry for entry in bench.entries}
    return tuple(
        known.get((name, seed)) or Entry(architecture=name, seed=seed) for seed in seeds for name in architectures
    )


def _check_settings(bench: Bench) -> None:
    """Refuse settings that no recipe has before the first hour is spent; options are each architecture's own matter."""
    named = {key.partition(":")[0] for key in bench.plan.settings if ":" in key}
    if strangers := sorted(named - set(bench.architectures)):
        raise UserError(
            f"--set {strangers[0]}:...: the bench has no architecture {strangers[0]!r}; it has "
            f"{', '.join(bench.architectures)}."
        )
    for name in bench.architectures:
        load_recipe(bench.plan.recipe, bench.plan.settings_of(name, 0))
