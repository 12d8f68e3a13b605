"""DeepLab v2 against logits the public PyTorch port gave for weights made by a rule."""

from __future__ import annotations

import json
import math
import zlib

import numpy as np
import pytest
import torch
from torch import Tensor

from training import architectures
from training.architectures.deeplabv2 import DeepLabV2


@pytest.fixture(scope="module")
def reference(test_data):
    folder = test_data / "deeplabv2_reference"
    shapes = json.loads((folder / "state_dict_shapes.json").read_text())
    with np.load(folder / "output.npz") as arrays:
        return shapes, dict(arrays)


@pytest.fixture(scope="module")
def state(reference):
    return {key: draw(key, shape) for key, shape in reference[0].items()}


def test_the_public_keys_are_ours(reference):
    shapes, _ = reference
    with torch.device("meta"):
        network = architectures.build("deeplabv2", 21)
    assert {key: list(value.shape) for key, value in network.state_dict().items()} == shapes
    assert len(shapes) == 632


@pytest.mark.parametrize(("msc", "key"), [(True, "logits_msc"), (False, "logits_single")])
@torch.no_grad()
def test_logits_are_those_of_the_public_port(reference, state, msc, key):
    _, arrays = reference
    with torch.device("meta"):
        network = DeepLabV2(21, msc=msc)
    network.load_state_dict(state, strict=True, assign=True)
    x = network.preprocessing(torch.from_numpy(arrays["input_rgb"]))
    out = network.eval().logits(x).out.numpy()
    assert out.shape == arrays[key].shape
    assert np.abs(out - arrays[key]).max() < 1e-3 * arrays[key].std()


def draw(key: str, shape: list[int]) -> Tensor:
    """Make the tensor of a key by the rule the reference was made with."""
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()))
    if key.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.long)
    if key.endswith("running_var"):
        return torch.rand(shape, generator=generator) * 0.5 + 0.75
    if key.endswith("running_mean"):
        return torch.randn(shape, generator=generator) * 0.1
    if len(shape) == 4:
        return torch.randn(shape, generator=generator) * (2 / math.prod(shape[1:])) ** 0.5
    if key.endswith(".weight"):
        return torch.rand(shape, generator=generator) * 0.4 + 0.4
    return torch.randn(shape, generator=generator) * 0.05
