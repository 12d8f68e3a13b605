"""Which images of a revision are meant by `--dataset` and `--on`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from db.errors import UserError
from labeling.manifest import Manifest, ManifestImage
from labeling.parts import ALL
from labeling.roles import ROLES


def select(manifest: Manifest, datasets: Collection[str] = (), on: str = ALL) -> tuple[ManifestImage, ...]:
    """Return the images of some datasets that a role or subset names, in the manifest's order.

    A role goes before a subset of the same name, because roles are exclusive and sticky: `val` never holds what was
    trained on. Where no image has that role, the subset is meant.

    Args:
        manifest: of the revision.
        datasets: names; empty means all.
        on: `train`, `val`, `test`, a subset's name, or `all`.

    Raises:
        UserError: the revision lacks one of the datasets, or nothing in them has that role or subset; the message
            lists what there is.
    """
    known = {image.dataset for image in manifest.images}
    if missing := sorted(set(datasets) - known):
        raise UserError(f"The revision does not hold the dataset {missing[0]!r}. It holds: {', '.join(sorted(known))}.")
    images = tuple(image for image in manifest.images if not datasets or image.dataset in datasets)
    if on == ALL:
        return images
    chosen = tuple(image for image in images if on in ROLES and image.role == on)
    chosen = chosen or tuple(image for image in images if on in image.subsets)
    if not chosen:
        roles = {image.role for image in images if image.role}
        subsets = {name for image in images for name in image.subsets}
        where = ", ".join(sorted(datasets)) or "the revision"
        known_names = ", ".join([ALL, *sorted(roles | subsets)])
        raise UserError(f"No image of {where} has the role or subset {on!r}. There are: {known_names}.")
    return chosen


def split(
    manifest: Manifest, datasets: Collection[str] = (), on: str = "train"
) -> tuple[tuple[ManifestImage, ...], tuple[ManifestImage, ...]]:
    """Return what is trained on and what validates, which never overlap: the images with role `val` that are left.

    Raises:
        UserError: as `select`, or no image has a role yet.
    """
    candidates = select(manifest, datasets)
    if lacks_roles(candidates, on):
        raise UserError(
            "No image has a role yet. Deal out train and val with `workbench roles --dataset NAME`, or train on all "
            "images, without validation, with --on all."
        )
    chosen = select(manifest, datasets, on)
    trained = {(image.dataset, image.path) for image in chosen}
    return chosen, tuple(i for i in candidates if i.role == "val" and (i.dataset, i.path) not in trained)


def lacks_roles(images: Iterable[ManifestImage], on: str) -> bool:
    """Tell whether the role `train` is meant and nobody has dealt out any yet."""
    return on == "train" and not any(image.role or "train" in image.subsets for image in images)


def choices(images: Collection[ManifestImage]) -> dict[str, int]:
    """Count the images of everything that `on` may name: `all`, the roles in their order, then the subsets by name."""
    roles = Counter(image.role for image in images)
    subsets = Counter(name for image in images for name in image.subsets)
    known = {ALL: len(images)} | {role: roles[role] for role in ROLES if roles[role]}
    return known | {name: subsets[name] for name in sorted(subsets) if name not in known}
