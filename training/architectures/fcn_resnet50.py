"""FCN on a dilated ResNet-50 or ResNet-101, torchvision's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn
from torchvision.models import segmentation

from training.architectures.contract import Architecture, Logits
from training.architectures.sizes import cut_padding, pad_small


class FCNResNet50(Architecture):
    """torchvision's `fcn_resnet50`, whose official checkpoints load unchanged.

    Output stride 8. The auxiliary head sits on the stage before the last and counts half, as in torchvision's
    references (references/segmentation/train.py, `criterion`). Neither head pools to one pixel, so a batch of one can
    be normalised from 9 px a side; smaller inputs are padded to that.

    Args:
        num_classes: K, 1..254.
        aux: train the auxiliary head; the official checkpoint has one.
    """

    name: ClassVar[str] = "fcn_resnet50"
    year: ClassVar[int] = 2015
    title: ClassVar[str] = "FCN (ResNet-50)"
    summary: ClassVar[str] = (
        "Classifies every pixel straight from the features of a ResNet-50; the plain baseline that others are "
        "measured against."
    )
    paper: ClassVar[str] = (
        "Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, arXiv 1411.4038"
    )
    head_key: ClassVar[str] = "classifier.4.weight"
    head_weights: ClassVar[Mapping[str, float]] = {"aux": 0.5}
    resnet: ClassVar[str] = "resnet50"

    def __init__(self, num_classes: int, *, aux: bool = True) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.imagenet = self.resnet
        make = getattr(segmentation, f"fcn_{self.resnet}")
        network = make(weights=None, weights_backbone=None, num_classes=num_classes, aux_loss=aux)
        self.backbone: nn.Module = network.backbone
        self.classifier: nn.Module = network.classifier
        self.aux_classifier: nn.Module | None = network.aux_classifier

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 8, with the head `aux` in train mode."""
        padded = pad_small(x, 9)
        features = self.backbone(padded)
        out = cut_padding(self.classifier(features["out"]), x, padded)
        if not self.training or self.aux_classifier is None:
            return Logits(out)
        return Logits(out, {"aux": cut_padding(self.aux_classifier(features["aux"]), x, padded)})

    def encoder(self) -> nn.Module:
        """Return the ResNet."""
        return self.backbone

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, `head` and `head_aux`, which torchvision's references train at 10 times the rate."""
        auxiliary = [] if self.aux_classifier is None else list(self.aux_classifier.parameters())
        return {
            "encoder": list(self.backbone.parameters()),
            "head": list(self.classifier.parameters()),
            "head_aux": auxiliary,
        }


class FCNResNet101(FCNResNet50):
    """torchvision's `fcn_resnet101`; see `FCNResNet50`.

    Args:
        num_classes: K, 1..254.
        aux: train the auxiliary head; the official checkpoint has one.
    """

    name: ClassVar[str] = "fcn_resnet101"
    title: ClassVar[str] = "FCN (ResNet-101)"
    summary: ClassVar[str] = (
        "Classifies every pixel straight from the features of a ResNet-101; the plain baseline, with a deeper network."
    )
    resnet: ClassVar[str] = "resnet101"
