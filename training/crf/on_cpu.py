"""The mean field of one image in compiled loops, shared by the threads that torch may use.

The arithmetic of `training.crf.lattice` and `training.crf.gaussian`; torch would pass over all values of all pixels
once for each of its operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.crf import kernels
from training.crf.gaussian import normalisation, taps
from training.crf.lattice import hash_factors, hash_steps, plane
from training.crf.parameters import CrfParameters

_PARTS = 4
"""For each thread: who is done earlier takes more of them."""

Floats = NDArray[np.float32]


def beliefs(unary: Tensor, features: Tensor, width: int, parameters: CrfParameters) -> Iterator[Tensor]:
    """Yield the beliefs after 0, 1, 2 ... iterations, without an end.

    Args:
        unary: float32 (P, K), logits.
        features: float32 (P, 5) of the bilateral kernel.
        width: of the image, whose P pixels come row by row.
        parameters: of the kernels.

    Yields:
        float32 (P, K), overwritten by the iteration after the next.
    """
    logits = np.ascontiguousarray(unary.numpy())
    (pixels, classes), height = logits.shape, len(logits) // width
    near = taps(parameters.smoothness_xy, max(height, width))
    rows, columns = normalisation(near, height).numpy(), normalisation(near, width).repeat_interleave(classes).numpy()
    with ThreadPoolExecutor(torch.get_num_threads(), "crf") as pool:
        over = partial(_share, pool, torch.get_num_threads())
        lattice = _Lattice(np.ascontiguousarray(features.numpy()), over) if parameters.appearance else None
        belief, message = logits.copy(), np.zeros_like(logits)
        over(pixels, kernels.softmax, belief)
        while True:
            yield torch.from_numpy(belief)
            if lattice is not None:
                lattice.filter(belief, message)
            over(pixels, kernels.scale_and_add, message, parameters.appearance, logits)
            if parameters.smoothness:
                lines, out = belief.reshape(height, -1), message.reshape(height, -1)
                weight = parameters.smoothness
                over(height, kernels.smooth, lines, near.numpy(), rows, columns, classes, weight, out)
            over(pixels, kernels.softmax, message)
            belief, message = message, belief


def _share(pool: ThreadPoolExecutor, threads: int, count: int, loop: Callable[..., None], *arguments: Any) -> None:
    """Call a loop for parts of its range, side by side."""
    parts = _PARTS * threads if threads > 1 else 1
    bounds = [count * part // parts for part in range(parts + 1)]
    for _ in pool.map(lambda span: loop(*arguments, *span), pairwise(bounds)):
        pass  # a fault in a thread is raised here


class _Lattice:
    """The corners around the pixels of an image, as `training.crf.lattice.Lattice` has them."""

    def __init__(self, features: Floats, over: Callable[..., None]) -> None:
        count = len(features)
        factors = hash_factors(features.shape[1])
        hashes = np.empty((count, kernels.CORNERS), np.uint64)
        self._over = over
        self._slice = np.empty(hashes.shape, np.float32)
        basis = plane(features.shape[1]).float().numpy()
        over(count, kernels.enclose, features, basis, _unsigned(factors), hashes, self._slice)
        self._numbers = np.empty(hashes.shape, np.int32)
        known, table, bits = self._number(hashes)
        self._corners = len(known)
        self._after = np.empty((kernels.CORNERS, self._corners), np.int32)
        self._before = np.full_like(self._after, self._corners)
        steps = _unsigned(torch.stack(hash_steps(factors)))
        over(self._corners, kernels.neighbours, known, table, bits, steps, self._after, self._before)
        self._starts = np.zeros(self._corners + 2, np.int32)
        self._pixels = np.empty(self._numbers.size, np.int32)
        self._splat = np.empty(self._numbers.size, np.float32)
        kernels.by_corner(self._numbers, self._slice, self._starts, self._pixels, self._splat)
        self._buffers = np.zeros((2, self._corners + 1, 1), np.float32)
        total = np.empty((count, 1), np.float32)
        self.filter(np.ones_like(total), total)
        scale = 1 / np.sqrt(total)
        self._slice *= scale
        self._splat *= scale[self._pixels, 0]

    def _number(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int32], int]:
        """Number the corners; return their hashes, the table to find them in, and the bits of its size."""
        for most in (len(hashes), hashes.size):  # of a photo there are seldom more corners than pixels
            bits = (2 * most).bit_length()
            known, table = np.empty(most, np.uint64), np.full(1 << bits, -1, np.int32)
            if (found := kernels.number(hashes, self._numbers, known, table, bits)) >= 0:
                break
        return known[:found], table, bits

    def filter(self, values: Floats, out: Floats) -> None:
        """Write the filtered values (P, K) into `out`, normalised as `Lattice.filter` says."""
        if self._buffers.shape[2] != values.shape[1]:
            self._buffers = np.zeros((2, self._corners + 1, values.shape[1]), np.float32)
        now, then = self._buffers
        self._over(self._corners, kernels.splat, values, self._starts, self._pixels, self._splat, now)
        for after, before in zip(self._after, self._before, strict=True):
            self._over(self._corners, kernels.blur, now, after, before, then)
            now, then = then, now
        self._over(len(out), kernels.slice_, now, self._numbers, self._slice, out)


def _unsigned(numbers: Tensor) -> NDArray[np.uint64]:
    return numbers.numpy().view(np.uint64)
