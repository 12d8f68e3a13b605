"""What is done to an image on its way into a batch."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Side = Annotated[int, Field(ge=1, le=65_535)]
Strength = Annotated[float, Field(ge=0, le=1)]
Byte = Annotated[int, Field(ge=0, le=255)]


class BatchSpec(BaseModel):
    """How a batch is made from packed images. Without arguments: whole images, unchanged.

    Attributes:
        crop: (height, width) of every sample, or None for whole images, padded to the largest of the batch.
        scale: range of the random factor on an image's size, drawn log-uniform, so that halving is as likely as
            doubling. Photos are sampled linearly, without a filter: factors below 0.5 alias, pack smaller instead.
        scales: if not empty, one of these factors is drawn instead.
        flip: probability of a left-right flip.
        brightness: factor drawn from 1 +- this.
        contrast: likewise, around the mean grey of the sample.
        saturation: likewise, from grey to over-coloured.
        hue: rotation drawn from +- this, in turns.
        balance: probability that a sample is drawn by class: a class, each as likely, then an image that shows it, then
            a crop with a pixel of it.
        padding: RGB where the sample reaches beyond the image, labelled 255; by default ImageNet's mean, which a
            network sees as 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    crop: tuple[Side, Side] | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    scales: tuple[float, ...] = ()
    flip: float = Field(default=0.0, ge=0, le=1)
    brightness: Strength = 0.0
    contrast: Strength = 0.0
    saturation: Strength = 0.0
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    balance: float = Field(default=0.0, ge=0, le=1)
    padding: tuple[Byte, Byte, Byte] = (124, 116, 104)

    @model_validator(mode="after")
    def _positive_scales(self) -> BatchSpec:
        if min(*self.scale, *self.scales) <= 0 or self.scale[0] > self.scale[1]:
            raise ValueError(f"scale factors must be positive and a range low to high, found {self.scale}")
        return self

    @property
    def jitters(self) -> bool:
        """Whether colours change at all."""
        return max(self.brightness, self.contrast, self.saturation, self.hue) > 0
