"""U-Net: the network of 2015, and its decoder on any encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from db.errors import UserError
from training.architectures.contract import Architecture, Logits
from training.architectures.encoder import Encoder
from training.architectures.encoders import EncoderName, build_encoder
from training.architectures.pooling import max_pool_ceil
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.timm_encoder import TIMM_TOO


class UNet(Architecture):
    """U-Net at full resolution, or with an image classifier as contracting path.

    Without an encoder it is the network of the paper with these deviations: convolutions are padded, so that nothing
    is cropped from the skips; pooling rounds sizes up and the upsampled map is cut to its skip, so that any input
    size works without padding; batch normalisation, which can be switched off; dropout only on request.

    With an encoder its stages are the contracting path. The expanding path upsamples nearest and ends at the encoder's
    finest map: stride 2, with VGG 1, with ConvNeXt, HRNet and MiT 4; a bilinear resize replaces the last, most
    expensive stages.

    Args:
        num_classes: K, 1..254.
        encoder: `none` for the paper's own contracting path, else the network that takes its place.
        width: channels of the finest stage (64 in the paper); with an encoder, of the decoder's stage at stride 4.
        levels: how often the paper's path halves (4 in the paper); an encoder has its own five.
        batch_norm: normalise after the convolutions built here; an encoder does as it always does.
        dropout: share of the coarsest feature maps dropped in training, 0 to under 1 (the paper: 0.5).

    Raises:
        UserError: `levels` is changed together with an encoder.
    """

    name: ClassVar[str] = "unet"
    year: ClassVar[int] = 2015
    title: ClassVar[str] = "U-Net"
    summary: ClassVar[str] = (
        "Goes down to coarse features and back up to full resolution, with a bridge at every level; keeps thin and "
        "small things, and learns from few photos."
    )
    paper: ClassVar[str] = (
        "Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015, "
        "arXiv 1505.04597"
    )
    head_key: ClassVar[str] = "head.weight"

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: Annotated[Literal["none", EncoderName], TIMM_TOO] = "none",
        width: Annotated[int, Field(ge=2, le=1024)] = 64,
        levels: Annotated[int, Field(ge=1, le=7)] = 4,
        batch_norm: bool = True,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.contracting: _Contracting | Encoder
        if encoder == "none":
            self.contracting = _Contracting(width, levels, batch_norm)
            widths = self.contracting.channels[-2::-1]
            self.minimum = 2**levels + 1  # the coarsest map then has two pixels a side
            self.imagenet_note = "The U-Net of 2015 has no ImageNet weights; set its option encoder=resnet18 or larger."
            _initialise(self.contracting)
        else:
            if levels != 4:
                raise UserError(f"unet: levels={levels} cannot be combined with encoder={encoder}, which has its own.")
            self.contracting = build_encoder(encoder)
            widths = tuple(max(1, width * stride // 4) for stride in self.contracting.strides[-2::-1])
            self.minimum = self.contracting.strides[-1] + 1
            self.imagenet, self.exported_side = self.contracting.imagenet, self.contracting.exported_side
        self.dropout = nn.Dropout2d(dropout)
        self.expanding = nn.ModuleList()
        coarse, *skips = reversed(self.contracting.channels)
        for skip, out in zip(skips, widths, strict=True):
            self.expanding.append(_Up(coarse, skip, out, batch_norm, learned=encoder == "none"))
            coarse = out
        self.head = nn.Conv2d(coarse, num_classes, 1)
        _initialise(self.expanding)

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 1, with an encoder at that of its finest map."""
        padded = pad_small(x, self.minimum)
        *skips, h = self.contracting(padded)
        h = self.dropout(h)
        for up, skip in zip(self.expanding, reversed(skips), strict=True):
            h = up(h, skip)
        return Logits(cut_padding(self.head(h), x, padded))

    def encoder(self) -> nn.Module:
        """Return the contracting path."""
        return self.contracting

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the encoder's ImageNet checkpoint."""
        return self.contracting.imagenet_key(key) if isinstance(self.contracting, Encoder) else None

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, the contracting path, and `head`, the rest."""
        return {
            "encoder": list(self.contracting.parameters()),
            "head": [*self.expanding.parameters(), *self.head.parameters()],
        }


class _Contracting(nn.Module):
    """Two convolutions a level, 2x2 pooling between; maps from fine to coarse."""

    def __init__(self, width: int, levels: int, batch_norm: bool) -> None:
        super().__init__()
        self.channels = tuple(width * 2**level for level in range(levels + 1))
        inputs = (3, *self.channels)
        self.stages = nn.ModuleList(
            _two_convolutions(i, o, batch_norm) for i, o in zip(inputs, self.channels, strict=False)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = [self.stages[0](x)]
        for stage in self.stages[1:]:
            maps.append(stage(max_pool_ceil(maps[-1], 2)))
        return maps


class _Up(nn.Module):
    """Double the coarse map, join it with the skip, convolve twice."""

    def __init__(self, coarse: int, skip: int, out: int, batch_norm: bool, *, learned: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(coarse, skip, 2, stride=2) if learned else None
        self.convolutions = _two_convolutions((skip if learned else coarse) + skip, out, batch_norm)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        height, width = skip.shape[-2:]
        if self.up is None:
            doubled = F.interpolate(coarse, size=(height, width), mode="nearest")
        else:
            doubled = self.up(coarse)[..., :height, :width]
        return self.convolutions(torch.cat([skip, doubled], dim=1))


def _two_convolutions(inputs: int, outputs: int, batch_norm: bool) -> nn.Sequential:
    parts: list[nn.Module] = []
    for channels in (inputs, outputs):
        parts.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=not batch_norm))
        if batch_norm:
            parts.append(nn.BatchNorm2d(outputs))
        parts.append(nn.ReLU(inplace=True))
    return nn.Sequential(*parts)


def _initialise(module: nn.Module) -> None:
    # The paper, section 3: Gaussian with standard deviation sqrt(2 / N), N the incoming nodes of one neuron.
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            if part.bias is not None:
                nn.init.zeros_(part.bias)
