"""What is lost on other domains as one page that opens and prints anywhere, as the report of an evaluation does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from db.files import write_atomic
from db.home import Home
from db.schema import utc_now
from db.session import Database
from labeling.care.findings import some
from labeling.exporting.guard import refuse_file
from labeling.projects import find_project
from labeling.subsets import list_subsets, subset_paths
from training.adaptation.remedies import Case, read_remedies
from training.evaluation.opened import open_evaluation
from training.evaluation.reporting.elements import POLICY, document, h, pairs, table
from training.evaluation.reporting.findings import read_findings
from training.evaluation.reporting.images import worst_images
from training.evaluation.reporting.page import images_section
from training.evaluation.reporting.style import STYLE
from training.evaluation.reporting.write import check_page
from training.models.names import model_names
from training.prediction.size import ORIGINAL
from training.shift.beside import Where, expected_on, why_of
from training.shift.how import HOW_ELSEWHERE
from training.shift.subject import Domain
from training.shift.table import DomainLoss, ShiftTable
from training.shift.told import why_said, why_tables
from training.shift.written import expected_table, remedies_said, remedies_table, tables
from training.tasks.files import shell_line

IMAGES = 6
PATHS = 60
"""Of photos to label next that are named."""
_SUGGESTED = re.compile(r"label-next(-\d+)?")


@dataclass(frozen=True)
class _Page:
    """What the parts of a page need.

    Attributes:
        where: the home and the project that hold all of it.
        found: home against the others.
        model: reference of the model, as commands take it.
        images: how many of each domain's worst to show.
    """

    where: Where
    found: ShiftTable
    model: str
    images: int

    def command(self, name: str, *options: str) -> str:
        """Return the line that measures what nobody has."""
        size = self.found.home.record.size
        sized = [] if size == ORIGINAL else [f"--size={size}"]
        argv = [name, *options, *sized, f"--project={self.where.project}", "--", self.model]
        return shell_line(argv, self.where.home.path)


def shift_html(
    home: Home,
    database: Database,
    project: str | None,
    found: ShiftTable,
    *,
    model: str | None = None,
    images: int = IMAGES,
) -> str:
    """Return the page, with what is known already of why, of remedies and of photos without labels.

    Args:
        home: holds all of it.
        database: its database.
        project: name; None is the current one, or the only one.
        found: home against the others.
        model: its reference, where it is called otherwise now than in the evaluation at home.
        images: how many of each domain's worst to show.

    Raises:
        UserError: the files of an evaluation, or of what else was measured, are damaged.
    """
    with database.read() as session:
        row = find_project(session, project)
        where = Where(home, database, row.id, row.name)
    page = _Page(where, found, model or found.home.record.model, images)
    title = f"Model {page.model} on other domains"
    body = [h("h1", {}, h("bdi", {}, title)), _about(page)]
    for target in found.targets:
        body += _target(page, target)
    body.append(h("section", {}, h("h2", {}, "Words, and how it was computed"), pairs(HOW_ELSEWHERE, "how")))
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
    """Write the page into a file.

    Raises:
        UserError: the name is not that of a page, the file may not be written, or something that was measured is
            damaged.
    """
    path = to.absolute()
    check_page(path)
    refuse_file(path, overwrite=overwrite)
    write_atomic(path, shift_html(home, database, project, found).encode(errors="backslashreplace"))


def _about(page: _Page) -> ET.Element:
    record, where = page.found.home.record, page.where
    known = {each.reference: each for each in model_names(where.home, where.database, where.project)}
    named = known.get(page.model)
    titled = f" ({named.title})" if named and named.title != named.reference else ""
    facts = (
        ("project", where.project),
        ("model", f"{page.model}{titled}{f', {named.architecture}' if named else ''}"),
        ("home", Domain(record.dataset, record.on).title),
        ("other domains", ", ".join(target.domain.title for target in page.found.targets)),
        ("size", str(record.size)),
        ("written", f"{utc_now():%Y-%m-%d %H:%M} UTC"),
    )
    return pairs(facts, "about")


def _target(page: _Page, target: DomainLoss) -> list[ET.Element]:
    about, *others = tables(page.found, target)
    parts = [h("p", {"class": "said"}, h("bdi", {}, target.sentence)), pairs(about.texts(), "about")]
    if target.notes:
        parts.append(h("ul", {"class": "notes"}, *(h("li", {}, h("bdi", {}, note)) for note in target.notes)))
    mapping = target.comparison.b.mapping
    there = open_evaluation(
        page.where.database,
        target.comparison.b.id,
        project=page.where.project,
        mapping=mapping.name if mapping else None,
    )
    findings = read_findings(page.where.database, there)
    colors = dict(zip(findings.report.predicted_names, findings.colors, strict=True))
    for each in others:
        parts += [h("h3", {}, each.title), table(each, None if each.name == "figures" else colors)]
    parts += [*_why(page, target, colors), *_remedies(page, target), *_expected(page, target), *_next(page, target)]
    return [
        h("section", {}, h("h2", {}, h("bdi", {}, target.domain.title)), *parts),
        *images_section(findings, worst_images(page.where.database, findings, page.images), colors),
    ]


def _why(page: _Page, target: DomainLoss, colors: dict[str, str]) -> list[ET.Element]:
    record = page.found.home.record
    home = Domain(record.dataset, record.on)
    parts = [h("h3", {}, "Why: how its photos differ from home's")]
    shift = why_of(page.where, record.model_sha256, home, target.domain, record.size)
    if shift is None:
        command = page.command("shift", f"--from={home}", f"--to={target.domain}")
        return [*parts, _unmeasured("Nobody has measured that yet", command)]
    place = shift.place_of(target.domain)
    parts.append(h("p", {"class": "beside"}, f"Measured on {shift.record.created_at:%Y-%m-%d} (shift {shift.name})."))
    parts += [h("p", {}, h("bdi", {}, line)) for line in why_said(shift.record, place)]
    for each in why_tables(shift.record, place):
        parts += [h("p", {"class": "beside"}, each.title), table(each, colors)]
    return parts


def _remedies(page: _Page, target: DomainLoss) -> list[ET.Element]:
    record, where = page.found.home.record, page.where
    if str(record.refinement):  # remedies are of the model as it is
        return []
    mapping = page.found.home.mapping
    domain = target.domain
    case = Case(
        *(where.home, where.database, where.project, page.model, domain),
        size=record.size,
        mapping=mapping.name if mapping else None,
        at_home=Domain(record.dataset, record.on),
    )
    outcomes = read_remedies(case)
    parts = [h("h3", {}, "What was tried without labels")]
    if not any(one.comparison for one in outcomes.outcomes):
        command = page.command("remedies", f"--dataset={domain.dataset}", f"--on={domain.on}")
        return [*parts, _unmeasured("Nobody has tried a remedy yet", command)]
    return [*parts, h("p", {}, h("bdi", {}, remedies_said(outcomes))), table(remedies_table(outcomes))]


def _expected(page: _Page, target: DomainLoss) -> list[ET.Element]:
    record = page.found.home.record
    if str(record.refinement):  # a survey is of the model as it is
        return []
    mapping, domain = page.found.home.mapping, target.domain
    found = expected_on(
        *(page.where, record.model_sha256, domain.dataset, record.size, page.found.home.id),
        mapping=mapping.name if mapping else None,
    )
    if found is None:
        return []
    parts = [h("h3", {}, "What to expect on photos without labels")]
    if found.estimate is None:
        command = page.command("survey", f"--dataset={target.domain.dataset}", "--on=unlabelled")
        text = f"Nobody has surveyed the {found.photos:,} photos of {target.domain.dataset} without labels yet"
        return [*parts, _unmeasured(text, command)]
    missing = f" {found.missing:,} more were not surveyed." if found.missing else ""
    known = found.photos - found.missing
    photos = "photo" if known == 1 else "photos"
    told = f"{known:,} {photos} of {target.domain.dataset} without labels.{missing}"
    lines = (told, found.estimate.headline, *found.estimate.notes)
    return [*parts, *(h("p", {}, h("bdi", {}, line)) for line in lines), table(expected_table(found.estimate))]


def _next(page: _Page, target: DomainLoss) -> list[ET.Element]:
    """Return the lists of photos that were suggested to label next."""
    home, dataset = page.where, target.domain.dataset
    parts = []
    for name in filter(_SUGGESTED.fullmatch, list_subsets(home.database, home.project, dataset)):
        paths = subset_paths(home.database, home.project, dataset, name)
        rest = [h("li", {}, f"and {len(paths) - PATHS:,} more")] if len(paths) > PATHS else []
        shown = (h("li", {}, h("bdi", {}, path)) for path in paths[:PATHS])
        parts += [h("p", {}, h("bdi", {}, f"{some(len(paths), 'photo')} in the list {name}:"))]
        parts += [h("ul", {"class": "paths"}, *shown, *rest)]
    return [h("h3", {}, "What to label next"), *parts] if parts else []


def _unmeasured(text: str, command: str) -> ET.Element:
    return h("p", {}, h("bdi", {}, text), ": ", h("code", {}, h("bdi", {}, command)))
