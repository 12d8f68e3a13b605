"""The size an image is worked on: `HxW`, `long N` or `none`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from db.errors import UserError

_EXACT = re.compile(r"(\d+)\s*[x×]\s*(\d+)")
_LONG = re.compile(r"long\s*(\d+)")
_LARGEST = 65_535  # the longest side a JPEG can have

_FORMS = "HxW (320x480), `long N` (the longer side becomes N, the shape is kept) or `none`"


@dataclass(frozen=True)
class Resize:
    """How an image's size becomes another one.

    Attributes:
        exact: (height, width) in pixels that every image gets, whatever its shape.
        long: length in pixels that the longer side gets; the shape is kept.
    """

    exact: tuple[int, int] | None = None
    long: int | None = None

    @classmethod
    def parse(cls, text: str) -> Resize:
        """Read `HxW`, `long N` or `none`.

        Raises:
            UserError: the text is none of these, or a side is not in 1..65535.
        """
        words = text.strip().lower()
        if words == "none":
            return cls()
        if match := _EXACT.fullmatch(words):
            resize = cls(exact=(int(match[1]), int(match[2])))
        elif match := _LONG.fullmatch(words):
            resize = cls(long=int(match[1]))
        else:
            raise UserError(f"A size is {_FORMS}, not {text!r}.")
        if not 1 <= resize.shortest_given <= resize.longest_given <= _LARGEST:
            raise UserError(f"The sides of a size lie in 1..{_LARGEST}, which {text!r} does not keep.")
        return resize

    def __str__(self) -> str:
        """Write what `parse` reads."""
        if self.exact:
            return f"{self.exact[0]}x{self.exact[1]}"
        return f"long {self.long}" if self.long else "none"

    @property
    def longest_given(self) -> int:
        """The longest side asked for, 0 for `none`."""
        return max(self.exact) if self.exact else self.long or 0

    @property
    def shortest_given(self) -> int:
        """The shortest side asked for, 0 for `none`."""
        return min(self.exact) if self.exact else self.long or 0

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that an image of this size gets, each at least 1."""
        if self.exact:
            return self.exact
        return _with_long_side(height, width, self.long) if self.long else (height, width)


def working_size(height: int, width: int, *, resize: Resize, long_side: int) -> tuple[int, int]:
    """Return the (height, width) an image is packed at: resized, and its longer side at most `long_side`.

    Raises:
        UserError: the resize itself asks for more than `long_side`, so one of the two would have to be ignored.
    """
    if resize.longest_given > long_side:
        raise UserError(
            f"The size {resize} is larger than pack_long_side = {long_side}, the longest side that images are packed "
            f"at. Choose a smaller size or set pack_long_side={resize.longest_given}."
        )
    height, width = resize.target(height, width)
    return _with_long_side(height, width, long_side) if max(height, width) > long_side else (height, width)


def _with_long_side(height: int, width: int, long: int) -> tuple[int, int]:
    longest = max(height, width)
    return max(1, _ratio(height * long, longest)), max(1, _ratio(width * long, longest))


def _ratio(numerator: int, denominator: int) -> int:
    """Divide, rounding half up, in integers: the same on every machine."""
    return (2 * numerator + denominator) // (2 * denominator)
