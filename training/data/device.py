"""Batches made where the training runs: the pack lives in the device's memory and whole batches are cut from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from labeling.annotation import IGNORE
from training.data.balance import balance_of
from training.data.batches import Batch, Batches, BatchMaker
from training.data.color import GREY
from training.data.packed import Pack, offsets, pack_bytes
from training.data.sampling import Sample, Sampler, Span
from training.data.source import Source
from training.data.spec import BatchSpec

Placement = Literal["host", "device"]

KEPT_FREE = 0.5
"""Share of the device's free memory that is left for the training itself."""


class DeviceBatches:
    """The batches of `Batches`, made on the device: same images, windows, flips and factors.

    Labels are equal in every pixel; photos differ by rounding only (interpolated in float here, in fixed point by
    cv2). Images of all sizes lie one after the other in one tensor of pixels, so a batch is four gathers (the corners
    of linear interpolation) and one for the labels, however its images differ in size.

    Args: as `Batches`; `source` is copied to the device, of it only `indices`.
    """

    def __init__(
        self,
        source: Source,
        indices: Sequence[int],
        spec: BatchSpec,
        *,
        seed: int,
        batch_size: int,
        device: torch.device | str,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        balance = balance_of(source, indices) if spec.balance else None
        self._sampler = Sampler(source.sizes, tuple(indices), spec, seed, batch_size, rank, world, balance)
        self._device = torch.device(device)
        self._widths = source.sizes[:, 1]
        own = sorted(set(indices))
        ends = offsets(source.sizes[own])
        self._starts = dict(zip(own, ends[:-1].tolist(), strict=True))
        self._photos = torch.empty((int(ends[-1]), 3), dtype=torch.uint8, device=self._device)
        self._maps = torch.empty(int(ends[-1]), dtype=torch.uint8, device=self._device)
        for image, start, end in zip(own, ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            # Copied first: torch warns of arrays that are read-only, as views of a pack are.
            self._photos[start:end] = torch.from_numpy(source.image(image).reshape(-1, 3).copy())
            self._maps[start:end] = torch.from_numpy(source.class_map(image).reshape(-1).copy())
        self._padding = torch.tensor(spec.padding, dtype=torch.uint8, device=self._device)

    def batch(self, step: int) -> Batch:
        """Return the batch of this step."""
        samples = self._sampler.samples(step)
        height, width = self._sampler.size(step, samples)
        mirrored = self._tensor([sample.flip for sample in samples])
        rows = _Axis(self._spans([sample.rows for sample in samples]), height, None)
        columns = _Axis(self._spans([sample.columns for sample in samples]), width, mirrored)
        inside = rows.inside[:, :, None] & columns.inside[:, None, :]
        pixels = self._interpolate(samples, rows, columns)
        if self._sampler.spec.jitters:
            pixels = self._jitter(pixels, inside, samples)
        bytes_ = pixels.round_().clamp_(0, 255).to(torch.uint8)
        bytes_ = torch.where(inside[..., None], bytes_, self._padding)
        labels = self._maps[self._positions(samples, rows.nearest, columns.nearest)]
        labels = labels.masked_fill_(~inside, IGNORE)
        return Batch(bytes_.permute(0, 3, 1, 2), labels, tuple(sample.image for sample in samples))

    def _interpolate(self, samples: Sequence[Sample], rows: _Axis, columns: _Axis) -> Tensor:
        """Return float32 (N, H, W, 3), linear between the four nearest pixels of the window."""

        def at(row: Tensor, column: Tensor) -> Tensor:
            return self._photos[self._positions(samples, row, column)].float()

        right = columns.weight[:, None, :, None]
        top = torch.lerp(at(rows.low, columns.low), at(rows.low, columns.high), right)
        bottom = torch.lerp(at(rows.high, columns.low), at(rows.high, columns.high), right)
        return torch.lerp(top, bottom, rows.weight[:, :, None, None])

    def _jitter(self, pixels: Tensor, inside: Tensor, samples: Sequence[Sample]) -> Tensor:
        colors = [sample.color for sample in samples if sample.color]
        matrices = self._tensor(np.stack([color.matrix for color in colors]).astype(np.float32))
        pivots = self._tensor(np.array([color.pivot for color in colors], np.float32))
        shown = inside[..., None]
        mean = (pixels * shown).sum(dim=(1, 2)) / shown.sum(dim=(1, 2))
        grey = mean @ self._tensor(GREY.astype(np.float32))
        changed = torch.bmm(pixels.flatten(1, 2), matrices.transpose(1, 2)) + (pivots * grey)[:, None, None]
        return changed.view_as(pixels)

    def _positions(self, samples: Sequence[Sample], rows: Tensor, columns: Tensor) -> Tensor:
        """Return int64 (N, H, W), where in the flat pixels each row and column of each sample is."""
        starts = self._tensor([self._starts[sample.image] for sample in samples])[:, None, None]
        widths = self._tensor([int(self._widths[sample.image]) for sample in samples])[:, None, None]
        return starts + rows[:, :, None] * widths + columns[:, None, :]

    def _spans(self, spans: Sequence[Span]) -> Tensor:
        return self._tensor([[span.start, span.length, span.offset, span.size] for span in spans])

    def _tensor(self, values: object) -> Tensor:
        return torch.as_tensor(values, device=self._device)


class _Axis:
    """Where the output pixels of one axis look, for a whole batch; every attribute is (N, size).

    Attributes:
        inside: whether the pixel shows the image; the others of its attributes are valid but meaningless.
        nearest: the source pixel that contains its centre.
        low: the source pixel before its centre.
        high: the one after.
        weight: float32, how much of `high`.
    """

    def __init__(self, spans: Tensor, size: int, mirrored: Tensor | None) -> None:
        start, length, offset, shown = spans.unsqueeze(2).unbind(1)
        pixel = torch.arange(size, device=spans.device)[None] - offset
        self.inside = (pixel >= 0) & (pixel < shown)
        pixel = torch.minimum(pixel.clamp(min=0), shown - 1)
        if mirrored is not None:
            pixel = torch.where(mirrored[:, None], shown - 1 - pixel, pixel)
        # The same integer rule as training.data.resample.nearest.
        self.nearest = start + (2 * pixel + 1) * length // (2 * shown)
        centre = (2 * pixel + 1) * length - shown  # (pixel + 0.5) * length / shown - 0.5, in units of 1 / (2 * shown)
        centre = torch.minimum(centre.clamp(min=0), 2 * shown * (length - 1))
        low = centre // (2 * shown)
        self.weight = (centre - low * 2 * shown).float() / (2 * shown)
        self.low = start + low
        self.high = start + torch.minimum(low + 1, length - 1)


def choose_placement(source: Source, indices: Sequence[int], device: torch.device | str) -> Placement:
    """Decide once, for a run to remember, where its batches are made.

    Returns:
        `device` on CUDA where the images are packed and take at most half of the memory that is free now, else `host`:
        what is too large for a pack, or was to have none, is not decoded whole before the first step either.
    """
    device = torch.device(device)
    if device.type != "cuda" or not isinstance(source, Pack):
        return "host"
    free, _ = torch.cuda.mem_get_info(device)
    needed = pack_bytes(source.sizes[sorted(set(indices))])
    return "device" if needed <= (1 - KEPT_FREE) * free else "host"


def make_batches(
    source: Source,
    indices: Sequence[int],
    spec: BatchSpec,
    *,
    seed: int,
    batch_size: int,
    device: torch.device | str,
    placement: Placement = "host",
    rank: int = 0,
    world: int = 1,
) -> BatchMaker:
    """Make batches on the host or on the device; see `Batches` for the arguments, `choose_placement` for placement."""
    kind = DeviceBatches if placement == "device" else Batches
    return kind(source, indices, spec, seed=seed, batch_size=batch_size, device=device, rank=rank, world=world)
