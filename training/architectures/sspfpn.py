"""SSPFPN: a pyramid on VGG19 that stacks each level on the next finer one, up to full resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import he
from training.architectures.contract import Architecture, Logits
from training.architectures.pooling import max_pool_ceil
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.vgg import CHANNELS, VGG, VGGName


class SSPFPN(Architecture):
    """SSPFPN, a re-implementation without a public reference.

    C1..C5 are the last maps of VGG19's stages before each pooling, at stride 1 to 16. P5 is a 1x1 convolution of C5,
    and P_k one of C_k joined with P_(k+1) doubled (nearest), each of 256 channels and followed by a ReLU; a last 1x1
    convolution turns P1, at full resolution, into classes. Widths and kernels are those of the layer table of a
    student report that rebuilt it; of the paper itself its abstract was at hand, whose structure they keep. The
    report's 0.65M trained parameters are those of everything but the VGG, which it froze (`freeze_encoder`).

    The paper trains it with an affinity loss beside cross-entropy, which a recipe chooses, not the architecture.

    Deviations: inputs are normalised as torchvision's weights expect; poolings round sizes up and the doubled map is
    brought to the size of the next, so that any input size works; the table's softmax belongs to the loss.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG; with `_bn` its convolutions are normalised, which training from scratch needs.
        channels: of every level of the pyramid.
    """

    name: ClassVar[str] = "sspfpn"
    year: ClassVar[int] = 2019
    title: ClassVar[str] = "SSPFPN (VGG19)"
    summary: ClassVar[str] = (
        "Stacks coarse maps on finer ones, level by level up to every pixel; few weights of its own beside those of "
        "the VGG, so it trains well with a frozen encoder."
    )
    paper: ClassVar[str] = (
        "Yuan, Fang, Lu and Feng, ACM Transactions on Multimedia Computing, Communications, and Applications 15(3), "
        "2019, doi 10.1145/3321512"
    )
    head_key: ClassVar[str] = "head.weight"

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: VGGName = "vgg19",
        channels: Annotated[int, Field(ge=8, le=1024)] = 256,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = backbone
        self.vgg = VGG(backbone)
        coarser = (*(channels for _ in CHANNELS[:-1]), 0)
        self.fuse = nn.ModuleList(
            he(nn.Conv2d(own + other, channels, 1)) for own, other in zip(CHANNELS, coarser, strict=True)
        )
        self.head = he(nn.Conv2d(channels, num_classes, 1))

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 1."""
        padded = h = pad_small(x, 17)  # the coarsest maps, which a backbone with `bn` normalises, are at stride 16
        maps = [self.vgg.stage(0, h)]
        for index in range(1, len(CHANNELS)):
            maps.append(self.vgg.stage(index, max_pool_ceil(maps[-1], 2)))
        *finer, coarsest = maps
        *fuse, first = self.fuse
        h = F.relu(first(coarsest))
        for own, convolution in zip(reversed(finer), reversed(fuse), strict=True):
            doubled = F.interpolate(h, size=own.shape[-2:], mode="nearest")
            h = F.relu(convolution(torch.cat([own, doubled], dim=1)))
        return Logits(cut_padding(self.head(h), x, padded))

    def encoder(self) -> nn.Module:
        """Return the VGG."""
        return self.vgg

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, the pyramid."""
        return {
            "encoder": list(self.vgg.parameters()),
            "head": [*self.fuse.parameters(), *self.head.parameters()],
        }
