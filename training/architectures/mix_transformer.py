"""The mix transformer (MiT), SegFormer's encoder, with the names of the published transformers checkpoints."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.architectures.encoder import Encoder

Size = Literal["b0", "b1", "b2", "b3", "b4", "b5"]

# Table 6 of Xie et al., arXiv 2105.15203: blocks of each stage.
_BLOCKS: dict[Size, tuple[int, int, int, int]] = {
    "b0": (2, 2, 2, 2),
    "b1": (2, 2, 2, 2),
    "b2": (3, 4, 6, 3),
    "b3": (3, 4, 18, 3),
    "b4": (3, 8, 27, 3),
    "b5": (3, 6, 40, 3),
}
_HEADS = (1, 2, 5, 8)
_REDUCTIONS = (8, 4, 2, 1)
_EXPANSION = 4  # of the feed-forward networks; in all released weights, whatever the table says of some stages


class MixTransformer(Encoder):
    """Four stages of transformer blocks on overlapping patches, maps at stride 4 to 32; no position is encoded."""

    exported_side = 61  # from there the first stage attends to two patches a side

    def __init__(self, size: Size, drop_path: float) -> None:
        super().__init__()
        self.imagenet = f"mit_{size}"
        self.strides = (4, 8, 16, 32)
        self.channels = (32, 64, 160, 256) if size == "b0" else (64, 128, 320, 512)
        blocks = _BLOCKS[size]
        # Stochastic depth: blocks are dropped the more often the deeper they are.
        chances = iter(torch.linspace(0, drop_path, sum(blocks), device="cpu").tolist())
        self.patch_embeddings = nn.ModuleList(
            _OverlappingPatches(inputs, outputs, kernel=3 if stage else 7, stride=2 if stage else 4)
            for stage, (inputs, outputs) in enumerate(pairwise((3, *self.channels)))
        )
        self.block = nn.ModuleList(
            nn.ModuleList(_Block(width, heads, reduction, next(chances)) for _ in range(count))
            for count, width, heads, reduction in zip(blocks, self.channels, _HEADS, _REDUCTIONS, strict=True)
        )
        self.layer_norm = nn.ModuleList(nn.LayerNorm(width) for width in self.channels)
        initialise(self)

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of transformers' classifier on the same encoder, or of the encoder by itself."""
        return None if key.startswith("classifier.") else key.removeprefix("segformer.").removeprefix("encoder.")

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return the parameters of each of the four stages."""
        stages = zip(self.patch_embeddings, self.block, self.layer_norm, strict=True)
        return [[parameter for part in stage for parameter in part.parameters()] for stage in stages]

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W), sides at least 29, to (N, channels[i], ceil(H / stride), ceil(W / stride)) a stage."""
        maps = []
        for embed, blocks, norm in zip(self.patch_embeddings, self.block, self.layer_norm, strict=True):
            tokens = embed(x)
            for block in blocks.children():
                tokens = block(tokens)
            x = norm(tokens).movedim(-1, 1)
            maps.append(x)
        return maps


class _OverlappingPatches(nn.Module):
    """A strided convolution, normalised: (N, C, H, W) to tokens (N, h, w, C'), as all blocks take and give them."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
        self.layer_norm = nn.LayerNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer_norm(self.proj(x).movedim(1, -1))


class _Block(nn.Module):
    """Attention and feed-forward network, each normalised before and added to what came in."""

    def __init__(self, width: int, heads: int, reduction: int, drop: float) -> None:
        super().__init__()
        self.layer_norm_1 = nn.LayerNorm(width)
        self.attention = _Attention(width, heads, reduction)
        self.layer_norm_2 = nn.LayerNorm(width)
        self.mlp = _MixFeedForward(width)
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        x = x + self._dropped(self.attention(self.layer_norm_1(x)))
        return x + self._dropped(self.mlp(self.layer_norm_2(x)))

    def _dropped(self, branch: Tensor) -> Tensor:
        if not self.training or self.drop == 0:
            return branch
        kept = torch.rand(len(branch), 1, 1, 1, device=branch.device) >= self.drop
        return branch * kept / (1 - self.drop)


class _Attention(nn.Module):
    """Attention of all pixels to patches of `reduction` x `reduction` pixels (equations 1 and 2 of the paper)."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.self = _ToPatches(width, heads, reduction)
        self.output = nn.ModuleDict({"dense": nn.Linear(width, width)})

    def forward(self, x: Tensor) -> Tensor:
        return self.output["dense"](self.self(x))


class _ToPatches(nn.Module):
    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.reduces = reduction > 1
        if self.reduces:
            self.sr = nn.Conv2d(width, width, reduction, reduction)
            self.layer_norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.layer_norm(self.sr(x.movedim(-1, 1)).movedim(1, -1)) if self.reduces else x
        query, key, value = self._split(self.query(x)), self._split(self.key(patches)), self._split(self.value(patches))
        attended = F.scaled_dot_product_attention(query, key, value)
        return attended.transpose(1, 2).flatten(2).view_as(x)

    def _split(self, tokens: Tensor) -> Tensor:
        """Split the channels of (N, h, w, C) among the heads: (N, heads, h w, C / heads)."""
        n, _, _, channels = tokens.shape
        return tokens.reshape(n, -1, self.heads, channels // self.heads).transpose(1, 2)


class _MixFeedForward(nn.Module):
    """Linear, depth-wise 3x3, GELU, linear (equation 3 of the paper): the 3x3 is how a pixel learns where it is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = width * _EXPANSION
        self.dense1 = nn.Linear(width, hidden)
        self.dwconv = nn.ModuleDict({"dwconv": nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)})
        self.dense2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        spread = self.dwconv["dwconv"](self.dense1(x).movedim(-1, 1)).movedim(1, -1)
        return self.dense2(F.gelu(spread))


def initialise(module: nn.Module) -> None:
    """Draw weights as transformers does: linear layers and convolutions normal with deviation 0.02, biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv2d):
            nn.init.normal_(part.weight, std=0.02)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
