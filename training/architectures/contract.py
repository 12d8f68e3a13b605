"""The contract every architecture keeps, so that the engine, evaluation and export know only this."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True)
class Preprocessing:
    """From uint8 pixels to network input: `(pixels[channels] - mean) / std`, all in 0..255 units.

    Attributes:
        channels: channel order the network was trained with.
        mean: per channel, in that order, 0..255.
        std: likewise.
    """

    channels: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)  # ImageNet, torchvision's transforms x 255
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)

    def __call__(self, pixels: Tensor) -> Tensor:
        """Turn RGB pixels (N, 3, H, W), uint8 or float in 0..255, into float32 network input."""
        # Rows of interleaved colours with mean and std repeated along them: three times faster on the CPU than
        # broadcasting over a channel axis, and the same arithmetic.
        n, _, height, width = pixels.shape
        rows = pixels.permute(0, 2, 3, 1)
        rows = (rows.flip(3) if self.channels == "bgr" else rows).reshape(n, height, width * 3).float()
        mean, std = (torch.tensor(values, device=rows.device).repeat(width) for values in (self.mean, self.std))
        return ((rows - mean) / std).view(n, height, width, 3).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Logits:
    """What a network predicts, before any resizing.

    Attributes:
        out: (N, K, h, w), the prediction, at the architecture's native stride.
        heads: further heads that only the loss sees (auxiliary, one per scale), each (N, K, h', w'); empty in eval
            mode.
        presence: (N, K), how sure the network is that a class is anywhere in the image, before the sigmoid; a further
            head that only the loss sees. None for networks without one, and in eval mode.
    """

    out: Tensor
    heads: Mapping[str, Tensor] = field(default_factory=dict)
    presence: Tensor | None = None


@runtime_checkable
class InBlocks(Protocol):
    """An encoder that knows its blocks."""

    def blocks(self) -> list[list[nn.Parameter]]:
        """Return all parameters from input to output; see `Architecture.encoder_blocks`."""


class Architecture(nn.Module, ABC):
    """A segmentation network.

    Constructors never touch the network, take `num_classes` (at least 1) and keyword options, and draw their initial
    weights from torch's global generator, so that `torch.manual_seed` decides them.

    Attributes:
        name: the architecture's name on the command line.
        year: when it was published.
        title: its name as people write it.
        summary: what it is and what it is good for, in a plain sentence or two.
        paper: authors, title, venue and arXiv number.
        exports: the formats `export weights` can write it in, beside the bundle and plain safetensors.
        exports_note: what `exports` lacks or an export costs, why, and which architecture does without, as sentences
            for the user.
        exported_side: least height and width, in pixels, that an exported program takes. Below it the network pads its
            input, or handles sizes of 1 specially, which a traced graph cannot decide.
        head_key: state-dict key of a tensor whose first dimension is the number of classes.
        preprocessing: what the network expects unless its weights say otherwise.
        loss_at: where the loss is taken by default: `logits` (labels resized nearest) or `input` (logits resized
            bilinear).
        align_corners: whether logits are scaled to the input's size with the corners of both on each other; else, with
            the centres of their pixels where they lie in the image.
        head_weights: weight of each further head in the loss, `presence` among them; `out` has 1.
        num_classes: K, 1..254.
        imagenet: catalogue name of the ImageNet weights that fit `encoder()` as configured; None where none do.
        imagenet_note: why `imagenet` is None and which options would change that, as a sentence for the user.
    """

    name: ClassVar[str]
    year: ClassVar[int]
    title: ClassVar[str]
    summary: ClassVar[str]
    paper: ClassVar[str]
    exports: ClassVar[frozenset[str]] = frozenset({"pt2", "onnx"})
    exports_note: ClassVar[str] = ""
    exported_side: int = 33
    head_key: ClassVar[str]
    preprocessing: ClassVar[Preprocessing] = Preprocessing()
    loss_at: ClassVar[Literal["logits", "input"]] = "input"
    align_corners: ClassVar[bool] = False
    head_weights: ClassVar[Mapping[str, float]] = {}

    num_classes: int
    imagenet: str | None = None
    imagenet_note: str = ""

    @abstractmethod
    def logits(self, x: Tensor) -> Logits:
        """Predict at native stride from network input (N, 3, H, W) of any size, padding inside where needed."""

    def forward(self, x: Tensor) -> Tensor:
        """Predict (N, K, H, W) at the input's size."""
        return self.enlarged(self.logits(x).out, x)

    def enlarged(self, out: Tensor, x: Tensor) -> Tensor:
        """Resize logits (N, K, h, w) to the size of the input `x` that they were predicted from."""
        return F.interpolate(out, size=x.shape[-2:], mode="bilinear", align_corners=self.align_corners)

    @abstractmethod
    def encoder(self) -> nn.Module:
        """Return the pretrained part, which `freeze_encoder` freezes and a backbone checkpoint fills."""

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of the `imagenet` checkpoint into one of `encoder()`; None for its classifier."""
        return None if key.startswith(("fc.", "classifier.")) else key

    def encoder_blocks(self) -> list[list[nn.Parameter]]:
        """Return the encoder's parameters in blocks from input to output, each in exactly one, for layer-wise rates.

        An encoder whose parts are not registered in the order they run in knows its blocks itself; of the others they
        are the parts: stages of a ResNet, layers of a VGG.
        """
        encoder = self.encoder()
        return encoder.blocks() if isinstance(encoder, InBlocks) else blocks_of(_parts(encoder))

    @abstractmethod
    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split all parameters, each in exactly one group, by the name a recipe's multipliers use.

        Every architecture has `encoder` and `head`; some split further (deeplabv2: `head_weight`, `head_bias`).
        """


def blocks_of(row: Iterable[nn.Module]) -> list[list[nn.Parameter]]:
    """Return the parameters of each of a row of modules that has any; a normalisation's go to what comes before it."""
    blocks: list[list[nn.Parameter]] = []
    for part in row:
        parameters = list(part.parameters())
        if isinstance(part, NORMS) and blocks:
            blocks[-1] += parameters
        elif parameters:
            blocks.append(parameters)
    return blocks


def _parts(module: nn.Module) -> list[nn.Module]:
    """Return the children that have parameters; where a single one has them all, its children."""
    parts = [child for child in module.children() if any(True for _ in child.parameters())]
    return _parts(parts[0]) or parts if len(parts) == 1 else parts
