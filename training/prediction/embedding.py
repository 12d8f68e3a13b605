"""A photo as one vector: the mean over all places of its network's deepest features.

The deepest features are those of the encoder's output of the fewest pixels, the last of them that is computed: what a
classifier's global pooling would see. No part of the decoder, and no label, has a say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor, nn

from training.architectures.contract import Architecture


class Embedder:
    """Looks on while a network runs, and keeps the mean of its deepest features."""

    def __init__(self, architecture: Architecture) -> None:
        """Look at nothing yet; see `watching`."""
        self._encoder = architecture.encoder()
        self._deepest: Tensor | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch whatever runs inside; an encoder may be called whole or in its parts."""
        self._deepest = None
        handles = [module.register_forward_hook(self._see) for module in self._encoder.modules()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def means(self) -> Tensor:
        """Return the vectors of the photos that ran last, float32 (N, channels), on the CPU.

        Raises:
            RuntimeError: nothing ran, or the encoder has no feature maps.
        """
        if self._deepest is None:
            raise RuntimeError("the encoder computed no feature map (N, channels, height, width)")
        return self._deepest.float().mean(dim=(2, 3)).cpu()

    def _see(self, module: nn.Module, inputs: object, output: object) -> None:
        for tensor in _tensors(output):
            if tensor.ndim == 4 and (self._deepest is None or _pixels(tensor) <= _pixels(self._deepest)):
                self._deepest = tensor


def _tensors(output: object) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, Sequence) and not isinstance(output, str):
        for value in output:
            yield from _tensors(value)


def _pixels(tensor: Tensor) -> int:
    return tensor.shape[2] * tensor.shape[3]
