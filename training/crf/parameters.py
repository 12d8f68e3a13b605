"""What a dense CRF is told; nothing here loads torch."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class CrfParameters(BaseModel):
    """Weights and standard deviations of the two kernels; DeepLabv2's public PyTorch version's by default.

    Attributes:
        iterations: of the mean field; 0 leaves probabilities as they are.
        smoothness: weight of the Gaussian kernel.
        smoothness_xy: its standard deviation in pixels.
        appearance: weight of the bilateral kernel.
        appearance_xy: its standard deviation in pixels.
        appearance_rgb: its standard deviation in grey levels of 255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(default=10, ge=0, le=100)
    smoothness: float = Field(default=3, ge=0, allow_inf_nan=False)
    smoothness_xy: float = Field(default=1, gt=0, allow_inf_nan=False)
    appearance: float = Field(default=4, ge=0, allow_inf_nan=False)
    appearance_xy: float = Field(default=67, gt=0, allow_inf_nan=False)
    appearance_rgb: float = Field(default=3, gt=0, allow_inf_nan=False)

    def others(self) -> dict[str, float]:
        """Return the parameters besides the iterations."""
        return {name: value for name, value in self if name != "iterations"}

    def unusual(self) -> dict[str, float]:
        """Return those of the others that are not as reported."""
        return {name: value for name, value in self.others().items() if value != REPORTED.others()[name]}


REPORTED = CrfParameters()
"""What the public DeepLabv2's figures with CRF were made with."""
