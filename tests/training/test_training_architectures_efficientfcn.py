"""EfficientFCN's decoder: against the public implementation, and against its equations place by place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training import architectures
from training.architectures.efficientfcn import EfficientFCN, HolisticallyGuidedDecoder

# Where the parts of the public implementation, by their role, are in ours.
PLACES = {
    "to_B.": "to_b.",
    "to_A.conv1": "to_a.0.0",
    "to_A.bn1": "to_a.0.1",
    "to_A.conv2": "to_a.1.0",
    "to_A.bn2": "to_a.1.1",
    "to_G.": "to_g.",
    "to_W.conv1": "to_w.0.0",
    "to_W.bn1": "to_w.0.1",
    "to_W.conv2": "to_w.1.0",
    "to_W.bn2": "to_w.1.1",
    ".conv.": ".0.",
    ".bn.": ".1.",
}


def test_the_decoder_is_that_of_the_public_implementation(test_data: Path) -> None:
    with np.load(test_data / "module_reference" / "efficientfcn_decoder.npz") as file:
        known = {name: torch.from_numpy(file[name]) for name in file.files}
    decoder = HolisticallyGuidedDecoder(inputs=24, width=10, codewords=6).eval()
    missing, unexpected = decoder.load_state_dict(
        {placed(name): value for name, value in known.items() if name.endswith(("weight", "bias", "mean", "var"))},
        strict=False,
    )
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    seen: dict[str, Tensor] = {}
    for name in ("to_b", "to_a", "to_g", "to_w"):
        decoder.get_submodule(name).register_forward_hook(lambda *call, name=name: seen.update({name: call[2]}))
    decoder.fuse.register_forward_pre_hook(lambda _, given: seen.update(fuse=given[0]))
    with torch.no_grad():
        output = decoder(known["guide_os8"], known["guide_os16"], known["x_os32"])
    for name, expected in (
        ("to_b", "B"),
        ("to_a", "A_before_softmax"),
        ("to_g", "G"),
        ("to_w", "W"),
        ("fuse", "conv_up_input_f8_then_G"),
    ):
        torch.testing.assert_close(seen[name], known[expected], rtol=0, atol=1e-5)
    torch.testing.assert_close(output, known["output"], rtol=0, atol=1e-5)


def test_the_decoder_is_its_equations() -> None:
    torch.manual_seed(0)
    decoder = HolisticallyGuidedDecoder(inputs=9, width=5, codewords=4).eval()
    f8, f16, f32 = (torch.randn(2, 3, *size) for size in ((7, 9), (4, 5), (2, 3)))
    with torch.no_grad():
        torch.testing.assert_close(decoder(f8, f16, f32), literal(decoder, f8, f16, f32), rtol=0, atol=1e-5)


def test_the_shapes_are_those_of_the_paper() -> None:
    with torch.device("meta"):
        network = architectures.build("efficientfcn", 59, encoder="resnet101")
        assert isinstance(network, EfficientFCN)
        shapes: dict[str, tuple[int, ...]] = {}
        for name in ("reduce16", "reduce32", "decoder.to_a", "decoder.to_b", "decoder.to_g", "decoder.to_w"):
            network.get_submodule(name).register_forward_hook(
                lambda *call, name=name: shapes.update({name: tuple(call[2].shape)})
            )
        out = network.logits(torch.empty(1, 3, 512, 512)).out
    assert shapes == {
        "reduce16": (1, 512, 32, 32),
        "reduce32": (1, 512, 16, 16),
        "decoder.to_b": (1, 1024, 16, 16),
        "decoder.to_a": (1, 256, 16, 16),
        "decoder.to_g": (1, 1024, 64, 64),
        "decoder.to_w": (1, 256, 64, 64),
    }
    assert out.shape == (1, 59, 64, 64)


def literal(decoder: HolisticallyGuidedDecoder, f8: Tensor, f16: Tensor, f32: Tensor) -> Tensor:
    def at(level: Tensor) -> Tensor:
        size = level.shape[-2:]
        return torch.cat([F.interpolate(f, size, mode="bilinear", align_corners=True) for f in (f8, f16, f32)], dim=1)

    b, a, g = decoder.to_b(at(f32)), decoder.to_a(at(f32)).exp(), decoder.to_g(at(f8))
    w = decoder.to_w(g + b.mean(dim=(2, 3), keepdim=True))
    images, n, height, width = w.shape
    f = torch.zeros_like(g)
    for image in range(images):
        shares = [a[image, i] / a[image, i].sum() for i in range(n)]
        codewords = [(share * b[image]).sum(dim=(1, 2)) for share in shares]
        for y in range(height):
            for x in range(width):
                f[image, :, y, x] = sum(w[image, i, y, x] * codewords[i] for i in range(n)) / n**0.5
    return decoder.fuse(torch.cat([f, g], dim=1))


def placed(name: str) -> str:
    for theirs, ours in PLACES.items():
        name = name.replace(theirs, ours)
    return name
