"""Where a predicted video goes: an MP4, or a folder of class maps with one beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from db.errors import UserError
from training.prediction.targets import is_zip_name
from training.prediction.video.work import work_path

VIDEO_SUFFIX = ".mp4"
OVERLAY_NAME, MAPS_NAME = "overlay.mp4", "index"


@dataclass(frozen=True)
class Outputs:
    """What is written.

    Attributes:
        to: as it was asked for: the MP4, or the folder.
        video: the MP4, None where only maps are wanted.
        maps: the folder of the index maps, None where only the MP4 is.
    """

    to: Path
    video: Path | None
    maps: Path | None

    @classmethod
    def of(cls, to: Path, *, overlay: bool) -> Outputs:
        """Tell by a name what it shall be.

        Raises:
            UserError: a video's name, and no video is wanted; or a zip's.
        """
        if is_zip_name(to):
            raise UserError(f"{to} is the name of a zip, which photos go into. Name an .mp4 file, or a folder.")
        if to.suffix.lower() == VIDEO_SUFFIX:
            if not overlay:
                raise UserError(f"{to} is the name of a video, and none is wanted: name a folder for the class maps.")
            return cls(to, to, None)
        return cls(to, to / OVERLAY_NAME if overlay else None, to / MAPS_NAME)

    def check(self, source: Path, *, overwrite: bool) -> None:
        """Make sure that nothing is lost by writing. A folder that holds unfinished work may be gone on with.

        Raises:
            UserError: something is there already (without `overwrite`), or it is the source.
        """
        if source.resolve().is_relative_to(self.to.resolve()):
            raise UserError(f"{self.to} would be written over {source}. Choose another name.")
        if overwrite or not self.to.exists():
            return
        if self.maps is None:
            raise UserError(f"{self.to} exists. Choose another name, or add --overwrite.")
        if not self.to.is_dir() or (any(self.to.iterdir()) and not work_path(self.to).is_dir()):
            raise UserError(f"{self.to} is not an empty folder. Choose another one, or add --overwrite.")
