"""Remedies tried where a model loses, and put beside the original.

A remedy that was tried is found again by what it is made of: the model's bytes, the images, the size. So nothing is
computed twice, and what was stopped half-way goes on where it was.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, cast

from db.errors import UserError
from db.home import Home
from db.session import Database
from db.store import Store
from labeling.progress import Progress
from training.adaptation.adapted import adapted_models, free_name
from training.adaptation.remedy import NAMES, REMEDIES, Name, Outcome, Outcomes, Remedy
from training.evaluation.compare import compare_reports
from training.evaluation.opened import open_evaluation
from training.evaluation.report import EvaluationReport, report
from training.models.files import ModelFile, find_model_file
from training.prediction.size import ORIGINAL
from training.shift.make import Which, evaluate_missing
from training.shift.subject import Domain, newest_evaluation

if TYPE_CHECKING:
    from training.adaptation.adapt import How
    from training.models.spec import ModelSpec
    from training.prediction.inference import Precision

_KEPT = 8


@dataclass(frozen=True)
class HomeLook:
    """Whose look photos are given.

    Attributes:
        name: as `training.prediction.style.Style` calls it; None where nobody knows.
        of: `DATASET:ON` where it is other photos' than those the model was trained on.
        unknown: why nobody knows.
    """

    name: str | None = None
    of: str | None = None
    unknown: str | None = None


@dataclass(frozen=True)
class Case:
    """A model where it loses.

    Attributes:
        home: holds models and evaluations.
        database: its database.
        project: name; None is the current one, or the only one.
        model: reference of the original.
        domain: where it loses.
        size: what the network sees, as `training.prediction.size.Size` reads it.
        mapping: name of a saved mapping, or `by-name`; None reads each evaluation as it was made.
        at_home: photos whose look is that of home, where those the model was trained on are not in this home.
    """

    home: Home
    database: Database
    project: str | None
    model: str
    domain: Domain
    size: str = ORIGINAL
    mapping: str | None = None
    at_home: Domain | None = None

    @property
    def file(self) -> ModelFile:
        """The model's file."""
        return find_model_file(self.home, self.database, self.project, self.model)

    @cached_property
    def look(self) -> HomeLook:
        """Whose look photos are given.

        Raises:
            UserError: the model's file is damaged.
        """
        from training.adaptation.home_photos import home_images  # loads torch

        file = self.file
        spec, _ = _described(file, file.sha256)
        try:
            name, _ = home_images(Store(self.home.store), spec.lineage, file.reference)
        except UserError as error:
            if self.at_home is None:
                return HomeLook(unknown=str(error))
            return HomeLook(self.at_home.title, of=str(self.at_home))
        return HomeLook(name)

    def miou_at_home(self, original: str, made: str) -> tuple[float, float] | None:
        """Return the mIoU at home, 0..1, of the weights of two files; None where one of them was not tested there."""
        before, after = self._at_home(original), self._at_home(made)
        return None if before is None or after is None else (before, after)

    def _at_home(self, sha256: str) -> float | None:
        if self.at_home is None:
            return None
        number = newest_evaluation(self.database, self.project, sha256, self.at_home, size=self.size)
        return None if number is None else self.read(number).metrics.miou

    def read(self, number: int) -> EvaluationReport:
        """Read an evaluation."""
        found = open_evaluation(self.database, number, project=self.project, mapping=self.mapping)
        return report(found.directory, found.id, found.mapping)


def read_remedies(case: Case) -> Outcomes:
    """Return what became of the remedies that were tried so far.

    Raises:
        UserError: there is no such model, an evaluation is damaged, or the mapping does not fit.
    """
    file = case.file
    number = newest_evaluation(case.database, case.project, file.sha256, case.domain, size=case.size)
    original = None if number is None else case.read(number)
    refusals, look = refused(case), case.look.name
    adapted = adapted_models(case.database, case.project, file, case.domain, case.size)

    def outcome(remedy: Remedy) -> Outcome:
        if remedy.name in refusals:
            return Outcome(remedy, refused=refusals[remedy.name])
        made = adapted.get(remedy.adapts) if remedy.adapts else None
        sha256 = (made.sha256 if made else None) if remedy.adapts else file.sha256
        name = made.name if made else None
        found = None
        if original is not None and sha256 is not None:
            found = newest_evaluation(
                *(case.database, case.project, sha256, case.domain),
                size=case.size,
                made=lambda record: remedy.is_in(record.refinement, look),
                revision=original.record.revision,
            )
        if original is None or found is None:
            return Outcome(remedy, name)
        at_home = case.miou_at_home(file.sha256, made.sha256) if made else None
        return Outcome(remedy, name, compare_reports(original, case.read(found)), at_home=at_home)

    return Outcomes(file.reference, case.domain, original, tuple(outcome(remedy) for remedy in REMEDIES))


