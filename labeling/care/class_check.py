"""What can be wrong with the classes: where they occur, how much of them there is, and how they are called."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from labeling.annotation import IGNORE
from labeling.care.findings import CheckedImage, Finding, listed, some
from labeling.map_counts import Counts

FEW_IMAGES = 3
SMALL_SHARE = 1e-4
"""Of the pixels that are not ignored, below which a class is all but absent."""


@dataclass
class _Shown:
    """Images and pixels by class index, and all pixels that are not ignored."""

    images: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    pixels: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    total: int = 0

    def add(self, counts: Counts) -> None:
        for value, pixels in counts:
            if value != IGNORE:
                self.images[value] += 1
                self.pixels[value] += pixels
                self.total += pixels


def check_classes(
    images: Sequence[CheckedImage], classes: Sequence[str], deletable: Collection[str] = (), fills: Collection[str] = ()
) -> list[Finding]:
    """Look for classes that nothing shows, that only train or only val shows, and that are all but absent in train.

    Args:
        images: the labelled ones, their class maps counted.
        classes: names in index order.
        deletable: names of the classes that can be deleted.
        fills: names of the classes that pixels without a label become, if there are any: to have none is no fault.
    """
    shown = defaultdict[str | None, _Shown](_Shown)
    for image in images:
        shown[image.role].add(image.counts or ())
    train, val, test = shown["train"], shown["val"], shown["test"]
    used = {index for each in shown.values() for index in each.images}
    names = dict(enumerate(classes))
    found = _unused([name for index, name in names.items() if index not in used and name not in fills], deletable)
    if not train.images:
        return found
    judged = val.images.keys() | test.images.keys()
    unlearned = [name for index, name in names.items() if index in judged and index not in train.images]
    if unlearned:
        text = f"{_are(unlearned)} in val or test, but not in train: it is judged without ever being learned."
        remedy = "Move images that show it into train, or label more."
        found.append(Finding("not-in-train", "warning", text, remedy, classes=tuple(unlearned)))
    unjudged = [name for index, name in names.items() if index in train.images and index not in val.images]
    if unjudged and val.images:
        text = f"{_are(unjudged)} in train, but not in val: its IoU is n/a, and no checkpoint is chosen for it."
        remedy = "Move some images that show it into val."
        found.append(Finding("not-in-val", "note", text, remedy, classes=tuple(unjudged)))
    return found + _rare(train, names)


def check_names(classes: Mapping[str, int]) -> list[Finding]:
    """Look for names that differ only in case, separators or plain variants of characters.

    Args:
        classes: images that show each class, by name; classes that are merged already left out.
    """
    groups = defaultdict[str, list[str]](list)
    for name in classes:
        groups[_plain(name)].append(name)
    found = []
    for names in groups.values():
        kept = max(names, key=lambda name: classes[name])  # the first of equals
        for name in names:
            if name != kept:
                text = (
                    f"{name!r} ({some(classes[name], 'image')}) and {kept!r} ({some(classes[kept], 'image')}) differ "
                    "in spelling alone: most likely they are one class, learned as two."
                )
                remedy = f"Merge {name!r} into {kept!r}; that can be undone."
                command = ("classes", "merge", "--", name, kept)
                found.append(Finding("case-variants", "warning", text, remedy, command, classes=(name, kept)))
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", unicodedata.normalize("NFKC", name).casefold()) or name


def _unused(names: Sequence[str], deletable: Collection[str]) -> list[Finding]:
    if not names:
        return []
    free = [name for name in names if name in deletable]
    text = f"{_are(names)} nowhere: a network reserves an output for it that can never be right."
    command = ("classes", "delete", "--", *free)
    remedy = "Delete what nothing needs, or merge it into another class."
    return [Finding("unused", "note", text, remedy, command if free else (), classes=tuple(names))]


def _rare(train: _Shown, names: Mapping[int, str]) -> list[Finding]:
    rare = [
        name
        for index, name in names.items()
        if 0 < train.images[index] < FEW_IMAGES or 0 < train.pixels[index] < SMALL_SHARE * train.total
    ]
    if not rare or len(rare) == len(names):
        return []
    text = (
        f"{_are(rare)} hardly in train: in fewer than {FEW_IMAGES} images, or less than {SMALL_SHARE:.2%} of the "
        "pixels. Little will be learned of it."
    )
    remedy = "Label more images of it, weigh classes in the loss, or merge it into another class."
    return [Finding("rare", "note", text, remedy, classes=tuple(rare))]


def _are(names: Sequence[str]) -> str:
    """Return classes as the beginning of a sentence: `The class 'car' is`, `3 classes ('a', 'b', 'c') are`."""
    return f"The class {names[0]!r} is" if len(names) == 1 else f"{len(names)} classes ({listed(names)}) are"
