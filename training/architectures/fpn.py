"""Feature pyramid network: coarse features added, level by level, onto fine ones."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import gcd
from typing import Annotated, ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import EncoderName, build_encoder
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.timm_encoder import TIMM_TOO

FINEST = 4
"""Stride of the finest level: the paper leaves out the maps before, for the memory they would take."""


class FPN(Architecture):
    """FPN on any encoder, with one of two heads on its pyramid.

    The pyramid (section 3): every encoder map of stride 4 and more passes a 1x1 convolution to `width` channels; from
    coarse to fine, each is scaled up by two, nearest, and added to the next. `finest` takes the finest sum through the
    3x3 convolution that the paper puts there against aliasing, and a 1x1 convolution to the scores; the coarser levels
    reach it through the sums alone. `all` is the semantic branch of Panoptic FPN (Kirillov et al., CVPR 2019, arXiv
    1901.02446, section 3.1, figure 3): every level passes 3x3 convolutions with group normalisation and ReLU, each
    followed by bilinear scaling by two, until stride 4; the sum of all passes a 1x1 convolution to the scores.

    Deviations from the papers: the 3x3 convolution against aliasing is made only where its result is used, and `all`
    takes the sums as they are, as segmentation_models_pytorch does; maps are scaled to the exact size of the next, so
    that sizes need not divide evenly.

    Args:
        num_classes: K, 1..254.
        encoder: the network that sees.
        width: channels of the pyramid, 256 in the paper; the head `all` has half as many.
        head: what the scores are made of: the `finest` level, or `all` levels.
        dropout: share of the feature maps dropped in training before the scores, 0 to under 1 (the papers: none).
    """

    name: ClassVar[str] = "fpn"
    year: ClassVar[int] = 2016
    title: ClassVar[str] = "FPN"
    summary: ClassVar[str] = (
        "Adds what it understood of the whole to its fine features, level by level; light, quick to train, and a good "
        "partner for any encoder."
    )
    paper: ClassVar[str] = "Lin et al., Feature Pyramid Networks for Object Detection, CVPR 2017, arXiv 1612.03144"
    head_key: ClassVar[str] = "head.weight"

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: Annotated[EncoderName, TIMM_TOO] = "resnet50",
        width: Annotated[int, Field(ge=2, le=1024)] = 256,
        head: Literal["finest", "all"] = "finest",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = build_encoder(encoder)
        self.imagenet, self.exported_side = self.backbone.imagenet, self.backbone.exported_side
        self.levels = sum(stride >= FINEST for stride in self.backbone.strides)
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in self.backbone.channels[-self.levels :])
        self.smooth = nn.Conv2d(width, width, 3, padding=1) if head == "finest" else None
        self.branches = nn.ModuleList(
            _branch(width, width // 2, halvings) for halvings in (range(self.levels) if head == "all" else ())
        )
        self.dropout = nn.Dropout2d(dropout)
        self.head = nn.Conv2d(width if head == "finest" else width // 2, num_classes, 1)

    def pyramid(self, maps: list[Tensor]) -> list[Tensor]:
        """Sum the encoder's maps top-down; (N, width, h, w) each, fine to coarse."""
        levels = [lateral(m) for lateral, m in zip(self.lateral, maps[-self.levels :], strict=True)]
        for index in reversed(range(len(levels) - 1)):
            fine = levels[index]
            levels[index] = fine + F.interpolate(levels[index + 1], size=fine.shape[-2:], mode="nearest")
        return levels

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 4."""
        padded = pad_small(x, self.backbone.strides[-1] + 1)
        levels = self.pyramid(self.backbone(padded))
        h = self.smooth(levels[0]) if self.smooth is not None else self._sum_of_branches(levels)
        return Logits(cut_padding(self.head(self.dropout(h)), x, padded))

    def encoder(self) -> nn.Module:
        """Return the encoder, without the pyramid."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the encoder's ImageNet checkpoint."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, the rest."""
        inside = {id(parameter) for parameter in self.backbone.parameters()}
        return {
            "encoder": list(self.backbone.parameters()),
            "head": [parameter for parameter in self.parameters() if id(parameter) not in inside],
        }

    def _sum_of_branches(self, levels: list[Tensor]) -> Tensor:
        total = self.branches[0](levels[0])
        for index in range(1, len(levels)):
            h = levels[index]
            # One step a halving: the convolution at this level's size, then up to that of the next finer level.
            for step, convolution in enumerate(self.branches[index].children(), start=1):
                h = F.interpolate(convolution(h), size=levels[index - step].shape[-2:], mode="bilinear")
            total = total + h
        return total


def _branch(inputs: int, outputs: int, halvings: int) -> nn.Sequential:
    """As many convolutions as it is halvings up to the finest level; that one has one itself."""
    widths = [inputs, *[outputs] * max(halvings, 1)]
    return nn.Sequential(*(_conv_gn_relu(i, o) for i, o in pairwise(widths)))


def _conv_gn_relu(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.GroupNorm(gcd(32, outputs), outputs),  # 32 groups, as far as the channels divide
        nn.ReLU(inplace=True),
    )
