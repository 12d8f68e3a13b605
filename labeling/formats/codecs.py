"""The codecs; `labeling.formats.base` is their contract, `labeling.formats.names` tells people of them."""

from labeling.formats.base import Codec
from labeling.formats.coco import codec as coco
from labeling.formats.cvat import codec as cvat
from labeling.formats.labelme import codec as labelme
from labeling.formats.masks import codec as masks
from labeling.formats.supervisely import codec as supervisely
from labeling.formats.voc import codec as voc

CODECS: dict[str, Codec] = {
    "labelme": labelme,
    "coco": coco,
    "voc": voc,
    "masks": masks,
    "cvat": cvat,
    "supervisely": supervisely,
}
"""Codecs by the name that the command line and a dataset's row know them under."""
