"""The codecs; `labeling.formats.base` is their contract, `labeling.formats.names` tells people of them."""

from labeling.formats import ade20k, camvid, cihp, pets
from labeling.formats.base import Codec
from labeling.formats.cityscapes import codec as cityscapes
from labeling.formats.coco import codec as coco
from labeling.formats.cocostuff import codec as cocostuff
from labeling.formats.cvat import codec as cvat
from labeling.formats.labelme import codec as labelme
from labeling.formats.labelstudio import codec as labelstudio
from labeling.formats.masks import codec as masks
from labeling.formats.panoptic import codec as panoptic
from labeling.formats.supervisely import codec as supervisely
from labeling.formats.voc import codec as voc
from labeling.formats.yolo import codec as yolo

CODECS: dict[str, Codec] = {
    "labelme": labelme,
    "coco": coco,
    "panoptic": panoptic,
    "cocostuff": cocostuff,
    "voc": voc,
    "masks": masks,
    "cityscapes": cityscapes,
    "ade20k": ade20k,
    "camvid": camvid,
    "pets": pets,
    "cihp": cihp,
    "cvat": cvat,
    "yolo": yolo,
    "supervisely": supervisely,
    "labelstudio": labelstudio,
}
"""Codecs by the name that the command line and a dataset's row know them under."""
