"""The models behind evaluations: the runs they come from, how these differ, and what a prediction costs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from db.errors import UserError
from db.home import Home
from db.session import Database
from training.bench.document import bench_folders
from training.bench.method import METHOD
from training.curves.several import differing, in_words, what_was_asked
from training.engine.rundir import RunDirectory
from training.evaluation.opened import OpenEvaluation
from training.models.bundle import read_spec as read_bundle_spec
from training.models.find import read_spec
from training.models.spec import Ancestor, ModelSpec
from training.runs.lifecycle import RunInfo, get_run

EVALUATED = "of the whole evaluation, from files to counts: decoding, network, refining, counting"
ALWAYS = ("architecture", "init", "revision", "seed", "steps done")
"""What is told of the trainings even where it is the same in all."""
_Network = tuple[str, int]  # name of the architecture, parameters
_Origin = tuple[_Network | None, RunInfo | None, str | None]
_ELSEWHERE = "It was trained elsewhere: there is no run of it here."
_RUN = re.compile(r"(\d{1,18})(?::(?:best|last))?")


@dataclass(frozen=True)
class Speed:
    """How many images a second were predicted.

    Attributes:
        images_per_second: as measured.
        by: `evaluation`, or `bench NAME`.
        how: what was measured.
        device: on what, as whoever measured wrote it down.
        precision: what the network computed in.
    """

    images_per_second: float
    by: str
    how: str
    device: str
    precision: str


@dataclass(frozen=True)
class ComparedModel:
    """The model of an evaluation.

    Attributes:
        evaluation: number.
        model: as it was named.
        run: number of the training that it comes from; None where there is none in this home any more.
        note: why there is no run, or what else is to be known.
        architecture: name; None where the model is gone.
        parameters: of the network; None where the model is gone.
        miou: of the evaluation.
        speeds: the evaluation's own first, then those of benches.
    """

    evaluation: int
    model: str
    run: int | None
    note: str | None
    architecture: str | None
    parameters: int | None
    miou: float | None
    speeds: tuple[Speed, ...]


@dataclass(frozen=True)
class SettingRow:
    """A setting of the trainings; values by run, in words, None where a run has no such setting."""

    name: str
    values: tuple[str | None, ...]
    same: bool


@dataclass(frozen=True)
class ComparedModels:
    """The models of several evaluations.

    Attributes:
        models: in the order of the evaluations.
        runs: numbers of the trainings, each once.
        settings: what these were asked, first what is always told, then what differs.
    """

    models: tuple[ComparedModel, ...]
    runs: tuple[int, ...]
    settings: tuple[SettingRow, ...]


def compared_models(
    home: Home, database: Database, evaluations: Sequence[OpenEvaluation], mious: Sequence[float | None]
) -> ComparedModels:
    """Look up the models of some evaluations.

    Args:
        home: holds runs, models and benches.
        database: its database.
        evaluations: of one project or several.
        mious: of the evaluations, as their reports have them.
    """
    benched = _benched(home, {each.project_id for each in evaluations})
    models = []
    runs: dict[int, RunInfo] = {}
    origins: dict[tuple[str, str], _Origin] = {}
    for each, miou in zip(evaluations, mious, strict=True):
        named = (each.project, each.record.model)
        network, run, note = origins[named] = origins.get(named) or _origin(home, database, each)
        if run:
            runs[run.id] = run
        models.append(
            ComparedModel(
                evaluation=each.id,
                model=each.record.model,
                run=run.id if run else None,
                note=note,
                architecture=network[0] if network else None,
                parameters=network[1] if network else None,
                miou=miou,
                speeds=(*_own_speed(each), *(_fitting(each, benched.get(run.id, ())) if run else ())),
            )
        )
    return ComparedModels(tuple(models), tuple(runs), _settings(list(runs.values())))


def _origin(home: Home, database: Database, evaluation: OpenEvaluation) -> _Origin:
    """Return what an evaluation's model is, the run it comes from, and why something of this is not there."""
    name = evaluation.record.model
    if match := _RUN.fullmatch(name):
        return _of_run(home, database, evaluation, int(match[1]))
    try:
        spec = _bundle(Path(name)) or read_spec(home, database, evaluation.project, name)
    except UserError:
        return None, None, "The model is gone."
    number = _trained_by(spec)
    if number is None:
        return _network(spec.architecture, len(spec.classes), spec.options), None, _ELSEWHERE
    network, run, note = _of_run(home, database, evaluation, number)
    if run is None or spec.revision not in (None, run.revision):
        return _network(spec.architecture, len(spec.classes), spec.options), None, note or _ELSEWHERE
    return network, run, _adapted(number, spec) if spec.adaptations else None


