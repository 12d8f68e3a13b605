"""Boundaries of one image: our counts beside the definitions done class by class with SciPy and OpenCV.

    python -m benchmarks.boundary [--height 360] [--width 480] [--classes 11]

Both count the same pixels of the same generated maps, in one thread; that the counts are equal is checked first. Prints
one JSON line of milliseconds (the median of several runs).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from training.evaluation.derived.boundary import boundary_counts
from training.evaluation.derived.boundary_figures import TOLERANCE, WIDTH

Map = NDArray[np.uint8]


def main() -> None:
    """Measure and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--height", type=int, default=360)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--classes", type=int, default=11)
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    truth, prediction = _maps(chosen.height, chosen.width, chosen.classes)
    if not np.array_equal(
        boundary_counts(truth, prediction, chosen.classes), by_class(truth, prediction, chosen.classes)
    ):
        raise SystemExit("The two count different pixels: nothing to compare.")
    ours = _milliseconds(lambda: boundary_counts(truth, prediction, chosen.classes), 20)
    peer = _milliseconds(lambda: by_class(truth, prediction, chosen.classes), 3)
    line = vars(chosen) | {"ours_ms": ours, "by_class_ms": peer, "times": peer / ours}
    print(json.dumps({key: round(value, 1) for key, value in line.items()}))


def by_class(truth: Map, prediction: Map, classes: int) -> NDArray[np.int64]:
    """Count one class after the other, as one writes the definitions down; there are no ignored pixels."""
    cross = ndimage.generate_binary_structure(2, 1)
    diagonal = float(np.hypot(*truth.shape))
    rows = []
    for index in range(classes):
        lines = [(labels == index) & ndimage.binary_dilation(labels != index, cross) for labels in (truth, prediction)]
        near = [ndimage.distance_transform_edt(~line) < TOLERANCE * diagonal for line in lines]
        strips = [_strip(labels == index, max(1, round(WIDTH * diagonal))) for labels in (truth, prediction)]
        counted = (lines[0], lines[0] & near[1], lines[1], lines[1] & near[0])
        rows.append([each.sum() for each in (*counted, strips[0] & strips[1], strips[0] | strips[1])])
    return np.array(rows)


def _strip(mask: NDArray[np.bool_], times: int) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1).astype(np.uint8)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=times)[1:-1, 1:-1]
    return np.asarray(mask & (eroded == 0))


def _maps(height: int, width: int, classes: int) -> tuple[Map, Map]:
    """Return blobs, and blobs that are mostly the same."""
    generator = np.random.default_rng(0)

    def smooth(side: int) -> NDArray[np.float32]:
        small = generator.random((classes, side, side), np.float32)
        return np.stack([cv2.resize(each, (width, height), interpolation=cv2.INTER_CUBIC) for each in small])

    truth = smooth(12)
    prediction = truth + 0.3 * smooth(40)
    return np.asarray(truth.argmax(axis=0), np.uint8), np.asarray(prediction.argmax(axis=0), np.uint8)


def _milliseconds(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - start))
    return statistics.median(found)


if __name__ == "__main__":
    main()
