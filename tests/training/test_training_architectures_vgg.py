"""The networks on VGG, Res-UNet and the plain stack against torchvision, their papers' figures and slow versions."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import get_model

from training import architectures
from training.architectures.aspp_sum import GlobalSumASPP, HiddenSumASPP
from training.architectures.contract import Architecture
from training.architectures.fcn_vgg import _bilinear_x2, _FullyConvolutionalVGG
from training.architectures.segnet import SegNet, SegNetBilinear
from training.architectures.vgg import VGG, large_fov_features
from training.weights.catalogue import CATALOGUE


def on_meta(name: str, classes: int = 21, **options: Any) -> Any:
    with torch.device("meta"):
        return built(name, classes, **options)


def built(name: str, classes: int, **options: Any) -> Any:
    """Build a network for evaluation; Any, as the parts of a module have no types."""
    return architectures.build(name, classes, **options).eval()


def native(network: Architecture, *size: int) -> tuple[int, ...]:
    return tuple(network.logits(torch.empty(1, 3, *size, device="meta")).out.shape[-2:])


def parameters(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def outputs_of(network: Architecture, side: int) -> dict[str, tuple[int, ...]]:
    """Return (H, W, C) of what every part gives for a square image; a part that runs twice, its last."""
    seen: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Any:
        return lambda module, given, out: seen.update({name: (*out.shape[2:], out.shape[1])})

    for name, part in network.named_modules():
        if not isinstance(part, (Architecture, VGG, nn.ModuleList)) and name != "resnet":
            part.register_forward_hook(note(name))
    network.logits(torch.empty(1, 3, side, side, device="meta"))
    return seen


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *((name, {}) for name in ("fcn32s", "fcn16s", "fcn8s", "segnet", "segnet_bilinear", "deeplabv1", "sspfpn")),
        ("deeplabv2", {"backbone": "vgg16"}),
        ("resunet", {}),
    ],
)
def test_the_named_imagenet_weights_fill_the_encoder(name, options):
    network = on_meta(name, **options)
    assert network.imagenet in CATALOGUE
    with torch.device("meta"):
        classifier = get_model(network.imagenet).state_dict()
    named = {network.imagenet_key(key): tuple(value.shape) for key, value in classifier.items()}
    named.pop(None, None)
    assert named == {key: tuple(value.shape) for key, value in network.encoder().state_dict().items()}


@torch.no_grad()
def test_fully_convolutional_vgg_is_torchvisions_classifier():
    """At the middle of a 224 px image, where the 7x7 window of fc6 lies on the whole map."""
    vgg = get_model("vgg11").eval()
    with torch.device("meta"):
        ours = _FullyConvolutionalVGG("vgg11", 4096, 0.5).eval()
    state = {key: value for key, value in vgg.state_dict().items() if not key.startswith("classifier.6.")}
    ours.load_state_dict(state, assign=True)
    x = torch.randn(1, 3, 224, 224)
    expected = vgg.classifier[:6](vgg.features(x).flatten(1))
    _, fc7 = ours(x)
    assert fc7.shape == (1, 4096, 7, 7)
    assert (fc7[..., 3, 3] - expected).abs().max() < 1e-4


def test_fcn_has_the_papers_parameters_and_strides():
    # Table 1: FCN-VGG16 has 134M parameters at stride 32.
    network = on_meta("fcn32s")
    assert round(parameters(network) / 1e6) == 134
    with torch.device("meta"):
        vgg = get_model("vgg16")
    assert parameters(network) == parameters(vgg) - parameters(vgg.classifier[6]) + 4096 * 21 + 21
    skips = {"fcn32s": [], "fcn16s": [512], "fcn8s": [512, 256]}
    for name, stride in (("fcn32s", 32), ("fcn16s", 16), ("fcn8s", 8)):
        finer = on_meta(name)
        assert native(finer, 225, 320) == (-(-225 // stride), 320 // stride)
        assert parameters(finer) - parameters(network) == sum(c * 21 + 21 + 21 * 21 * 16 for c in skips[name])


@torch.no_grad()
def test_fcn_starts_from_the_coarser_fcn_doubled_bilinearly():
    torch.manual_seed(0)
    options = {"backbone": "vgg11", "channels": 8}
    coarse, fine = (built(name, 4, **options) for name in ("fcn32s", "fcn8s"))
    fresh = fine.load_state_dict(coarse.state_dict(), strict=False).missing_keys
    assert {key.split(".")[0] for key in fresh} == {"score_skips", "upsampling"}
    x = torch.randn(1, 3, 256, 256)
    expected = coarse.logits(x).out
    for _ in range(2):
        expected = F.interpolate(expected, scale_factor=2, mode="bilinear")
    # The border, where one continues zero and the other the outermost value, is left out.
    assert (fine.logits(x).out - expected)[..., 4:-4, 4:-4].abs().max() < 1e-5


@torch.no_grad()
def test_bilinear_upsampling_is_interpolation():
    x = torch.randn(2, 3, 5, 6)
    expected = F.interpolate(x, scale_factor=2, mode="bilinear")
    assert (_bilinear_x2(3)(x) - expected)[..., 1:-1, 1:-1].abs().max() < 1e-6


@torch.no_grad()
def test_vgg_stages_are_torchvisions():
    torch.manual_seed(0)
    theirs = get_model("vgg11_bn").features.eval()
    ours = VGG("vgg11_bn").eval()
    ours.features.load_state_dict(theirs.state_dict())
    x = torch.randn(1, 3, 64, 32)
    h = x
    for index in range(5):
        h = F.max_pool2d(ours.stage(index, h), 2)
    assert (h - theirs(x)).abs().max() < 1e-5


@pytest.mark.parametrize("size", [(6, 4), (5, 7), (1, 3)])
@torch.no_grad()
def test_segnet_puts_every_maximum_back_where_it_was(size):
    height, width = size
    x = torch.rand(1, 2, height, width)
    network = SegNet(2, backbone="vgg11_bn")
    pooled, places = network._down(x)
    expected = torch.zeros_like(x)
    for channel, top, left in product(range(2), range(0, height, 2), range(0, width, 2)):
        window = x[0, channel, top : top + 2, left : left + 2]
        assert pooled[0, channel, top // 2, left // 2] == window.max()
        row, column = divmod(int(window.argmax()), window.shape[1])
        expected[0, channel, top + row, left + column] = window.max()
    assert torch.equal(network._up(pooled, x, places), expected)


def test_segnet_mirrors_vgg16():
    network = on_meta("segnet", 11)
    # Section 3: 13 convolutions of VGG16, a decoder layer for each; 14.7M parameters in the encoder.
    assert round(parameters(network.encoder()) / 1e6, 1) == 14.7
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 26
    up = [layer for stage in reversed(network.decoder) for layer in stage if isinstance(layer, nn.Conv2d)]
    mirrored = [(layer.out_channels, layer.in_channels) for layer in reversed(convolutions[1:13])]
    assert [(layer.in_channels, layer.out_channels) for layer in up] == mirrored
    assert (network.head.in_channels, network.head.out_channels) == (64, 11)
    assert native(network, 360, 480) == (360, 480)
    assert on_meta("segnet_bilinear", 11).state_dict().keys() == network.state_dict().keys()


def test_segnet_names_the_twin_that_needs_no_scatter():
    assert "ScatterND" in SegNet.exports_note
    assert SegNetBilinear.name in SegNet.exports_note
    assert SegNetBilinear.exports_note == ""


def test_deeplab_v1_has_the_papers_parameters_and_stride():
    # Table 2, DeepLab-CRF-LargeFOV: 20.5M parameters; 321 px crops give 41 x 41 scores.
    network = on_meta("deeplabv1")
    assert round(parameters(network) / 1e6, 1) == 20.5
    assert native(network, 321, 320) == (41, 40)
    finer = on_meta("deeplabv1", multi_scale=True)
    # Section 4.3: 5 x 128 = 640 more channels; each branch 3x3 and 1x1 of 128 channels and its share of the classifier.
    added = sum(9 * c * 128 + 128 + 128 * 128 + 128 + 128 * 21 + 21 for c in (3, 64, 128, 256, 512))
    assert parameters(finer) - parameters(network) == added
    assert native(finer, 321, 320) == (41, 40)


@torch.no_grad()
def test_large_fov_features_are_vggs_before_the_dilation():
    """Up to conv4 with torchvision's own poolings; after it every pixel of the undilated grid is there."""
    torch.manual_seed(0)
    vgg = get_model("vgg11").features.eval()
    dilated = large_fov_features("vgg11").eval()
    dilated.load_state_dict(vgg.state_dict())
    x = torch.randn(1, 512, 12, 12)
    undilated = vgg[16:20](x[..., ::2, ::2])
    assert (dilated[16:20](x)[..., ::2, ::2] - undilated).abs().max() < 1e-5


