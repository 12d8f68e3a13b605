"""What figures are called, and how values are written for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from labeling.parts import part_title

if TYPE_CHECKING:
    from training.evaluation.report import EvaluationReport

Kind = Literal["text", "count", "percent"]
PlotKind = Literal["svg", "png"]

FIGURE_NAMES = {
    "pa": "pixel accuracy",
    "ma": "mean accuracy",
    "miou": "mean IoU",
    "fwiou": "frequency-weighted IoU",
    "precision": "mean precision",
    "recall": "mean recall",
    "f1": "mean F1",
}
MORE_FIGURES = {
    "boundary_f1": "boundary F1",
    "boundary_iou": "boundary IoU",
    "iiou": "instance-weighted IoU",
    "ece": "calibration error",
}
NOT_DEFINED = "n/a"


def written(value: object, kind: Kind) -> str:
    """Write a value: fractions in percent with one decimal, counts by thousands, what is not defined as n/a."""
    if value is None:
        return NOT_DEFINED
    if kind == "percent" and isinstance(value, float | int):
        return f"{100 * value:.1f}"
    return f"{value:,}" if kind == "count" else plain(str(value))


def points(difference: float) -> str:
    """Write a difference of fractions in points of percent, with its sign."""
    text = f"{abs(100 * difference):.1f}"
    sign = "" if text == "0.0" else "+" if difference > 0 else "−"
    return f"{sign}{text}"


def listed(names: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def plain(text: str) -> str:
    """Return a text on one line that every writer can take: other than spaces, what cannot be printed is replaced.

    Names come from anywhere: they may hold line breaks, marks that turn the direction of writing, or bytes of a file's
    name that are no text.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "\ufffd" for letter in text)


def short(text: str, most: int) -> str:
    """Return a plain text of so many letters at most."""
    text = plain(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def title(report: EvaluationReport) -> str:
    """Say in one line what was evaluated on what."""
    record = report.record
    return plain(f"Evaluation {report.id}: model {record.model} on {part_title(record.dataset, record.on)}")


def about_shapes(report: EvaluationReport) -> list[str]:
    """Say why figures of boundaries or objects are n/a."""
    shapes = report.shapes
    if shapes is not None:
        return [shapes.objects.note] if shapes.objects.note else []
    if report.record.predictions:
        return [f"Boundaries and objects are not counted yet: `workbench evaluations boundary {report.id}` does it."]
    return ["No predictions are stored, in which boundaries and objects could be counted."]
