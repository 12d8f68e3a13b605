"""What the tab "Another domain" offers: models, the images of each dataset, and what is chosen at first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.session import Database
from labeling.datasets import DatasetInfo, find_dataset, list_datasets, role_counts, subset_counts
from labeling.parts import ALL, UNLABELLED
from labeling.projects import find_project
from labeling.roles import ROLES
from training.evaluation.report import EvaluationInfo, list_evaluations
from training.models.names import ModelName, model_names
from training.shift.subject import Domain
from workbench.plain import plain
from workbench.server.services import Services

_HOME = ("val", "test")
"""Roles that are a home, the likeliest first: of the photos a model was trained with, but not on."""


@dataclass(frozen=True)
class _Part:
    """Photos of a dataset that a domain may be: how many, and how many have labels, which alone are measured on."""

    images: int
    labelled: int


_Parts = dict[str, _Part]


def domain_choices(services: Services, project: str) -> dict[str, Any]:
    """Return models, datasets with their images, and what is chosen where the address says nothing."""
    models = model_names(services.home, services.database, project)
    datasets = [each for each in list_datasets(services.database, project) if each.images]
    parts = {each.name: _parts(services.database, project, each) for each in datasets}
    tested = list_evaluations(services.database, project)
    return {
        "models": plain(models),
        "datasets": [
            {"name": each.name, "images": each.images, "labelled": each.labelled, "parts": plain(parts[each.name])}
            for each in datasets
        ],
        "usual": _usual(models, datasets, parts, tested),
    }


def _parts(database: Database, project: str, dataset: DatasetInfo) -> _Parts:
    """Count the images of everything that a domain of the dataset may be."""
    with database.read() as session:
        row = find_dataset(session, find_project(session, project), dataset.name)
        roles, lists = (count(session, row.id, labelled=True) for count in (role_counts, subset_counts))
    found: _Parts = {role: _Part(dataset.roles[role], roles[role]) for role in ROLES if dataset.roles.get(role)}
    for name, count in sorted(dataset.subsets.items()):
        if count and name not in (*found, ALL):
            found[name] = _Part(count, lists[name])
    if dataset.labelled:
        found[ALL] = _Part(dataset.images, dataset.labelled)
    if without := dataset.images - dataset.labelled:
        found[UNLABELLED] = _Part(without, 0)
    return found


def _usual(
    models: Sequence[ModelName],
    datasets: Sequence[DatasetInfo],
    parts: dict[str, _Parts],
    tested: Sequence[EvaluationInfo],
) -> dict[str, Any]:
    """Choose the model that was tested on most domains, the home it has, and other domains.

    These are the newest dataset, for whose sake one comes, and where the model was tested.
    """
    references = [model.reference for model in models]
    known: dict[str, dict[Domain, None]] = {}
    for each in tested:
        if not each.refinement and (reference := _reference(each.model, references)):
            known.setdefault(reference, {})[Domain(each.dataset, each.on)] = None
    # Of several, the one that was tested last: a model adapted to one domain was hardly tested at home.
    model = max(known, key=lambda reference: len(known[reference]), default=next(iter(references), None))
    domains = list(known.get(model or "", {}))
    homes = [Domain(each.name, role) for role in _HOME for each in datasets if _is_labelled(parts[each.name], role)]
    home = next((domain for domain in homes if domain in domains), next(iter(homes), None))
    others = [each for each in domains if each != home and _is_labelled(parts.get(each.dataset, {}), each.on)]
    others.reverse()
    newest = max((each for each in datasets if home and each.name != home.dataset), key=_age, default=None)
    if newest:
        first = next((each for each in others if each.dataset == newest.name), None)
        first = first or Domain(newest.name, ALL if newest.labelled else UNLABELLED)
        others = [first, *(each for each in others if each != first)]
    return {"model": model, "home": home and str(home), "to": [str(domain) for domain in others]}


def _is_labelled(parts: _Parts, on: str) -> bool:
    return on in parts and parts[on].labelled > 0


def _age(dataset: DatasetInfo) -> datetime:
    return dataset.created_at


def _reference(name: str, references: Sequence[str]) -> str | None:
    """Return the reference that a model is known by now; `12` was one once."""
    return next((each for each in (name, f"{name}:best", f"{name}:last") if each in references), None)
