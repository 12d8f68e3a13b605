"""Listing a source, and keeping the listing while somebody tries out what the import's options do.

Listing 10,000 label files takes over a second, drawing six of them under other options a tenth of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import NotFoundError, UserError
from labeling.formats.base import Listing, ReadRequest
from labeling.formats.codecs import CODECS
from labeling.importing.request import ImportRequest, asked_options, read_request, require_format
from labeling.options import DatasetOptions

Lister = Callable[[str, ReadRequest], Listing]

KEPT_SECONDS = 600.0
_DRAWN = frozenset({"mapping", "unlabelled", "background", "overlap", "crowd", "raster", "line_width", "point_radius"})
"""Options that decide how an image is drawn; no codec lists a source by them."""


def list_source(format: str, request: ReadRequest) -> Listing:
    """List a source; see `labeling.formats.base.Codec`."""
    return CODECS[format].list_source(request)


def list_as_new(request: ImportRequest, lister: Lister = list_source) -> tuple[DatasetOptions, Listing]:
    """List what an import asks for as if its dataset were a new one.

    Args:
        request: of the import.
        lister: lists the source.

    Returns:
        The options asked for, the others having their defaults, and the listing.

    Raises:
        UserError: there is no such format, nothing is there, or the source as a whole cannot be read.
    """
    require_format(request.format)
    if not request.location.exists():
        raise NotFoundError(f"There is nothing to import at {request.location}: no such file or folder.")
    asked = asked_options(request, None, same_source=False)
    return asked, lister(request.format, read_request(request.location, asked))


@dataclass(eq=False)
class Reading:
    """A listing under way: how far it is (see `labeling.progress.Progress`), and whether somebody wants it to end."""

    source: Path
    done: int = 0
    total: int | None = None
    what: str = ""
    stopped: bool = False

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Note how far it is."""
        if self.stopped:
            raise _StoppedError
        self.done, self.total, self.what = done, total, what


class _StoppedError(Exception):
    """No `UserError`, which a codec may take for what is wrong with one file of several."""


@dataclass(frozen=True)
class _Kept:
    format: str
    request: ReadRequest
    listing: Listing
    until: float


class KeptListing:
    """Lists sources and keeps the last listing for ten minutes: of many thousands of files, more would fill memory.

    What changes at the source meanwhile is not seen, so it is for a look only, never for an import.
    """

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self._readings: list[Reading] = []

    def __call__(self, format: str, request: ReadRequest) -> Listing:
        """List a source, or return what was listed of it.

        Raises:
            UserError: the source as a whole cannot be read, or `stop` was called.
        """
        usual = DatasetOptions()
        options = request.options.model_copy(update={name: getattr(usual, name) for name in _DRAWN})
        asked = replace(request, options=options)
        kept = self._kept  # as it is now: other threads may change it
        if kept is not None and (kept.format, kept.request) == (format, asked) and time.monotonic() < kept.until:
            return kept.listing
        reading = Reading(request.source)
        self._readings.append(reading)
        try:
            listing = list_source(format, replace(request, progress=reading))
        except _StoppedError:
            raise UserError(f"The reading of {request.source.name} was stopped.") from None
        finally:
            self._readings.remove(reading)
        self._kept = _Kept(format, asked, listing, time.monotonic() + KEPT_SECONDS)
        return listing

    def forget(self, location: Path) -> None:
        """Forget what was listed of a source: it is looked at anew, or was taken."""
        if (kept := self._kept) is not None and kept.request.source == location:
            self._kept = None

    def reading(self, location: Path) -> Reading | None:
        """Return how far the listing of a source is, None where none is under way that tells."""
        return next((each for each in list(self._readings) if each.source == location and each.what), None)

    def stop(self, location: Path) -> None:
        """End the listing of a source, as nobody waits for it any more."""
        for reading in list(self._readings):
            reading.stopped |= reading.source == location
