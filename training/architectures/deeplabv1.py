"""DeepLab v1: dilated VGG16 with a large field of view, and multi-scale prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, cast

from pydantic import Field
from torch import Tensor, nn

from training.architectures.blocks import he, scores
from training.architectures.contract import Architecture, Logits
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.vgg import CHANNELS, VGGName, large_fov_features

_SCALE_CHANNELS = 128


class DeepLabV1(Architecture):
    """DeepLab-LargeFOV, and with `multi_scale` DeepLab-MSc-LargeFOV; output stride 8.

    fc6 is a 3x3 convolution of rate 12, behind a 3x3 mean (paper, section 3.1 and table 2, `DeepLab-CRF-LargeFOV`:
    kernel 3x3, input stride 12, 20.5M parameters); the authors' release has the mean and the padded 3x3 poolings.
    With sides of 8k + 1, as their crop of 321, the scores' corners lie on the image's, and the resize keeps them there.

    Multi-scale prediction (section 4.3): 3x3 and 1x1 convolutions of 128 channels on the image and on the first four
    pooled maps, strided so that all meet at stride 8. The paper puts their 640 channels beside fc7's in front of one
    linear classifier; here each has its own and the scores are added, which is the same function.

    Deviations: inputs are normalised as torchvision's ImageNet weights expect; fc6 and fc7 begin as He et al.'s, where
    the authors thin out the classifier of VGG; `loss_at: logits` takes labels from the middle of a cell; inputs under 9
    px are padded. The dense CRF is not part of the network.

    Args:
        num_classes: K, 1..254.
        backbone: which VGG; with `_bn` its convolutions are normalised, which training from scratch needs.
        multi_scale: predict also from the image and the first four pooled maps.
        channels: of fc6 and fc7.
        dropout: share of values dropped after each hidden convolution of the heads in training, 0 to under 1.
    """

    name: ClassVar[str] = "deeplabv1"
    year: ClassVar[int] = 2014
    title: ClassVar[str] = "DeepLab v1 (VGG16)"
    summary: ClassVar[str] = (
        "Spreads its filters apart to see far around every pixel without losing resolution; the first of the DeepLabs."
    )
    paper: ClassVar[str] = (
        "Chen et al., Semantic Image Segmentation with Deep Convolutional Nets and Fully Connected CRFs, ICLR 2015, "
        "arXiv 1412.7062"
    )
    head_key: ClassVar[str] = "fc8.weight"
    loss_at: ClassVar[Literal["logits", "input"]] = "logits"
    align_corners: ClassVar[bool] = True

    def __init__(
        self,
        num_classes: int,
        *,
        backbone: VGGName = "vgg16",
        multi_scale: bool = False,
        channels: Annotated[int, Field(ge=8, le=4096)] = 1024,
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = backbone
        self.backbone = nn.ModuleDict({"features": large_fov_features(backbone)})
        self.fc = nn.Sequential(
            nn.AvgPool2d(3, stride=1, padding=1),
            *_hidden(nn.Conv2d(CHANNELS[-1], channels, 3, padding=12, dilation=12), dropout),
            *_hidden(nn.Conv2d(channels, channels, 1), dropout),
        )
        self.fc8 = scores(channels, num_classes)
        self.scales = nn.ModuleList()
        if multi_scale:
            for inputs, stride in zip((3, *CHANNELS[:4]), (8, 4, 2, 1, 1), strict=True):
                self.scales.append(
                    nn.Sequential(
                        *_hidden(nn.Conv2d(inputs, _SCALE_CHANNELS, 3, stride=stride, padding=1), dropout),
                        *_hidden(nn.Conv2d(_SCALE_CHANNELS, _SCALE_CHANNELS, 1), dropout),
                        scores(_SCALE_CHANNELS, num_classes),
                    )
                )

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 8."""
        padded = h = pad_small(x, 9)
        pooled = []
        for layer in cast(nn.Sequential, self.backbone["features"]):
            h = layer(h)
            if isinstance(layer, nn.MaxPool2d):
                pooled.append(h)
        score = self.fc8(self.fc(h))
        for scale, finer in zip(self.scales, (padded, *pooled), strict=False):
            score = score + scale(finer)
        return Logits(cut_padding(score, x, padded))

    def encoder(self) -> nn.Module:
        """Return the VGG."""
        return self.backbone

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, `head`, `head_weight` and `head_bias`: the scores' are trained at 10 and 20 times."""
        last = [self.fc8, *(cast(nn.Sequential, scale)[-1] for scale in self.scales)]
        weights = [cast(nn.Parameter, layer.weight) for layer in last]
        biases = [cast(nn.Parameter, layer.bias) for layer in last]
        apart = {id(parameter) for parameter in (*weights, *biases)}
        head = [*self.fc.parameters(), *self.fc8.parameters(), *self.scales.parameters()]
        return {
            "encoder": list(self.backbone.parameters()),
            "head": [parameter for parameter in head if id(parameter) not in apart],
            "head_weight": weights,
            "head_bias": biases,
        }


def _hidden(convolution: nn.Conv2d, dropout: float) -> tuple[nn.Module, ...]:
    return he(convolution), nn.ReLU(inplace=True), nn.Dropout(dropout)
