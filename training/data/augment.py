"""Turning samples into pixels with cv2, one image at a time: the fastest way there is on a CPU core."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from labeling.annotation import IGNORE
from training.data.resample import Pixels
from training.data.sampling import Sample
from training.data.source import Source


def render(
    source: Source, samples: Sequence[Sample], size: tuple[int, int], padding: tuple[int, int, int]
) -> tuple[Pixels, Pixels]:
    """Make the samples' pixels and labels.

    Args:
        source: photos and class maps.
        samples: what to show of which image.
        size: (height, width) of every sample; holds all spans.
        padding: RGB outside the spans, where labels are 255.

    Returns:
        uint8 (N, height, width, 3) RGB and uint8 (N, height, width).
    """
    height, width = size
    pixels = np.empty((len(samples), height, width, 3), np.uint8)
    labels = np.empty((len(samples), height, width), np.uint8)
    for n, sample in enumerate(samples):
        rows, columns = sample.rows, sample.columns
        if (rows.size, columns.size) != size:
            pixels[n] = padding
            labels[n] = IGNORE
        span = np.s_[rows.offset : rows.offset + rows.size, columns.offset : columns.offset + columns.size]
        pixels[n][span] = photo_sample(source.image(sample.image), sample)
        labels[n][span] = label_sample(source.class_map(sample.image), sample)
    return pixels, labels


def photo_sample(photo: Pixels, sample: Sample) -> Pixels:
    """Cut, resize, colour and flip a photo (H, W, 3) into (rows.size, columns.size, 3)."""
    rows, columns = sample.rows, sample.columns
    window = photo[rows.start : rows.start + rows.length, columns.start : columns.start + columns.length]
    # Linear whatever the factor, as on the GPU; see BatchSpec.scale.
    result = cv2.resize(window, (columns.size, rows.size), interpolation=cv2.INTER_LINEAR)
    if sample.color:
        result = cv2.transform(result, sample.color.affine(cv2.mean(result)[:3]))
    if sample.flip:
        result = cv2.flip(result, 1)
    return np.asarray(result, np.uint8)


def label_sample(class_map: Pixels, sample: Sample) -> Pixels:
    """Cut, resize and flip a class map (H, W) into (rows.size, columns.size); every label is one of the map's."""
    # Rows first and of the whole width: a window of columns would have to be copied before anything is taken from it.
    return class_map.take(sample.rows.nearest(), axis=0).take(sample.columns.nearest(flip=sample.flip), axis=1)
