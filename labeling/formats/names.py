"""The formats by name, as people are told of them; light, so that a command's help need not load their codecs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Asked = Literal["crowd", "border"]


@dataclass(frozen=True)
class Format:
    """A format as people are told of it.

    Attributes:
        title: its name on screen.
        sign: what one knows it by.
        labels: `shapes` (overlaps and a polygon's pixels can be chosen) or `pixels` (a value that means ignore can be).
        unlabelled: what pixels without a label usually become.
        asks: further questions it has, see `labeling.options.DatasetOptions`.
    """

    title: str
    sign: str
    labels: Literal["shapes", "pixels"]
    unlabelled: Literal["background", "ignore"]
    asks: tuple[Asked, ...] = ()


FORMATS: dict[str, Format] = {
    "labelme": Format("labelme", "a JSON file beside each photo", "shapes", "background"),
    "coco": Format("COCO", "one JSON file for many photos", "shapes", "background", ("crowd",)),
    "voc": Format("Pascal VOC", "JPEGImages and SegmentationClass", "pixels", "ignore"),
    "masks": Format("Masks", "a picture of class numbers or colours for each photo", "pixels", "ignore"),
    "cvat": Format("CVAT", "annotations.xml, of CVAT for images", "shapes", "background"),
    "supervisely": Format("Supervisely", "meta.json, and datasets with img and ann", "shapes", "background"),
}
"""By the name that the command line and a dataset's row know them under; in the order they are offered in."""
