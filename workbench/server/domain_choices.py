"""What the tab "Another domain" offers: models, the images of each dataset, and what is chosen at first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from labeling.datasets import DatasetInfo, list_datasets
from labeling.parts import ALL, UNLABELLED
from labeling.roles import ROLES
from training.evaluation.report import EvaluationInfo, list_evaluations
from training.models.names import ModelName, model_names
from training.shift.subject import Domain
from workbench.plain import plain
from workbench.server.services import Services

_HOME = ("val", "test")
"""Roles that are a home, the likeliest first: of the photos a model was trained with, but not on."""


def domain_choices(services: Services, project: str) -> dict[str, Any]:
    """Return models, datasets with their images, and what is chosen where the address says nothing."""
    models = model_names(services.home, services.database, project)
    datasets = [each for each in list_datasets(services.database, project) if each.images]
    tested = list_evaluations(services.database, project)
    return {
        "models": plain(models),
        "datasets": [
            {"name": each.name, "images": each.images, "labelled": each.labelled, "parts": _parts(each)}
            for each in datasets
        ],
        "usual": _usual(models, datasets, tested),
    }


def _parts(dataset: DatasetInfo) -> dict[str, int]:
    """Count the images of everything that a domain of the dataset may be."""
    roles: dict[str, int] = {role: dataset.roles[role] for role in ROLES if dataset.roles.get(role)}
    lists = {name: count for name, count in sorted(dataset.subsets.items()) if count and name not in (*roles, ALL)}
    without = dataset.images - dataset.labelled
    return {
        **roles,
        **lists,
        **({ALL: dataset.labelled} if dataset.labelled else {}),
        **({UNLABELLED: without} if without else {}),
    }


def _usual(
    models: Sequence[ModelName], datasets: Sequence[DatasetInfo], tested: Sequence[EvaluationInfo]
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
    homes = [Domain(each.name, role) for role in _HOME for each in datasets if each.roles.get(role)]
    home = next((domain for domain in homes if domain in domains), next(iter(homes), None))
    there = {(each.name, part) for each in datasets for part in _parts(each)}
    others = [domain for domain in domains if domain != home and (domain.dataset, domain.on) in there]
    others.reverse()
    newest = max((each for each in datasets if home and each.name != home.dataset), key=_age, default=None)
    if newest:
        parts = _parts(newest)
        first = next((each for each in others if each.dataset == newest.name), None)
        first = first or Domain(newest.name, ALL if ALL in parts else UNLABELLED)
        others = [first, *(each for each in others if each != first)]
    return {"model": model, "home": home and str(home), "to": [str(domain) for domain in others]}


def _age(dataset: DatasetInfo) -> datetime:
    return dataset.created_at


def _reference(name: str, references: Sequence[str]) -> str | None:
    """Return the reference that a model is known by now; `12` was one once."""
    return next((each for each in (name, f"{name}:best", f"{name}:last") if each in references), None)
