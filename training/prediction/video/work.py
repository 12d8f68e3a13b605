"""What is done of a video, kept beside the output until all of it is: so that it goes on after a kill.

`.NAME.work/` holds what was asked (`plan.json`), the finished segments, what N of them leave behind for those to come
(`state-N.npz`, of a smoothed video), and at last how the video ended (`end.json`). A segment gets its name only when it
is whole and on the disk.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from db.errors import UserError
from db.files import explain_os_errors, scratch_file, settle, write_atomic
from db.locks import LockHeldError, hold
from training.documents import Document, read_document
from training.prediction.predicted import Settled

SEGMENT_FRAMES = 128
"""Frames a segment; a multiple of every batch, so that batches are the same wherever one begins."""
_SAMPLE = 1 << 20


class VideoPlan(Document):
    """What decides every frame of the output; what is half done is gone on with only where all of it is the same.

    Attributes:
        source: name of the video's file.
        source_bytes: its size.
        source_sample: SHA-256 of its first and last MiB.
        model: SHA-256 of the weights.
        size: that the network sees.
        refinement: in words.
        smooth: weight of the frames before.
        opacity: of the colours.
        legend: whether the classes are written into the picture.
        colors: of the classes, `#rrggbb`.
        classes: their names.
        maps: whether index maps are written.
        overlay: whether a video is.
        encoder: of the video.
        device: that predicts, its kind.
        segment_frames: frames a segment.
    """

    source: str
    source_bytes: int
    source_sample: str
    model: str
    size: str
    refinement: str
    smooth: float
    opacity: float
    legend: bool
    colors: tuple[str, ...]
    classes: tuple[str, ...]
    maps: bool
    overlay: bool
    encoder: str
    device: str
    segment_frames: int


class VideoEnd(Document):
    """How the video ended.

    Attributes:
        frames: of it.
        end_pts: when the last one is gone, in units of the time base.
        last_duration: of the last one, likewise.
        broken: packets that could not be decoded.
        moved: frames whose time stamp was put right.
        cuts: frames at which the smoothing began anew.
    """

    frames: int
    end_pts: int
    last_duration: int
    broken: int
    moved: int
    cuts: int


class WorkFolder:
    """The folder of one video. Hold it by `open_work`.

    Attributes:
        path: of the folder.
        frames: a segment.
    """

    def __init__(self, path: Path, frames: int) -> None:
        self.path = path
        self.frames = frames

    def segments(self) -> list[Path]:
        """Return the finished segments, from the first one on without a gap."""
        found: list[Path] = []
        while (path := self._segment(len(found))).is_file():
            found.append(path)
        return found

    @contextmanager
    def segment(self, number: int) -> Iterator[Path]:
        """Give the path of a file to write; where the block ends well it becomes segment `number`."""
        with explain_os_errors(self.path), scratch_file(self.path) as file:
            yield Path(file.name)
            settle(file, self._segment(number))

    def state(self, segments: int) -> Path:
        """Where it is kept what so many segments leave behind."""
        return self.path / f"state-{segments}.npz"

    def keep_state(self, segments: int, data: bytes) -> None:
        """Keep it; to be called before the last of these segments gets its name."""
        write_atomic(self.state(segments), data)

    def drop_states(self, before: int) -> None:
        """Delete what fewer than `before` segments left behind."""
        for path in self.path.glob("state-*.npz"):
            if int(path.stem.removeprefix("state-")) < before:
                path.unlink()

    def settled(self) -> Settled | None:
        """Return what was decided, None where nothing was yet."""
        with suppress(FileNotFoundError):
            return read_document(Settled, self.path / "settled.json")
        return None

    def settle(self, settled: Settled) -> None:
        """Keep what was decided."""
        write_atomic(self.path / "settled.json", settled.model_dump_json().encode())

    def end(self) -> VideoEnd | None:
        """Return how the video ended, None where its end was not reached."""
        with suppress(FileNotFoundError):
            return read_document(VideoEnd, self.path / "end.json")
        return None

    def finish(self, end: VideoEnd) -> None:
        """Keep how the video ended."""
        write_atomic(self.path / "end.json", end.model_dump_json().encode())

    def _segment(self, number: int) -> Path:
        return self.path / f"{number:06d}.nut"


def work_path(to: Path) -> Path:
    """Return where the work for an output lies."""
    return to.with_name(f".{to.name}.work")


@contextmanager
def open_work(to: Path, plan: VideoPlan, *, overwrite: bool) -> Iterator[WorkFolder]:
    """Hold the work folder of an output: what is there of the same plan is gone on with.

    Raises:
        UserError: somebody else is at it, it is of another plan (without `overwrite`), or cannot be written.
    """
    path = work_path(to)
    with explain_os_errors(path.parent):
        path.mkdir(parents=True, exist_ok=True)
    try:
        with hold(path / "lock", wait=False):
            _match(path, to, plan, overwrite=overwrite)
            yield WorkFolder(path, plan.segment_frames)
    except LockHeldError:
        raise UserError(f"Another process is writing {to}. Wait for it, or choose another name.") from None


def discard(work: WorkFolder) -> None:
    """Delete the work: the output is there."""
    shutil.rmtree(work.path, ignore_errors=True)


def source_sample(path: Path) -> str:
    """Return the SHA-256 of a file's first and last MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        digest.update(file.read(_SAMPLE))
        file.seek(max(0, path.stat().st_size - _SAMPLE))
        digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def _match(path: Path, to: Path, plan: VideoPlan, *, overwrite: bool) -> None:
    file = path / "plan.json"
    try:
        found: VideoPlan | None = read_document(VideoPlan, file)
    except FileNotFoundError:
        found = None
    except UserError:
        if not overwrite:
            raise
        found = None
    if found == plan:
        return
    if found is not None and not overwrite:
        other = [name for name in VideoPlan.model_fields if getattr(found, name) != getattr(plan, name)]
        raise UserError(
            f"{path} holds an unfinished prediction that differs in: {', '.join(other)}. Run its own command again to "
            f"finish it, or add --overwrite to begin {to.name} anew, or choose another name."
        )
    for each in path.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != "lock":
            each.unlink()
    write_atomic(file, plan.model_dump_json(indent=1).encode())
