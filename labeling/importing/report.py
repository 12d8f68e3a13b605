"""What an import did, per file and in sum."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Action = Literal["updated", "unchanged", "conflict", "repaired", "skipped", "gone", "role kept"]
Count = Literal[
    "imported", "updated", "unchanged", "conflict", "repaired", "skipped", "besides", "labelled", "unlabelled"
]


@dataclass(frozen=True)
class FileReport:
    """What happened to one file that was not simply imported.

    Attributes:
        file: relative to the source.
        action: `repaired`: imported or updated, `reason` says what was put right while reading; `gone`: no longer at
            the source, kept here; `role kept`: the source gives another role than the image has.
        reason: a sentence for the user.
    """

    file: str
    action: Action
    reason: str


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes:
        project: name.
        dataset: name.
        imported: images that are new.
        updated: images whose source changed since the last import and was taken.
        unchanged: images whose source is the same as at the last import.
        conflicts: images changed here and at the source; who won is in `files`, and where the source did, the image
            counts as updated as well.
        repaired: images read only after putting something right; they count as imported or updated as well.
        skipped: files that could not be read.
        labelled: photos, whether new or not, that the source has labels of.
        unlabelled: those that it has none of.
        files: one entry for each file not simply imported.
        classes: the project's class names in index order.
        subsets: images of the dataset per subset.
        notes: sentences about the whole source: what was recognised, what was assumed.
    """

    project: str
    dataset: str
    imported: int
    updated: int
    unchanged: int
    conflicts: int
    repaired: int
    skipped: int
    labelled: int
    unlabelled: int
    files: tuple[FileReport, ...]
    classes: tuple[str, ...]
    subsets: dict[str, int]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values under the names of the attributes."""
        return asdict(self) | {"files": [asdict(file) for file in self.files]}


@dataclass
class Tally:
    """Counts what an import does, while it does it."""

    counts: Counter[Count] = field(default_factory=Counter)
    files: list[FileReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, file: str, action: Action, reason: str) -> None:
        """Note what happened to one file."""
        self.files.append(FileReport(file, action, reason))

    def merge(self, other: Tally) -> None:
        """Take over what another tally holds."""
        self.counts += other.counts
        self.files += other.files
        self.notes += other.notes

    def report(self, *, project: str, dataset: str, classes: tuple[str, ...], subsets: dict[str, int]) -> ImportReport:
        """Return the report."""
        return ImportReport(
            project=project,
            dataset=dataset,
            imported=self.counts["imported"],
            updated=self.counts["updated"],
            unchanged=self.counts["unchanged"],
            conflicts=self.counts["conflict"],
            repaired=self.counts["repaired"],
            skipped=self.counts["skipped"],
            labelled=self.counts["labelled"],
            unlabelled=self.counts["unlabelled"],
            files=tuple(self.files),
            classes=classes,
            subsets=subsets,
            notes=tuple(self.notes),
        )
