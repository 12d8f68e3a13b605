"""Every architecture keeps the contract, whatever its options."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from db.errors import UserError
from training import architectures
from training.architectures.contract import Architecture, Logits
from training.losses.presence import presence_sum


@dataclass(frozen=True)
class Variant:
    name: str
    options: dict[str, Any]
    stride: int
    heads: frozenset[str] = frozenset()
    presence: bool = False
    lr: float = 1e-3
    right: float = 0.95  # share of the pixels it can learn by heart; a coarse output stride allows less
    images: int = 2  # that it learns by heart; more where means of whole images are normalised across them
    rounding: float = 0.1  # what bfloat16 may change, in standard deviations; more where near-equal maxima swap places

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.options.items())])

    def build(self, classes: int = 3, seed: int = 0) -> Architecture:
        torch.manual_seed(seed)
        return architectures.build(self.name, classes, **self.options)


SCALES = frozenset({"scale_100", "scale_075", "scale_050"})
AUX = frozenset({"aux"})
VGG = {"backbone": "vgg11_bn"}
VARIANTS = [
    Variant("deeplabv2", {"depth": 18}, 8, SCALES),
    Variant("deeplabv2", {"depth": 18, "msc": False, "layout": "torchvision"}, 8),
    Variant("unet", {"width": 8, "levels": 3}, 1, lr=5e-3),
    Variant("unet", {"width": 8, "levels": 2, "batch_norm": False, "dropout": 0.1}, 1, lr=5e-3),
    Variant("unet", {"encoder": "resnet18", "width": 16}, 2),
    Variant("unet", {"encoder": "mobilenet_v3_small", "width": 16}, 2, lr=5e-3),
    Variant("unet", {"encoder": "hrnet_w18", "width": 16}, 4),
    Variant("unet", {"encoder": "timm:test_efficientnet", "width": 16}, 2, lr=5e-3),
    Variant("fpn", {"encoder": "resnet18", "width": 32}, 4),
    Variant("fpn", {"encoder": "mit_b0", "width": 64}, 4),
    Variant("fpn", {"encoder": "timm:test_convnext", "width": 32}, 4, lr=5e-3),
    Variant("fpn", {"encoder": "mobilenet_v3_small", "width": 64, "head": "all", "dropout": 0.1}, 4, lr=5e-3),
    Variant("deeplabv3", {"encoder": "resnet18", "rate": 6, "multi_grid": True}, 8, AUX),
    Variant("deeplabv3", {"encoder": "mobilenet_v3_small", "aux": False}, 8, lr=5e-3, images=4),
    Variant("deeplabv3plus", {"encoder": "resnet18"}, 4),
    Variant("pspnet", {"encoder": "resnet18", "width": 64}, 8, AUX),
    Variant("fcn_resnet50", {}, 8, AUX),
    Variant("fcn_resnet101", {}, 8, AUX),
    Variant("lraspp_mobilenetv3", {}, 8, lr=5e-3),
    Variant("encnet", {"encoder": "resnet18", "codewords": 8, "width": 32}, 8, frozenset({"aux"}), presence=True),
    Variant("encnet", {"encoder": "resnet18", "width": 32, "lateral": True, "se_loss": False, "aux": False}, 8),
    Variant("efficientfcn", {"encoder": "resnet18", "codewords": 16, "width": 64, "reduced": 32}, 8),
    Variant("hrnet", {"size": "w18_small"}, 4),
    Variant("segformer", {"drop_path": 0.0}, 4),
    Variant("fcn32s", {**VGG, "channels": 32, "dropout": 0}, 32, right=0.85),
    Variant("fcn16s", {**VGG, "channels": 32, "dropout": 0}, 16, right=0.85),
    Variant("fcn8s", {**VGG, "channels": 32, "dropout": 0}, 8, right=0.9),
    Variant("segnet", VGG, 1, rounding=0.3),
    Variant("segnet_bilinear", VGG, 1),
    Variant("deeplabv1", {**VGG, "channels": 64, "dropout": 0, "multi_scale": True}, 8),
    Variant("deeplabv2", {**VGG, "aspp": "fc", "aspp_channels": 64, "msc": False}, 8),
    Variant("deeplabv2", {"depth": 18, "aspp": "bn_global", "aspp_channels": 32, "msc": False}, 8),
    Variant("sspfpn", {**VGG, "channels": 32}, 1),
    Variant("resunet", {"encoder": "resnet18"}, 1),
    Variant("plainconv", {"width": 16, "layers": 3}, 1, lr=5e-3),
]
every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*args: object) -> None:
        raise AssertionError("an architecture opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_every_architecture_has_a_variant_and_says_where_it_comes_from():
    assert {variant.name for variant in VARIANTS} == set(architectures.names())
    for name in architectures.names():
        family = architectures.family(name)
        assert family.name == name
        assert 2014 <= family.year <= 2030
        assert "arXiv" in family.paper or "doi" in family.paper


@every_variant
def test_any_input_size_gives_logits_of_that_size(variant):
    network = variant.build().eval()
    with torch.no_grad():
        for height, width in ((1, 1), (1, 40), (7, 3), (33, 47), (50, 64)):
            x = torch.randn(2, 3, height, width)
            assert network(x).shape == (2, 3, height, width)
            native = network.logits(x)
            assert not native.heads
            assert native.presence is None
            if min(height, width) > 32:
                # DeepLab's pooling, which rounds up, can give one row or column more.
                extra = variant.options.get("layout", "caffe") == "caffe" and variant.name == "deeplabv2"
                for got, side in zip(native.out.shape[-2:], (height, width), strict=True):
                    assert 0 <= got - -(-side // variant.stride) <= extra


@every_variant
def test_one_image_of_any_size_trains(variant):
    network = variant.build().train()
    for side in (1, 5, 37):
        x = torch.randn(1, 3, side, side)
        logits = network.logits(x)
        assert logits.heads.keys() == variant.heads
        assert logits.heads.keys() <= network.head_weights.keys()
        for score in (logits.out, *logits.heads.values()):
            assert score.isfinite().all()
            assert score.shape[:2] == (1, 3)
        assert (logits.presence is not None) == variant.presence
        assert logits.presence is None or logits.presence.shape == (1, 3)


@every_variant
def test_backward_reaches_every_parameter(variant):
    network = variant.build().train()
    logits = network.logits(torch.randn(2, 3, 48, 48))
    loss_of(network, logits, torch.randint(3, (2, 48, 48))).backward()
    reached = {name for name, p in network.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert {name for name, _ in network.named_parameters()} - reached == set()


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each.name != "fcn_resnet101"], ids=str)
def test_learns_images_by_heart(variant):
    # All but fcn_resnet101, which is fcn_resnet50 with more of the same blocks: a sixth of this test's time.
    network = variant.build().train()
    pixels, labels = few_images(variant.images)
    optimizer = torch.optim.AdamW(network.parameters(), lr=variant.lr)
    for _ in range(60):
        optimizer.zero_grad()
        logits = network.logits(pixels)
        if right(logits.out, labels) > variant.right:
            break
        loss_of(network, logits, labels).backward()
        optimizer.step()
    else:
        pytest.fail(f"only {right(logits.out, labels):.2f} of the pixels are right after 60 steps")
    # The running statistics need hundreds of steps to follow; let them be those of these images.
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.reset_running_stats()
            part.momentum = None
    with torch.no_grad():
        network(pixels)
        assert right(network.eval()(pixels), labels) > variant.right - 0.05


@every_variant
def test_weights_survive_a_round_trip(variant, tmp_path):
    network, other = variant.build(seed=1).eval(), variant.build(seed=2).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    x = torch.randn(1, 3, 33, 40)
    with torch.no_grad():
        assert torch.equal(network(x), other(x))


@every_variant
def test_parameter_groups_are_a_partition_with_the_encoder_as_one_part(variant):
    network = variant.build()
    groups = network.parameter_groups()
    grouped = [id(p) for group in groups.values() for p in group]
    assert sorted(grouped) == sorted(id(p) for p in network.parameters())
    assert {id(p) for p in groups["encoder"]} == {id(p) for p in network.encoder().parameters()}
    assert all(name == "encoder" or name.split("_")[0] == "head" for name in groups)


@every_variant
def test_encoder_blocks_are_a_partition_from_input_to_output(variant):
    with torch.device("meta"):
        network = variant.build().eval()
    reached: dict[int, None] = {}

    def note(module: nn.Module, *_: object) -> None:
        reached.update((id(p), None) for p in module.parameters(recurse=False))

    for module in network.encoder().modules():
        module.register_forward_hook(note)
    network(torch.empty(1, 3, 64, 64, device="meta"))
    blocks = network.encoder_blocks()
    place = {id(p): index for index, block in enumerate(blocks) for p in block}
    assert len(blocks) >= 3
    assert all(blocks)
    assert sum(map(len, blocks)) == len(place)
    assert place.keys() == reached.keys() == {id(p) for p in network.encoder().parameters()}
    assert [place[p] for p in reached] == sorted(place.values())


@every_variant
def test_the_seed_decides_the_initial_weights(variant):
    first, same, other = (variant.build(seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@every_variant
def test_the_head_key_counts_the_classes(variant):
    for classes in (1, 254):  # three are those of every other test
        with torch.device("meta"):
            network = architectures.build(variant.name, classes, **variant.options)
            assert network.num_classes == classes
            assert network.state_dict()[network.head_key].shape[0] == classes
            assert network.eval()(torch.empty(1, 3, 64, 64)).shape == (1, classes, 64, 64)


@every_variant
def test_channels_last_and_bfloat16_change_nothing_but_the_rounding(variant):
    network = variant.build().eval()
    x = torch.randn(1, 3, 40, 56)
    with torch.no_grad():
        expected = network(x)
        laid_out = network.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = network(x).float()
    assert (laid_out - expected).abs().max() < 1e-3 * max(1.0, expected.std().item())
    assert (rounded - expected).std() < variant.rounding * expected.std()


@every_variant
def test_an_exported_program_computes_the_same(variant):
    network = variant.build().eval()
    assert "pt2" in network.exports
    x = torch.randn(1, 3, 35, 51)
    with torch.no_grad():
        program = torch.export.export(network, (x,)).module()
        assert (program(x) - network(x)).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("segnot", {}, "Choose one of " + ", ".join(architectures.names())),
        ("deeplabv2", {"dpeth": 18}, "dpeth: no such option; there are (with defaults): depth=101, msc=True"),
        ("deeplabv2", {"depth": 19}, "depth: Input should be 18, 34, 50 or 101, found 19"),
        ("unet", {"encoder": "vgg15"}, "'resnet18'"),
        ("deeplabv3", {"encoder": "mobilenet_v3_small", "multi_grid": True}, "A multi-grid needs a ResNet"),
        ("pspnet", {"encoder": "vgg16"}, "Input should be 'resnet18'"),
        ("unet", {"encoder": "resnet18", "levels": 3}, "levels=3"),
        ("fpn", {"encoder": "resnet"}, "'mit_b4' or 'mit_b5', or timm:NAME, found 'resnet'"),
        ("fpn", {"encoder": "timm:resnet81"}, "Nearest: timm:resnet18"),
        ("fpn", {"encoder": "timm:hf-hub:somebody/network"}, "has no network"),
        ("fpn", {"encoder": "timm:resnet18.mine"}, "it has timm:resnet18.a1_in1k"),
        ("fpn", {"encoder": "timm:test_vit"}, "at strides 16, 16, 16"),
        ("fpn", {"encoder": "timm:swin_tiny_patch4_window7_224"}, "224x224 pixels only"),
        ("pspnet", {"encoder": "timm:hrnet_w18"}, "output stride of 8, only 32"),
        ("deeplabv3", {"encoder": "timm:resnet18", "multi_grid": True}, "A multi-grid needs a ResNet"),
        ("lraspp_mobilenetv3", {"aux": True}, "none at all"),
    ],
)
def test_a_wrong_name_or_option_is_answered_with_the_choices(name, options, expected):
    with pytest.raises(UserError) as error:
        architectures.build(name, 3, **options)
    assert expected in str(error.value)


@pytest.mark.parametrize("classes", [0, 255])
def test_the_number_of_classes_has_limits(classes):
    with pytest.raises(UserError, match="1 to 254 classes"):
        architectures.build("unet", classes)


def loss_of(network: Architecture, logits: Logits, labels: Tensor) -> Tensor:
    weighted = [(logits.out, 1.0), *((score, network.head_weights[name]) for name, score in logits.heads.items())]
    total = torch.stack([weight * F.cross_entropy(resized(score, labels), labels) for score, weight in weighted]).sum()
    if logits.presence is not None:
        total = total + network.head_weights["presence"] * presence_sum(logits.presence, labels) / len(labels)
    return total


def few_images(count: int) -> tuple[Tensor, Tensor]:
    """Noise of three colours: left, right, and a square whose place differs."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.zeros(count, 48, 48, dtype=torch.long)
    labels[:, :, 24:] = 1
    for image in range(count):
        corner = image * 24 // (count - 1)
        labels[image, corner : corner + 24, corner : corner + 24] = 2
    pixels = torch.eye(3)[labels].permute(0, 3, 1, 2) * 2 - 1
    return pixels + 0.3 * torch.randn(pixels.shape, generator=generator), labels


def resized(score: Tensor, labels: Tensor) -> Tensor:
    return F.interpolate(score, size=labels.shape[-2:], mode="bilinear")


def right(score: Tensor, labels: Tensor) -> float:
    return (resized(score, labels).argmax(1) == labels).float().mean().item()
