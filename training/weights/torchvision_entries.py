"""torchvision's weights: every one states its checksum.

torchvision names its files `NAME-DIGITS.pth`, DIGITS being the first eight hexadecimal digits of the file's SHA-256
(docs.pytorch.org, `torch.hub.load_state_dict_from_url`, `check_hash`). Sizes, parameter counts and scores are those of
torchvision's own weights enums (torchvision 0.29); a test compares them. So is what they were trained on: ImageNet-1k,
and for the segmentation networks "a subset of COCO, using only the 20 categories that are present in the Pascal VOC
dataset".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labeling.formats.voc.legend import VOC_2012
from training.evaluation.public_data import PublicTraining
from training.weights.entry import Weights

_ADDRESS = "https://download.pytorch.org/models/"
_LICENCE = (
    "torchvision's code is BSD-3-Clause; its README leaves the terms of weights to those of the data they were "
    "trained on ({data})"
)
_IMAGENET_TERMS = _LICENCE.format(data="ImageNet-1k: research and education, image-net.org/download")
_COCO_TERMS = _LICENCE.format(data="COCO 2017: images under Flickr's terms, annotations CC BY 4.0, cocodataset.org")
_IMAGENET = (PublicTraining(dataset="imagenet1k", split="train", source="torchvision"),)
_COCO = (PublicTraining(dataset="coco2017", split="train2017", source="torchvision"),)


def _backbone(name: str, title: str, digits: str, size: float, top1: float, author: str = "") -> Weights:
    return Weights(
        name=name,
        kind="backbone",
        about=f"{title}, torchvision IMAGENET1K_V1, {top1} % top-1 on ImageNet-1k",
        licence=_IMAGENET_TERMS,
        architecture="fpn",
        options={"encoder": name},
        trained_on=_IMAGENET,
        url=f"{_ADDRESS}{name}{author}-{digits}.pth",
        size=_mebibytes(size),
    )


def _model(
    name: str,
    title: str,
    file: str,
    size: float,
    miou: float,
    architecture: str,
    options: Mapping[str, Any] | None = None,
) -> Weights:
    return Weights(
        name=name,
        kind="model",
        about=f"{title}, VOC's 21 classes, mIoU {miou} on COCO val2017 as torchvision states",
        licence=_COCO_TERMS,
        architecture=architecture,
        options=options or {},
        trained_on=_COCO,
        url=f"{_ADDRESS}{file}.pth",
        size=_mebibytes(size),
        classes=VOC_2012,
    )


def _mebibytes(size: float) -> int:
    return round(size * 2**20)


TORCHVISION: tuple[Weights, ...] = (
    _backbone("resnet18", "ResNet-18", "f37072fd", 44.661, 69.758),
    _backbone("resnet34", "ResNet-34", "b627a593", 83.275, 73.314),
    _backbone("resnet50", "ResNet-50", "0676ba61", 97.781, 76.13),
    _backbone("resnet101", "ResNet-101", "63fe2227", 170.511, 77.374),
    _backbone("resnet152", "ResNet-152", "394f9c45", 230.434, 78.312),
    _backbone("vgg11", "VGG-11", "8a719046", 506.84, 69.02),
    _backbone("vgg11_bn", "VGG-11 with batch normalisation", "6002323d", 506.881, 70.37),
    _backbone("vgg13", "VGG-13", "19584684", 507.545, 69.928),
    _backbone("vgg13_bn", "VGG-13 with batch normalisation", "abd245e5", 507.59, 71.586),
    _backbone("vgg16", "VGG-16", "397923af", 527.796, 71.592),
    _backbone("vgg16_bn", "VGG-16 with batch normalisation", "6c64b313", 527.866, 73.36),
    _backbone("vgg19", "VGG-19", "dcbb9e9d", 548.051, 72.376),
    _backbone("vgg19_bn", "VGG-19 with batch normalisation", "c79401a0", 548.143, 74.218),
    _backbone("mobilenet_v3_large", "MobileNetV3-Large", "8738ca79", 21.114, 74.042),
    _backbone("mobilenet_v3_small", "MobileNetV3-Small", "047dcff4", 9.829, 67.668),
    _backbone("efficientnet_b0", "EfficientNet-B0", "7f5810bc", 20.451, 77.692, "_rwightman"),
    _backbone("efficientnet_b1", "EfficientNet-B1", "bac287d4", 30.134, 78.642, "_rwightman"),
    _backbone("efficientnet_b2", "EfficientNet-B2", "c35c1473", 35.174, 80.608, "_rwightman"),
    _backbone("efficientnet_b3", "EfficientNet-B3", "b3899882", 47.184, 82.008, "_rwightman"),
    _backbone("efficientnet_b4", "EfficientNet-B4", "23ab8bcd", 74.489, 83.384, "_rwightman"),
    _backbone("efficientnet_b5", "EfficientNet-B5", "1a07897c", 116.864, 83.444, "_lukemelas"),
    _backbone("efficientnet_b6", "EfficientNet-B6", "24a108a5", 165.362, 84.008, "_lukemelas"),
    _backbone("efficientnet_b7", "EfficientNet-B7", "c5b4e57e", 254.675, 84.122, "_lukemelas"),
    _backbone("convnext_tiny", "ConvNeXt-Tiny", "983f1562", 109.119, 82.52),
    _backbone("convnext_small", "ConvNeXt-Small", "0c510722", 191.703, 83.616),
    _backbone("convnext_base", "ConvNeXt-Base", "6075fbad", 338.064, 84.062),
    _backbone("convnext_large", "ConvNeXt-Large", "ea097f82", 754.537, 84.414),
    _model("fcn_resnet50_coco", "FCN ResNet-50", "fcn_resnet50_coco-1167a1af", 135.009, 60.5, "fcn_resnet50"),
    _model("fcn_resnet101_coco", "FCN ResNet-101", "fcn_resnet101_coco-7ecb50ca", 207.711, 63.7, "fcn_resnet101"),
    _model(
        "deeplabv3_resnet50_coco",
        "DeepLab v3 ResNet-50",
        "deeplabv3_resnet50_coco-cd0a2569",
        160.515,
        66.4,
        "deeplabv3",
    ),
    _model(
        "deeplabv3_resnet101_coco",
        "DeepLab v3 ResNet-101",
        "deeplabv3_resnet101_coco-586e9e4e",
        233.217,
        67.4,
        "deeplabv3",
        {"encoder": "resnet101"},
    ),
    _model(
        "deeplabv3_mobilenetv3_coco",
        "DeepLab v3 MobileNetV3-Large",
        "deeplabv3_mobilenet_v3_large-fc3c493d",
        42.301,
        60.3,
        "deeplabv3",
        {"encoder": "mobilenet_v3_large", "output_stride": 16},
    ),
    _model(
        "lraspp_mobilenetv3_coco",
        "LR-ASPP MobileNetV3-Large",
        "lraspp_mobilenet_v3_large-d234d4ea",
        12.49,
        57.9,
        "lraspp_mobilenetv3",
    ),
)
