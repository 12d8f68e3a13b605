"""What can be done without labels where a model loses, every remedy in one list, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from training.crf.parameters import REPORTED
from training.evaluation.compare import Comparison
from training.evaluation.report import EvaluationReport
from training.prediction.refinement import NONE, Refinement
from training.prediction.style import Kind
from training.shift.subject import Domain

if TYPE_CHECKING:
    from training.adaptation.adapt import How

Name = Literal["adabn", "tent", "histogram", "fourier", "looks", "crf"]


@dataclass(frozen=True)
class Remedy:
    """One thing to do.

    Attributes:
        name: what commands take.
        title: what people call it.
        what: what it does, in a sentence.
        adapts: the way another model is made of the model; None leaves its weights as they are.
        style: the look of home that photos are given, and in which way; None leaves them as they are.
        refinement: what else is done for a prediction.
    """

    name: Name
    title: str
    what: str
    adapts: How | None = None
    style: Kind | None = None
    refinement: Refinement = NONE

    def is_in(self, refinement: Refinement, look: str | None) -> bool:
        """Tell whether a prediction refined so is what this remedy makes of an adapted, or of the same, model.

        Args:
            refinement: of the prediction.
            look: whose look a style must be, as `training.prediction.style.Style` calls it; None where nobody knows.
        """
        style = refinement.style
        if style is not None and style.of != look:
            return False
        kind = style.kind if style else None
        return kind == self.style and refinement.model_copy(update={"style": None}) == self.refinement


REMEDIES = (
    Remedy("adabn", "AdaBN", "measures the batch normalisation's statistics anew on these photos", adapts="adabn"),
    Remedy("tent", "TENT", "trains the batch normalisation's scales until predictions are sure", adapts="tent"),
    Remedy("histogram", "Style of home, histogram", "gives photos the light and tint of home", style="histogram"),
    Remedy(
        "fourier", "Style of home, low frequencies", "replaces photos' lowest frequencies by home's", style="fourier"
    ),
    Remedy(
        "looks",
        "Several looks",
        "looks at scales 0.75, 1 and 1.25 and at the mirror image",
        refinement=Refinement(scales=(0.75, 1, 1.25), flip=True),
    ),
    Remedy("crf", "CRF", "moves borders to the photo's edges", refinement=Refinement(crf=REPORTED)),
)
NAMES: tuple[Name, ...] = tuple(remedy.name for remedy in REMEDIES)


@dataclass(frozen=True)
class Outcome:
    """What became of a remedy.

    Attributes:
        remedy: which one.
        model: name of the model it made; None where it makes none, or has not yet.
        comparison: the original (a) and the remedy (b); None where it was not tried yet.
        refused: why it cannot be done with this model; None where it can.
        at_home: mIoU at home, 0..1, of the original and of the model it made; None where either was not tested there.
    """

    remedy: Remedy
    model: str | None = None
    comparison: Comparison | None = None
    refused: str | None = None
    at_home: tuple[float, float] | None = None

    def worse(self) -> dict[str, float]:
        """Return the classes whose IoU surely gets worse, with the difference."""
        known = self.comparison.classes.items() if self.comparison else ()
        moved = {name: pairs["iou"].difference for name, pairs in known if pairs["iou"].verdict == "worse"}
        return {name: difference for name, difference in moved.items() if difference is not None}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        compared = self.comparison.to_json() if self.comparison else None
        return {
            "remedy": self.remedy.name,
            "title": self.remedy.title,
            "what": self.remedy.what,
            "model": self.model,
            "evaluation": self.comparison.b.id if self.comparison else None,
            "metrics": compared["metrics"] if compared else None,
            "worse": self.worse(),
            "paired": self.comparison.paired if self.comparison else None,
            "refused": self.refused,
            "at_home": self.at_home,
        }


@dataclass(frozen=True)
class Outcomes:
    """All remedies of a model on a domain.

    Attributes:
        model: as commands take it.
        domain: where it loses.
        original: the model as it is there; None while nobody has evaluated it.
        outcomes: one a remedy, in their order.
    """

    model: str
    domain: Domain
    original: EvaluationReport | None
    outcomes: tuple[Outcome, ...]

    def best(self) -> tuple[Outcome, ...]:
        """Return the remedy that helps most, then those whose interval holds as much; none where none surely helps."""
        pairs = [(each, each.comparison.figures["miou"]) for each in self.outcomes if each.comparison]
        pairs.sort(key=lambda each: each[1].difference or 0, reverse=True)
        if not pairs or pairs[0][1].verdict != "better":
            return ()
        gained = pairs[0][1].difference or 0
        near = (
            each
            for each, pair in pairs[1:]
            if pair.verdict == "better" and pair.interval and pair.interval.low <= gained <= pair.interval.high
        )
        return (pairs[0][0], *near)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        original = self.original
        return {
            "model": self.model,
            "dataset": self.domain.dataset,
            "on": self.domain.on,
            "original": None
            if original is None
            else {"evaluation": original.id, "miou": original.metrics.miou, "pa": original.metrics.pa},
            "remedies": [outcome.to_json() for outcome in self.outcomes],
            "best": [outcome.remedy.name for outcome in self.best()],
        }
