"""What an item of a source is, seen beside what is stored: the rules of importing again, without any effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Head = Literal["none", "imported", "ours"]

BESIDES = "its shapes are the same, but more of what its file says beside them is kept now, or that changed"
"""Why an image is no longer as it was imported that looks as it did: also the first time after an upgrade."""


@dataclass(frozen=True)
class Stored:
    """What is stored of an image.

    Attributes:
        photo_sha256: of the photo.
        imported: source digest of its newest imported version, None where none was ever imported.
        head: who made the newest version.
    """

    photo_sha256: str
    imported: str | None
    head: Head


@dataclass(frozen=True)
class Decision:
    """What to do with an item.

    Attributes:
        action: what the report says.
        reason: a sentence for the report, empty for `imported`.
        takes_photo: whether the source's photo is written.
        takes_labels: whether the source's labels become the newest version.
    """

    action: Literal["imported", "updated", "unchanged", "conflict", "gone"]
    reason: str
    takes_photo: bool = False
    takes_labels: bool = False


def decide(
    stored: Stored | None,
    *,
    photo_sha256: str,
    digest: str | None,
    theirs: bool,
    elsewhere: bool,
    same_drawing: bool = False,
) -> Decision:
    """Decide what an item is.

    Args:
        stored: what is stored of the image, None for a new one.
        photo_sha256: of the photo at the source.
        digest: source digest (photo and labels); None for a photo without labels.
        theirs: whether the source wins conflicts.
        elsewhere: whether the image was last imported from another place, so that a different photo of the same path
            may be another photo altogether.
        same_drawing: whether its shapes and maps are those of its newest imported version, whatever else differs.
    """
    if stored is None:
        return Decision("imported", "", takes_photo=True, takes_labels=True)
    same_photo = photo_sha256 == stored.photo_sha256
    if digest is None and stored.imported is not None:
        return Decision("gone", "its labels are no longer at the source; those imported earlier are kept")
    if digest == stored.imported and (digest is not None or same_photo):
        kept = "; your own changes are kept" if stored.head == "ours" else ""
        return Decision("unchanged", f"the same as at the last import{kept}")
    if elsewhere and not same_photo:
        return _conflict("another photo of the same path was imported from another place", "that one is", theirs=theirs)
    if stored.head == "ours":
        what = f"changed here; there, {BESIDES}" if same_drawing else "changed here and at the source"
        return _conflict(what, "your version is", theirs=theirs)
    if same_drawing:
        return Decision("updated", BESIDES, takes_photo=True, takes_labels=True)
    what = "labels" if same_photo else "photo"
    return Decision("updated", f"its {what} changed at the source", takes_photo=True, takes_labels=True)


def _conflict(what: str, ours: str, *, theirs: bool) -> Decision:
    if theirs:
        reason = f"{what}; the source's version was taken, the earlier labels remain as an older version"
        return Decision("conflict", reason, takes_photo=True, takes_labels=True)
    return Decision("conflict", f"{what}; {ours} kept (--on-conflict theirs takes the source's)")
