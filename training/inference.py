"""From a photo to its class map: sized, run through the network whole or in windows, upsampled, then argmax.

Logits are resized to the photo's own size before the argmax, in strips of rows, so that neither a large photo nor many
classes need (classes, height, width) floats at once.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from db.errors import UserError
from training.architectures.contract import Architecture
from training.data.resample import resize_photo
from training.data.sizes import Resize
from training.loaded import LoadedModel
from training.numerics import Numerics, has_bf16_instructions, pick_device
from training.numerics import Precision as ConcretePrecision
from training.tiling import blended_rows, choose_window
from training.upsampling import Rows, upsample_strips

Item = TypeVar("Item")
Precision = ConcretePrecision | Literal["auto"]
SCORE_BINS = 100
"""Bins of a probability, equally wide; bin i holds [i, i + 1) / 100, the last one also 1."""
SCORE_VALUES = 1 << 20  # probabilities sampled per photo at most: bounds memory and time where there are many classes


@dataclass(frozen=True)
class Size:
    """The size a photo is given to the network at."""

    resize: Resize = field(default_factory=Resize)

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `original`, `HxW` or `long N`.

        Raises:
            UserError: the text is none of these.

        Example:
            >>> Size.parse("long 512").target(1000, 2000)
            (256, 512)
        """
        words = text.strip().lower()
        if words == "original":
            return cls()
        try:
            resize = Resize.parse(words)
        except UserError:
            resize = Resize()
        if resize == Resize():  # `none` is a recipe's word
            raise UserError(
                f"A size is `original`, HxW (320x480) or `long N` (the longer side), sides up to 65535, not {text!r}."
            )
        return cls(resize)

    def __str__(self) -> str:
        """Write what `parse` reads."""
        text = str(self.resize)
        return "original" if text == "none" else text

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that a photo of this size gets."""
        return self.resize.target(height, width)


@dataclass(frozen=True)
class Prediction:
    """What a network says of a photo, at the photo's own size after EXIF rotation.

    Attributes:
        index: uint8 (H, W), index into the model's classes.
        confidence: uint8 (H, W), softmax of the winning class, 0..255 for 0..1.
        scores: uint8 (K, h, w), the `SCORE_BINS` bin of every class's softmax at every `stride`-th pixel of both
            axes, beginning with the first; None unless asked for.
        stride: see `scores`.
    """

    index: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    scores: NDArray[np.uint8] | None = None
    stride: int = 1


class Predictor:
    """A model on a device, ready for photos. Its module is moved there, in channels_last, in place.

    Attributes:
        model: what predicts.
        device: where it runs.
    """

    def __init__(self, model: LoadedModel, device: torch.device, precision: Precision = "auto") -> None:
        self.model = model
        self.device = device
        self._asked = precision
        self._module = model.module.eval().to(device).to(memory_format=torch.channels_last)
        self._preprocessing = model.spec.preprocessing

    @property
    def precision(self) -> str:
        """What the network computes in; `auto` until the first photo decided."""
        return self._asked if self._asked != "auto" else _decided.get(self._module, {}).get(self.device, "auto")

    @torch.inference_mode()
    def predict(
        self, photos: Sequence[NDArray[np.uint8]], sizes: Sequence[tuple[int, int]], *, scores: bool = False
    ) -> list[Prediction]:
        """Predict photos that are already resized to one common size.

        Args:
            photos: each uint8 (h, w, 3) RGB, all of one size.
            sizes: the (height, width) that each prediction gets.
            scores: sample probabilities too.
        """
        pixels = torch.from_numpy(np.stack(photos)).to(self.device).permute(0, 3, 1, 2)
        numerics = self._numerics(self._decide(pixels[:1]))
        shape = (pixels.shape[2], pixels.shape[3])
        window = choose_window(self._module, shape, self.device)
        if window is None:
            maps = self._logits(pixels, numerics).float()
            align = self._module.align_corners
            return [
                self._finish(upsample_strips([Rows(0, one)], (one.shape[1], one.shape[2]), size, align), size, scores)
                for one, size in zip(maps, sizes, strict=True)
            ]
        found = []
        for number, size in enumerate(sizes):
            rows = blended_rows(partial(self._full_logits, numerics=numerics), pixels[number : number + 1], window)
            found.append(self._finish(upsample_strips(rows, shape, size, align_corners=False), size, scores))
        return found

    def gather(self, items: Iterable[Item], pixels: Callable[[Item], NDArray[np.uint8]]) -> Iterator[list[Item]]:
        """Put neighbours together that `predict` can take at once, in order.

        Args:
            items: photos with whatever belongs to them.
            pixels: an item's photo at the network's size, uint8 (h, w, 3).
        """
        batch: list[Item] = []
        for item in items:
            shape = pixels(item).shape
            if batch and (shape != pixels(batch[0]).shape or len(batch) >= self._batch_size(shape[0], shape[1])):
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _batch_size(self, height: int, width: int) -> int:
        """Return how many photos of this network size to give at once."""
        most = _GPU_BATCH if self.device.type == "cuda" else _CPU_BATCH
        while most > 1 and choose_window(self._module, (height, width), self.device, images=most) is not None:
            most //= 2
        return most

    def _numerics(self, precision: ConcretePrecision) -> Numerics:
        return Numerics(self.device, self._preprocessing, precision=precision, channels_last=True)

    def _logits(self, pixels: Tensor, numerics: Numerics) -> Tensor:
        with numerics.autocast():
            return self._module.logits(numerics.input(pixels)).out

    def _full_logits(self, pixels: Tensor, numerics: Numerics) -> Tensor:
        with numerics.autocast():
            return self._module(numerics.input(pixels))

    def _finish(self, strips: Iterable[Rows], size: tuple[int, int], scores: bool) -> Prediction:
        index = torch.empty(size, dtype=torch.uint8, device=self.device)
        confidence = torch.empty_like(index)
        values = self._module.num_classes * size[0] * size[1]
        stride = math.ceil(math.sqrt(max(1.0, values / SCORE_VALUES)))
        sampled: list[Tensor] = []
        for strip in strips:
            rows = slice(strip.top, strip.top + strip.logits.shape[1])
            best, winner = strip.logits.max(dim=0)
            index[rows] = winner
            confidence[rows] = (strip.logits - best).exp_().sum(dim=0).reciprocal_().mul_(255).round_()
            if scores:
                kept = strip.logits[:, -strip.top % stride :: stride, ::stride].softmax(dim=0)
                sampled.append(kept.mul_(SCORE_BINS).clamp_(max=SCORE_BINS - 1).to(torch.uint8))
        binned = torch.cat(sampled, dim=1).cpu().numpy() if scores else None
        return Prediction(index.cpu().numpy(), confidence.cpu().numpy(), binned, stride)

    def _decide(self, pixels: Tensor) -> ConcretePrecision:
        if self._asked != "auto":
            return self._asked
        decided = _decided.setdefault(self._module, {})
        if self.device not in decided:
            decided[self.device] = self._measure(pixels[..., :_PROBE_SIDE, :_PROBE_SIDE])
        return decided[self.device]

    def _measure(self, pixels: Tensor) -> ConcretePrecision:
        """Half precision on a GPU; on a CPU with bf16 instructions whichever is faster on this very photo."""
        if self.device.type == "cuda":
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
        if not has_bf16_instructions():
            return "fp32"
        seconds: dict[ConcretePrecision, float] = {}
        for precision in _CPU_PRECISIONS * 2:  # the second round counts: the first one lays out the weights
            start = time.perf_counter()
            self._logits(pixels, self._numerics(precision))
            seconds[precision] = time.perf_counter() - start
        return "bf16" if seconds["bf16"] < _CLEARLY * seconds["fp32"] else "fp32"


_GPU_BATCH, _CPU_BATCH = 16, 4  # beyond, nothing is won
_PROBE_SIDE = 512
_CPU_PRECISIONS: list[ConcretePrecision] = ["fp32", "bf16"]
_CLEARLY = 0.8  # a smaller gain is not worth the digits
_decided: weakref.WeakKeyDictionary[Architecture, dict[torch.device, ConcretePrecision]] = weakref.WeakKeyDictionary()


def predict_pixels(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    *,
    size: Size = Size(),
    device: torch.device | None = None,
    precision: Precision = "auto",
) -> Prediction:
    """Predict one photo.

    Args:
        model: moved to the device, and kept ready there for the next call.
        pixels: uint8 (H, W, 3) RGB.
        size: what the network sees; the prediction has the photo's size in any case.
        device: a GPU where there is one unless given.
        precision: what the network computes in.
    """
    predictor = Predictor(model, device or pick_device("auto"), precision)
    height, width = pixels.shape[:2]
    return predictor.predict([resize_photo(pixels, size.target(height, width))], [(height, width)])[0]
