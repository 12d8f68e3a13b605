"""The size a photo is given to the network at, whatever its own is."""

from __future__ import annotations

from dataclasses import dataclass, field

from db.errors import UserError
from training.data.sizes import Resize

ORIGINAL = "original"


@dataclass(frozen=True)
class Size:
    """The size a photo is given to the network at."""

    resize: Resize = field(default_factory=Resize)

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `original`, `HxW` or `long N`.

        Raises:
            UserError: the text is none of these.

        Example:
            >>> Size.parse("long 512").target(1000, 2000)
            (256, 512)
        """
        words = text.strip().lower()
        if words == ORIGINAL:
            return cls()
        try:
            resize = Resize.parse(words)
        except UserError:
            resize = Resize()
        if resize == Resize():  # `none` is a recipe's word
            raise UserError(
                f"A size is `original`, HxW (320x480) or `long N` (the longer side), sides up to 65535, not {text!r}."
            )
        return cls(resize)

    def __str__(self) -> str:
        """Write what `parse` reads."""
        text = str(self.resize)
        return ORIGINAL if text == "none" else text

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that a photo of this size gets."""
        return self.resize.target(height, width)


OWN_SIZE = Size()
"""The photo's own."""
