"""An evaluation as one page that opens and prints anywhere: no script, no font, no address outside it."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from db.session import Database
from labeling.parts import part_title
from labeling.progress import Progress, silent
from training.evaluation.reporting import tables
from training.evaluation.reporting.elements import POLICY, Child, document, h, pairs, picture, swatch, table
from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.how import HOW
from training.evaluation.reporting.images import ERROR_COLORS, IMAGES, ShownImage, worst_images
from training.evaluation.reporting.plots.draw import plot
from training.evaluation.reporting.plots.matrix import WRITTEN
from training.evaluation.reporting.style import STYLE
from training.evaluation.reporting.words import FIGURE_NAMES, MORE_FIGURES, title, written

_TILES = ("miou", "pa", "ma", "boundary_f1", "ece")
_ALTS = {
    "iou": "IoU of every class as bars",
    "confusion": "Confusion matrix, each row in shares of its class",
    "reliability": "Reliability diagram: accuracy against confidence",
    "roc": "ROC curves of every class against the rest",
    "precision-recall": "Precision-recall curves of every class against the rest",
}


def report_html(database: Database, found: Findings, images: int = IMAGES, progress: Progress = silent) -> str:
    """Return the report of an evaluation, the same text for the same evaluation.

    Args:
        database: of the home that holds it.
        found: the evaluation.
        images: how many of the worst to show.
        progress: told when an image is ready.

    Raises:
        UserError: the evaluation's files are damaged.
    """
    shown = worst_images(database, found, images, progress)
    colors = dict(zip(found.report.predicted_names, found.colors, strict=True))
    body = h(
        "body",
        {},
        *_head(found),
        *_section("What was tested", pairs(tables.about(found).texts(), "about"), *_mapping(found)),
        *_section("Figures", _beside(found), table(tables.figures(found), bar="value")),
        *_section("Classes", _beside(found), _plot(found, "iou"), table(tables.classes(found), colors, bar="iou")),
        *_section(
            "Confusions",
            _beside(found),
            _plot(found, "confusion", "large" if len(found.classes) > WRITTEN else ""),
            h("h3", {}, "Where most pixels went wrong"),
            table(tables.confusions(found), colors, bar="share"),
        ),
        *_section("How far to trust a probability", _beside(found), _plot(found, "reliability", "small")),
        *_section(
            "Each class against the rest",
            _beside(found),
            *(_plot(found, "roc"), _plot(found, "precision-recall"), table(tables.curves(found), colors)),
        ),
        *images_section(found, shown, colors),
        *_section("How it was computed", pairs(HOW, "how")),
        h("footer", {}, f"Made by Segmentation Workbench: {_again(found)}"),
    )
    head = h(
        "head",
        {},
        h("meta", {"charset": "utf-8"}),
        h("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        # Whoever opens the file: nothing in it may run, nor fetch.
        h("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        h("title", {}, title(found.report)),
        h("style", {}, STYLE),
    )
    return document(h("html", {"lang": "en"}, head, body))


def _head(found: Findings) -> Iterable[ET.Element]:
    figures, names = found.report.figures(), FIGURE_NAMES | MORE_FIGURES
    yield h("h1", {}, h("bdi", {}, title(found.report)))
    yield h("p", {"class": "lead"}, *_held(found))
    tiles = []
    for name in _TILES:
        unit = "" if figures[name] is None else " %"
        value = h("dd", {}, f"{written(figures[name], 'percent')}{unit}")
        tiles.append(h("div", {"class": "first"} if name == "miou" else {}, h("dt", {}, names[name]), value))
    yield h("dl", {"class": "tiles"}, *tiles)
    if notes := tables.notes(found):
        leaked = found.report.record.leaks.count > 0
        rows = (h("li", {"class": "leak"} if leaked and not i else {}, h("bdi", {}, n)) for i, n in enumerate(notes))
        yield h("ul", {"class": "notes"}, *rows)


def _held(found: Findings) -> tuple[Child, ...]:
    """Say what the figures hold for, which stands beside all of them."""
    record = found.report.record
    refined = f", {record.refinement}" if str(record.refinement) else ""
    mapped = f", classes mapped by {found.report.mapping.name}" if found.report.mapping else ""
    return (
        h("bdi", {}, part_title(record.dataset, record.on)),
        f": {len(record.images):,} images, revision {record.revision[:12]}, size {record.size}{refined}{mapped}",
    )


def _beside(found: Findings) -> ET.Element:
    return h("p", {"class": "beside"}, *_held(found))


def _section(name: str, *children: Child) -> tuple[ET.Element, ...]:
    return (h("section", {}, h("h2", {}, name), *children),)


def _mapping(found: Findings) -> Iterable[ET.Element]:
    """Yield the mapping where it says more than that classes have the same names."""
    rows = found.report.rows
    if all(name == target for name, target in rows):
        return
    columns = (tables.Column("from", "the model's class"), tables.Column("to", "counts as"))
    other = found.report.predicted_names[-1]
    values = tuple((name, other if target is None else target) for name, target in rows)
    yield h("h3", {}, "How the model's classes were read")
    yield table(tables.Table("mapping", "Mapping", columns, values))


def _plot(found: Findings, name: str, size: str = "") -> ET.Element:
    # As a picture, not as elements: plots use the same ids, and what a class is called cannot leave it.
    content = plot(found, name, "svg")
    return h("figure", {"class": f"plot {size}".rstrip()}, picture(content, "image/svg+xml", _ALTS[name]))


def images_section(found: Findings, shown: list[ShownImage], colors: dict[str, str]) -> tuple[ET.Element, ...]:
    """Return the section with the worst images, and what their colours mean; none where there is none to show."""
    if not shown:
        return ()
    report = found.report
    absent = {name for name, row in zip(found.classes, report.metrics.classes, strict=True) if row.iou is None}
    if not report.confusion[:, -1].any():
        absent.add(report.predicted_names[-1])
    named = {name: color for name, color in colors.items() if name not in absent}
    legend = [h("span", {}, swatch(color), h("bdi", {}, name)) for name, color in named.items()]
    legend += [h("span", {}, swatch(color), label) for label, color in ERROR_COLORS.items()]
    heading = f"The {len(shown)} images with the lowest mIoU" if len(shown) > 1 else "The image with the lowest mIoU"
    return _section(heading, _beside(found), h("div", {"class": "legend"}, *legend), *(_image(each) for each in shown))


def _image(shown: ShownImage) -> ET.Element:
    image = shown.image
    unit = "" if image.score is None else " %"
    score = f"{image.score_name} {written(image.score, 'percent')}{unit}"
    name = f"{image.dataset}/{image.path}"
    figures = (
        h("figure", {}, picture(content, kind, f"{caption} of {name}"), h("figcaption", {}, caption))
        for caption, kind, content in shown.pictures
    )
    told = h("p", {"class": "missing"}, shown.note) if shown.note else h("div", {"class": "four"}, *figures)
    return h("div", {"class": "image"}, h("h3", {}, h("bdi", {}, name), h("span", {}, score)), told)


def _again(found: Findings) -> str:
    mapping = found.report.mapping
    return f"workbench report {found.report.id}" + (f" --mapping {mapping.name!r}" if mapping else "")
