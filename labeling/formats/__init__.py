"""One codec a file; `labeling.formats.base` is their contract, `CODECS` their names."""

from labeling.formats import coco, labelme, masks, voc
from labeling.formats.base import Codec

CODECS: dict[str, Codec] = {"labelme": labelme, "coco": coco, "voc": voc, "masks": masks}
"""Codecs by the name that the command line and a dataset's row know them under."""
