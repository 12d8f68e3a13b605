"""The table of a bench: what was measured, by architecture, as Markdown and as CSV. Reads and prints nothing."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from training.bench.document import Bench, Entry, Measures
from training.bench.method import METHOD
from training.evaluation.as_csv import harmless

Axis = Literal["images_per_second", "parameters"]
AXES: tuple[Axis, ...] = ("images_per_second", "parameters")
"""What mIoU is weighed against."""


@dataclass(frozen=True)
class Spread:
    """Values of several seeds: their mean and their sample standard deviation (n - 1), None for one value."""

    mean: float
    deviation: float | None


@dataclass(frozen=True)
class BenchRow:
    """An architecture in the table.

    Attributes:
        architecture: its name.
        runs: by number, those measured.
        seeds: measured.
        planned: seeds in all.
        miou: fraction, over the seeds.
        iou: by class; over the seeds that have one.
        parameters: of the network.
        images_per_second: mean over the seeds.
        memory: bytes, the most of any seed.
        steps: mean over the seeds.
        minutes: mean over the seeds.
        faults: why seeds are missing, `seed 1: the reason`.
    """

    architecture: str
    runs: tuple[int, ...]
    seeds: tuple[int, ...]
    planned: int
    miou: Spread | None
    iou: tuple[Spread | None, ...]
    parameters: int | None
    images_per_second: float | None
    memory: int | None
    steps: float | None
    minutes: float | None
    faults: tuple[str, ...]


def rows_of(bench: Bench) -> tuple[BenchRow, ...]:
    """Return a row an architecture, the best first; those without a figure last."""
    rows = [
        _row(name, [entry for entry in bench.entries if entry.architecture == name], len(bench.plan.classes))
        for name in bench.architectures
    ]
    return tuple(sorted(rows, key=lambda row: -1.0 if row.miou is None else row.miou.mean, reverse=True))


def frontier(rows: Sequence[BenchRow], against: Axis) -> set[str]:
    """Return the architectures that no other beats: none has as high a mIoU and is as fast (as small), one better.

    Args:
        rows: those without figures are left out.
        against: what mIoU is weighed against; more images a second are better, and fewer parameters.
    """
    points = []
    for row in rows:
        value = getattr(row, against)
        if row.miou is not None and value is not None:
            points.append((row.architecture, row.miou.mean, value if against == "images_per_second" else -value))
    return {
        name
        for name, miou, gain in points
        if not any(m >= miou and g >= gain and (m > miou or g > gain) for _, m, g in points)
    }


def spread(values: Iterable[float | None]) -> Spread | None:
    """Return mean and deviation of the values that are there, None where none is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)


def _row(name: str, entries: Sequence[Entry], classes: int) -> BenchRow:
    done = [(entry, entry.measures) for entry in entries if entry.measures is not None]
    measured = [measures for _, measures in done]
    memory = [each.memory for each in measured if each.memory is not None]
    return BenchRow(
        architecture=name,
        runs=tuple(entry.run for entry, _ in done if entry.run is not None),
        seeds=tuple(entry.seed for entry, _ in done),
        planned=len(entries),
        miou=spread(each.miou for each in measured),
        iou=tuple(spread(each.iou[i] for each in measured) for i in range(classes)),
        parameters=measured[0].parameters if measured else None,
        images_per_second=_mean(each.images_per_second for each in measured),
        memory=max(memory, default=None),
        steps=_mean(each.steps for each in measured),
        minutes=_mean(each.seconds / 60 for each in measured),
        faults=tuple(f"seed {entry.seed}: {entry.fault}" for entry in entries if entry.fault is not None),
    )


def _mean(values: Iterable[float]) -> float | None:
    known = spread(values)
    return None if known is None else known.mean


def write_table(bench: Bench, form: Literal["markdown", "csv"]) -> str:
    """Write a bench's table: for people as Markdown, for programs as CSV with fractions and bytes unrounded."""
    rows = rows_of(bench)
    return _markdown(bench, rows) if form == "markdown" else _csv(bench, rows)


# ---- Markdown


