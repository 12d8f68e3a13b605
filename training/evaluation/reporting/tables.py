"""The tables of a report, and how they are written as CSV, Markdown and LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass

from training.evaluation.as_csv import table_csv
from training.evaluation.mapping import OTHER
from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.words import FIGURE_NAMES, MORE_FIGURES, Kind, about_shapes, plain, title, written

TOP_CONFUSIONS = 15
WIDEST_MATRIX = 16  # classes; a wider one is a matter for spreadsheets alone

_CLASS_COLUMNS: tuple[tuple[str, str, Kind], ...] = (
    ("name", "class", "text"),
    ("iou", "IoU %", "percent"),
    ("precision", "precision %", "percent"),
    ("recall", "recall %", "percent"),
    ("f1", "F1 %", "percent"),
    ("boundary_f1", "boundary F1 %", "percent"),
    ("boundary_iou", "boundary IoU %", "percent"),
    ("iiou", "iIoU %", "percent"),
    ("ece", "ECE %", "percent"),
    ("pixels", "pixels", "count"),
    ("predicted", "predicted", "count"),
    ("images", "images", "count"),
    ("objects", "objects", "count"),
)
_PAGE_ROWS = 45
_SHAPES = ("boundary_f1", "boundary_iou", "iiou", "objects")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&$#])")
_LATEX = {
    **{letter: f"\\{letter}" for letter in "{}&%$#_"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''"},
    **{"[": "{[}", "]": "{]}", "*": "{*}"},  # right after `\\` these would be its argument
}


@dataclass(frozen=True)
class Column:
    """A column: `key` heads it in a CSV file, where values are in full; `label` where people read it."""

    key: str
    label: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: of its files.
        title: above it.
        columns: in their order.
        rows: a value a column; fractions 0..1, None is not defined.
        wide: too wide for a page.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[object, ...], ...]
    wide: bool = False

    def texts(self) -> list[list[str]]:
        """Return the rows as people read them."""
        kinds = [column.kind for column in self.columns]
        return [[written(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in self.rows]


def tables(found: Findings) -> tuple[Table, ...]:
    """Return all tables of an evaluation."""
    return about(found), figures(found), classes(found), confusions(found), curves(found), matrix(found)


def about(found: Findings) -> Table:
    """Return what was evaluated on what, and how."""
    report, record = found.report, found.report.record
    leaks = record.leaks
    rows: tuple[tuple[str, object], ...] = (
        ("model", record.model),
        ("weights", f"sha256 {record.model_sha256[:16]}"),
        ("dataset", record.dataset),
        ("on", record.on),
        ("images", f"{len(record.images):,}"),
        ("pixels", f"{report.metrics.pixels:,}"),
        ("revision", record.revision[:16]),
        ("size", record.size),
        ("refinement", str(record.refinement) or "none"),
        ("classes", report.mapping.name if report.mapping else "by the same name"),
        ("seen in training", f"{leaks.count:,} of {len(record.images):,} images"),
        ("computed", f"in {record.precision} on {record.device}"),
        ("evaluated", f"{record.created_at:%Y-%m-%d %H:%M} UTC"),
    )
    return Table("about", title(report), (Column("what", "what"), Column("value", "value")), rows)


def figures(found: Findings) -> Table:
    """Return the figures of the whole."""
    values = found.report.figures()
    rows = tuple((label, values[name]) for name, label in (FIGURE_NAMES | MORE_FIGURES).items())
    return Table("figures", "Figures", (Column("figure", "figure"), Column("value", "%", "percent")), rows)


def classes(found: Findings) -> Table:
    """Return the figures of each class; those of shapes only where they were counted."""
    left_out = () if found.report.shapes else _SHAPES
    columns = tuple(Column(*each) for each in _CLASS_COLUMNS if each[0] not in left_out)
    rows = tuple(tuple(row[column.key] for column in columns) for row in found.report.class_rows())
    return Table("classes", "Classes", columns, rows)


def confusions(found: Findings) -> Table:
    """Return where most pixels went wrong."""
    columns = (
        Column("truth", "truth"),
        Column("predicted", "taken for"),
        Column("pixels", "pixels", "count"),
        Column("share", "% of the class", "percent"),
        Column("images", "images", "count"),
    )
    rows = tuple(tuple(vars(each).values()) for each in found.top_confusions(TOP_CONFUSIONS))
    return Table("confusions", "Where most pixels went wrong", columns, rows)


def curves(found: Findings) -> Table:
    """Return the areas under the curves of each class."""
    columns = (
        Column("name", "class"),
        Column("auc", "AUC %", "percent"),
        Column("average_precision", "AP %", "percent"),
        Column("pixels", "sampled pixels", "count"),
        Column("note", "note"),
    )
    values = (each.to_json() for each in found.curves.classes)
    rows = tuple(tuple((row[c.key] or "") if c.key == "note" else row[c.key] for c in columns) for row in values)
    return Table("curves", "Areas under the curves", columns, rows)


def matrix(found: Findings) -> Table:
    """Return the confusion matrix in pixels."""
    names = found.report.predicted_names
    columns = (Column("truth", "truth"), *(Column(name, plain(name), "count") for name in names))
    rows = tuple((name, *row) for name, row in zip(names[:-1], found.report.confusion.tolist(), strict=True))
    heading = f"Pixels: truth in rows, prediction in columns ({OTHER}: no class of the dataset)"
    return Table("matrix", heading, columns, rows, wide=len(names) - 1 > WIDEST_MATRIX)


def notes(found: Findings) -> tuple[str, ...]:
    """Return the sentences that belong beside the figures."""
    return (*found.report.notes, *about_shapes(found.report))


def to_csv(table: Table) -> str:
    """Write a table for spreadsheets: values in full, none of them a formula."""
    return table_csv([[column.key for column in table.columns], *table.rows])


def to_markdown(table: Table) -> str:
    """Write a table as GitHub's Markdown has it (https://github.github.com/gfm/#tables-extension-)."""
    lines = [
        [_markdown(column.label) for column in table.columns],
        ["---" if column.kind == "text" else "--:" for column in table.columns],
        *([_markdown(text) for text in row] for row in table.texts()),
    ]
    return f"**{_markdown(table.title)}**\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table) -> str:
    r"""Write a table for LaTeX with the package booktabs; longer than a page, it is a `longtable`."""
    places = "".join("l" if column.kind == "text" else "r" for column in table.columns)
    head = " & ".join(_latex(column.label) for column in table.columns)
    body = "".join(f"{' & '.join(_latex(text) for text in row)} \\\\\n" for row in table.texts())
    inner = f"\\toprule\n{head} \\\\\n\\midrule\n"
    caption = f"\\caption{{{_latex(table.title)}}}"
    if len(table.rows) > _PAGE_ROWS:
        return (
            f"% \\usepackage{{booktabs,longtable}}\n\\begin{{longtable}}{{{places}}}\n{caption} \\\\\n{inner}"
            f"\\endhead\n{body}\\bottomrule\n\\end{{longtable}}\n"
        )
    return (
        f"% \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n{caption}\n\\begin{{tabular}}{{{places}}}\n"
        f"{inner}{body}\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", plain(text))


def _latex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in plain(text))
