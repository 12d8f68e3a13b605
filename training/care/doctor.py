"""Everything that can be wrong with a home, in one report."""

from __future__ import annotations

from dataclasses import dataclass

from db.check import check_database, check_folders
from db.finding import Finding
from db.home import Home
from db.session import open_database
from db.store import Store
from labeling.content_check import check_content
from labeling.progress import Progress, silent
from training.care.check import check_outcomes

_ORDER = ("error", "warning", "note")


@dataclass(frozen=True)
class Report:
    """What a look at a home found.

    Attributes:
        home: its path.
        full: whether everything was read and hashed.
        clean: whether nothing needs to be done; notes are allowed.
        findings: the worst first.
        files: in the content store; 0 where the database could not be used.
        bytes: of them.
    """

    home: str
    full: bool
    clean: bool
    findings: tuple[Finding, ...]
    files: int
    bytes: int


def examine(home: Home, *, full: bool = False, progress: Progress = silent) -> Report:
    """Look after a home. Nothing is repaired, and a damaged database is not touched.

    Args:
        home: the home; it must be there.
        full: read everything that is stored and compare it with its hash; otherwise names and sizes are looked at.
        progress: told the files looked at.
    """
    findings = [*check_database(home)]
    files = size = 0
    if not findings:
        database = open_database(home)
        content = check_content(database, Store(home.store), full=full, progress=progress)
        files, size = content.files, content.bytes
        findings += content.findings
        if content.unused:
            what = f"{content.unused} files of the store ({content.unused_bytes / 1e6:.1f} MB) are not referred to."
            findings.append(Finding("note", what, "workbench gc frees what has not been used for a day."))
        findings += check_outcomes(home, database, full=full)
    findings += check_folders(home)
    findings.sort(key=lambda finding: _ORDER.index(finding.severity))
    clean = all(finding.severity == "note" for finding in findings)
    return Report(str(home.path), full, clean, tuple(findings), files, size)
