"""The formats by name, as people are told of them; light, so that a command's help need not load their codecs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Asked = Literal["crowd", "border", "void"]


@dataclass(frozen=True)
class Format:
    """A format as people are told of it.

    Attributes:
        title: its name on screen.
        sign: what one knows it by.
        labels: `shapes` (overlaps and a polygon's pixels can be chosen) or `pixels` (a value that means ignore can be).
        unlabelled: what pixels without a label usually become.
        asks: further questions it has, see `labeling.options.DatasetOptions`.
        tables: whether files of class names and of colours may be named for it.
    """

    title: str
    sign: str
    labels: Literal["shapes", "pixels"]
    unlabelled: Literal["background", "ignore"]
    asks: tuple[Asked, ...] = ()
    tables: bool = True


FORMATS: dict[str, Format] = {
    "labelme": Format("labelme", "a JSON file beside each photo", "shapes", "background"),
    "coco": Format("COCO", "one JSON file for many photos", "shapes", "background", ("crowd",)),
    "panoptic": Format("COCO panoptic", "panoptic_val2017.json, and a PNG a photo", "pixels", "ignore", ("crowd",)),
    "cocostuff": Format("COCO-Stuff", "stuffthingmaps, or the .mat files of the 10k", "pixels", "ignore", tables=False),
    "voc": Format("Pascal VOC", "JPEGImages and SegmentationClass", "pixels", "ignore"),
    "masks": Format("Masks", "a picture of class numbers or colours for each photo", "pixels", "ignore"),
    "cityscapes": Format("Cityscapes", "leftImg8bit and gtFine", "pixels", "ignore", ("void",), tables=False),
    "ade20k": Format(
        "ADE20K", "images and annotations of the Scene Parsing benchmark", "pixels", "ignore", tables=False
    ),
    "camvid": Format("CamVid", "32 colours, or SegNet's trainannot of 11 numbers", "pixels", "ignore"),
    "pets": Format("Oxford-IIIT Pet", "images and annotations/trimaps", "pixels", "ignore", ("border",), tables=False),
    "cihp": Format("CIHP", "Images, Category_ids and Instance_ids", "pixels", "ignore", tables=False),
    "cvat": Format("CVAT", "annotations.xml, of CVAT for images", "shapes", "background"),
    "yolo": Format("YOLO segmentation", "a text file of outlines for each photo, in labels/", "shapes", "background"),
    "supervisely": Format("Supervisely", "meta.json, and datasets with img and ann", "shapes", "background"),
    "labelstudio": Format("Label Studio", "its JSON export, a list of tasks", "shapes", "background"),
}
"""By the name that the command line and a dataset's row know them under; in the order they are offered in."""
