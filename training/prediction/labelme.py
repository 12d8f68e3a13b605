"""What was predicted as a labelme file, to be corrected in labelme and imported again: one mask a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from labeling.annotation import Annotation, Layer
from labeling.formats.labelme.write import labelme_document


def labelme_json(index: NDArray[np.uint8], classes: Sequence[str], image_path: str) -> bytes:
    """Return a class map as the bytes of a labelme JSON file, which labelme from version 5.5 on reads.

    Args:
        index: uint8 (H, W), index into `classes`.
        classes: names.
        image_path: the photo, relative to where the file will lie.
    """
    height, width = index.shape
    names = dict(enumerate(classes))
    annotation = Annotation(width, height, base=Layer("", tuple(names)))
    return labelme_document(annotation, names, image_path=image_path, base=index, paint=None)
