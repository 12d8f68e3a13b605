"""Decoders against their twins in torchvision, transformers and segmentation_models_pytorch, weights copied over."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import get_weight, segmentation
from torchvision.ops import FeaturePyramidNetwork

from training import architectures
from training.architectures.blocks import PooledBatchNorm2d
from training.architectures.contract import Architecture
from training.architectures.pooling import adaptive_average

smp: Any = import_module("segmentation_models_pytorch")
CLASSES = 5


def build(name: str, **options: object) -> Architecture:
    torch.manual_seed(0)
    return architectures.build(name, CLASSES, **options).eval()


def shake(network: nn.Module) -> Any:
    """Give the normalisations of a twin statistics and weights that matter, and put it in eval mode."""
    torch.manual_seed(1)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.1)
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean = torch.randn(part.num_features) * 0.1
            part.running_var = torch.rand(part.num_features) + 0.5
    return network.eval()


def copy_in_order(theirs: nn.Module | Iterable[nn.Module], ours: nn.Module | Iterable[nn.Module]) -> None:
    """Copy tensors from a twin with other names: both list them in the order of the layers."""
    source, target = (
        [v for m in ([part] if isinstance(part, nn.Module) else part) for v in m.state_dict(keep_vars=True).values()]
        for part in (theirs, ours)
    )
    with torch.no_grad():
        for value, into in zip(source, target, strict=True):
            into.copy_(value)


def assert_equal(ours: Tensor, theirs: Tensor) -> None:
    assert (ours - theirs).abs().max() < 1e-4 * max(1.0, theirs.abs().max().item())


# --- DeepLab v3 ---


@pytest.mark.parametrize(
    ("make", "official", "options"),
    [
        (segmentation.deeplabv3_resnet50, "DeepLabV3_ResNet50_Weights", {}),
        (segmentation.deeplabv3_resnet101, "DeepLabV3_ResNet101_Weights", {"encoder": "resnet101"}),
        (
            segmentation.deeplabv3_mobilenet_v3_large,
            "DeepLabV3_MobileNet_V3_Large_Weights",
            {"encoder": "mobilenet_v3_large", "output_stride": 16},
        ),
    ],
)
def test_deeplabv3_has_the_keys_and_parameters_of_the_official_checkpoints(make, official, options):
    with torch.device("meta"):
        ours = architectures.build("deeplabv3", 21, **options)
        theirs = make(weights=None, weights_backbone=None, num_classes=21, aux_loss=True)
    shapes = [{key: tuple(value.shape) for key, value in n.state_dict().items()} for n in (ours, theirs)]
    assert shapes[0] == shapes[1]
    stated = get_weight(f"{official}.COCO_WITH_VOC_LABELS_V1").meta["num_params"]
    assert sum(p.numel() for p in ours.parameters()) == stated


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (segmentation.deeplabv3_resnet50, {}),
        (segmentation.deeplabv3_mobilenet_v3_large, {"encoder": "mobilenet_v3_large", "output_stride": 16}),
    ],
)
@torch.no_grad()
def test_deeplabv3_computes_what_torchvisions_does(make, options):
    torch.manual_seed(0)
    theirs = shake(make(weights=None, weights_backbone=None, num_classes=CLASSES, aux_loss=True))
    ours = build("deeplabv3", **options)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 65, 81)
    assert_equal(ours(x), theirs(x)["out"])


@torch.no_grad()
def test_deeplabv3s_auxiliary_head_is_torchvisions():
    torch.manual_seed(0)
    theirs = shake(segmentation.deeplabv3_resnet50(weights_backbone=None, num_classes=CLASSES, aux_loss=True))
    ours = build("deeplabv3")
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 65, 81)
    expected = theirs(x)["aux"]
    ours.training = True  # this module only: its parts stay in eval mode
    aux = ours.logits(x).heads["aux"]
    assert_equal(F.interpolate(aux, size=x.shape[-2:], mode="bilinear"), expected)


# --- DeepLab v3+ ---


def undilate_first_block(encoder: Any) -> None:
    """Give the convolution that lost its stride the dilation of the stage before, as torchvision has it."""
    encoder.layer4[0].conv1.dilation = encoder.layer4[0].conv1.padding = (1, 1)


@pytest.mark.parametrize("separable", [True, False])
@torch.no_grad()
def test_deeplabv3plus_is_built_of_smps_parts(separable):
    """smp has one 3x3 convolution before and one after the junction; the paper, and so ours, both after it."""
    torch.manual_seed(0)
    separable_conv = smp.decoders.deeplabv3.decoder.SeparableConv2d
    theirs = smp.DeepLabV3Plus(
        "resnet18", encoder_weights=None, decoder_atrous_rates=(6, 12, 18), decoder_aspp_separable=separable, classes=5
    )
    undilate_first_block(theirs.encoder)
    decoder = theirs.decoder
    decoder.aspp = decoder.aspp[0]
    decoder.up = nn.Upsample(scale_factor=4, mode="bilinear")
    if not separable:
        decoder.block2[0] = nn.Conv2d(304, 256, 3, padding=1, bias=False)
    second = (
        separable_conv(256, 256, 3, padding=1, bias=False) if separable else nn.Conv2d(256, 256, 3, 1, 1, bias=False)
    )
    decoder.block2 = nn.Sequential(decoder.block2, nn.Sequential(second, nn.BatchNorm2d(256), nn.ReLU()))
    shake(theirs)
    ours: Any = build("deeplabv3plus", encoder="resnet18", separable=separable)
    ours.backbone.load_state_dict(theirs.encoder.state_dict())
    copy_in_order(
        (decoder.aspp, decoder.block1, decoder.block2, theirs.segmentation_head[0]),
        (ours.aspp, ours.reduce, ours.refine, ours.head),
    )
    x = torch.randn(2, 3, 64, 96)
    assert_equal(ours.logits(x).out, theirs.segmentation_head[0](decoder(theirs.encoder(x))))


# --- PSPNet ---


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (6, 6), (13, 17)])
@pytest.mark.parametrize("bins", [1, 2, 3, 6])
def test_adaptive_average_is_torchs(size, bins):
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    assert (adaptive_average(x, bins) - F.adaptive_avg_pool2d(x, bins)).abs().max() < 1e-12


@torch.no_grad()
def test_pspnets_pyramid_is_that_of_upernet():
    """transformers has the module as the head of UPerNet's coarsest level."""
    upernet = import_module("transformers.models.upernet.modeling_upernet")
    config = SimpleNamespace(pool_scales=(1, 2, 3, 6), hidden_size=128, num_labels=CLASSES)
    torch.manual_seed(0)
    theirs = shake(upernet.UperNetHead(config, [512]))
    ours: Any = build("pspnet", encoder="resnet18", width=128)
    copy_in_order((theirs.psp_modules, theirs.bottleneck, theirs.classifier), (ours.pyramid, ours.classifier))
    x = torch.randn(2, 3, 65, 97)
    expected = theirs.classifier(theirs.psp_forward([ours.backbone(x)[-1]]))
    assert_equal(ours.logits(x).out, expected)


