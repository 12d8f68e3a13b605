"""HRNet's encoder: branches of four resolutions that exchange with each other, with timm's names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.architectures.encoder import Encoder

Size = Literal["w18_small", "w18", "w32", "w48"]
Enlarging = Literal["bilinear", "nearest"]


@dataclass(frozen=True)
class _Layout:
    """Channels of the finest branch, blocks of a branch between two exchanges, and exchanges of stage 2, 3 and 4."""

    width: int
    blocks: int
    exchanges: tuple[int, int, int]


# Wang et al., arXiv 1908.07919, section 3; `w18_small` as in the authors' classification code (small v2).
_LAYOUTS: dict[Size, _Layout] = {
    "w18_small": _Layout(18, 2, (1, 3, 2)),
    "w18": _Layout(18, 4, (1, 4, 3)),
    "w32": _Layout(32, 4, (1, 4, 3)),
    "w48": _Layout(48, 4, (1, 4, 3)),
}
_STEM = 64
_FIRST = 256  # channels of the first stage, which has one branch, of bottlenecks


class HighResolution(Encoder):
    """Two strided convolutions, a stage of one branch, then stages of two, three and four: maps at stride 4 to 32."""

    def __init__(self, size: Size, enlarging: Enlarging) -> None:
        super().__init__()
        from torchvision.models.resnet import Bottleneck  # here, as in `training.architectures.encoders`

        layout = _LAYOUTS[size]
        self.imagenet = f"hrnet_{size}_v2" if size == "w18_small" else f"hrnet_{size}"
        self.channels = tuple(layout.width * 2**branch for branch in range(4))
        self.strides = (4, 8, 16, 32)
        self.conv1, self.bn1 = nn.Conv2d(3, _STEM, 3, 2, padding=1, bias=False), nn.BatchNorm2d(_STEM)
        self.conv2, self.bn2 = nn.Conv2d(_STEM, _STEM, 3, 2, padding=1, bias=False), nn.BatchNorm2d(_STEM)
        widening = nn.Sequential(nn.Conv2d(_STEM, _FIRST, 1, bias=False), nn.BatchNorm2d(_FIRST))
        bottlenecks = (Bottleneck(_FIRST, _FIRST // 4) for _ in range(layout.blocks - 1))
        self.layer1 = nn.Sequential(Bottleneck(_STEM, _FIRST // 4, downsample=widening), *bottlenecks)
        before: Sequence[int] = (_FIRST,)
        for stage, count in zip((2, 3, 4), layout.exchanges, strict=True):
            channels = self.channels[:stage]
            self.add_module(f"transition{stage - 1}", _Transition(before, channels))
            exchanges = (_Exchange(channels, layout.blocks, enlarging) for _ in range(count))
            self.add_module(f"stage{stage}", nn.Sequential(*exchanges))
            before = channels
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")

    def imagenet_key(self, key: str) -> str | None:
        """Leave out what timm's classifier puts on the four branches."""
        return None if key.startswith(("incre_modules.", "downsamp_modules.", "final_layer.", "classifier.")) else key

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map (N, 3, H, W) to four (N, channels[i], ceil(H / stride), ceil(W / stride)), fine to coarse."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        branches = [self.layer1(x)]
        for stage in (2, 3, 4):
            branches = self.get_submodule(f"transition{stage - 1}")(branches)
            branches = self.get_submodule(f"stage{stage}")(branches)
        return branches


class _Transition(nn.ModuleList):
    """Adds a branch, made of the coarsest one; changes the channels of the others where those differ."""

    def __init__(self, before: Sequence[int], after: Sequence[int]) -> None:
        kept = (nn.Identity() if i == o else _conv3x3(i, o, relu=True) for i, o in zip(before, after, strict=False))
        super().__init__([*kept, nn.Sequential(_conv3x3(before[-1], after[-1], stride=2, relu=True))])

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        return [change(branch) for change, branch in zip(self, [*branches, branches[-1]], strict=True)]


class _Exchange(nn.Module):
    """Some residual blocks on every branch; then each becomes the sum of all, brought to its size and channels."""

    def __init__(self, channels: Sequence[int], blocks: int, enlarging: Enlarging) -> None:
        super().__init__()
        from torchvision.models.resnet import BasicBlock

        self.enlarging = enlarging
        self.branches = nn.ModuleList(nn.Sequential(*(BasicBlock(c, c) for _ in range(blocks))) for c in channels)
        numbers = range(len(channels))
        self.fuse_layers = nn.ModuleList(nn.ModuleList(_fuse(channels, j, i) for j in numbers) for i in numbers)

    def forward(self, branches: list[Tensor]) -> list[Tensor]:
        deeper = [blocks(branch) for blocks, branch in zip(self.branches, branches, strict=True)]
        return [F.relu(self._sum(fuse.children(), deeper, target)) for target, fuse in enumerate(self.fuse_layers)]

    def _sum(self, fuse: Iterable[nn.Module], branches: list[Tensor], target: int) -> Tensor:
        size = branches[target].shape[-2:]
        parts = [bring(branch) for bring, branch in zip(fuse, branches, strict=True)]
        coarse = [F.interpolate(part, size=size, mode=self.enlarging) for part in parts[target + 1 :]]
        return reduce(torch.add, [*parts[: target + 1], *coarse])


def _fuse(channels: Sequence[int], source: int, target: int) -> nn.Module:
    """Bring branch `source` to the channels of `target` and, where that is coarser, to its size."""
    if source == target:
        return nn.Identity()
    if source > target:
        return nn.Sequential(
            nn.Conv2d(channels[source], channels[target], 1, bias=False), nn.BatchNorm2d(channels[target])
        )
    halvings = [_conv3x3(channels[source], channels[source], stride=2, relu=True) for _ in range(target - source - 1)]
    return nn.Sequential(*halvings, _conv3x3(channels[source], channels[target], stride=2, relu=False))


def _conv3x3(inputs: int, outputs: int, *, stride: int = 1, relu: bool) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))
