"""The table of a shift as CSV and Markdown."""

from __future__ import annotations

from labeling.parts import part_title
from training.adaptation.remedy import Outcome, Outcomes
from training.evaluation.compare import Pair
from training.evaluation.report import EvaluationReport
from training.evaluation.reporting.tables import Column, Table, to_csv, to_markdown
from training.evaluation.reporting.words import FIGURE_NAMES, listed, points
from training.shift.table import DomainLoss, ShiftTable
from training.survey.estimate import Estimate

_PAIR = (
    Column("home", "home %", "percent"),
    Column("target", "there %", "percent"),
    Column("difference", "difference", "percent"),
    Column("low", "from", "percent"),
    Column("high", "to", "percent"),
    Column("verdict", "there is"),
)


def shift_csv(table: ShiftTable) -> str:
    """Return every table of every target, with a blank line between; fractions in full, 0..1."""
    return "\r\n".join(to_csv(each) for target in table.targets for each in tables(table, target))


def shift_markdown(table: ShiftTable) -> str:
    """Return every target's sentence, tables and notes; figures in percent, differences in points."""
    parts = []
    for target in table.targets:
        notes = Table("notes", "Notes", (Column("note", "note"),), tuple((note,) for note in target.notes))
        parts += [to_markdown(each) for each in (*tables(table, target), *((notes,) if target.notes else ()))]
    return "\n".join(parts)


def tables(table: ShiftTable, target: DomainLoss) -> tuple[Table, ...]:
    """Return the tables of a target: what it is about, figures, classes by what they lose, grown confusions."""
    home = table.home.record
    about = (
        ("model", home.model),
        ("home", f"{part_title(home.dataset, home.on)} ({_made(table.home)})"),
        ("there", f"{target.domain.title} ({_made(target.comparison.b)})"),
        ("classes", table.home.mapping.name if table.home.mapping else "by the same name"),
        ("intervals", "95 %, bootstrap over images"),
    )
    confusions = tuple((c.truth, c.predicted, c.home, c.target, c.growth, c.pixels) for c in target.confusions)
    columns = (
        *(Column("truth", "truth"), Column("predicted", "taken for")),
        *(Column("home", "home, % of the class", "percent"), Column("target", "there, % of the class", "percent")),
        *(Column("growth", "difference", "percent"), Column("pixels", "pixels there", "count")),
    )
    figures = tuple((FIGURE_NAMES[name], *_cells(pair)) for name, pair in target.comparison.figures.items())
    classes = tuple((name, *_cells(target.classes[name]["iou"])) for name in target.by_drop)
    return (
        Table("about", target.sentence, (Column("what", "what"), Column("value", "value")), about),
        Table("figures", "Figures", (Column("figure", "figure"), *_PAIR), figures),
        Table("classes", "IoU of the classes, the largest drop first", (Column("name", "class"), *_PAIR), classes),
        Table("confusions", "Confusions that grew most", columns, confusions),
    )


def remedies_table(found: Outcomes) -> Table:
    """Return what each remedy that was tried did to the mean IoU."""
    rows = tuple(
        (one.remedy.title, *_cells(one.comparison.figures["miou"])[1:], _worse(one))
        for one in found.outcomes
        if one.comparison
    )
    columns = (Column("remedy", "remedy"), Column("miou", "mIoU %", "percent"), *_PAIR[2:5])
    more = (Column("verdict", "it is"), Column("worse", "IoU gets worse in"))
    return Table("remedies", f"Remedies on {found.domain.title}", (*columns, *more), rows)


def remedies_said(found: Outcomes) -> str:
    """Return which remedies help most, and what the models are called that they made."""
    best = found.best()
    if not best:
        return "None of those tried is surely better than the model as it is."
    first, *others = best
    gained = first.comparison.figures["miou"].difference if first.comparison else None
    told = f"{first.remedy.title} helps most: {points(gained or 0)} points."
    if others:
        told = f"{listed([one.remedy.title for one in best])} help most; these images cannot tell which helps more."
    made = (f"The model that {one.remedy.title} made is called “{one.model}”." for one in best if one.model)
    return " ".join((told, *made))


def expected_table(found: Estimate) -> Table:
    """Return what each estimate expects, and says where the truth is known."""
    rows = (
        ("these photos", *vars(found.expected).values(), None),
        *((f"evaluation {c.evaluation}, {c.title}", *vars(c.expected).values(), c.accuracy) for c in found.checks),
        (f"evaluation {found.home}, home, where they learn", None, None, None, found.home_accuracy),
    )
    estimates = ("ATC", "confidence", "entropy")
    columns = (
        Column("photos", "pixel accuracy, %, of"),
        *(Column(name.lower(), f"by {name}", "percent") for name in estimates),
        Column("truth", "true", "percent"),
    )
    return Table("expected", "What to expect without labels", columns, rows)


def _worse(outcome: Outcome) -> str:
    lost = sorted(outcome.worse().items(), key=lambda each: each[1])
    return ", ".join(f"{name} {points(difference)}" for name, difference in lost) or "none"


def _made(found: EvaluationReport) -> str:
    record = found.record
    seen = f"size {record.size}, revision {record.revision[:12]}"
    return f"{len(record.images):,} images, evaluation {found.id}, {seen}"


def _cells(pair: Pair) -> tuple[object, ...]:
    low, high = (pair.interval.low, pair.interval.high) if pair.interval else (None, None)
    return pair.a, pair.b, pair.difference, low, high, pair.verdict