@torch.no_grad()
def test_multi_scale_prediction_is_one_classifier_on_all_channels():
    torch.manual_seed(0)
    network = built("deeplabv1", 4, backbone="vgg11", multi_scale=True, channels=8)
    joined: list[Tensor] = []
    kernels = []
    for classifier in (network.fc8, *(branch[-1] for branch in network.scales)):
        nn.init.normal_(classifier.bias)
        classifier.register_forward_hook(lambda module, given, out: joined.append(given[0]))
        kernels.append(classifier)
    out = network.logits(torch.randn(1, 3, 33, 41)).out
    whole = torch.cat([layer.weight for layer in kernels], dim=1)
    features = torch.cat(joined, dim=1)
    assert features.shape[1] == 8 + 640
    assert (F.conv2d(features, whole, sum(layer.bias for layer in kernels)) - out).abs().max() < 1e-5


@torch.no_grad()
def test_deeplab_v2s_forms_of_aspp():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 30, 31)
    network: Any = HiddenSumASPP(5, 8, 3).eval()
    expected = torch.zeros(2, 3, 30, 31)
    scores = (network.c0, network.c1, network.c2, network.c3)
    for rate, branch, score in zip((6, 12, 18, 24), network.hidden, scores, strict=True):
        h = F.relu(F.conv2d(x, branch[0].weight, branch[0].bias, padding=rate, dilation=rate))
        expected += score(F.relu(branch[3](h)))
    assert (network(x) - expected).abs().max() < 1e-5
    wide: Any = GlobalSumASPP(5, 8, 3).eval()
    conv, norm, _, _, score = wide.image
    vector = F.relu(norm(conv(x))).mean((2, 3), keepdim=True)
    plain = sum(c(x) for c in (wide.c0, wide.c1, wide.c2, wide.c3))
    expected = plain + F.interpolate(score(vector), size=(30, 31), mode="bilinear")
    assert (wide(x) - expected).abs().max() < 1e-5


