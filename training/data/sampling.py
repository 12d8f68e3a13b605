"""Which image, which part of it, which colours: every decision behind a batch, as a pure function of (seed, step).

Random numbers come from Philox 4x64, a counter-based generator: the counter holds (epoch, image), so each image of each
epoch has a stream of its own that needs no history. numpy promises that the raw output of its bit generators never
changes between versions, which it does not for the distributions of `Generator`; so only raw output is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from training.data.balance import Balance
from training.data.color import Color, draw_color
from training.data.resample import nearest
from training.data.spec import BatchSpec

_ORDER, _SAMPLE, _BALANCE = 0, 1, 2  # what a stream is for: second half of the Philox key
_DRAWS = 8  # scale, top, left, flip, brightness, contrast, saturation, hue; each always in its place
_BY_CLASS = 4  # whether at all, class, image, pixel


@dataclass(frozen=True)
class Span:
    """One axis of a sample: `length` source pixels from `start` on become `size` pixels from `offset` on."""

    start: int
    length: int
    offset: int
    size: int

    def nearest(self, *, flip: bool = False) -> NDArray[np.intp]:
        """Return the source pixel of each of the `size` output pixels, in reverse when flipped."""
        pixels = self.start + nearest(self.length, self.size)
        return pixels[::-1] if flip else pixels


@dataclass(frozen=True)
class Sample:
    """One image of a batch.

    Attributes:
        image: its index in the source.
        rows: which of its rows go where.
        columns: likewise.
        flip: whether what lands in the span is mirrored left to right; padding stays where it is.
        color: how colours change, None for not at all.
    """

    image: int
    rows: Span
    columns: Span
    flip: bool
    color: Color | None


def whole(image: int, height: int, width: int) -> Sample:
    """Return the sample that shows an image of this size as it is."""
    return Sample(image, Span(0, height, 0, height), Span(0, width, 0, width), flip=False, color=None)


def canvas(samples: Sequence[Sample]) -> tuple[int, int]:
    """Return the (height, width) that holds every one of the samples."""
    return (
        max(sample.rows.offset + sample.rows.size for sample in samples),
        max(sample.columns.offset + sample.columns.size for sample in samples),
    )


@dataclass(frozen=True)
class Sampler:
    """Draws the samples of a step.

    Every epoch is a permutation of the images of its own; global sample i = step * batch_size + j is in epoch
    i // len(indices). Batches run on over the end of an epoch, so none is short.

    Where some samples are drawn by class, an epoch is still as many samples as there are images and each image has its
    turn in it, but with probability `spec.balance` the turn goes to an image of a class that is drawn instead.

    Attributes:
        sizes: (images, 2) height and width of every image of the source.
        indices: the images to draw from.
        spec: what is done to them.
        seed: any integer; taken modulo 2**64.
        batch_size: samples of a step over all ranks.
        rank: which share of them is ours.
        world: number of shares.
        balance: where the classes are, for what is drawn by class; None: nothing is.
    """

    sizes: NDArray[np.int64]
    indices: tuple[int, ...]
    spec: BatchSpec
    seed: int
    batch_size: int
    rank: int = 0
    world: int = 1
    balance: Balance | None = None

    def __post_init__(self) -> None:
        if not self.indices:
            raise ValueError("there is no image to draw from")
        if not 0 <= self.rank < self.world <= self.batch_size:
            raise ValueError(f"rank {self.rank} of {self.world} has no share of a batch of {self.batch_size}")

    def samples(self, step: int) -> tuple[Sample, ...]:
        """Return our share of the samples of this step, in the order of the global batch."""
        return self._between(step, self.rank, self.rank + 1)

    def size(self, step: int, samples: Sequence[Sample]) -> tuple[int, int]:
        """Return the (height, width) of this step's batch, which is that of every rank's share.

        Args:
            step: of the batch.
            samples: our share of it.
        """
        if self.spec.crop:
            return self.spec.crop
        return canvas(samples if self.world == 1 else self._between(step, 0, self.world))

    def _between(self, step: int, first: int, end: int) -> tuple[Sample, ...]:
        share = range(self.batch_size * first // self.world, self.batch_size * end // self.world)
        return tuple(self._sample(step * self.batch_size + j) for j in share)

    def _sample(self, i: int) -> Sample:
        epoch, position = divmod(i, len(self.indices))
        image = self.indices[permutation(self.seed, epoch, len(self.indices))[position]]
        draws = uniforms(self.seed, epoch, image)
        image, through = self._by_class(epoch, image)
        height, width = self.sizes[image].tolist()
        scale = draw_scale(self.spec, draws[0])
        crop = self.spec.crop or (None, None)
        return Sample(
            image=image,
            rows=draw_span(height, scale, crop[0], draws[1], through[0]),
            columns=draw_span(width, scale, crop[1], draws[2], through[1]),
            flip=draws[3] < self.spec.flip,
            color=draw_color(self.spec, draws[4:8]) if self.spec.jitters else None,
        )

    def _by_class(self, epoch: int, image: int) -> tuple[int, tuple[int, int] | tuple[None, None]]:
        """Return the image that has the turn of this one, and a pixel of it that the crop is to show, if any.

        Which is a function of (seed, epoch, image) as everything else, drawn from a stream of its own.
        """
        if self.balance is None:
            return image, (None, None)
        whether, *which, where = uniforms(self.seed, epoch, image, _BALANCE, _BY_CLASS)
        if whether >= self.spec.balance:
            return image, (None, None)
        label, image = self.balance.draw(*which)
        return image, self.balance.pixel(image, label, where) if self.spec.crop else (None, None)


@lru_cache(maxsize=16)
def permutation(seed: int, epoch: int, count: int) -> NDArray[np.intp]:
    """Return the order of `count` images in this epoch, read-only."""
    keys = _philox(seed, _ORDER, epoch, 0).random_raw(count)
    order = np.argsort(keys, kind="stable")
    order.flags.writeable = False
    return order


def uniforms(seed: int, epoch: int, image: int, purpose: int = _SAMPLE, count: int = _DRAWS) -> list[float]:
    """Return the draws of one image in one epoch, each in [0, 1) with 53 random bits."""
    raw = _philox(seed, purpose, epoch, image).random_raw(count)
    draws: list[float] = ((raw >> np.uint64(11)) * 2.0**-53).tolist()
    return draws


def draw_scale(spec: BatchSpec, draw: float) -> float:
    """Turn a draw into a factor on the image's size."""
    if spec.scales:
        return spec.scales[int(draw * len(spec.scales))]
    low, high = spec.scale
    return float(low * (high / low) ** draw)