def _adapted(number: int, spec: ModelSpec) -> str:
    return f"Adapted since run {number} trained it: {'; '.join(map(str, spec.adaptations))}."


def _of_run(home: Home, database: Database, evaluation: OpenEvaluation, number: int) -> _Origin:
    """Return the same of a run, read from what it was asked: a checkpoint is large."""
    try:
        run = get_run(home, database, number)
        command = RunDirectory(run.directory).command()
    except UserError:
        return None, None, "The run that trained it is gone."
    if run.project_id != evaluation.project_id:
        return None, None, _ELSEWHERE
    return _network(command.architecture, len(command.classes), command.recipe.options), run, None


def _bundle(path: Path) -> ModelSpec | None:
    return read_bundle_spec(path) if path.suffix == ".safetensors" and path.is_file() else None


def _trained_by(spec: ModelSpec) -> int | None:
    last = spec.lineage[-1] if spec.lineage else None
    return last.run if isinstance(last, Ancestor) else None


def _network(architecture: str, classes: int, options: Mapping[str, Any]) -> _Network:
    return architecture, _counted(architecture, classes, json.dumps(dict(options), sort_keys=True))


@lru_cache(maxsize=64)
def _counted(architecture: str, classes: int, options: str) -> int:
    """Count the parameters of a network that is built without any memory for them."""
    import torch

    from training.architectures import build

    with torch.device("meta"):
        network = build(architecture, classes, **json.loads(options))
    return sum(parameter.numel() for parameter in network.parameters())


def _own_speed(evaluation: OpenEvaluation) -> tuple[Speed, ...]:
    record = evaluation.record
    if not record.seconds:
        return ()
    return (Speed(len(record.images) / record.seconds, "evaluation", EVALUATED, record.device, record.precision),)


def _fitting(evaluation: OpenEvaluation, benched: Sequence[tuple[str, Speed]]) -> list[Speed]:
    """Return the speeds that hold for an evaluation: a bench refines nothing, and has a size of its own."""
    record = evaluation.record
    return [speed for size, speed in benched if size == record.size and not str(record.refinement)]


def _benched(home: Home, projects: set[int]) -> dict[int, list[tuple[str, Speed]]]:
    """Return what benches measured, by run: at which size, and how fast."""
    found: dict[int, list[tuple[str, Speed]]] = {}
    for folder in (each for project in sorted(projects) for each in bench_folders(home, project)):
        try:
            bench = folder.read()
        except UserError:
            continue  # a damaged one has its own page that says so
        for entry in bench.entries:
            if entry.run is not None and entry.measures is not None:
                it = entry.measures
                how = f"{it.height}x{it.width}, {METHOD}"
                speed = Speed(it.images_per_second, f"bench {bench.name}", how, it.device, bench.plan.precision)
                found.setdefault(entry.run, []).append((bench.plan.size, speed))
    return found


def _settings(runs: Sequence[RunInfo]) -> tuple[SettingRow, ...]:
    asked: list[dict[str, Any]] = [what_was_asked(run) | {"steps done": run.figures.get("step", 0)} for run in runs]
    if not asked:
        return ()
    differ = differing(asked)
    keys = [*ALWAYS, *(key for key in differ if key not in ALWAYS)]
    return tuple(
        SettingRow(
            key.replace("_", " "),
            tuple(in_words(each[key]) if key in each else None for each in asked),
            key not in differ,
        )
        for key in keys
    )
