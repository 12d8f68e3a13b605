"""What is written down of a bench: what was asked, and how far each of its trainings is.

A bench owns no weights and no curves: its trainings are runs, its tests evaluations, and it lists their numbers. What
was measured is written down with them, so that the table stays when a run is deleted to make room.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from db.errors import NotFoundError, UserError
from db.files import write_atomic
from db.home import Home
from training.documents import Document, read_document

_NAME = re.compile(r"\w(?:[\w .+-]{0,78}[\w+-])?")


class BenchPlan(Document):
    """What all trainings of a bench have in common.

    Attributes:
        revision: digest of the revision trained and tested on.
        classes: of the revision, in index order.
        datasets: trained on; empty for all of the revision.
        train_on: subset or role trained on.
        on: subset or role tested on.
        size: what the network is given when it is tested, as `training.prediction.size.Size` reads it.
        precision: that all are tested in, so that their speeds can be compared.
        recipe: its name or path.
        settings: recipe settings by dotted key, as text; `unet:batch` is for one architecture only.
        device: as a training takes it.
    """

    revision: str
    classes: tuple[str, ...]
    datasets: tuple[str, ...] = ()
    train_on: str = "train"
    on: str = "val"
    size: str = "original"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    recipe: str = "default"
    settings: dict[str, str] = Field(default_factory=dict)
    device: str = "auto"

    def settings_of(self, architecture: str, seed: int) -> dict[str, str]:
        """Return the settings of one training: its own go before those of all."""
        common = {key: text for key, text in self.settings.items() if ":" not in key}
        own = {key.partition(":")[2]: text for key, text in self.settings.items() if key.startswith(f"{architecture}:")}
        return {**common, **own, "seed": str(seed)}


class Measures(Document):
    """What came of one training.

    Attributes:
        evaluations: their numbers, one a dataset.
        images: tested on.
        miou: fraction, over all images together; None where no class has one.
        iou: by class of the revision, None where one is in neither truth nor prediction.
        parameters: of the network as it was trained.
        images_per_second: see `training.bench.measure.METHOD`.
        height: of the photo this was measured with, as the network was given it.
        width: likewise.
        device: that tested: its name in shops.
        memory: most bytes the training held; None where it did not say.
        memory_of: what they were counted of.
        steps: optimiser steps done.
        seconds: from the first step to the end, validations included, pauses left out.
    """

    evaluations: tuple[int, ...]
    images: int
    miou: float | None
    iou: tuple[float | None, ...]
    parameters: int
    images_per_second: float
    height: int
    width: int
    device: str
    memory: int | None
    memory_of: str
    steps: int
    seconds: float


class Entry(Document):
    """One training of a bench.

    Attributes:
        architecture: its name.
        seed: of every random draw.
        run: its number, None before there is one.
        fault: why it could not be trained or tested.
        measures: None until it is trained and tested.
    """

    architecture: str
    seed: int
    run: int | None = None
    fault: str | None = None
    measures: Measures | None = None


class Bench(Document):
    """A bench (`bench.json`): frozen; whoever works on it writes another.

    Attributes:
        name: unique in its project.
        created_at: seconds since 1970.
        plan: what its trainings have in common.
        entries: its trainings, in the order they are done.
    """

    name: str
    created_at: float
    plan: BenchPlan
    entries: tuple[Entry, ...]

    @property
    def architectures(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(entry.architecture for entry in self.entries))


@dataclass(frozen=True)
class BenchFolder:
    """Paths of a bench."""

    path: Path

    @property
    def lock(self) -> Path:
        """Held by the process that works on the bench."""
        return self.path / "lock"

    @property
    def document(self) -> Path:
        """The `Bench`."""
        return self.path / "bench.json"

    @property
    def tables(self) -> dict[Path, Literal["markdown", "csv"]]:
        """The table as files, by path."""
        return {self.path / "table.md": "markdown", self.path / "table.csv": "csv"}

    def read(self) -> Bench:
        """Read the bench.

        Raises:
            NotFoundError: there is none.
            UserError: it is damaged.
        """
        try:
            return read_document(Bench, self.document)
        except FileNotFoundError:
            raise NotFoundError(f"There is no bench {self.path.name!r}; `workbench benches` lists them.") from None

    def write(self, bench: Bench) -> None:
        """Write the bench, whole or not at all."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomic(self.document, bench.model_dump_json(indent=1).encode())


def bench_folder(home: Home, project_id: int, name: str) -> BenchFolder:
    """Return where a bench lies, or would.

    Raises:
        UserError: a bench cannot have this name.
    """
    if not _NAME.fullmatch(name):
        raise UserError(
            f"A bench is named by letters, digits, spaces and . _ + -, 80 at most, beginning with a letter or digit; "
            f"found {name!r}."
        )
    return BenchFolder(home.benches / str(project_id) / name)


def bench_folders(home: Home, project_id: int) -> list[BenchFolder]:
    """Return the folders of a project's benches, by name."""
    return [BenchFolder(path.parent) for path in sorted((home.benches / str(project_id)).glob("*/bench.json"))]
