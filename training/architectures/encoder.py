"""What every encoder keeps, so that any decoder can be put on it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Encoder(nn.Module, ABC):
    """Maps an image (N, 3, H, W) of any size to feature maps, fine to coarse.

    Attributes:
        channels: of each map.
        strides: of each map; the sides are ceil(H / stride), ceil(W / stride). The last is the output stride; with
            dilation several maps have it, as there is a map for every stage.
        imagenet: catalogue name of the weights that fit.
        exported_side: as `Architecture.exported_side`, of whatever is built on it.
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    imagenet: str
    exported_side: int = 33

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the `imagenet` checkpoint into one of this module; None for its classifier."""
        return None if key.startswith(("fc.", "classifier.")) else key

    @abstractmethod
    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W) to one (N, channels[i], ceil(H / strides[i]), ceil(W / strides[i])) per stage."""
