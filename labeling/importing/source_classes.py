"""The names by which a source's labels can be mapped to classes."""

from __future__ import annotations

from collections.abc import Iterable

from labeling.formats.masks.legend import is_ignore
from labeling.importing.request import ImportRequest
from labeling.importing.source_listing import Lister, list_as_new, list_source

UNNAMED = frozenset({"(no label)", "(no category)"})
"""What recognising a source counts labels without a name as."""


def source_classes(request: ImportRequest, seen: Iterable[str] = (), lister: Lister = list_source) -> tuple[str, ...]:
    """Return the names of a source's classes, those first that it lists itself. Nothing is written.

    A class that stands only for what nobody outlined is left out: what that becomes is an option of its own.

    Args:
        request: of the import; its mapping does not matter.
        seen: names that were seen in the labels.
        lister: lists the source.

    Raises:
        UserError: the source as a whole cannot be read.
    """
    _, listing = list_as_new(request, lister)
    seen = tuple(seen)
    if listing.background is None:
        # Every pixel is labelled, and what was seen are values, which the listing names.
        return tuple(name for name in listing.classes if not is_ignore(name))
    listed = (name for name in listing.classes if name != listing.background or name in seen)
    return tuple(
        name for name in dict.fromkeys((*listed, *seen)) if name.strip() and not is_ignore(name) and name not in UNNAMED
    )
