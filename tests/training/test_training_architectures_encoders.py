"""Encoders against torchvision's classifiers: keys, shapes and values, with and without dilation."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import get_args

import pytest
import torch
from torch import nn
from torchvision.models import get_model, mobilenet_v3_large, resnet50

from db.errors import UserError
from training.architectures.encoder import Encoder
from training.architectures.encoders import DilatableName, EncoderName, HRNetName, MiTName, build_encoder

NAMES = tuple(name for name in get_args(EncoderName) if name not in (*get_args(HRNetName), *get_args(MiTName)))
# One of a kind: the others differ in numbers only.
KINDS = ("resnet18", "resnet50", "vgg11", "vgg16_bn", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0")


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def with_weights_of(theirs: nn.Module, encoder: Encoder) -> Encoder:
    """Fill an encoder from a classifier whose normalisation, too, is random."""
    for part in theirs.modules():
        if isinstance(part, nn.BatchNorm2d) and part.running_mean is not None and part.running_var is not None:
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
    named = {encoder.imagenet_key(key): value for key, value in theirs.state_dict().items()}
    encoder.load_state_dict({key: value for key, value in named.items() if key is not None})
    theirs.eval()
    return encoder.eval()


def assert_equal(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    assert (ours - theirs).abs().max() < 1e-4 * max(1.0, theirs.abs().max().item())


@pytest.mark.parametrize("name", NAMES)
def test_keys_are_torchvisions(name):
    with torch.device("meta"):
        encoder, theirs = build_encoder(name), get_model(name)
    named = ((encoder.imagenet_key(key), shape) for key, shape in shapes(theirs).items())
    assert {key: shape for key, shape in named if key is not None} == shapes(encoder)


@pytest.mark.parametrize("name", [*KINDS, "convnext_tiny", "hrnet_w18", "timm:test_resnet", "timm:dla34"])
def test_maps_are_what_they_are_said_to_be(name):
    for output_stride in (8, 16, 32) if name in get_args(DilatableName) else (32,):
        with torch.device("meta"):
            encoder = build_encoder(name, output_stride=output_stride).eval()
            assert encoder.strides[-1] == output_stride
            for height, width in ((1, 1), (33, 50)):
                expected = [
                    (2, channels, -(-height // stride), -(-width // stride))
                    for channels, stride in zip(encoder.channels, encoder.strides, strict=True)
                ]
                assert [tuple(m.shape) for m in encoder(torch.empty(2, 3, height, width))] == expected


@pytest.mark.parametrize("name", ["vgg11_bn", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny"])
@torch.no_grad()
def test_features_are_torchvisions(name):
    torch.manual_seed(0)
    with torch.device("meta"):
        encoder, theirs = build_encoder(name), get_model(name)
    # torchvision's VGG draws 120 million numbers for a classifier that is not looked at.
    theirs.classifier = nn.Identity()
    theirs, encoder = theirs.to_empty(device="cpu"), encoder.to_empty(device="cpu")
    for value in theirs.parameters():
        value.normal_(std=0.05)
    encoder = with_weights_of(theirs, encoder)
    x = torch.randn(2, 3, 64, 96)
    assert_equal(encoder(x)[-1], theirs.features(x))
    assert all(part.isfinite().all() for part in encoder(x[..., :37, :51]))


@torch.no_grad()
def test_a_dilated_resnet_is_torchvisions():
    torch.manual_seed(0)
    theirs = resnet50(weights=None, replace_stride_with_dilation=[False, True, True])
    encoder = with_weights_of(theirs, build_encoder("resnet50", output_stride=8))
    x = torch.randn(1, 3, 65, 41)
    h = theirs.layer1(theirs.maxpool(theirs.relu(theirs.bn1(theirs.conv1(x)))))
    for ours, layer in zip(encoder(x)[2:], (theirs.layer2, theirs.layer3, theirs.layer4), strict=True):
        h = layer(h)
        assert_equal(ours, h)


@torch.no_grad()
def test_a_dilated_mobilenet_is_torchvisions():
    torch.manual_seed(0)
    theirs = mobilenet_v3_large(weights=None, dilated=True)
    encoder = with_weights_of(theirs, build_encoder("mobilenet_v3_large", output_stride=16))
    x = torch.randn(1, 3, 65, 41)
    assert_equal(encoder(x)[-1], theirs.features(x))


@pytest.mark.parametrize(
    "name", ["resnet18.a1_in1k", "test_convnext", "test_efficientnet", "hrnet_w18_small", "mambaout_femto"]
)
@torch.no_grad()
def test_the_maps_of_timms_networks_are_timms(name):
    """Where sizes divide evenly, from the tensors of the classifier as timm publishes it."""
    torch.manual_seed(0)
    timm = import_module("timm")
    encoder = build_encoder(f"timm:{name}")
    encoder = with_weights_of(timm.create_model(name), encoder)
    x = torch.randn(1, 3, 64, 96)
    maps = encoder(x)
    assert [m.shape[1] for m in maps] == list(encoder.channels)
    theirs = encoder.get_submodule("body")(x)
    last = maps[-1].shape != theirs[-1].shape
    for ours, other in zip(maps, theirs, strict=True):
        assert torch.equal(ours, other.movedim(-1, 1) if last else other)


def test_without_timm_one_learns_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"pip install 'segmentation-workbench\[zoo\]'"):
        build_encoder("timm:resnet18")


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
@torch.no_grad()
def test_dilation_sees_what_strides_see(name):
    """At every fourth pixel the map of stride 8 is the map of stride 32."""
    torch.manual_seed(0)
    coarse = build_encoder(name).eval()
    fine = build_encoder(name, output_stride=8).eval()
    fine.load_state_dict(coarse.state_dict())
    x = torch.randn(1, 3, 128, 101)
    assert_equal(fine(x)[-1][..., ::4, ::4], coarse(x)[-1])


def test_a_multi_grid_multiplies_the_dilations_of_the_last_stage():
    encoder = build_encoder("resnet50", output_stride=16, multi_grid=(1, 2, 4))
    wide = {name: part for name, part in encoder.named_modules() if name.endswith("conv2")}
    assert [part.dilation[0] for name, part in wide.items() if name.startswith("layer3.")] == [1] * 6
    assert [part.dilation[0] for name, part in wide.items() if name.startswith("layer4.")] == [2, 4, 8]
    assert encoder(torch.randn(1, 3, 33, 33))[-1].shape == (1, 2048, 3, 3)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("resnet19", {}, "There is no encoder 'resnet19'. Choose one of resnet18, "),
        ("vgg16", {"output_stride": 8}, "vgg16 cannot have an output stride of 8, only 16 or 32."),
        ("convnext_tiny", {"output_stride": 16}, "convnext_tiny cannot have an output stride of 16, only 32."),
        ("resnet18", {"output_stride": 4}, "resnet18 cannot have an output stride of 4, only 8 or 16 or 32."),
        ("vgg16", {"multi_grid": (1, 2, 4)}, "a ResNet with an output stride of 8 or 16, found vgg16 with 32"),
        ("resnet50", {"multi_grid": (1, 2, 4)}, "found resnet50 with 32"),
    ],
)
def test_what_an_encoder_cannot_is_said(name, options, expected):
    with pytest.raises(UserError) as error:
        build_encoder(name, **options)
    assert expected in str(error.value)


@pytest.mark.parametrize("name", ["vgg11", "convnext_tiny"])
def test_an_encoder_is_exported_with_free_sizes(name):
    encoder = build_encoder(name).eval()
    sides = {2: torch.export.Dim("height", min=64, max=512), 3: torch.export.Dim("width", min=64, max=512)}
    program = torch.export.export(encoder, (torch.randn(1, 3, 70, 90),), dynamic_shapes=(sides,)).module()
    x = torch.randn(1, 3, 101, 67)
    with torch.no_grad():
        for ours, exported in zip(encoder(x), program(x), strict=True):
            assert_equal(ours, exported)
