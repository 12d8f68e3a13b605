"""What can be wrong with single images and their class maps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from labeling.annotation import IGNORE
from labeling.care.findings import CheckedImage, Finding, Kind, Severity, some

TINY = 64
"""Pixels of the shorter side: below, a network that halves its input five times sees two pixels."""


def check_images(images: Sequence[CheckedImage], class_count: int) -> list[Finding]:
    """Look for images of another size than their labels, values without a class, ignored and tiny images.

    Args:
        images: those to look at.
        class_count: the dense classes there are.
    """
    return [
        *_found(images, _has_other_size, "other-size", "error", _OTHER_SIZE, _IMPORT),
        *_found(images, lambda image: _is_out_of_range(image, class_count), "out-of-range", "error", _RANGE, _IMPORT),
        *_found(images, _is_ignored, "all-ignored", "warning", _IGNORED, _LABEL),
        *_found(images, _is_tiny, "tiny", "warning", _TINY, _LEAVE_OUT),
    ]


_OTHER_SIZE = "labels of another size than the photo, which was replaced since; they lie beside things"
_RANGE = "pixels of a value that is no class"
_IGNORED = "every pixel is ignored, so nothing is learned from them or judged on them"
_TINY = f"a side shorter than {TINY} pixels, too few for a network to see anything in"
_IMPORT = "Import them again with their labels, or leave them out by taking their role away."
_LABEL = "Label them, or leave them out by taking their role away."
_LEAVE_OUT = "Leave them out by taking their role away, or train on crops of larger photos."


def _has_other_size(image: CheckedImage) -> bool:
    if image.size is not None:
        return image.size != (image.width, image.height)
    return image.counts is not None and sum(pixels for _, pixels in image.counts) != image.width * image.height


def _is_out_of_range(image: CheckedImage, class_count: int) -> bool:
    return any(class_count <= value != IGNORE for value, _ in image.counts or ())


def _is_ignored(image: CheckedImage) -> bool:
    return image.counts is not None and all(value == IGNORE for value, _ in image.counts)


def _is_tiny(image: CheckedImage) -> bool:
    return min(image.width, image.height) < TINY


def _found(
    images: Sequence[CheckedImage],
    wrong: Callable[[CheckedImage], bool],
    kind: Kind,
    severity: Severity,
    what: str,
    remedy: str,
) -> list[Finding]:
    """Return a finding for each dataset that has such images."""
    files = defaultdict[str, list[str]](list)
    for image in images:
        if wrong(image):
            files[image.dataset].append(image.path)
    return [
        Finding(
            kind,
            severity,
            f"{some(len(paths), 'image')} of {dataset!r}: {what}.",
            remedy,
            command=without_role(dataset, paths),
            dataset=dataset,
            files=tuple(paths),
        )
        for dataset, paths in files.items()
    ]


def without_role(dataset: str, paths: Sequence[str]) -> tuple[str, ...]:
    """Return the command that takes the role of images away, empty where they are too many to name."""
    return ("set-role", "none", f"--dataset={dataset}", "--", *paths) if len(paths) <= _NAMED else ()


_NAMED = 5