def test_pspnet_has_the_shapes_of_the_paper():
    with torch.device("meta"):
        network: Any = architectures.build("pspnet", 150)
        assert network.backbone(torch.empty(1, 3, 473, 473))[-1].shape == (1, 2048, 60, 60)
        logits = network.train().logits(torch.empty(2, 3, 473, 473))
    assert [level.convolution[0].out_channels for level in network.pyramid] == [512] * 4
    assert network.classifier[0][0].in_channels == 4096
    assert logits.out.shape == logits.heads["aux"].shape == (2, 150, 60, 60)


# --- FPN ---


@torch.no_grad()
def test_fpn_is_torchvisions_pyramid():
    """At sizes that do not divide, too."""
    torch.manual_seed(0)
    theirs = FeaturePyramidNetwork([64, 128, 256, 512], 32)
    ours: Any = build("fpn", encoder="resnet18", width=32)
    copy_in_order(theirs.inner_blocks, ours.lateral)
    copy_in_order(theirs.layer_blocks[0], ours.smooth)
    x = torch.randn(1, 3, 75, 101)
    maps = ours.backbone(x)
    expected = theirs({str(index): m for index, m in enumerate(maps[1:])})["0"]
    assert_equal(ours.smooth(ours.pyramid(maps)[0]), expected)
    assert_equal(ours.logits(x).out, ours.head(expected))


