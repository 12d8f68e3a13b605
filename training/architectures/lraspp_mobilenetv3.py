"""Lite R-ASPP on a MobileNetV3-Large, torchvision's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn
from torchvision.models import segmentation

from training.architectures.contract import Architecture, Logits
from training.architectures.sizes import cut_padding, pad_small


class LRASPPMobileNetV3(Architecture):
    """torchvision's `lraspp_mobilenet_v3_large`, whose official checkpoint loads unchanged.

    Output stride 8, of the low-level features; the high-level ones are at 16. The branches that pool to one pixel
    (this head's and the squeeze-and-excitation of the encoder) hold no batch normalisation, so a batch of one can be
    normalised from 17 px a side; smaller inputs are padded to that.

    Args:
        num_classes: K, 1..254.
    """

    name: ClassVar[str] = "lraspp_mobilenetv3"
    year: ClassVar[int] = 2019
    title: ClassVar[str] = "Lite R-ASPP (MobileNet v3)"
    summary: ClassVar[str] = (
        "A small, fast network made for phones; the first choice without a GPU, and for trying things out."
    )
    paper: ClassVar[str] = "Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv 1905.02244"
    head_key: ClassVar[str] = "classifier.low_classifier.weight"

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = "mobilenet_v3_large"
        network = segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=num_classes)
        self.backbone: nn.Module = network.backbone
        self.classifier: nn.Module = network.classifier

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 8."""
        padded = pad_small(x, 17)
        return Logits(cut_padding(self.classifier(self.backbone(padded)), x, padded))

    def encoder(self) -> nn.Module:
        """Return the MobileNetV3."""
        return self.backbone

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of torchvision's MobileNetV3, whose features carry a prefix there."""
        return key.removeprefix("features.") if key.startswith("features.") else None

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`."""
        return {"encoder": list(self.backbone.parameters()), "head": list(self.classifier.parameters())}
