"""DeepLab v3: a dilated encoder and atrous spatial pyramid pooling that also sees the whole image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from training.architectures.aspp import ASPP
from training.architectures.blocks import auxiliary_head, conv_bn_relu
from training.architectures.contract import Architecture, Logits
from training.architectures.encoders import DilatableName, build_encoder
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.timm_encoder import TIMM_TOO


class DeepLabV3(Architecture):
    """DeepLab v3 with torchvision's keys, whose official checkpoints load unchanged.

    Those on ResNets want the other options as they are here, that on MobileNetV3-Large `output_stride=16`.

    The parts of the paper: stages keep the resolution and dilate instead (section 3.1), with a multi-grid in the last
    one (3.2.1: unit rates 1, 2, 4), and `ASPP` (3.3), whose result is convolved to the class scores.

    Deviations from the paper, all torchvision's: a 3x3 convolution between ASPP and the scores; an auxiliary head; by
    default no multi-grid, and output stride 8 in training as in evaluation (the paper trains at 16: set
    `output_stride=16 rate=6 multi_grid=true`). The auxiliary head sits on the map of the stage before the last; on
    MobileNetV3-Large on that of stride 8, but after the stage, where torchvision takes its first block.

    Args:
        num_classes: K, 1..254.
        encoder: the network that sees; its strides after the output stride become dilations.
        output_stride: pixels of the photo per pixel of the prediction, before it is scaled up.
        rate: dilation of the first 3x3 convolution of the ASPP; the others have twice and three times that. The paper
            has 12 at output stride 8 and 6 at 16.
        multi_grid: dilate the blocks of the last stage once, twice and four times as much; ResNets only.
        aux: train the auxiliary head; the official checkpoints have one.

    Raises:
        UserError: a multi-grid with another encoder than a ResNet.
    """

    name: ClassVar[str] = "deeplabv3"
    year: ClassVar[int] = 2017
    title: ClassVar[str] = "DeepLab v3"
    summary: ClassVar[str] = (
        "Looks at surroundings of several sizes around every pixel and at the photo as a whole; accurate, and heavy at "
        "its fine output stride. Small with a MobileNet."
    )
    paper: ClassVar[str] = (
        "Chen et al., Rethinking Atrous Convolution for Semantic Image Segmentation, 2017, arXiv 1706.05587"
    )
    head_key: ClassVar[str] = "classifier.4.weight"
    head_weights: ClassVar[Mapping[str, float]] = {"aux": 0.5}

    def __init__(
        self,
        num_classes: int,
        *,
        encoder: Annotated[DilatableName, TIMM_TOO] = "resnet50",
        output_stride: Literal[8, 16] = 8,
        rate: Annotated[int, Field(ge=1, le=48)] = 12,
        multi_grid: bool = False,
        aux: bool = True,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = build_encoder(encoder, output_stride=output_stride, multi_grid=(1, 2, 4) if multi_grid else ())
        self.imagenet = self.backbone.imagenet
        self.classifier = nn.Sequential(
            ASPP(self.backbone.channels[-1], rate=rate), *conv_bn_relu(256, 256, 3), nn.Conv2d(256, num_classes, 1)
        )
        self.aux_map = -3 if encoder == "mobilenet_v3_large" else -2
        self.aux_classifier = auxiliary_head(self.backbone.channels[self.aux_map], num_classes) if aux else None

    def logits(self, x: Tensor) -> Logits:
        """Predict at the output stride, with the head `aux` in train mode."""
        padded = pad_small(x, self.backbone.strides[-1] + 1)
        maps = self.backbone(padded)
        out = cut_padding(self.classifier(maps[-1]), x, padded)
        if not self.training or self.aux_classifier is None:
            return Logits(out)
        return Logits(out, {"aux": cut_padding(self.aux_classifier(maps[self.aux_map]), x, padded)})

    def encoder(self) -> nn.Module:
        """Return the dilated encoder."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the encoder's ImageNet checkpoint."""
        return self.backbone.imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, `head` and `head_aux`, which torchvision's references train at 10 times the rate."""
        auxiliary = [] if self.aux_classifier is None else list(self.aux_classifier.parameters())
        return {
            "encoder": list(self.backbone.parameters()),
            "head": list(self.classifier.parameters()),
            "head_aux": auxiliary,
        }
