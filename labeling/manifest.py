"""The manifest of a revision: what a frozen snapshot holds, in one canonical form whose sha256 is its id."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from db.errors import UserError
from db.store import Store

Change = Literal["added", "removed", "photo", "labels", "role", "subsets"]

_FORMAT = 1


@dataclass(frozen=True)
class ManifestImage:
    """One image of a revision.

    Attributes:
        dataset: name of its dataset.
        path: relative POSIX path inside it; the two are its identity.
        image_sha256: of the photo's bytes.
        map_sha256: of the class map's size and pixels (`labeling.map_store.pixels_sha256`).
        role: train, val, test, or None.
        subsets: names of its subsets, sorted.
    """

    dataset: str
    path: str
    image_sha256: str
    map_sha256: str
    role: str | None
    subsets: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """A frozen snapshot: the dense class list (index order) and the images (by dataset and path)."""

    classes: tuple[str, ...]
    images: tuple[ManifestImage, ...]

    def canonical(self) -> bytes:
        """Return the bytes whose sha256 is the revision's id: sorted keys, no spaces, UTF-8."""
        value = {
            "format": _FORMAT,
            "classes": self.classes,
            "images": [asdict(image) for image in sorted(self.images, key=lambda image: (image.dataset, image.path))],
        }
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Difference:
    """What changed from one revision to another, by (dataset, path).

    Attributes:
        added: images only in the second.
        removed: images only in the first.
        relabelled: images whose class map differs.
        photo_changed: images whose photo differs.
        role_changed: images whose role differs.
        subsets_changed: images that are in other subsets.
        classes_added: class names only in the second.
        classes_removed: class names only in the first.
    """

    added: int
    removed: int
    relabelled: int
    photo_changed: int
    role_changed: int
    subsets_changed: int
    classes_added: tuple[str, ...]
    classes_removed: tuple[str, ...]


@dataclass(frozen=True)
class ChangedImage:
    """An image that differs between two revisions: `before` in the first, `after` in the second, None where absent."""

    before: ManifestImage | None
    after: ManifestImage | None
    changes: tuple[Change, ...]


def load_manifest(store: Store, digest: str) -> Manifest:
    """Read the manifest of a revision.

    Args:
        store: the content store.
        digest: the revision's whole id.

    Raises:
        UserError: the store does not hold it, or holds one of a newer version.
    """
    try:
        value = json.loads(store.read(digest).decode("utf-8", "surrogatepass"))
    except FileNotFoundError:
        raise UserError(f"The revision {digest[:12]} is not in the content store {store.root}.") from None
    if value["format"] != _FORMAT:
        raise UserError(f"The revision {digest[:12]} was written by a newer workbench. Update this one.")
    images = tuple(ManifestImage(**{**image, "subsets": tuple(image["subsets"])}) for image in value["images"])
    return Manifest(tuple(value["classes"]), images)


def difference(first: Manifest, second: Manifest) -> Difference:
    """Return what changed from the first revision to the second.

    Class maps are compared as they are: where the class lists differ in order, every map that shows a moved class
    counts as relabelled.
    """
    counts = Counter(change for changed in compare(first, second) for change in changed.changes)
    return Difference(
        added=counts["added"],
        removed=counts["removed"],
        relabelled=counts["labels"],
        photo_changed=counts["photo"],
        role_changed=counts["role"],
        subsets_changed=counts["subsets"],
        classes_added=tuple(name for name in second.classes if name not in first.classes),
        classes_removed=tuple(name for name in first.classes if name not in second.classes),
    )


def compare(first: Manifest, second: Manifest) -> Iterator[ChangedImage]:
    """Yield the images that differ, by dataset and path; see `difference` on class maps."""
    before = {(image.dataset, image.path): image for image in first.images}
    after = {(image.dataset, image.path): image for image in second.images}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        changes = _changes(old, new)
        if changes:
            yield ChangedImage(old, new, changes)


def _changes(old: ManifestImage | None, new: ManifestImage | None) -> tuple[Change, ...]:
    if old is None or new is None:
        return ("added",) if old is None else ("removed",)
    differs: dict[Change, bool] = {
        "photo": old.image_sha256 != new.image_sha256,
        "labels": old.map_sha256 != new.map_sha256,
        "role": old.role != new.role,
        "subsets": old.subsets != new.subsets,
    }
    return tuple(change for change, is_so in differs.items() if is_so)
