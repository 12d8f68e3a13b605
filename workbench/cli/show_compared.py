"""Comparisons of evaluations as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from labeling.parts import part_title
from training.evaluation.reporting.words import FIGURE_NAMES, MORE_FIGURES
from workbench.cli.output import percent, say, table

if TYPE_CHECKING:
    from training.evaluation.compare import Comparison, Pair
    from training.evaluation.compare_images import PairPage, SharedPage
    from training.evaluation.compare_models import ComparedModels
    from training.evaluation.report import EvaluationReport

_PAIR_COLUMNS = (">a %", ">b %", ">b - a", ">interval", "b is")


def show_comparison(result: Comparison) -> None:
    """Print two evaluations side by side with the difference, in percentage points."""
    say(f"a: {_title(result.a)}")
    say(f"b: {_title(result.b)}\n")
    table(
        None,
        ["", *_PAIR_COLUMNS],
        [
            *((FIGURE_NAMES[name], *pair_cells(pair)) for name, pair in result.figures.items()),
            *((MORE_FIGURES[name], *_more_cells(name, pair)) for name, pair in result.more.items()),
        ],
    )
    table(
        "\nIoU per class",
        ["class", *_PAIR_COLUMNS],
        ((name, *pair_cells(pairs["iou"])) for name, pairs in result.classes.items()),
    )
    how = "the images of both together" if result.paired else "the images of each by themselves"
    say(f"95 % intervals of b - a in points: bootstrap, resampling {how}.")
    for line in ["", *result.notes] if result.notes else []:
        say(line)


def _more_cells(name: str, pair: Pair) -> tuple[str, ...]:
    from training.evaluation.compare import EDGES  # loads numpy, without which commands start

    return pair_cells(pair) if name in EDGES else (*pair_cells(pair)[:3], "no interval", "")


def show_comparisons(found: Sequence[Comparison]) -> None:
    """Print many evaluations beside their baseline: of each figure the difference in points, and what that says."""
    base = found[0].a
    say(f"baseline: {_title(base)}")
    for each in found:
        say(f"{each.b.id}: {_title(each.b)}")
    columns = ["", f">{base.id} %", *(f">{each.b.id} - {base.id}" for each in found)]
    table(
        "",
        columns,
        ((FIGURE_NAMES[name], *_cells([each.figures[name] for each in found])) for name in found[0].figures),
    )
    names = dict.fromkeys(name for each in found for name in each.classes)
    rows = ((name, [each.classes[name]["iou"] if name in each.classes else None for each in found]) for name in names)
    table("\nIoU per class", ["class", *columns[1:]], ((name, *_cells(pairs)) for name, pairs in rows))
    say("Differences in points. Cannot tell: the 95 % interval (bootstrap over images) holds 0.")
    for each in found:
        for line in each.doubts:
            say(f"a = {base.id}, b = {each.b.id}: {line}")


def _cells(pairs: Sequence[Pair | None]) -> Iterator[str]:
    yield next((percent(pair.a) for pair in pairs if pair), "n/a")
    for pair in pairs:
        yield "n/a" if pair is None or pair.difference is None else f"{signed(pair.difference)} {pair.verdict}"


def show_disputes(page: SharedPage) -> None:
    """Print the images whose predictions differ in the most pixels: their share, and how much of it each has right."""
    columns = ["image", ">pixels %", *(f">{number} right %" for number in page.evaluations)]
    rows = []
    for image in page.images:
        if found := image.dispute:
            shares = [
                found.disputed / found.pixels,
                *(n / found.labelled if found.labelled else None for n in found.right),
            ]
            rows.append((f"{image.dataset}/{image.path}", *map(percent, shares)))
    table("\nImages whose predictions differ most; of those pixels, the share that each has right", columns, rows)
    say(f"{len(page.images)} of {page.total} images that all have")


def show_models(found: ComparedModels) -> None:
    """Print the models behind evaluations: what a prediction costs, and what their trainings were asked."""
    columns = ["evaluation", "model", "run", "architecture", ">parameters", ">mIoU %", ">images/s", "measured by", "on"]
    rows = []
    for each in found.models:
        speeds = each.speeds or (None,)
        told = [each.evaluation, each.model, each.run or "", each.architecture or "n/a"]
        told += ["n/a" if each.parameters is None else f"{each.parameters:,}", percent(each.miou)]
        for speed in speeds:
            measured = (
                (f"{speed.images_per_second:.1f}", speed.by, f"{speed.device}, {speed.precision}")
                if speed
                else ("n/a",) * 3
            )
            rows.append((*told, *measured))
    table("\nWhat accuracy costs", columns, rows)
    settings = (
        (row.name, *(value or "" for value in row.values), "" if row.same else "differs") for row in found.settings
    )
    if found.runs:
        table("\nWhat the trainings were asked", ["", *(f"run {run}" for run in found.runs), ""], settings)
    for each in found.models:
        if each.note:
            say(f"Evaluation {each.evaluation}, model {each.model}: {each.note}")


def show_pairs(pairs: PairPage) -> None:
    """Print images that both evaluations hold, with the mIoU of each in percent."""
    rows = (
        (f"{p.a.dataset}/{p.a.path}", percent(p.a.score), percent(p.b.score), signed(p.difference))
        for p in pairs.images
    )
    table("\nImages that lost most", ["image", ">a %", ">b %", ">b - a"], rows)
    say(f"{len(pairs.images)} of {pairs.total} images that both have")


def _title(report: EvaluationReport) -> str:
    record = report.record
    where = part_title(record.dataset, record.on)
    return f"evaluation {report.id}, model {record.model} on {where} ({len(record.images)} images)"


def pair_cells(pair: Pair) -> tuple[str, str, str, str, str]:
    """Return both values in percent, their difference in points with its interval, and the verdict."""
    range_ = "n/a" if pair.interval is None else f"{signed(pair.interval.low)} to {signed(pair.interval.high)}"
    return percent(pair.a), percent(pair.b), signed(pair.difference), range_, pair.verdict


def signed(difference: float | None) -> str:
    """Write a difference of fractions in points, with its sign."""
    return "n/a" if difference is None else f"{100 * difference:+.1f}"
