"""DeepLab v2: dilated ResNet or VGG16, ASPP as a sum of branches, multi-scale inputs with a maximum."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import reduce
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.aspp_sum import GlobalSumASPP, HiddenSumASPP, SumASPP
from training.architectures.contract import Architecture, Logits, Preprocessing
from training.architectures.resnet_caffe import (
    BASIC_DEPTHS,
    Depth,
    Layout,
    from_torchvision,
    out_channels,
    resnet_layers,
)
from training.architectures.sizes import cut_padding, pad_small
from training.architectures.vgg import CHANNELS, VGGName, large_fov_features

Backbone = Literal["resnet", VGGName]

SCALES = {"scale_100": 1.0, "scale_075": 0.75, "scale_050": 0.5}


class DeepLabV2(Architecture):
    """DeepLab v2 (ASPP, output stride 8) with the module names of kazuto1011/deeplab-pytorch.

    With a ResNet-101 and the plain ASPP its public checkpoints load unchanged. `out` is the element-wise maximum over
    the scales 1, 0.75 and 0.5, brought bilinearly to the size of the first; in train mode each scale is a head of its
    own, and the loss is the sum of the four. One scale (`msc=False`) has no heads.

    The VGG is that of DeepLab v1 without its mean in front of fc6. The paper gives it fully connected layers in every
    branch (section 3.2 and figure 7b): `aspp=fc`.

    Deviations from that port: batch normalisation momentum 0.1 (see `resnet_caffe`), He initialisation of the
    encoder where no weights are given, inputs under 18 px padded. With a VGG the logits are resized as with a ResNet,
    by pixel centres, where the authors align corners.

    Args:
        num_classes: K, 1..254.
        depth: layers of the ResNet; 18 and 34 are made of basic blocks and feed 512 channels to the ASPP.
        msc: predict at three scales.
        layout: of a ResNet. `caffe` strides in the bottleneck's first 1x1 and rounds the pooled size up; `torchvision`
            as torchvision does, which ImageNet weights of depth 50 and 101 need.
        backbone: a ResNet, or which VGG; with `_bn` its convolutions are normalised, which training from scratch needs.
        aspp: `plain`: four convolutions straight to the scores (the paper's ResNet); `fc`: two 1x1 convolutions after
            each (the paper's VGG); `bn_global`: the plain four and a normalised branch that sees the whole image.
        aspp_channels: hidden channels of a branch of `fc` (1024 in the paper) or of the global branch.
    """

    name: ClassVar[str] = "deeplabv2"
    year: ClassVar[int] = 2016
    title: ClassVar[str] = "DeepLab v2"
    summary: ClassVar[str] = (
        "Looks at surroundings of four sizes around every pixel, and at the photo in three sizes; accurate on large "
        "scenes, slow because of the three."
    )
    paper: ClassVar[str] = (
        "Chen et al., DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous Convolution, and Fully "
        "Connected CRFs, TPAMI 2018, arXiv 1606.00915"
    )
    head_key: ClassVar[str] = "base.aspp.c0.weight"
    preprocessing: ClassVar[Preprocessing] = Preprocessing(
        channels="bgr", mean=(104.008, 116.669, 122.675), std=(1.0, 1.0, 1.0)
    )
    loss_at: ClassVar[Literal["logits", "input"]] = "logits"
    head_weights: ClassVar[Mapping[str, float]] = dict.fromkeys(SCALES, 1.0)

    def __init__(
        self,
        num_classes: int,
        *,
        depth: Depth = 101,
        msc: bool = True,
        layout: Layout = "caffe",
        backbone: Backbone = "resnet",
        aspp: Literal["plain", "fc", "bn_global"] = "plain",
        aspp_channels: Annotated[int, Field(ge=8, le=4096)] = 1024,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.backbone = backbone
        self.depth = depth
        self.msc = msc
        if backbone != "resnet":
            self.imagenet = backbone
        elif depth in BASIC_DEPTHS or layout == "torchvision":
            self.imagenet = f"resnet{depth}"
        else:
            self.imagenet_note = (
                f"The catalogue's ResNet-{depth} strides in another convolution than the Caffe layout; "
                "set the architecture's option layout=torchvision to use it."
            )
        layers: OrderedDict[str, nn.Module]
        if backbone == "resnet":
            layers = resnet_layers(depth, layout)
            inputs = out_channels(depth)
        else:
            layers = OrderedDict(features=large_fov_features(backbone))
            inputs = CHANNELS[-1]
        if aspp == "plain":
            layers["aspp"] = SumASPP(inputs, num_classes)
        else:
            kind = HiddenSumASPP if aspp == "fc" else GlobalSumASPP
            layers["aspp"] = kind(inputs, aspp_channels, num_classes)
        self.base = nn.Sequential(layers)

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 8, with one head a scale in train mode."""
        # Half of 18 is 9, from which the coarsest map has two pixels a side.
        padded = pad_small(x, 18 if self.msc else 9)
        first = self.base(padded)
        if not self.msc:
            return Logits(cut_padding(first, x, padded))
        scores = {name: first if scale == 1 else self.base(_rescale(padded, scale)) for name, scale in SCALES.items()}
        size = first.shape[-2:]
        aligned = [first if s is first else F.interpolate(s, size=size, mode="bilinear") for s in scores.values()]
        out = reduce(torch.maximum, aligned)
        heads = {name: cut_padding(score, x, padded) for name, score in scores.items()} if self.training else {}
        return Logits(cut_padding(out, x, padded), heads)

    def encoder(self) -> nn.Module:
        """Return the ResNet, `layer1` to `layer5`, or the VGG's `features`, as a view on the same modules."""
        return self.base[:-1]

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of torchvision's ResNet or VGG."""
        return from_torchvision(key, self.depth) if self.backbone == "resnet" else super().imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder`, `head_weight` and `head_bias`; trained at 1, 10 and 20 times the rate."""
        head = self.base[-1]
        return {
            "encoder": list(self.encoder().parameters()),
            "head_weight": [p for name, p in head.named_parameters() if name.endswith("weight")],
            "head_bias": [p for name, p in head.named_parameters() if name.endswith("bias")],
        }


def _rescale(x: Tensor, scale: float) -> Tensor:
    # By factor, not by size: the public port samples at exactly 1/scale, whatever rounding does to the size.
    return F.interpolate(x, scale_factor=scale, mode="bilinear")
