"""Class names that a format's files cannot carry, found before anything is written."""

from __future__ import annotations

import re

from db.errors import UserError
from labeling.annotation import Special
from labeling.formats.labels import IGNORE_NAME
from labeling.formats.writing import WriteRequest
from labeling.formats.written import EXPORTS, ExportFormat
from labeling.names import clean_class_name, is_background

# What neither XML (https://www.w3.org/TR/xml/#charsets) nor YAML has; a mark of byte order in front is no letter.
_NO_TEXT = re.compile("^\ufeff|[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_RENAME = "Rename it for that (`workbench classes rename`), and back afterwards."


def check_names(request: WriteRequest, format: ExportFormat) -> list[str]:
    """Return sentences on what is not written because of the names of classes.

    Args:
        request: of the export.
        format: what is written.

    Raises:
        UserError: no file could say that something is of a class, or the colours of masks would have no table.
    """
    for name in request.classes:
        if (why := _fault(name)) is not None:
            raise UserError(f"The class {name!r} cannot be exported: {why}. {_RENAME}")
    called = [name for name in request.classes if is_background(name)]
    if EXPORTS[format].bare and len(called) > 1:
        raise UserError(
            f"The classes {' and '.join(map(repr, called))} are both called background, which {EXPORTS[format].title} "
            "files do not tell apart. Merge them (`workbench classes merge`), or rename one."
        )
    odd = next((name for name in request.classes if not fits_table(name)), None)
    if not EXPORTS[format].masks or odd is None:
        return []
    why = f"labelmap.txt cannot name the class {odd!r}, as a line is `name:r,g,b::` there and one with # a comment"
    if request.masks == "colors":
        raise UserError(f"{why}, so masks of colours would mean nothing. {_RENAME} Or export index masks.")
    return [f"{why}: it was left out. labels.txt names the classes."]


def fits_table(name: str) -> bool:
    """Tell whether a line of labelmap.txt, CVAT's and Datumaro's table of colours, can name a class."""
    return ":" not in name and not name.startswith("#")


def _fault(name: str) -> str | None:
    try:
        if clean_class_name(name) != name:
            return "blanks around a name are lost in files"
    except ValueError as error:
        return str(error)
    if _NO_TEXT.search(name):
        return "it holds a character that no text file has"
    if name == IGNORE_NAME or name in (special.value for special in Special):
        return "files call so what is left out"
    return None
