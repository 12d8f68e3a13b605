"""What a model loses on other domains, and what helps, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeling.parts import part_title
from training.evaluation.reporting.words import FIGURE_NAMES
from workbench.cli.output import percent, say, table
from workbench.cli.show_compared import pair_cells, signed

if TYPE_CHECKING:
    from training.adaptation.remedy import Outcome, Outcomes
    from training.shift.table import DomainLoss, ShiftTable

_PAIR = (">home %", ">there %", ">difference", ">interval", "there is")


def show_table(found: ShiftTable) -> None:
    """Print home against each target: the sentence, figures and classes, what is confused, what to look at."""
    record = found.home.record
    say(f"Home: evaluation {found.home.id}, model {record.model} on {part_title(record.dataset, record.on)}\n")
    for target in found.targets:
        _show_target(target)


def _show_target(target: DomainLoss) -> None:
    say(target.sentence)
    rows = [(FIGURE_NAMES[name], *pair_cells(pair)) for name, pair in target.comparison.figures.items()]
    table(None, ["", *_PAIR], rows)
    classes = ((name, *pair_cells(target.classes[name]["iou"])) for name in target.by_drop)
    table("\nIoU per class, the largest drop first", ["class", *_PAIR], classes)
    grown = (
        (each.truth, each.predicted, percent(each.home), percent(each.target), signed(each.growth), each.pixels)
        for each in target.confusions
    )
    columns = ["truth", "taken for", ">home %", ">there %", ">grew by", ">pixels"]
    table("\nConfusions that grew most, in % of the class's pixels", columns, grown)
    worst = ((f"{image.dataset}/{image.path}", percent(image.score)) for image in target.worst)
    table("\nThe worst pictures", ["image", ">mIoU %"], worst)
    for line in ["", *target.notes] if target.notes else []:
        say(line)
    number, losing = target.comparison.b.id, target.losing[:1]
    more = f" --class {losing[0]} --sort class:{losing[0]}" if losing else ""
    say(f"\nLook further: workbench evaluations images {number}{more}\n")


def show_remedies(found: Outcomes) -> None:
    """Print what each remedy did to the mean IoU, and which classes it makes worse."""
    original = found.original
    miou = percent(original.metrics.miou if original else None)
    say(f"Model {found.model} on {found.domain.title}: mIoU {miou} as it is\n")
    columns = ["remedy", ">mIoU %", ">difference", ">interval", "it is", ">evaluation", "worse in"]
    table(None, columns, (_remedy_cells(outcome) for outcome in found.outcomes))
    for outcome in found.outcomes:
        if outcome.refused:
            say(f"{outcome.remedy.title}: {outcome.refused}")


def _remedy_cells(outcome: Outcome) -> tuple[object, ...]:
    if outcome.comparison is None:
        return (outcome.remedy.title, "", "", "", "not possible" if outcome.refused else "not tried", "", "")
    _, there, *difference = pair_cells(outcome.comparison.figures["miou"])
    return (outcome.remedy.title, there, *difference, outcome.comparison.b.id, ", ".join(outcome.worse()) or "none")
