"""What a shift found, in sentences and tables: for the command line and the report."""

from __future__ import annotations

from training.evaluation.reporting.tables import Column, Table
from training.evaluation.reporting.words import listed
from training.shift.looks import LOOKS, Look, LookShift
from training.shift.store import ShiftRecord

CLASSES = 12
"""Rows of a table by class: those that moved most."""


def why_tables(record: ShiftRecord, place: int) -> tuple[Table, ...]:
    """Return the looks, the classes and the sizes of objects of home and of a target; those that labels allow."""
    looks = tuple(
        (
            f"{look.name}, {look.unit}",
            _rounded(found.medians[0]),
            _rounded(found.medians[place]),
            _signed(found.deltas[place]),
            found.sizes[place] or "too few photos to tell",
            _word(look, found, place),
        )
        for look, found in zip(LOOKS, record.looks, strict=True)
    )
    medians = (Column("home", "home", "count"), Column("there", "there", "count"))
    effect = (Column("delta", "Cliff's delta"), Column("effect", "effect"))
    head = (Column("look", "look, the median photo"), *medians, *effect, Column("there_is", "photos there"))
    return (
        Table("looks", "How the photos look", head, looks),
        *_classes(record, place),
        *_sizes(record, place, effect),
    )


def why_said(record: ShiftRecord, place: int) -> tuple[str, ...]:
    """Return how a target differs from home in looks, classes and features, and what cannot be told without labels."""
    return (_looks_said(record, place), *_labels_said(record, place), _features_said(record, place))


def _word(look: Look, found: LookShift, place: int) -> str:
    """Return what photos of a target are beside home's, `darker`; nothing where they hardly differ."""
    if found.sizes[place] in (None, "negligible"):
        return ""
    return look.more if (found.deltas[place] or 0) > 0 else look.less


def _looks_said(record: ShiftRecord, place: int) -> str:
    sizes = [found.sizes[place] for found in record.looks]
    if not any(sizes):
        return "Too few photos to tell how they look beside home's."
    pairs = zip(LOOKS, record.looks, strict=True)
    strong = [_word(look, found, place) for look, found in pairs if found.sizes[place] in ("medium", "large")]
    return f"Photos there, beside home's: {listed(strong)}." if strong else "Photos look much as at home."


def _labels_said(record: ShiftRecord, place: int) -> tuple[str, ...]:
    found = record.frequencies
    if found is None or found.distances[place] is None:
        return ("How often classes occur, and how large objects are, needs labels on both sides.",)
    home, there = record.domains[0], record.domains[place]
    moved = (
        f"In the labelled photos ({home.labelled} of {home.images} at home, {there.labelled} of {there.images} there) "
        f"{100 * (found.distances[place] or 0):.1f} % of the pixels would have to change their class to be as at home."
    )
    only = ((found.only_home[place], "Only at home"), (found.only_there[place], "Only there"))
    return (moved, *(f"{where}: {', '.join(names)}." for names, where in only if names))


def _classes(record: ShiftRecord, place: int) -> tuple[Table, ...]:
    found = record.frequencies
    if found is None or found.distances[place] is None:
        return ()
    shown = [row for row in found.classes if row.pixels[0] or row.pixels[place]]
    moved = sorted(shown, key=lambda row: -abs((row.pixels[place] or 0) - (row.pixels[0] or 0)))
    rows = tuple((row.name, *(of[at] for of in (row.pixels, row.images) for at in (0, place))) for row in moved)
    columns = (
        *(Column("name", "class"), Column("pixels", "pixels at home %", "percent")),
        *(Column("pixels_there", "there %", "percent"), Column("images", "photos at home %", "percent")),
        Column("images_there", "there %", "percent"),
    )
    return (Table("frequencies", "How often classes occur, those that moved most first", columns, rows[:CLASSES]),)


def _sizes(record: ShiftRecord, place: int, effect: tuple[Column, ...]) -> tuple[Table, ...]:
    known = [row for row in record.object_sizes or () if row.deltas[place] is not None]
    moved = sorted(known, key=lambda row: -abs(row.deltas[place] or 0))
    rows = tuple(
        (
            *(row.name, row.objects[0], row.objects[place]),
            *(_share(row.medians[at]) for at in (0, place)),
            *(_signed(row.deltas[place]), row.sizes[place]),
        )
        for row in moved[:CLASSES]
    )
    columns = (
        *(Column("name", "class"), Column("objects", "objects at home", "count"), Column("there", "there", "count")),
        *(Column("home", "median at home, % of photo", "count"), Column("median", "there %", "count"), *effect),
    )
    return (Table("sizes", "How large objects are, those that moved most first", columns, rows),) if rows else ()


def _features_said(record: ShiftRecord, place: int) -> str:
    found = record.features[place]
    if found is None:
        return f"Features: too few photos to tell by their distance.{_farther(record, place)}"
    if found.by_chance and found.few:
        home, there = record.domains[0].images, record.domains[place].images
        photos = f"{home} at home, {there} there, {found.dimensions} dimensions"
        verdict = f"too few photos to tell by this distance ({photos})"
    elif found.by_chance:
        verdict = "no more than chance gives"
    else:
        verdict = "more than chance gives" if found.times is None else f"{found.times:.1f} times that"
    hold = "dimension, which holds" if found.dimensions == 1 else "dimensions, which hold"
    return (
        f"Features: {found.distance:.3g} from home, where parts of home are {found.nothing:.3g} apart (at most "
        f"{found.most_nothing:.3g}): {verdict}. Frechet distance in {found.dimensions} {hold} "
        f"{100 * found.explained:.1f} % of the variance.{_farther(record, place)}"
    )


def _farther(record: ShiftRecord, place: int) -> str:
    found, photos = record.farther[place], record.domains[place].images
    if found is None:
        return ""
    return f" {found} of {photos} photos are farther from home than 95 % of its own; 1 in 20 would be by chance."


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _share(value: float | None) -> float | None:
    return None if value is None else float(f"{100 * value:.3g}")


def _signed(value: float | None) -> str | None:
    return None if value is None else f"{value:+.2f}"
