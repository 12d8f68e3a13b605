"""SegFormer: transformers' network with the same weights, in the files it writes, and the parameters of the paper."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from training import architectures
from training.weights.loading import load_model, load_start
from training.weights.reading import read_state_dict

SIZES: dict[str, dict[str, Any]] = {
    "b0": {},
    "b1": {"hidden_sizes": [64, 128, 320, 512]},
    "b2": {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 4, 6, 3], "decoder_hidden_size": 768},
}


@pytest.mark.parametrize(("size", "height", "width"), [("b0", 64, 96), ("b0", 47, 61), ("b1", 33, 40), ("b2", 32, 32)])
def test_it_computes_what_transformers_does_from_the_file_that_writes(
    size: str, height: int, width: int, tmp_path: Path
) -> None:
    transformers = import_module("transformers")
    torch.manual_seed(0)
    config = transformers.SegformerConfig(num_labels=5, **SIZES[size])
    twin = transformers.SegformerForSemanticSegmentation(config).eval()
    shake(twin)
    twin.save_pretrained(tmp_path)
    network = architectures.build("segformer", 5, size=size).eval()
    assert load_model(network, read_state_dict(tmp_path / "model.safetensors"), "transformers").exact
    x = torch.randn(2, 3, height, width)
    with torch.no_grad():
        ours, theirs = network.logits(x).out, twin(x).logits
    assert theirs.std() > 0.1
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["SegformerForImageClassification", "SegformerModel"])
def test_a_classifier_of_transformers_starts_the_encoder(kind: str, tmp_path: Path) -> None:
    transformers = import_module("transformers")
    torch.manual_seed(0)
    twin = getattr(transformers, kind)(transformers.SegformerConfig(num_labels=7)).eval()
    shake(twin)
    twin.save_pretrained(tmp_path)
    network = architectures.build("segformer", 3).eval()
    report, _ = load_start(network, read_state_dict(tmp_path / "model.safetensors"), "mit-b0")
    assert report.loaded == len(network.encoder().state_dict())
    x = torch.randn(1, 3, 40, 56)
    with torch.no_grad():
        ours, theirs = network.encoder()(x)[-1], getattr(twin, "segformer", twin)(x).last_hidden_state
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "encoder", "decoder"),
    [
        ("b1", 13.1, 0.6),
        ("b2", 24.2, 3.3),
        ("b3", 44.0, 3.3),
        ("b4", 60.8, 3.3),
        ("b5", 81.4, 3.3),
    ],
)
def test_the_parameters_are_those_of_the_papers_table(size: str, encoder: float, decoder: float) -> None:
    """Table 1 a, ADE20K: encoder and decoder in millions. b0 is left to transformers: 3.3 there, 3.4 in the table."""
    with torch.device("meta"):
        network = architectures.build("segformer", 150, size=size)
    groups = network.parameter_groups()
    assert sum(p.numel() for p in groups["encoder"]) / 1e6 == pytest.approx(encoder, abs=0.1)
    assert sum(p.numel() for p in groups["head"]) / 1e6 == pytest.approx(decoder, abs=0.05)


def test_the_width_of_the_decoder_can_be_mmsegmentations() -> None:
    with torch.device("meta"):
        network = architectures.build("segformer", 150, size="b2", decoder_width=256)
        assert network.state_dict()["decode_head.linear_fuse.weight"].shape == (256, 1024, 1, 1)


def test_blocks_are_skipped_in_training_only_and_whole_images_at_a_time() -> None:
    torch.manual_seed(0)
    network = architectures.build("segformer", 3, drop_path=0.9)
    block = network.get_submodule("segformer.encoder.block.3.1")
    x = torch.randn(64, 2, 2, 256)
    with torch.no_grad():
        changed = (block.train()(x) != x).flatten(1)
        assert bool(((changed.float().mean(dim=1) > 0.99) | ~changed.any(dim=1)).all())
        assert 0 < int(changed.any(dim=1).sum()) < 40
        assert bool((block.eval()(x) != x).flatten(1).any(dim=1).all())


def shake(module: torch.nn.Module) -> None:
    """Give every tensor values that matter: as made, weights are so small that all would look alike."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        if tensor.is_floating_point():
            with torch.no_grad():
                tensor.add_(torch.rand_like(tensor) * 0.1 if "var" in name else torch.randn_like(tensor) * 0.05)
