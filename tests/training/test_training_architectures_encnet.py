"""EncNet's encoding layer: against the public implementation, its gradients included, and against the equations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from training import architectures
from training.architectures.encnet import EncNet, Encoding


def test_the_encoding_layer_is_that_of_the_public_implementation(test_data: Path) -> None:
    with np.load(test_data / "module_reference" / "encoding_layer.npz") as file:
        known = {name: torch.from_numpy(file[name]) for name in file.files}
    layer = with_values(known["codewords"], known["scale"])
    x = known["x"].requires_grad_()
    encoded = layer(x)
    torch.testing.assert_close(encoded, known["encoded"], rtol=1e-5, atol=1e-5)
    encoded.square().sum().backward()
    for found, name in ((x, "x_of_sum_of_squares"), (layer.codewords, "codewords"), (layer.scale, "scale")):
        assert found.grad is not None
        torch.testing.assert_close(found.grad, known[f"grad_{name}"], rtol=1e-4, atol=1e-4)


def test_the_encoding_layer_is_its_equations() -> None:
    codewords, scale, x = draw()
    layer = with_values(codewords, scale)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    encoded, expected = layer(ours), literal(theirs, codewords, scale)
    torch.testing.assert_close(encoded, expected, rtol=1e-4, atol=1e-4)
    encoded.sin().sum().backward()
    expected.sin().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)


def test_autocast_leaves_the_encoding_in_fp32() -> None:
    codewords, scale, x = draw()
    layer = with_values(codewords, scale)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        encoded = layer(x)
    assert encoded.dtype == torch.float32
    assert torch.equal(encoded, layer(x))


def test_nothing_the_size_of_the_residuals_is_kept() -> None:
    codewords, scale, x = draw(pixels=(32, 32))
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        with_values(codewords, scale)(x.requires_grad_())
    residuals = x.numel() * len(scale)
    assert sum(kept.values()) < residuals / 2


@pytest.mark.parametrize("lateral", [False, True])
def test_features_are_weighed_by_what_is_in_the_whole_photo(lateral: bool) -> None:
    """The head literally: e from the encoding, gamma from e, ReLU(x + gamma x) classified; e asked for presence."""
    torch.manual_seed(0)
    network = EncNet(3, encoder="resnet18", codewords=4, width=8, lateral=lateral)
    network.classifier[0].p = 0.0  # type: ignore[assignment]
    x = torch.randn(2, 3, 40, 48)
    *_, c3, c4, c5 = network.backbone(x)
    features = network.squeeze(c5)
    if network.lateral is not None:
        features = network.lateral(c3, c4, features)
    project, encoding, norm, relu = network.context
    assert isinstance(encoding, Encoding)
    e = relu(norm(literal(project(features), encoding.codewords, encoding.scale))).mean(dim=1)
    gamma = torch.sigmoid(network.attention(e))[:, :, None, None]
    found = network.logits(x)
    torch.testing.assert_close(found.out, network.classifier[1](torch.relu(features * (1 + gamma))), rtol=0, atol=1e-4)
    assert network.presence is not None
    torch.testing.assert_close(found.presence, network.presence(e), rtol=0, atol=1e-4)


def test_the_shapes_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        network = architectures.build("encnet", 59, encoder="resnet101").train()
        assert isinstance(network, EncNet)
        logits = network.logits(torch.empty(2, 3, 480, 480))
        assert logits.out.shape == logits.heads["aux"].shape == (2, 59, 60, 60)
        assert logits.presence is not None
        assert logits.presence.shape == (2, 59)
        encoding = network.context[1]
        assert isinstance(encoding, Encoding)
        assert encoding.codewords.shape == (32, 512)


def test_parts_that_only_training_sees_can_be_left_out() -> None:
    network = architectures.build("encnet", 3, encoder="resnet18", width=8, se_loss=False, aux=False).train()
    logits = network.logits(torch.randn(1, 3, 32, 32))
    assert logits.presence is None
    assert not logits.heads


def literal(x: Tensor, codewords: Tensor, scale: Tensor) -> Tensor:
    """Encode by the residuals themselves."""
    residuals = x.flatten(2).transpose(1, 2)[:, :, None] - codewords  # (N, pixels, K, D)
    assigned = torch.softmax(scale * residuals.square().sum(dim=3), dim=2)
    return (assigned[..., None] * residuals).sum(dim=1)


def draw(pixels: tuple[int, int] = (5, 6)) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    codewords, scale = torch.randn(8, 16, generator=generator), -torch.rand(8, generator=generator)
    return codewords, scale, torch.randn(2, 16, *pixels, generator=generator)


def with_values(codewords: Tensor, scale: Tensor) -> Encoding:
    layer = Encoding(*codewords.shape)
    layer.load_state_dict({"codewords": codewords, "scale": scale})
    return layer
