"""A source of one photo whose label files hold whatever bytes are tried: a codec reads it, or says what is wrong."""

from __future__ import annotations

import warnings
from pathlib import Path

from db.errors import UserError
from labeling.formats.base import BadItemError
from labeling.formats.codecs import CODECS
from tests.support.codec_sources import BUILDERS

PHOTO = "a.jpg"


class FuzzTarget:
    """One format's source in a folder of its own.

    Attributes:
        files: everything the source has besides the photo: label files, masks, lists, tables of classes; sorted.
    """

    def __init__(self, format_name: str, folder: Path) -> None:
        self._codec = CODECS[format_name]
        self._request = BUILDERS[format_name](folder, [PHOTO])
        photos = {path for path in folder.rglob("*") if path.stem in ("a", "bare") and path.suffix == ".jpg"}
        self.files = sorted(path for path in folder.rglob("*") if path.is_file() and path not in photos)
        self.contents = [file.read_bytes() for file in self.files]

    def attempt(self, place: int, data: bytes) -> str:
        """Read the source with `data` in one of its files, which is put back; return what was said, empty for nothing.

        Any other error than those that a codec may raise passes through.
        """
        self.files[place].write_bytes(data)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow's, of sizes that are refused anyway
                return self._read()
        finally:
            self.files[place].write_bytes(self.contents[place])

    def _read(self) -> str:
        try:
            listing = self._codec.list_source(self._request)
        except UserError as error:
            return str(error) or "nothing"
        said = []
        for item in listing.items:
            try:
                self._codec.read(item, self._request)
            except BadItemError as error:
                said.append(str(error) or "nothing")
        return " ".join(said)
