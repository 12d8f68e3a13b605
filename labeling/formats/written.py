"""The formats that datasets are exported in, as people are told of them; light, so that a command's help loads fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ExportFormat = Literal["coco", "voc", "masks", "labelme", "yolo", "cvat"]


@dataclass(frozen=True)
class WrittenFormat:
    """A format as people are told of it.

    Attributes:
        title: its name on screen.
        about: a sentence: what is written, and what cannot be said.
        objects: whether objects can be written as drawn or as pixels.
        masks: whether it has mask files, of indices or of colours.
        lists: whether it has lists.
        bare: whether the background is what no object covers, and no class of its own.
        stems: whether files of labels are named by their photo's stem, so that no two photos may share one.
    """

    title: str
    about: str
    objects: bool = False
    masks: bool = False
    lists: bool = False
    bare: bool = False
    stems: bool = True


EXPORTS: Mapping[ExportFormat, WrittenFormat] = {
    "coco": WrittenFormat(
        "COCO",
        "One JSON file a role: polygons as drawn, everything else as RLE masks. It has no lists.",
        objects=True,
        bare=True,
        stems=False,
    ),
    "voc": WrittenFormat(
        "Pascal VOC",
        "Mask PNGs of classes and of objects, with roles and lists; its colour masks are CVAT's and Datumaro's too.",
        masks=True,
        lists=True,
    ),
    "masks": WrittenFormat(
        "Masks",
        "An index or colour PNG for each photo: every pixel's class, and nothing of objects.",
        masks=True,
        lists=True,
    ),
    "labelme": WrittenFormat(
        "labelme", "A JSON file beside each photo: every shape as it was drawn. It has no roles and no lists."
    ),
    "yolo": WrittenFormat(
        "YOLO segmentation",
        "A text file of polygons for each photo: no holes, and nothing that is left out of training (ignore).",
        objects=True,
        bare=True,
    ),
    "cvat": WrittenFormat(
        "CVAT for images 1.1",
        "An XML file a role: shapes as drawn, in their order, everything else as masks. It has no lists.",
        objects=True,
        stems=False,
    ),
}
"""By the name that the command line knows them under; in the order they are offered in."""