def test_deeplab_v2_on_vgg_is_four_large_fovs():
    v1, v2 = on_meta("deeplabv1"), on_meta("deeplabv2", backbone="vgg16", aspp="fc", msc=False)
    encoder = parameters(v1.encoder())
    assert parameters(v2) - encoder == 4 * (parameters(v1) - encoder)
    assert native(v2, 321, 321) == (41, 41)
    for aspp in ("plain", "fc", "bn_global"):
        assert on_meta("deeplabv2", aspp=aspp).state_dict()["base.aspp.c0.weight"].shape[0] == 21


def test_sspfpn_has_the_reports_table():
    network = on_meta("sspfpn")
    assert parameters(network.fuse, network.head) == 645_653  # the report: about 0.65M trained
    seen = outputs_of(network, 224)
    assert [seen[f"fuse.{index}"] for index in range(5)] == [(224 // 2**index,) * 2 + (256,) for index in range(5)]
    assert seen["head"] == (224, 224, 21)
    relus = (3, 8, 17, 26, 35)  # block1_conv2, block2_conv2, block3_conv4, 4_conv4, 5_conv4
    widths = (64, 128, 256, 512, 512)
    assert [seen[f"vgg.features.{i}"] for i in relus] == [
        (224 // 2**level,) * 2 + (width,) for level, width in enumerate(widths)
    ]


@torch.no_grad()
def test_sspfpn_stacks_as_the_report_says():
    torch.manual_seed(0)
    network = built("sspfpn", 4, backbone="vgg11", channels=8)
    x = torch.randn(1, 3, 32, 48)
    maps = [network.vgg.stage(0, x)]
    for index in range(1, 5):
        maps.append(network.vgg.stage(index, F.max_pool2d(maps[-1], 2)))
    p = F.relu(network.fuse[4](maps[4]))
    for index in (3, 2, 1, 0):
        doubled = p.repeat_interleave(2, 2).repeat_interleave(2, 3)
        p = F.relu(network.fuse[index](torch.cat([maps[index], doubled], 1)))
    assert (network(x) - network.head(p)).abs().max() < 1e-5


def test_resunet_has_the_reports_table():
    network = on_meta("resunet")
    seen = outputs_of(network, 224)
    wanted = {
        "resnet.conv1": (112, 112, 64),
        "resnet.layer2": (28, 28, 512),
        "resnet.layer4": (7, 7, 2048),
        "up5": (14, 14, 256),
        "fuse": (28, 28, 256),
        "up3": (56, 56, 64),
        "last": (224, 224, 64),
        "head": (224, 224, 21),
    }
    assert {name: seen[name] for name in wanted} == wanted
    assert network.fuse[0].in_channels == 768
    assert network.last[0].in_channels == 128


@torch.no_grad()
def test_plainconv_sees_as_far_as_it_says():
    torch.manual_seed(0)
    network = built("plainconv", 3, width=4, layers=3)
    x = torch.randn(1, 3, 15, 15)
    other = x.clone()
    other[..., 7, 7] += 1
    changed = (network(x) != network(other)).any(1)[0]
    rows, columns = changed.nonzero(as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 10, 4, 10)  # 2 * 3 + 1 a side
