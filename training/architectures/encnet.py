"""EncNet: what is in the whole photo decides which features count, and is predicted, too."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import auxiliary_head, conv_bn_relu
from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import ResNetName, ResNetPyramid
from training.architectures.sizes import cut_padding, pad_small


class EncNet(Architecture):
    """Context encoding on a dilated ResNet, output stride 8.

    A 3x3 convolution brings the coarsest map to `width` channels: x. The context encoding module (section 2 of the
    paper) sees x through a 1x1 convolution, encodes it by `Encoding`, and sums up the encoders e = sum_k phi(e_k), phi
    batch normalisation and ReLU. From e come the scaling factors gamma = sigmoid(W e) of the channels of x, and, in
    train mode, `presence`: the semantic encoding (SE) loss asks e which classes are in the photo, and counts 0.2. The
    auxiliary FCN head on the stage before the last counts 0.4.

    As in the authors' own code (github.com/zhanghang1989/PyTorch-Encoding) rather than the paper's text: e is the mean
    over k, not the sum; the features become ReLU(x + gamma x); scales are stored with their sign.

    Deviations from that code: torchvision's ResNet, whose first convolution is one 7x7, not three 3x3; inputs under
    9 px padded.

    Args:
        num_classes: K, 1..254.
        encoder: the ResNet, dilated; of the paper are 50 and 101.
        codewords: how many the encoding layer learns (32 in the paper).
        width: channels of the features (512 in the paper).
        lateral: join the features of the last three stages, not only the last, as the authors do for Pascal.
        se_loss: predict which classes are in the photo.
        aux: train the auxiliary head.
    """

    name: ClassVar[str] = "encnet"
    year: ClassVar[int] = 2018
    title: ClassVar[str] = "EncNet"
    summary: ClassVar[str] = (
        "Sums up the whole photo first and lets that decide which features count: where there is water, a boat is "
        "likelier than a car. Helps with many classes and small things."
    )
    paper: ClassVar[str] = "Zhang et al., Context Encoding for Semantic Segmentation, CVPR 2018, arXiv 1803.08904"
    head_key: ClassVar[str] = "classifier.1.weight"
    align_corners: ClassVar[bool] = True
    head_weights: ClassVar[Mapping[str, float]] = {"aux": 0.4, "presence": 0.2}

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: ResNetName = "resnet50",
        codewords: Annotated[int, Field(ge=1, le=256)] = 32,
        width: Annotated[int, Field(ge=8, le=2048)] = 512,
        lateral: bool = False,
        se_loss: bool = True,
        aux: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = encoder
        self.backbone = ResNetPyramid(encoder, output_stride=8)
        *_, c3, c4, c5 = self.backbone.channels
        self.squeeze = conv_bn_relu(c5, width, 3)
        self.lateral = _Lateral((c3, c4), width) if lateral else None
        self.context = nn.Sequential(
            conv_bn_relu(width, width),
            Encoding(codewords, width),
            nn.BatchNorm1d(codewords),
            nn.ReLU(inplace=True),
        )
        self.attention = nn.Linear(width, width)
        self.presence = nn.Linear(width, num_classes) if se_loss else None
        self.classifier = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(width, num_classes, 1))
        self.aux = auxiliary_head(c4, num_classes) if aux else None

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 8; in train mode with the head `aux` and with `presence`."""
        padded = pad_small(x, 9)
        *_, c3, c4, c5 = self.backbone(padded)
        features = self.squeeze(c5)
        if self.lateral is not None:
            features = self.lateral(c3, c4, features)
        e = self.context(features).mean(dim=1)
        gamma = torch.sigmoid(self.attention(e))[:, :, None, None]
        out = cut_padding(self.classifier(F.relu(features + gamma * features)), x, padded)
        if not self.training:
            return Logits(out)
        heads = {} if self.aux is None else {"aux": cut_padding(self.aux(c4), x, padded)}
        return Logits(out, heads, None if self.presence is None else self.presence(e))

    def encoder(self) -> nn.Module:
        """Return the ResNet."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of torchvision's ResNet."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, `head` and `head_aux`."""
        groups: dict[str, list[nn.Parameter]] = {"encoder": [], "head": [], "head_aux": []}
        names = {"backbone": "encoder", "aux": "head_aux"}
        for name, part in self.named_children():
            groups[names.get(name, "head")] += part.parameters()
        return groups


class Encoding(nn.Module):
    """The encoding layer: features as residuals to learned codewords, softly assigned and summed over the image.

    With codewords d_k and scales s_k, and over all N = H W pixels (equation 1 of the paper, where s_k has the other
    sign):

        e_k = sum_i a_ik r_ik,   a_ik = softmax_k(s_k |r_ik|^2),   r_ik = x_i - d_k

    The residuals r would take N K D numbers, 32 times the features. They are never made: |r_ik|^2 is
    |x_i|^2 - 2 <x_i, d_k> + |d_k|^2, and e_k is (sum_i a_ik x_i) - (sum_i a_ik) d_k. As the former is a difference
    of large numbers, all is computed in fp32, under autocast too.

    Args:
        count: K, of codewords.
        channels: D, of the features.
    """

    def __init__(self, count: int, channels: int) -> None:
        super().__init__()
        bound = (count * channels) ** -0.5
        self.codewords = nn.Parameter(torch.empty(count, channels).uniform_(-bound, bound))
        self.scale = nn.Parameter(torch.empty(count).uniform_(-1, 0))

    def forward(self, features: Tensor) -> Tensor:
        """Encode (N, D, H, W) of any float type as fp32 (N, K, D)."""
        kind = features.device.type
        # Only where there is autocast to be switched off: an exported program has no use for the switch.
        rounded = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
        with torch.autocast(kind, enabled=False) if rounded else nullcontext():
            x = features.float().flatten(2)  # (N, D, pixels)
            to_codewords = self.codewords.square().sum(dim=1)[:, None] - 2 * (self.codewords @ x)
            distances = x.square().sum(dim=1, keepdim=True) + to_codewords  # (N, K, pixels)
            assigned = torch.softmax(self.scale[:, None] * distances, dim=1)
            return assigned @ x.transpose(1, 2) - assigned.sum(dim=2, keepdim=True) * self.codewords


class _Lateral(nn.Module):
    """Joins the features with those of the two stages before, all at stride 8."""

    def __init__(self, stages: tuple[int, int], width: int) -> None:
        super().__init__()
        self.connect = nn.ModuleList(conv_bn_relu(channels, width) for channels in stages)
        self.fuse = conv_bn_relu(3 * width, width, 3)

    def forward(self, c3: Tensor, c4: Tensor, features: Tensor) -> Tensor:
        before = [connect(stage) for connect, stage in zip(self.connect, (c3, c4), strict=True)]
        return self.fuse(torch.cat([features, *before], dim=1))
