"""Making the evaluations that a comparison of domains lacks; what is there already is not computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from db.home import Home
from db.session import Database
from labeling.progress import Progress
from training.evaluation.mapping import BY_NAME, load_mapping
from training.evaluation.store import EvaluationRecord
from training.models.files import ModelFile, find_model_file
from training.prediction.refinement import NONE
from training.prediction.size import ORIGINAL
from training.shift.subject import Domain, newest_evaluation

Which = Callable[[str], Progress]
"""Given the name of a piece of work, returns what is told its progress."""


def evaluations_of(
    database: Database,
    project: str | None,
    file: ModelFile,
    domains: Sequence[Domain],
    *,
    size: str = ORIGINAL,
    mapping: str | None = None,
    restrict: bool = False,
) -> list[int | None]:
    """Return the newest evaluation of a model as it is on each domain, None where there is none yet.

    Args:
        database: the database.
        project: name; None is the current one, or the only one.
        file: the model's.
        domains: what it was tested on.
        size: what the network saw.
        mapping: name of a saved mapping; it only matters to `restrict`.
        restrict: those whose argmax was restricted to the classes that this mapping has a target for, instead.
    """
    made = partial(_is_restricted, _targets(database, project, mapping)) if restrict else None
    return [newest_evaluation(database, project, file.sha256, domain, size=size, made=made) for domain in domains]


def _targets(database: Database, project: str | None, mapping: str | None) -> dict[str, str | None] | None:
    """Return what each model class counts as under a saved mapping; None for classes of the same name."""
    return None if mapping in (None, BY_NAME) else dict(load_mapping(database, project, mapping).rows)


def _is_restricted(targets: dict[str, str | None] | None, record: EvaluationRecord) -> bool:
    if targets is None:
        targets = {name: name if name in record.truth_classes else None for name in record.model_classes}
    wanted = tuple(name for name in record.model_classes if targets.get(name))
    return record.refinement == NONE.model_copy(update={"only": wanted})


def evaluate_missing(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    domains: Sequence[Domain],
    size: str = ORIGINAL,
    mapping: str | None = None,
    restrict: bool = False,
    device: str = "auto",
    which: Which,
) -> list[int]:
    """Evaluate a model on the domains where nobody has yet; return the evaluations of all, in their order.

    Args:
        home: receives them.
        database: its database.
        project: name; None is the current one, or the only one.
        model: reference, as `training.models.find.load_model` reads it.
        domains: what to test on.
        size: what the network sees.
        mapping: name of a saved mapping that those made now are read with.
        restrict: as `training.evaluation.evaluate.evaluate` has it.
        device: as `training.numerics.pick_device` reads it.
        which: told the images evaluated, by domain.

    Raises:
        UserError: something of the above is not there or does not fit.
    """
    file = find_model_file(home, database, project, model)
    found = evaluations_of(database, project, file, domains, size=size, mapping=mapping, restrict=restrict)

    def make(domain: Domain) -> int:
        from training.evaluation.evaluate import evaluate  # loads torch, which finding what is there does not need

        return evaluate(
            *(home, database),
            project=project,
            model=model,
            dataset=domain.dataset,
            on=domain.on,
            size=size,
            mapping=mapping,
            restrict=restrict,
            device=device,
            progress=which(domain.title),
        ).id

    known = {domain: number for domain, number in zip(domains, found, strict=True) if number is not None}
    for domain in domains:
        if domain not in known:  # one that is named twice is there by then
            known[domain] = make(domain)
    return [known[domain] for domain in domains]
