"""The naive network: convolutions at full resolution, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import he
from training.architectures.contract import Architecture, Logits
from training.architectures.sizes import cut_padding, pad_small


class PlainConv(Architecture):
    """3x3 convolutions at the image's own resolution and a 1x1 convolution to the classes.

    What lectures begin with, to show why networks go down: every layer costs the whole image, and after n layers a
    pixel has seen only 2n + 1 pixels a side (11 with the default five). A baseline to beat. No paper fixes its width
    and depth; those here are ours, and so is the batch normalisation.

    Args:
        num_classes: K, 1..254.
        width: channels of every layer.
        layers: 3x3 convolutions, one after the other.
        batch_norm: normalise after each of them.
    """

    name: ClassVar[str] = "plainconv"
    year: ClassVar[int] = 2015
    title: ClassVar[str] = "Plain convolutions"
    summary: ClassVar[str] = (
        "A few convolutions at full resolution, each pixel seeing only its near surroundings; a baseline that shows "
        "what all others gain."
    )
    paper: ClassVar[str] = (
        "None: the first idea in lectures on segmentation. Why it is not enough: Long et al., Fully Convolutional "
        "Networks for Semantic Segmentation, CVPR 2015, arXiv 1411.4038"
    )
    head_key: ClassVar[str] = "head.weight"

    def __init__(
        self,
        num_classes: int,
        *,
        width: Annotated[int, Field(ge=1, le=1024)] = 64,
        layers: Annotated[int, Field(ge=1, le=64)] = 5,
        batch_norm: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet_note = "The plain stack has no ImageNet weights; every other architecture with an encoder has."
        self.stack = nn.Sequential()
        for index in range(layers):
            convolution = he(nn.Conv2d(width if index else 3, width, 3, padding=1, bias=not batch_norm))
            self.stack.extend([convolution, *([nn.BatchNorm2d(width)] if batch_norm else []), nn.ReLU(inplace=True)])
        self.head = nn.Conv2d(width, num_classes, 1)

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 1."""
        padded = pad_small(x, 2)  # for the batch normalisation of a single image
        return Logits(cut_padding(self.head(self.stack(padded)), x, padded))

    def encoder(self) -> nn.Module:
        """Return everything but the last 1x1 convolution."""
        return self.stack

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`."""
        return {"encoder": list(self.stack.parameters()), "head": list(self.head.parameters())}
