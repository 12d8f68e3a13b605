"""Confusion counting beside numpy's masked bincount and torchmetrics, in one run.

    python -m benchmarks.counting

Prints one JSON object per image kind: milliseconds of each way (the best of several), and how many times faster
ours is. The same maps go in; torchmetrics gets them as the int64 tensors it wants, converted outside the clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.classification import multiclass_confusion_matrix

from training.evaluation.counting import count

KINDS = ((360, 480, 11), (1024, 2048, 19), (512, 512, 150))


def main() -> None:
    """Measure every kind of image and print its line."""
    for height, width, classes in KINDS:
        truth, prediction = _maps(height, width, classes)
        tensors = torch.from_numpy(prediction).long(), torch.from_numpy(truth).long()
        np.testing.assert_array_equal(count(truth, prediction, classes, classes), _numpy(truth, prediction, classes))
        ours = _milliseconds(partial(count, truth, prediction, classes, classes))
        numpy = _milliseconds(partial(_numpy, truth, prediction, classes))
        peer = _milliseconds(partial(multiclass_confusion_matrix, *tensors, num_classes=classes, ignore_index=255))
        line = {"height": height, "width": width, "classes": classes, "ours_ms": ours, "numpy_ms": numpy}
        line |= {"torchmetrics_ms": peer, "against_numpy": numpy / ours, "against_torchmetrics": peer / ours}
        print(json.dumps({key: round(value, 3) for key, value in line.items()}))


def _numpy(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
    """The usual way: mask, join, bincount."""
    mask = truth < classes
    joined = classes * truth[mask].astype(np.int64) + prediction[mask]
    return np.bincount(joined, minlength=classes * classes).reshape(classes, classes)


def _maps(height: int, width: int, classes: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Regions of some 20 pixels, a fifth of the pixels predicted at random, a twentieth ignored."""
    generator = np.random.default_rng(0)
    regions = generator.integers(0, classes, (height // 20, width // 20)).astype(np.uint8)
    truth = np.asarray(cv2.resize(regions, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    noise = generator.integers(0, classes, (height, width)).astype(np.uint8)
    prediction = np.where(generator.random((height, width)) < 0.2, noise, truth)
    truth[generator.random((height, width)) < 0.05] = 255
    return truth, prediction


def _milliseconds(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(9):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


if __name__ == "__main__":
    main()
