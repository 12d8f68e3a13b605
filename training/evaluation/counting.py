"""Exact confusion counts of two index maps.

Every figure of an evaluation comes from these integers, so they are int64 from end to end. The CPU way leans on
OpenCV's two-dimensional histogram, which reads the uint8 maps as they are, where numpy must first widen and join them.
"""

from __future__ import annotations

from typing import NoReturn

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from labeling.annotation import IGNORE

# OpenCV hands its counts out as float32, which holds integers exactly up to 2^24: no chunk may hold more pixels.
_CHUNK_PIXELS = 1 << 24
# Bounds what `count_tensor` allocates beside its inputs (4 bytes a pixel).
_TENSOR_CHUNK_PIXELS = 1 << 24


def count(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], k_truth: int, k_model: int) -> NDArray[np.int64]:
    """Count how often each truth class was predicted as each model class.

    Args:
        truth: class map, uint8 of any shape; 255 is ignored, all else must be below `k_truth`.
        prediction: uint8 of the same shape; below `k_model` everywhere, also where truth is ignored.
        k_truth: number of truth classes, 1..254.
        k_model: number of the model's classes, 1..256.

    Returns:
        int64 (k_truth, k_model); rows are truth. Exact for any number of pixels.

    Raises:
        ValueError: the maps differ in shape or are not uint8, or hold values outside their classes (named).

    Example:
        >>> count(np.array([0, 1, 1, 255], np.uint8), np.array([0, 1, 0, 1], np.uint8), 2, 2)
        array([[1, 0],
               [1, 1]])
    """
    _check_maps(truth, prediction, k_truth, k_model)
    flat_truth = np.ascontiguousarray(truth).reshape(1, -1)
    flat_prediction = np.ascontiguousarray(prediction).reshape(1, -1)
    total = np.zeros((256, k_model), np.int64)
    for start in range(0, truth.size, _CHUNK_PIXELS):
        chunk = slice(start, start + _CHUNK_PIXELS)
        total += _histogram(flat_truth[:, chunk], flat_prediction[:, chunk], k_model)
    # A prediction at or above k_model falls out of the histogram; a truth value never does.
    if total.sum() != truth.size or total[k_truth:IGNORE].any():
        _refuse_values(truth, prediction, k_truth, k_model)
    return total[:k_truth].copy()


def count_tensor(total: Tensor, truth: Tensor, prediction: Tensor) -> None:
    """Add the confusion counts of two maps to `total`, on the device where they lie, without a transfer.

    Args:
        total: int64 (k_truth, k_model), changed in place.
        truth: class map of any shape and integer type, 0..255; 255 is ignored, all else must be below k_truth.
        prediction: same shape, any integer type, 0..255; below k_model everywhere.

    Raises:
        ValueError: as `count` does.
    """
    if truth.shape != prediction.shape:
        raise ValueError(f"expected maps of one shape, found truth {tuple(truth.shape)}, {tuple(prediction.shape)}")
    k_truth, k_model = total.shape
    flat_truth, flat_prediction = truth.reshape(-1), prediction.reshape(-1)
    # 256 x 256 cells hold every pair of bytes, wrong ones too: no mask, and one look at the device to check them all.
    cells = torch.zeros(256 * 256, dtype=torch.int64, device=total.device)
    for start in range(0, truth.numel(), _TENSOR_CHUNK_PIXELS):
        chunk = slice(start, start + _TENSOR_CHUNK_PIXELS)
        joined = flat_truth[chunk].to(torch.int32).mul_(256).add_(flat_prediction[chunk])
        cells += torch.bincount(joined, minlength=256 * 256)
    table = cells.view(256, 256)
    wrong = table[k_truth:IGNORE].sum() + table[:, k_model:].sum()
    if wrong.item():
        _refuse_values(truth.cpu().numpy(), prediction.cpu().numpy(), k_truth, k_model)
    total += table[:k_truth, :k_model]


def _histogram(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], k_model: int) -> NDArray[np.int64]:
    # All 256 truth values get a row: skipping the ignored ones would cost a mispredicted branch at every border.
    table = cv2.calcHist([truth, prediction], [0, 1], None, [256, k_model], [0, 256, 0, k_model])
    return table.astype(np.int64)


def _check_maps(truth: NDArray[np.uint8], prediction: NDArray[np.uint8], k_truth: int, k_model: int) -> None:
    if truth.shape != prediction.shape:
        raise ValueError(f"expected maps of one shape, found truth {truth.shape}, prediction {prediction.shape}")
    if truth.dtype != np.uint8 or prediction.dtype != np.uint8:
        raise ValueError(f"expected uint8 maps, found truth {truth.dtype}, prediction {prediction.dtype}")
    if not (1 <= k_truth <= IGNORE and 1 <= k_model <= 256):
        raise ValueError(f"expected 1..255 truth and 1..256 model classes, found {k_truth} and {k_model}")


def _refuse_values(truth: NDArray, prediction: NDArray, k_truth: int, k_model: int) -> NoReturn:
    wrong_truth = [int(value) for value in np.unique(truth) if k_truth <= value != IGNORE]
    if wrong_truth:
        raise ValueError(f"expected truth values below {k_truth} or {IGNORE} (ignored), found {wrong_truth}")
    wrong = [int(value) for value in np.unique(prediction) if value >= k_model]
    raise ValueError(f"expected predicted values below {k_model}, found {wrong}")
