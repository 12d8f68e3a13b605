"""The full networks against what their publishers state and torchvision's own modules."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import pytest
import torch
from torchvision.models import get_model, get_model_weights, get_weight, segmentation

from training import architectures
from training.architectures.contract import Architecture
from training.architectures.encoders import EncoderName, ResNetPyramid
from training.weights.catalogue import CATALOGUE
from training.weights.torchvision_entries import TORCHVISION

OFFICIAL = {
    "fcn_resnet50": (segmentation.fcn_resnet50, "FCN_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1", {"aux_loss": True}),
    "fcn_resnet101": (segmentation.fcn_resnet101, "FCN_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1", {"aux_loss": True}),
    "lraspp_mobilenetv3": (
        segmentation.lraspp_mobilenet_v3_large,
        "LRASPP_MobileNet_V3_Large_Weights.COCO_WITH_VOC_LABELS_V1",
        {},
    ),
}


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def on_meta(name: str, **options: object) -> Architecture:
    with torch.device("meta"):
        return architectures.build(name, 21, **options)


@pytest.mark.parametrize("name", OFFICIAL)
def test_parameters_and_keys_are_those_of_the_official_checkpoint(name):
    make, weights, options = OFFICIAL[name]
    ours = on_meta(name)
    with torch.device("meta"):
        theirs = make(weights=None, weights_backbone=None, num_classes=21, **options)
    assert parameters(ours) == get_weight(weights).meta["num_params"]
    assert shapes(ours) == shapes(theirs)


@pytest.mark.parametrize("name", ["fcn_resnet50", "lraspp_mobilenetv3"])  # as deep as need be: 101 is the same code
@torch.no_grad()
def test_outputs_are_torchvisions(name):
    make, _, options = OFFICIAL[name]
    torch.manual_seed(0)
    theirs = make(weights=None, weights_backbone=None, num_classes=21, **options)
    ours = architectures.build(name, 21)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 65, 97)
    assert (ours.eval()(x) - theirs.eval()(x)["out"]).abs().max() < 1e-4


def test_unet_of_2015_has_the_parameters_its_description_gives():
    def convolution(inputs: int, outputs: int, side: int) -> int:
        return inputs * outputs * side * side + outputs

    path = [3, 64, 128, 256, 512, 1024]
    down = sum(convolution(i, o, 3) + convolution(o, o, 3) for i, o in pairwise(path))
    up = sum(convolution(2 * c, c, 2) + convolution(2 * c, c, 3) + convolution(c, c, 3) for c in (512, 256, 128, 64))
    assert parameters(on_meta("unet", batch_norm=False)) == down + up + convolution(64, 21, 1)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_unet_encoder_has_torchvisions_keys(name):
    with torch.device("meta"):
        theirs = {key: value for key, value in shapes(get_model(name)).items() if not key.startswith("fc.")}
        assert shapes(ResNetPyramid(name)) == theirs
        assert shapes(on_meta("unet", encoder=name).encoder()) == theirs


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("deeplabv2", {"depth": depth, "layout": "torchvision"}) for depth in (18, 34, 50, 101)),
        ("deeplabv2", {"depth": 18}),
        ("unet", {"encoder": "resnet34"}),
        ("unet", {"encoder": "vgg16_bn"}),
        ("fpn", {"encoder": "convnext_tiny"}),
        ("deeplabv3", {"encoder": "mobilenet_v3_large"}),
        ("deeplabv3plus", {"encoder": "efficientnet_b0"}),
        ("pspnet", {}),
        ("fcn_resnet101", {}),
        ("fcn_resnet50", {}),
        ("lraspp_mobilenetv3", {}),
        ("encnet", {"encoder": "resnet101"}),
        ("efficientfcn", {"encoder": "resnet18"}),
    ],
)
def test_the_named_imagenet_weights_fill_the_encoder(name, options):
    network = on_meta(name, **options)
    assert network.imagenet in CATALOGUE
    with torch.device("meta"):
        classifier = get_model(network.imagenet)
    named = ((network.imagenet_key(key), shape) for key, shape in shapes(classifier).items())
    assert {key: shape for key, shape in named if key is not None} == shapes(network.encoder())


@torch.no_grad()
def test_deeplab_in_torchvisions_layout_computes_what_torchvisions_resnet_does():
    """Down to stride 8, where the dilations begin to differ."""
    torch.manual_seed(0)
    resnet = get_model("resnet50").eval()
    network = architectures.build("deeplabv2", 3, depth=50, layout="torchvision").eval()
    state = {network.imagenet_key(key): value for key, value in resnet.state_dict().items()}
    encoder = network.encoder()
    assert isinstance(encoder, torch.nn.Sequential)
    encoder.load_state_dict({key: value for key, value in state.items() if key is not None})
    x = torch.randn(1, 3, 66, 51)
    theirs = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(x))))
    theirs = resnet.layer2(resnet.layer1(theirs))
    assert (encoder[:3](x) - theirs).abs().max() < 1e-4


def test_deeplab_says_when_torchvisions_weights_do_not_fit():
    network = on_meta("deeplabv2")
    assert network.imagenet is None
    assert "layout=torchvision" in network.imagenet_note


def test_the_catalogue_repeats_torchvisions_own_figures():
    deeplabs = (f"deeplabv3_{encoder}" for encoder in ("resnet50", "resnet101", "mobilenet_v3_large"))
    networks = ("fcn_resnet50", "fcn_resnet101", "lraspp_mobilenet_v3_large", *deeplabs)
    backbones = {weights.name for weights in TORCHVISION if weights.kind == "backbone"}
    by_url = {w.url: w for name in (*backbones, *networks) for w in get_model_weights(name)}
    assert set(get_args(EncoderName)) < CATALOGUE.keys()
    for weights in TORCHVISION:
        assert weights.url is not None
        official = by_url[weights.url]
        scores = next(iter(official.meta["_metrics"].values()))
        assert str(scores.get("acc@1", scores.get("miou"))) in weights.about
        assert weights.size == round(official.meta["_file_size"] * 2**20)
        assert len(weights.sha256_prefix or "") == 8
        if weights.kind == "model":
            assert "subset of COCO" in official.meta["_docs"]
            assert len(official.meta["categories"]) == len(weights.classes)
            assert official.meta["categories"][1:16] == list(weights.classes[1:16])


def shapes(network: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}