def try_remedies(case: Case, *, only: Collection[Name] = NAMES, device: str = "auto", which: Which) -> Outcomes:
    """Try remedies, one after the other, and evaluate each; the original, too, where nobody has yet.

    Args:
        case: the model and where it loses.
        only: names of those to try. One that cannot be done with this model is passed over, unless none else is asked.
        device: as `training.numerics.pick_device` reads it.
        which: told the progress of each by its title.

    Raises:
        UserError: there is no such model, images or mapping, or none of the remedies can be done.
    """
    evaluate_missing(
        *(case.home, case.database),
        project=case.project,
        model=case.model,
        domains=[case.domain],
        size=case.size,
        mapping=case.mapping,
        device=device,
        which=which,
    )
    known = read_remedies(case)
    wanted = [outcome for outcome in known.outcomes if outcome.remedy.name in only]
    if wanted and all(outcome.refused for outcome in wanted):
        raise UserError(wanted[0].refused or "")
    for outcome in wanted:
        if not outcome.refused and not outcome.comparison:
            assert known.original is not None
            _try(case, outcome, known.original, device, which(outcome.remedy.title))
    return read_remedies(case)


def refused(case: Case) -> dict[Name, str]:
    """Return why remedies cannot be done with a model, by their names; those that can are left out.

    Raises:
        UserError: the model's file is damaged.
    """
    file = case.file
    spec, tensors = _described(file, file.sha256)
    found: dict[Name, str] = {}
    if not any(name.endswith(".running_mean") for name in tensors):
        reason = f"The network {spec.architecture} has no batch normalisation, which is all that this changes."
        found |= {remedy.name: reason for remedy in REMEDIES if remedy.adapts}
    if unknown := case.look.unknown:
        found |= {remedy.name: unknown for remedy in REMEDIES if remedy.style}
    return found


@lru_cache(maxsize=_KEPT)
def _described(file: ModelFile, sha256: str) -> tuple[ModelSpec, frozenset[str]]:
    """Describe a model's file once for as long as it stays as it is."""
    from training.models.find import describe

    return describe(file)


def _try(case: Case, outcome: Outcome, original: EvaluationReport, device: str, progress: Progress) -> None:
    """Make what a remedy makes, unless that is there, and evaluate it on the images of the original evaluation."""
    from training.evaluation.evaluate import evaluate

    remedy, name = outcome.remedy, outcome.model
    if remedy.adapts and name is None:
        name = _adapt(case, remedy.adapts, device, progress)
    record = original.record
    evaluate(
        *(case.home, case.database),
        project=case.project,
        model=name or case.model,
        dataset=record.dataset,
        on=record.on,
        revision=record.revision,
        size=case.size,
        mapping=case.mapping,
        device=device,
        precision=cast("Precision", record.precision),  # a difference of rounding is none of the remedy's
        refinement=remedy.refinement,
        style=remedy.style,
        style_of=case.look.of if remedy.style else None,
        progress=progress,
    )


def _adapt(case: Case, how: How, device: str, progress: Progress) -> str:
    """Make the adapted model, and return its name."""
    from training.adaptation.adapt import adapt, usual_name

    file, domain = case.file, case.domain
    usual = usual_name(file.reference, how, domain.dataset, domain.on)
    return adapt(
        *(case.home, case.database),
        project=case.project,
        model=case.model,
        how=how,
        dataset=domain.dataset,
        on=domain.on,
        size=case.size,
        name=free_name(case.database, case.project, usual),  # another checkpoint of the run may have it, say
        device=device,
        progress=progress,
    ).name
