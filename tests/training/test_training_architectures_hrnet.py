"""HRNet: timm's features with the same weights, and the parameters the paper counts."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
import torch
import torch.nn.functional as F

from training import architectures
from training.architectures.high_resolution import HighResolution, Size
from training.architectures.hrnet import HRNet
from training.weights.loading import load_start
from training.weights.reading import read_state_dict

TIMM = {"w18_small": "hrnet_w18_small_v2", "w18": "hrnet_w18", "w32": "hrnet_w32", "w48": "hrnet_w48"}


def test_the_branches_are_timms() -> None:
    timm = import_module("timm")
    torch.manual_seed(0)
    twin = timm.create_model(TIMM["w18_small"], features_only=True, feature_location="", out_indices=(1, 2, 3, 4))
    shake(twin)
    network = HighResolution("w18_small", "nearest").eval()
    network.load_state_dict(twin.eval().state_dict())
    x = torch.randn(2, 3, 64, 96)  # where sizes divide; elsewhere timm's branches do not fit together
    with torch.no_grad():
        for ours, theirs in zip(network(x), twin(x), strict=True):
            assert ours.std() > 1e-3
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_timms_classifier_starts_the_encoder(tmp_path: Path) -> None:
    timm = import_module("timm")
    torch.manual_seed(0)
    twin = timm.create_model(TIMM["w18_small"], num_classes=10)
    torch.save(twin.state_dict(), tmp_path / "hrnet.pth")
    network = architectures.build("hrnet", 3, size="w18_small")
    report, backbone = load_start(network, read_state_dict(tmp_path / "hrnet.pth"), "hrnet.pth")
    assert backbone
    assert report.exact
    assert torch.equal(network.encoder().get_parameter("stage4.1.fuse_layers.0.3.0.weight"),
                       twin.get_parameter("stage4.1.fuse_layers.0.3.0.weight"))  # fmt: skip


@pytest.mark.parametrize("size", get_args(Size))
def test_every_size_has_timms_tensors(size: str) -> None:
    timm = import_module("timm")
    with torch.device("meta"):
        twin = timm.create_model(TIMM[size], features_only=True, feature_location="")
        network = architectures.build("hrnet", 19, size=size)
    ours, theirs = network.encoder().state_dict(), twin.state_dict()
    assert {key: value.shape for key, value in ours.items()} == {key: value.shape for key, value in theirs.items()}


@pytest.mark.parametrize(("size", "millions"), [("w18_small", 3.9), ("w48", 65.9)])
def test_the_parameters_are_those_of_the_papers_table(size: str, millions: float) -> None:
    """Cityscapes, 19 classes: table 3 of the paper for W48; the authors' segmentation code for W18 small v2."""
    with torch.device("meta"):
        network = architectures.build("hrnet", 19, size=size)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_four_branches_are_joined_at_stride_four() -> None:
    torch.manual_seed(0)
    network = HRNet(5, size="w18_small").eval()
    x = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        branches = network.backbone(x)
        assert [tuple(b.shape[1:]) for b in branches] == [(18, 16, 24), (36, 8, 12), (72, 4, 6), (144, 2, 3)]
        joined = torch.cat([F.interpolate(b, size=(16, 24), mode="bilinear") for b in branches], dim=1)
        torch.testing.assert_close(network.logits(x).out, network.last_layer(joined))


def shake(module: torch.nn.Module) -> None:
    """Give batch normalisation values that matter: as made, it lets everything through."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            for tensor in (part.weight, part.running_var):
                torch.nn.init.uniform_(tensor, 0.5, 1.0)  # type: ignore[arg-type]
            for tensor in (part.bias, part.running_mean):
                torch.nn.init.normal_(tensor, std=0.1)  # type: ignore[arg-type]
