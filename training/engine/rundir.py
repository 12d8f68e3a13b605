"""The directory of a run: which file says what."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from db.errors import UserError
from db.files import write_atomic
from training.documents import D, Document, read_document
from training.recipe import Recipe

RunState = Literal["queued", "preparing", "running", "finished", "stopped", "interrupted", "failed"]

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USER = 2
EXIT_RESUME = 75
"""EX_TEMPFAIL of sysexits.h: the work was put down in order; the same command takes it up again."""


class Start(Document):
    """A model that a training starts from.

    Attributes:
        path: a run's checkpoint (`.pt`) or a bundle (`.safetensors`).
        label: what to call it, `run 12:best`.
    """

    path: Path
    label: str


class Command(Document):
    """What was asked, written once by whoever creates the run (`command.json`).

    Attributes:
        run: number of the run in its home; None outside one.
        architecture: its name; options are in the recipe.
        classes: in index order.
        colors: of the classes, `#rrggbb`; empty where there are none.
        revision: digest of the revision.
        datasets: names of the datasets trained on.
        on: subset or role trained on.
        device: `auto`, `cpu`, `cuda` or `cuda:N`; several with commas between train together.
        home: the workbench home, for packs, locks and weights.
        start: the model that the recipe's `init` names, where it names one.
        recipe: everything else.
    """

    run: int | None = None
    architecture: str
    classes: tuple[str, ...]
    colors: tuple[str, ...] = ()
    revision: str
    datasets: tuple[str, ...] = ()
    on: str = "train"
    device: str = "auto"
    home: Path
    start: Start | None = None
    recipe: Recipe


class Link(Document):
    """What a photo that is linked, not kept in the store, was like when the run was created.

    Attributes:
        sha256: of the file.
        byte_size: of the file.
        mtime_ns: when it was changed last, in nanoseconds.
    """

    sha256: str
    byte_size: int
    mtime_ns: int


class Photo(Document):
    """One image of a run.

    Attributes:
        photo: the photo file.
        class_map: its class map.
        key: digest of the content of both.
        name: what a person calls it.
        link: None for a photo in the store, which never changes.
    """

    photo: Path
    class_map: Path
    key: str
    name: str
    link: Link | None = None


class Images(Document):
    """The images of a run (`images.json`): those it trains on and those it is validated on."""

    train: tuple[Photo, ...]
    val: tuple[Photo, ...]


class Result(Document):
    """How a run ended (`result.json`).

    Attributes:
        state: how.
        sentence: for the person who reads it.
        step: optimiser steps done.
    """

    state: RunState
    sentence: str
    step: int
    steps: int | None = None
    best_step: int | None = None
    best_miou: float | None = None
    images_per_second: float | None = None
    data_wait_share: float | None = None
    init: str | None = None


@dataclass(frozen=True)
class RunDirectory:
    """Paths in a run's directory, and its documents."""

    path: Path

    @property
    def lock(self) -> Path:
        """Held by the trainer while it lives."""
        return self.path / "lock"

    @property
    def stop_flag(self) -> Path:
        """Its presence asks the trainer to finish the step, save and end."""
        return self.path / "stop"

    @property
    def events(self) -> Path:
        """One line of JSON an event."""
        return self.path / "events.jsonl"

    @property
    def result_file(self) -> Path:
        """How the last attempt ended."""
        return self.path / "result.json"

    @property
    def log(self) -> Path:
        """What the trainer prints."""
        return self.path / "log.txt"

    @property
    def last(self) -> Path:
        """The newest full state."""
        return self.path / "checkpoints" / "last.pt"

    @property
    def decisions(self) -> Path:
        """What was settled before the first step; see `training.engine.decisions`."""
        return self.path / "run.yaml"

    @property
    def best(self) -> Path:
        """The weights with the best validation mIoU."""
        return self.path / "checkpoints" / "best.pt"

    @property
    def samples(self) -> Path:
        """A few predictions of every validation; see `training.engine.samples`."""
        return self.path / "samples"

    def create(self, command: Command, images: Images) -> None:
        """Make the directory of a new run.

        Raises:
            UserError: the disk is full or the folder cannot be written.
        """
        (self.path / "checkpoints").mkdir(parents=True)
        write_atomic(self.path / "command.json", command.model_dump_json(indent=1).encode())
        write_atomic(self.path / "images.json", images.model_dump_json().encode())

    def command(self) -> Command:
        """Read what was asked."""
        return self._read(Command, "command.json")

    def images(self) -> Images:
        """Read which images it is about."""
        return self._read(Images, "images.json")

    def begin_attempt(self, since: float) -> None:
        """Remove what an earlier attempt left: how it ended, that it was to stop, files it was killed while writing.

        Only for the holder of the lock.

        Args:
            since: when this attempt began, in seconds since 1970; who asks to stop from then on is heard.
        """
        self.result_file.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            if self.stop_flag.stat().st_mtime < since:
                self.stop_flag.unlink()
        for folder in (self.path, self.path / "checkpoints"):
            for scratch in folder.glob(".*.tmp"):
                scratch.unlink()

    def result(self) -> Result | None:
        """Read how the last attempt ended, None while it runs or when it was killed.

        Raises:
            UserError: the file is damaged.
        """
        try:
            return read_document(Result, self.result_file)
        except FileNotFoundError:
            return None

    def finish(self, result: Result) -> None:
        """Write how the attempt ended."""
        write_atomic(self.result_file, result.model_dump_json(indent=1).encode())

    def _read(self, kind: type[D], name: str) -> D:
        try:
            return read_document(kind, self.path / name)
        except OSError as error:
            raise UserError(f"{self.path} is not the directory of a run: {error}") from None
