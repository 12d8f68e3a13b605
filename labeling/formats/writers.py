"""The writers; `labeling.formats.writing` is their contract, `labeling.formats.written` tells people of them."""

from labeling.formats.coco import write as coco
from labeling.formats.cvat import write as cvat
from labeling.formats.labelme import writer as labelme
from labeling.formats.masks import write as masks
from labeling.formats.voc import write as voc
from labeling.formats.writing import Writer
from labeling.formats.written import ExportFormat
from labeling.formats.yolo import write as yolo

WRITERS: dict[ExportFormat, Writer] = {
    "coco": coco,
    "voc": voc,
    "masks": masks,
    "labelme": labelme,
    "yolo": yolo,
    "cvat": cvat,
}
"""Writers by the name that the command line knows them under."""
