"""What is lost on other domains as one page that opens and prints anywhere, as the report of an evaluation does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from db.files import write_atomic
from db.home import Home
from db.session import Database
from labeling.exporting.guard import refuse_file
from training.adaptation.remedies import Case, Outcomes, read_remedies
from training.evaluation.opened import open_evaluation
from training.evaluation.reporting.elements import POLICY, document, h, table
from training.evaluation.reporting.findings import read_findings
from training.evaluation.reporting.images import worst_images
from training.evaluation.reporting.page import images_section
from training.evaluation.reporting.style import STYLE
from training.evaluation.reporting.write import check_page
from training.shift.table import DomainLoss, ShiftTable
from training.shift.written import remedies_table, tables

IMAGES = 6


def shift_html(
    database: Database, project: str | None, found: ShiftTable, remedies: Sequence[Outcomes] = (), images: int = IMAGES
) -> str:
    """Return the page.

    Args:
        database: of the home that holds the evaluations.
        project: name; None is the current one.
        found: home against the others.
        remedies: of the model on some of these domains; those of which none was tried are left out.
        images: how many of each domain's worst to show.

    Raises:
        UserError: an evaluation's files are damaged.
    """
    title = f"Model {found.home.record.model} on other domains"
    tried = {outcomes.domain: outcomes for outcomes in remedies if any(one.comparison for one in outcomes.outcomes)}
    body = [h("h1", {}, h("bdi", {}, title))]
    for target in found.targets:
        body += _target(database, project, found, target, tried.get(target.domain), images)
    head = h(
        "head",
        {},
        h("meta", {"charset": "utf-8"}),
        h("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        h("meta", {"http-equiv": "Content-Security-Policy", "content": POLICY}),
        h("title", {}, title),
        h("style", {}, STYLE),
    )
    return document(h("html", {"lang": "en"}, head, h("body", {}, *body)))


def write_page(
    home: Home, database: Database, project: str | None, found: ShiftTable, to: Path, *, overwrite: bool = False
) -> None:
    """Write the page into a file, with the remedies that were tried on these domains.

    Raises:
        UserError: the name is not that of a page, the file may not be written, or an evaluation's files are damaged.
    """
    path, record = to.absolute(), found.home.record
    check_page(path)
    refuse_file(path, overwrite=overwrite)
    mapping = found.home.mapping.name if found.home.mapping else None
    cases = (
        Case(home, database, project, record.model, target.domain, record.size, mapping) for target in found.targets
    )
    tried = [] if str(record.refinement) else [read_remedies(case) for case in cases]
    write_atomic(path, shift_html(database, project, found, tried).encode(errors="backslashreplace"))


def _target(
    database: Database,
    project: str | None,
    found: ShiftTable,
    target: DomainLoss,
    outcomes: Outcomes | None,
    images: int,
) -> list[ET.Element]:
    about, *others = tables(found, target)
    facts = (h("div", {}, h("dt", {}, name), h("dd", {}, h("bdi", {}, value))) for name, value in about.texts())
    parts = [h("p", {"class": "lead"}, h("bdi", {}, target.sentence)), h("dl", {"class": "about"}, *facts)]
    if target.notes:
        parts.append(h("ul", {"class": "notes"}, *(h("li", {}, h("bdi", {}, note)) for note in target.notes)))
    there = open_evaluation(
        database,
        target.comparison.b.id,
        project=project,
        mapping=target.comparison.b.mapping.name if target.comparison.b.mapping else None,
    )
    findings = read_findings(database, there)
    colors = dict(zip(findings.report.predicted_names, findings.colors, strict=True))
    for each in others:
        parts += [h("h3", {}, each.title), table(each, None if each.name == "figures" else colors)]
    if outcomes is not None:
        parts += [h("h3", {}, "What was tried without labels"), table(remedies_table(outcomes))]
    return [
        h("section", {}, h("h2", {}, h("bdi", {}, target.domain.title)), *parts),
        *images_section(findings, worst_images(database, findings, images), colors),
    ]
