"""Evaluations as several routes need them: their reports, read once, and the colours of their classes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from labeling.classes import list_classes
from labeling.colors import colors_for
from training.evaluation.opened import OpenEvaluation
from training.evaluation.report import EvaluationReport, report
from workbench.server.services import Services

MAX_PAGE = 500
"""Images of a page at most."""
_KEPT = 16  # as many as are compared at once


def kept_report(found: OpenEvaluation) -> EvaluationReport:
    """Return an evaluation's report. Its files never change, and ten thousand images take a second to add up."""
    return _kept(found.directory, found.id, found.mapping)


_kept = lru_cache(maxsize=_KEPT)(report)


def colors_of(services: Services, found: OpenEvaluation, names: Sequence[str]) -> tuple[str, ...]:
    """Return the colours that classes of these names have in an evaluation's project."""
    known = {one.name: one.color for one in list_classes(services.database, found.project)}
    return colors_for(names, known)
