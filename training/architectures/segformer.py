"""SegFormer: a hierarchical transformer and a decoder of linear layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from training.architectures.contract import Architecture, Logits
from training.architectures.mix_transformer import MixTransformer, Size, initialise
from training.architectures.sizes import cut_padding, pad_small


class SegFormer(Architecture):
    """SegFormer with the names of the published transformers checkpoints, which load unchanged; output stride 4.

    The decoder (section 3.2 of the paper) brings the four maps to one width by a linear layer each, resizes them to
    the finest, and classifies them after one more; coarse comes first in the concatenation.

    Which width differs between publications: the paper and the released checkpoints have 256 for b0 and b1 and 768
    from b2 on, mmsegmentation's head 256 for all. `paper` is the former.

    Deviations: layer normalisation adds 1e-5 to the variance everywhere, as transformers does (the authors' code 1e-6
    in places); inputs under 29 px padded, as the coarsest patches of the first stage's attention need that.

    Args:
        num_classes: K, 1..254.
        size: of the encoder, table 6 of the paper.
        decoder_width: channels of the decoder.
        drop_path: chance that the last encoder block is skipped in training, 0 to under 1; of the ones before less,
            down to none.
    """

    name: ClassVar[str] = "segformer"
    year: ClassVar[int] = 2021
    title: ClassVar[str] = "SegFormer"
    summary: ClassVar[str] = (
        "A transformer with a very plain decoder; accurate for its size and robust against blur and weather. Wants "
        "pretrained weights."
    )
    paper: ClassVar[str] = (
        "Xie et al., SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, NeurIPS 2021, "
        "arXiv 2105.15203"
    )
    head_key: ClassVar[str] = "decode_head.classifier.weight"

    def __init__(
        self,
        num_classes: int,
        *,
        size: Size = "b0",
        decoder_width: Literal["paper", 256, 768] = "paper",
        drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        if decoder_width == "paper":
            decoder_width = 256 if size in ("b0", "b1") else 768
        self.segformer = nn.ModuleDict({"encoder": MixTransformer(size, drop_path)})
        self.imagenet, self.exported_side = self.encoder().imagenet, self.encoder().exported_side
        self.decode_head = _Decoder(self.encoder().channels, decoder_width, num_classes)

    def logits(self, x: Tensor) -> Logits:
        """Predict at stride 4."""
        padded = pad_small(x, 29)
        return Logits(cut_padding(self.decode_head(self.encoder()(padded)), x, padded))

    def encoder(self) -> MixTransformer:
        """Return the mix transformer."""
        encoder = self.segformer["encoder"]
        assert isinstance(encoder, MixTransformer)
        return encoder

    def imagenet_key(self, key: str) -> str | None:
        """Translate a key of transformers' classifier on the same encoder, or of the encoder by itself."""
        return self.encoder().imagenet_key(key)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Split into `encoder` and `head`, which the authors train at 10 times the rate."""
        return {"encoder": list(self.encoder().parameters()), "head": list(self.decode_head.parameters())}


class _Projection(nn.Module):
    """A linear layer on the channels of (N, C, H, W)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x.movedim(1, -1)).movedim(-1, 1)


class _Decoder(nn.Module):
    def __init__(self, inputs: tuple[int, ...], width: int, num_classes: int) -> None:
        super().__init__()
        self.linear_c = nn.ModuleList(_Projection(channels, width) for channels in inputs)
        self.linear_fuse = nn.Conv2d(width * len(inputs), width, 1, bias=False)
        self.batch_norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Conv2d(width, num_classes, 1)
        initialise(self)

    def forward(self, maps: list[Tensor]) -> Tensor:
        size = maps[0].shape[-2:]
        level = [project(x) for project, x in zip(self.linear_c, maps, strict=True)]
        joined = torch.cat([F.interpolate(x, size=size, mode="bilinear") for x in reversed(level)], dim=1)
        return self.classifier(self.dropout(F.relu(self.batch_norm(self.linear_fuse(joined)))))
