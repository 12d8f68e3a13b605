"""Smoothing over time: each frame's probabilities are averaged with those of the frames before.

The average is exponential, s = f * s + (1 - f) * p for a factor f, so that one map is kept whatever the length (R. G.
Brown, Smoothing, Forecasting and Prediction, 1963). It begins anew at a cut: where the colour histograms of two frames
that follow one another have less than half in common, by their intersection (Swain and Ballard, "Color indexing",
International Journal of Computer Vision 7, 1991), which what moves in the picture hardly changes.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from db.errors import UserError
from training.crf.strips import whole_map, working_size
from training.prediction.inference import Strips
from training.prediction.upsampling import Rows, upsample_strips

COMMON = 0.5
"""Share of the pixels' colours that two frames of one scene have in common at least."""
_BINS = 8  # of each channel
_SMALL = 128  # pixels on the longer side are enough for a histogram


class Smoothing:
    """The average so far. Frames must come in order.

    Where classes times pixels are more than a CRF is given (`working_size`), the average is of a smaller map.

    Attributes:
        cuts: frames at which it began anew, the first one left out.
    """

    def __init__(self, factor: float, classes: int) -> None:
        """Begin with nothing.

        Raises:
            UserError: the factor is not from 0 to below 1.
        """
        if not 0 <= factor < 1:
            raise UserError(f"The weight of the frames before is from 0 to below 1, as 0.7, not {factor:g}.")
        self._factor, self._classes = factor, classes
        self._average: Tensor | None = None
        self._histogram: NDArray[np.float32] | None = None
        self.cuts = 0

    def __call__(self, strips: Strips, photo: NDArray[np.uint8]) -> Strips:
        """Take in the next frame.

        Args:
            strips: gives the logits of the frame at a (height, width).
            photo: the frame, uint8 (H, W, 3) RGB.

        Returns:
            What gives the logarithm of the average at a (height, width).
        """
        size = working_size((photo.shape[0], photo.shape[1]), self._classes)
        now = whole_map(strips(size))[0]
        if self._is_cut(photo) or self._average is None or self._average.shape != now.shape:
            self._average = now
        else:
            self._average = self._average.to(now.device).lerp_(now, 1 - self._factor)
        logits = self._average.clamp(min=torch.finfo(now.dtype).tiny).log_()
        return lambda wanted: upsample_strips([Rows(0, logits)], size, wanted, align_corners=False)

    def dump(self) -> bytes:
        """Return all that the frames so far leave behind."""
        assert self._average is not None
        assert self._histogram is not None
        buffer = io.BytesIO()
        np.savez(buffer, average=self._average.cpu().numpy(), histogram=self._histogram, cuts=np.int64(self.cuts))
        return buffer.getvalue()

    def load(self, path: Path) -> None:
        """Go on from what was dumped.

        Raises:
            UserError: it is gone.
        """
        if not path.is_file():
            raise UserError(f"{path} is gone, from which the smoothing goes on. Add --overwrite to begin anew.")
        with np.load(path, allow_pickle=False) as kept:
            self._average = torch.from_numpy(kept["average"])
            self._histogram = kept["histogram"]
            self.cuts = int(kept["cuts"])

    def _is_cut(self, photo: NDArray[np.uint8]) -> bool:
        before, self._histogram = self._histogram, color_histogram(photo)
        cut = before is not None and float(np.minimum(before, self._histogram).sum()) < COMMON
        self.cuts += cut
        return cut


def color_histogram(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the shares of the colours of a picture, uint8 (H, W, 3), in 8 x 8 x 8 equal bins; they sum to one."""
    step = max(1, max(photo.shape[:2]) // _SMALL)
    small = np.ascontiguousarray(photo[::step, ::step])
    counts = cv2.calcHist([small], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3)
    return np.asarray(counts / counts.sum(), np.float32)
