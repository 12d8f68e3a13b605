"""Listing a source, and keeping the listing while somebody tries out what the import's options do.

Listing 10,000 label files takes over a second, drawing six of them under other options a tenth of one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import NotFoundError
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

    def __call__(self, format: str, request: ReadRequest) -> Listing:
        """List a source, or return what was listed of it.

        Raises:
            UserError: the source as a whole cannot be read.
        """
        usual = DatasetOptions()
        options = request.options.model_copy(update={name: getattr(usual, name) for name in _DRAWN})
        asked = replace(request, options=options)
        kept = self._kept  # as it is now: other threads may change it
        if kept is not None and (kept.format, kept.request) == (format, asked) and time.monotonic() < kept.until:
            return kept.listing
        listing = list_source(format, request)
        self._kept = _Kept(format, asked, listing, time.monotonic() + KEPT_SECONDS)
        return listing

    def forget(self, location: Path) -> None:
        """Forget what was listed of a source: it is looked at anew, or was taken."""
        if (kept := self._kept) is not None and kept.request.source == location:
            self._kept = None