@torch.no_grad()
def test_fpn_of_all_levels_is_smps(monkeypatch):
    torch.manual_seed(0)
    theirs = smp.FPN(
        "resnet18", encoder_weights=None, decoder_pyramid_channels=64, decoder_segmentation_channels=32, classes=CLASSES
    )
    shake(theirs)
    # smp aligns corners where it scales bilinearly.
    interpolate = partial(_interpolate_centres, original=F.interpolate)
    monkeypatch.setattr(smp.decoders.fpn.decoder, "F", SimpleNamespace(interpolate=interpolate))
    ours: Any = build("fpn", encoder="resnet18", width=64, head="all")
    decoder = theirs.decoder
    ours.backbone.load_state_dict(theirs.encoder.state_dict())
    laterals = (decoder.p2.skip_conv, decoder.p3.skip_conv, decoder.p4.skip_conv, decoder.p5)
    copy_in_order(laterals, ours.lateral)
    copy_in_order(reversed(decoder.seg_blocks), ours.branches)
    copy_in_order(theirs.segmentation_head[0], ours.head)
    x = torch.randn(2, 3, 64, 96)
    assert_equal(ours.logits(x).out, theirs.segmentation_head[0](decoder(theirs.encoder(x))))


def _interpolate_centres(x: Tensor, *, original: Any, align_corners: bool | None = None, **given: Any) -> Tensor:
    return original(x, **given)


# --- U-Net ---


@torch.no_grad()
def test_unet_on_an_encoder_has_smps_decoder():
    """smp puts the skip second and one more block at full resolution, which ours does not have."""
    torch.manual_seed(0)
    theirs = shake(smp.Unet("resnet18", encoder_weights=None, decoder_channels=(64, 32, 16, 8, 4), classes=CLASSES))
    ours: Any = build("unet", encoder="resnet18", width=16)
    ours.contracting.load_state_dict(theirs.encoder.state_dict())
    blocks = theirs.decoder.blocks[:4]
    copy_in_order(blocks, ours.expanding)
    for up, skip in zip(ours.expanding, (256, 128, 64, 64), strict=True):
        weight = up.convolutions[0].weight
        weight.copy_(torch.cat([weight[:, -skip:], weight[:, :-skip]], dim=1))
    theirs.decoder.blocks = blocks
    x = torch.randn(2, 3, 64, 96)
    assert_equal(ours.logits(x).out, ours.head(theirs.decoder(theirs.encoder(x))))


@pytest.mark.parametrize(("encoder", "stride"), [("vgg16_bn", 1), ("efficientnet_b0", 2), ("convnext_tiny", 4)])
def test_unet_ends_at_the_finest_map_of_its_encoder(encoder, stride):
    with torch.device("meta"):
        network = architectures.build("unet", 3, encoder=encoder, width=32).eval()
        assert network.logits(torch.empty(1, 3, 65, 97)).out.shape == (1, 3, -(-65 // stride), -(-97 // stride))


def test_normalisation_after_pooling_takes_a_batch_of_one():
    ours, plain = PooledBatchNorm2d(4), nn.BatchNorm2d(4)
    x = torch.randn(3, 4, 1, 1)
    assert torch.equal(ours(x), plain(x))
    assert ours(x[:1]).isfinite().all()
    with pytest.raises(ValueError, match="more than 1 value"):
        plain(x[:1])
