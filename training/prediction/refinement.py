"""How a prediction is made beyond one run of the network: another style, several looks, windows, CRF, fewer classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from db.errors import UserError
from training.crf.parameters import REPORTED, CrfParameters
from training.prediction.style import KIND_NAMES, Style

Combine = Literal["mean", "max"]
_SMALLEST_WINDOW = 32


@dataclass(frozen=True)
class View:
    """One look at a photo: at a scale of the size that the network is given, and whether mirrored."""

    scale: float
    mirrored: bool

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that a photo of this network size is looked at."""
        return max(1, round(self.scale * height)), max(1, round(self.scale * width))


class Refinement(BaseModel):
    """What is done for a prediction besides running the network once.

    Attributes:
        scales: of the network's size; each is a look of its own.
        flip: look at the mirror image at each scale, too.
        combine: `mean` of the looks' probabilities, or `max` of their logits (DeepLabv2, section 4.1).
        window: side in pixels of windows that slide over the photo, blended where they overlap; None takes the photo
            whole where memory allows.
        crf: refines what was combined; None does not.
        style: the look a photo is given before the network sees it; None leaves it as it is.
        only: names of the model's classes that a pixel may get (restricted argmax); None is all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scales: Annotated[tuple[Annotated[float, Field(ge=0.1, le=4)], ...], Field(min_length=1, max_length=8)] = (1.0,)
    flip: bool = False
    combine: Combine = "mean"
    window: Annotated[int, Field(ge=_SMALLEST_WINDOW)] | None = None
    crf: CrfParameters | None = None
    style: Style | None = None
    only: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @classmethod
    def read(
        cls,
        scales: str = "1",
        *,
        flip: bool = False,
        combine: Combine = "mean",
        window: int = 0,
        crf: int = 0,
        crf_settings: Mapping[str, str] = MappingProxyType({}),
    ) -> Refinement:
        """Read what a command is given.

        Args:
            scales: numbers with commas between.
            flip: as the attribute.
            combine: as the attribute.
            window: side in pixels; 0 is none.
            crf: iterations; 0 is no CRF.
            crf_settings: other parameters of the CRF by their names.

        Raises:
            UserError: a number cannot be read or is out of its range.

        Example:
            >>> str(Refinement.read("0.5,1", flip=True, crf=10))
            'scales 0.5, 1; flipped; mean; CRF 10'
        """
        try:
            numbers = tuple(float(word) for word in scales.split(","))
        except ValueError:
            numbers = ()
        if not 1 <= len(set(numbers)) == len(numbers) <= 8 or not all(0.1 <= number <= 4 for number in numbers):
            raise UserError(f"Scales are one to eight different numbers from 0.1 to 4, as 0.5,1,1.5, not {scales!r}.")
        if window and window < _SMALLEST_WINDOW:
            raise UserError(f"A window's side is at least {_SMALLEST_WINDOW} pixels, not {window}.")
        if not 0 <= crf <= 100:
            raise UserError(f"A CRF has 0 to 100 iterations, not {crf}.")
        if crf_settings and not crf:
            raise UserError(
                "Parameters of a CRF are given, but not its iterations, so that there is none. Use 10, say."
            )
        chosen = _crf(crf, crf_settings) if crf else None
        return cls(scales=numbers, flip=flip, combine=combine, window=window or None, crf=chosen)

    def arguments(self) -> list[str]:
        """Return what commands are told for what `read` gives; nothing for what is not done."""
        told = []
        if self.scales != (1.0,):
            told.append(f"--scales={','.join(f'{scale:g}' for scale in self.scales)}")
        if self.flip:
            told.append("--flip")
        if self.combine != "mean":
            told.append(f"--combine={self.combine}")
        if self.window:
            told.append(f"--window={self.window}")
        if self.crf:
            told.append(f"--crf={self.crf.iterations}")
            told += [f"--crf-set={name}={value:g}" for name, value in self.crf.unusual().items()]
        return told

    @property
    def views(self) -> tuple[View, ...]:
        """The looks that are combined."""
        mirrors = (False, True) if self.flip else (False,)
        return tuple(View(scale, mirrored) for scale in self.scales for mirrored in mirrors)

    def __str__(self) -> str:
        """Say it in words; nothing where nothing is done."""
        return "; ".join(self._words())

    def _words(self) -> Iterator[str]:
        if self.style:
            yield f"style of {self.style.of} ({KIND_NAMES[self.style.kind]})"
        if self.scales != (1.0,):
            yield f"scale{'s' if len(self.scales) > 1 else ''} {', '.join(f'{scale:g}' for scale in self.scales)}"
        if self.flip:
            yield "flipped"
        if len(self.views) > 1:
            yield self.combine
        if self.window:
            yield f"windows of {self.window}"
        if self.crf:
            others = ", ".join(f"{name} {value:g}" for name, value in self.crf.unusual().items())
            yield f"CRF {self.crf.iterations}{f' ({others})' if others else ''}"
        if self.only:
            yield f"argmax over {len(self.only)} class{'es' if len(self.only) > 1 else ''}"


def _crf(iterations: int, settings: Mapping[str, str]) -> CrfParameters:
    if unknown := sorted(set(settings) - set(REPORTED.others())):
        raise UserError(f"A CRF has the parameters {', '.join(REPORTED.others())}, not {', '.join(unknown)}.")
    try:
        return CrfParameters.model_validate({"iterations": iterations, **settings})
    except ValidationError as error:
        wrong = str(error.errors()[0]["loc"][0])
        wanted = "a number, 0 or more," if wrong in ("smoothness", "appearance") else "a number above 0"
        raise UserError(f"The CRF's {wrong} is {wanted}, not {settings[wrong]!r}.") from None


NONE = Refinement()
"""The network runs once."""