def draw_span(length: int, scale: float, crop: int | None, draw: float, through: int | None = None) -> Span:
    """Choose what one axis shows.

    The source window is a whole number of pixels, so photo and labels share it exactly and only these pixels are
    ever touched; it is resized to the crop, which rounds the factor by less than one source pixel per crop.

    Args:
        length: pixels of the image along this axis.
        scale: factor on the image's size.
        crop: pixels of the sample, or None for the whole image.
        draw: where the window lies in the image, or, where it is larger, the image in the window.
        through: a pixel that the window is to contain; None: any.
    """
    if crop is None:
        return Span(0, length, 0, max(1, round(length * scale)))
    window = max(1, round(crop / scale))
    if window <= length:
        first, last = 0, length - window
        if through is not None:
            first, last = max(first, through - window + 1), min(last, through)
        return Span(first + int(draw * (last - first + 1)), window, 0, crop)
    size = max(1, round(length * crop / window))
    return Span(0, length, int(draw * (crop - size + 1)), size)


def _philox(seed: int, purpose: int, epoch: int, image: int) -> np.random.Philox:
    # The lowest word counts up as numbers are taken; the others make the stream.
    # As uint64 from the start: numpy would turn a list with a number over 2**63 into floats.
    key = np.array([seed % 2**64, purpose], np.uint64)
    return np.random.Philox(key=key, counter=np.array([0, epoch, image, 0], np.uint64))
