"""EfficientFCN: a decoder that rebuilds fine features from codewords of the whole photo, so nothing need be dilated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import conv_bn_relu
from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import ResNetName, ResNetPyramid
from training.architectures.sizes import cut_padding, pad_small


class EfficientFCN(Architecture):
    """The holistically-guided decoder on an undilated ResNet, output stride 8.

    The maps at stride 16 and 32 are brought to `reduced` channels, as many as a ResNet-50 has at stride 8, by 1x1
    convolutions with batch normalisation and ReLU; `HolisticallyGuidedDecoder` (section 3 of the paper) does the rest.
    As in the authors' code there is no auxiliary head.

    Deviations from that code (github.com/jianbo909/efficientFCN): torchvision's ResNet, without the deep stem
    and the pooled shortcuts of theirs; inputs under 33 px padded.

    Args:
        num_classes: K, 1..254.
        encoder: the ResNet; of the paper are 50 and 101.
        codewords: n, how many describe a photo (256 in the paper, 600 for the 150 classes of ADE20K).
        width: channels of codewords and features (1024 in the paper).
        reduced: channels of the maps at stride 16 and 32 (512 in the paper).
    """

    name: ClassVar[str] = "efficientfcn"
    year: ClassVar[int] = 2020
    title: ClassVar[str] = "EfficientFCN"
    summary: ClassVar[str] = (
        "Describes the photo by a few hundred codewords made from coarse features and composes every place from them; "
        "close to dilated networks at about a third of their work."
    )
    paper: ClassVar[str] = (
        "Liu et al., EfficientFCN: Holistically-guided Decoding for Semantic Segmentation, ECCV 2020, arXiv 2008.10487"
    )
    head_key: ClassVar[str] = "classifier.1.weight"
    align_corners: ClassVar[bool] = True

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: ResNetName = "resnet50",
        codewords: Annotated[int, Field(ge=1, le=4096)] = 256,
        width: Annotated[int, Field(ge=8, le=4096)] = 1024,
        reduced: Annotated[int, Field(ge=8, le=4096)] = 512,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = encoder
        self.backbone = ResNetPyramid(encoder)
        *_, c8, c16, c32 = self.backbone.channels
        self.reduce16 = conv_bn_relu(c16, reduced)
        self.reduce32 = conv_bn_relu(c32, reduced)
        self.decoder = HolisticallyGuidedDecoder(c8 + 2 * reduced, width, codewords)
        self.classifier = nn.Sequential(nn.Dropout2d(0.1), nn.Conv2d(width, num_classes, 1))

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 8."""
        padded = pad_small(x, 33)
        *_, f8, f16, f32 = self.backbone(padded)
        features = self.decoder(f8, self.reduce16(f16), self.reduce32(f32))
        return Logits(cut_padding(self.classifier(features), x, padded))

    def encoder(self) -> nn.Module:
        """Return the ResNet."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of torchvision's ResNet."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`."""
        head = (self.reduce16, self.reduce32, self.decoder, self.classifier)
        return {
            "encoder": list(self.backbone.parameters()),
            "head": [parameter for part in head for parameter in part.parameters()],
        }


class HolisticallyGuidedDecoder(nn.Module):
    """Codewords from the coarse features, composed at every place of the fine ones.

    With m_s the three maps resized (bilinear, corners aligned) to stride s and concatenated, fine to coarse:

    - codeword generation at stride 32: B = to_b(m_32), A = softmax over positions of to_a(m_32), and each codeword the
      mean of B under one map of A, c_i = sum_xy A_i(x, y) B(x, y);
    - codeword assembly at stride 8: G = to_g(m_8), the weights W = to_w(G + mean over positions of B), and the
      features f_8(x, y) = sum_i W_i(x, y) c_i / sqrt(n);
    - the result is a 1x1 convolution of f_8 and G. All convolutions are 1x1 with batch normalisation and ReLU; A's
      last has no ReLU.

    Args:
        inputs: channels of the three maps together.
        width: channels of codewords and features.
        codewords: n.
    """

    def __init__(self, inputs: int, width: int, codewords: int) -> None:
        super().__init__()
        self.to_b = conv_bn_relu(inputs, width)
        self.to_a = nn.Sequential(
            conv_bn_relu(inputs, codewords),
            conv_bn_relu(codewords, codewords)[:2],
        )
        self.to_g = conv_bn_relu(inputs, width)
        self.to_w = nn.Sequential(conv_bn_relu(width, codewords), conv_bn_relu(codewords, codewords))
        self.fuse = conv_bn_relu(2 * width, width)

    def forward(self, f8: Tensor, f16: Tensor, f32: Tensor) -> Tensor:
        """Map features at strides 8, 16 and 32 to (N, width, h, w) at stride 8."""
        m32, m8 = (_joined((f8, f16, f32), level.shape[-2:]) for level in (f32, f8))
        b = self.to_b(m32)
        a = torch.softmax(self.to_a(m32).flatten(2), dim=2)
        codewords = b.flatten(2) @ a.transpose(1, 2)  # (N, width, n)
        g = self.to_g(m8)
        w = self.to_w(g + b.mean(dim=(2, 3), keepdim=True))
        composed = codewords @ w.flatten(2) * codewords.shape[2] ** -0.5
        return self.fuse(torch.cat([composed.unflatten(2, g.shape[-2:]), g], dim=1))


def _joined(maps: tuple[Tensor, ...], size: torch.Size) -> Tensor:
    resized = [F.interpolate(m, size=size, mode="bilinear", align_corners=True) for m in maps]
    return torch.cat(resized, dim=1)