def _markdown(bench: Bench, rows: Sequence[BenchRow]) -> str:
    best = {axis: frontier(rows, axis) for axis in AXES}
    figures = [
        (
            _text(row.architecture),
            f"{len(row.seeds)} of {row.planned}",
            percents(row.miou),
            _number(row.parameters, 1e6, 1) + ("*" if row.architecture in best["parameters"] else ""),
            _number(row.images_per_second, 1, 1) + ("*" if row.architecture in best["images_per_second"] else ""),
            _number(row.memory, 2**30, 2),
            _number(row.steps, 1, 0),
            _number(row.minutes, 1, 1),
        )
        for row in rows
    ]
    heads = ("architecture", "seeds", "mIoU %", "million parameters", "images/s", "GiB", "steps", "minutes")
    parts = [
        f"# {_text(bench.name)}",
        *(_text(line) for line in about(bench)),
        _grid(heads, figures),
        "IoU % by class:",
        _grid(
            ("architecture", *(_text(name) for name in bench.plan.classes)),
            [(_text(row.architecture), *(percents(each) for each in row.iou)) for row in rows if row.miou is not None],
        ),
    ]
    faults = [f"- {_text(row.architecture)}, {_text(fault)}" for row in rows for fault in row.faults]
    return "\n\n".join([*parts, *(["Not trained or not tested:", "\n".join(faults)] if faults else [])]) + "\n"


def about(bench: Bench) -> list[str]:
    """Say what was trained and tested on what, and how it was measured, a sentence each."""
    plan = bench.plan
    measured = [entry.measures for entry in bench.entries if entry.measures is not None]
    settings = ", ".join(f"{key}={text}" for key, text in plan.settings.items())
    where = ", ".join(plan.datasets) or "all datasets"
    found = [
        f"Trained on {plan.train_on} of {where}, revision {plan.revision[:12]}, recipe {plan.recipe}"
        + (f" with {settings}." if settings else "."),
    ]
    if measured:
        found += [
            f"Tested on {plan.on}: {measured[0].images} images, size {plan.size}.",
            *_how(plan.precision, measured),
        ]
    return found


def _how(precision: str, measured: Sequence[Measures]) -> list[str]:
    devices = sorted({each.device for each in measured})
    sizes = sorted({f"{each.height}x{each.width}" for each in measured})
    memory = sorted({each.memory_of for each in measured})
    return [
        "mIoU is of the checkpoint that was best on the validation images; several seeds: mean ± sample standard "
        "deviation.",
        f"images/s on {', '.join(devices)} in {precision}, photos given as {', '.join(sizes)}: {METHOD}",
        f"GiB: {', '.join(memory)}. Minutes: from the first step to the end, validations included.",
        "*: no other architecture here has as high a mIoU and is as small (or as fast).",
    ]


def percents(value: Spread | None) -> str:
    """Write a fraction over seeds in percent, `51.2 ± 0.8`; n/a as such."""
    if value is None:
        return "n/a"
    return f"{100 * value.mean:.1f}" + ("" if value.deviation is None else f" ± {100 * value.deviation:.1f}")


def _number(value: float | None, unit: float, digits: int) -> str:
    return "n/a" if value is None else f"{value / unit:.{digits}f}"


def _grid(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(text: str) -> str:
    """Return a name as Markdown shows it letter by letter, in one cell: names come from anywhere."""
    for sign in "\\`*_{}[]<>()#|~":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


# ---- CSV


def _csv(bench: Bench, rows: Sequence[BenchRow]) -> str:
    heads: list[object] = [
        *("architecture", "seeds", "seeds planned", "mIoU mean", "mIoU standard deviation", "parameters"),
        *("images per second", "training memory in bytes", "steps", "minutes"),
        *(f"IoU {name}" for name in bench.plan.classes),
        *("runs", "faults"),
    ]
    table = [heads]
    for row in rows:
        miou = (row.miou.mean, row.miou.deviation) if row.miou else (None, None)
        measured: list[object] = [row.parameters, row.images_per_second, row.memory, row.steps, row.minutes]
        classes = [None if each is None else each.mean for each in row.iou]
        lists = [" ".join(map(str, row.runs)), "; ".join(row.faults)]
        table.append([row.architecture, len(row.seeds), row.planned, *miou, *measured, *classes, *lists])
    text = io.StringIO()
    csv.writer(text).writerows([harmless(value) for value in row] for row in table)
    return text.getvalue()


def row_json(row: BenchRow, frontiers: Mapping[Axis, set[str]]) -> dict[str, Any]:
    """Return a row as plain JSON values, with the frontiers it is on."""
    shown = vars(row) | {"miou": _spread_json(row.miou), "iou": [_spread_json(each) for each in row.iou]}
    return shown | {"frontier": sorted(key for key, names in frontiers.items() if row.architecture in names)}


def _spread_json(value: Spread | None) -> dict[str, float | None] | None:
    return None if value is None else {"mean": value.mean, "deviation": value.deviation}
