"""From the lines of a label file to shapes: each on its own, so that a bad one costs only itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from labeling.annotation import MAX_CLASSES, Point, Shape
from labeling.formats.base import BadItemError

MAX_BYTES = 16 * 2**20
MAX_LINES = 100_000

_BOX = (5, 6)  # numbers of a box, and of a box with its track or confidence
_REACH = 1.0  # of the photo's size: so far an outline may reach past its edge; beyond, numbers are no shares of it
_SHOWN = 5


def read_lines(file: Path) -> list[str]:
    """Return the lines of a label file.

    Raises:
        BadItemError: it cannot be read, is too large, or is no text.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise BadItemError(f"The label file {file.name} is larger than {MAX_BYTES // 2**20} MiB, the most read.")
        lines = file.read_bytes().decode("utf-8-sig").splitlines()
    except OSError as error:
        raise BadItemError(f"The label file {file.name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise BadItemError(f"The label file {file.name} is no text ({error.reason}).") from error
    if len(lines) > MAX_LINES:
        raise BadItemError(f"The label file {file.name} has more than {MAX_LINES:,} lines, the most for one image.")
    return lines


class LineReader:
    """Reads the lines of one image and keeps account of what is left out or put right.

    Args:
        width: of the upright photo, pixels.
        height: likewise.
        names: of the classes by id; empty: there are none, and an id names itself.
    """

    def __init__(self, width: int, height: int, names: Mapping[int, str]) -> None:
        self._width, self._height, self._names = width, height, names
        self._left_out: dict[str, list[int]] = defaultdict(list)
        self._mended: dict[str, list[int]] = defaultdict(list)

    def read(self, lines: Sequence[str]) -> tuple[Shape, ...]:
        """Return the shapes of all lines that can be read, in their order."""
        shapes: list[Shape] = []
        for number, line in enumerate(lines, start=1):
            words = line.split()
            if not words:
                continue
            try:
                shapes.append(self._shape(words, number))
            except ValueError as error:
                self._left_out[str(error)].append(number)
        return tuple(shapes)

    @property
    def lost(self) -> int:
        """The number of lines that were left out."""
        return sum(map(len, self._left_out.values()))

    def repairs(self) -> tuple[str, ...]:
        """Return a sentence for each reason why lines were left out, and for what was put right in others."""
        left_out = (f"Left out, {reason}: {_listed(lines)}." for reason, lines in self._left_out.items())
        return (*left_out, *(f"{what}: {_listed(lines)}." for what, lines in self._mended.items()))

    def _shape(self, words: Sequence[str], number: int) -> Shape:
        label = self._label(words[0])
        if len(words) == 1:
            raise ValueError("a class alone is no outline")
        if len(words) in _BOX:
            raise ValueError("a box is no outline")
        if len(words) < _BOX[0]:
            raise ValueError("fewer than three points")
        if len(words) % 2 == 0:
            words = words[:-1]
            self._mended["A number after the points, a track or a confidence, was not read"].append(number)
        values = [_share(word) for word in words[1:]]
        if any(not 0 <= value <= 1 for value in values):
            self._mended["Outlines that reach past the photo's edge are cut there"].append(number)
        points: tuple[Point, ...] = tuple(
            (x * self._width, y * self._height) for x, y in zip(values[0::2], values[1::2], strict=True)
        )
        if len(set(points)) < 3:
            raise ValueError("fewer than three different points")
        return Shape("polygon", label, points)

    def _label(self, word: str) -> str:
        try:
            value = float(word)  # some programs write `0.0`
        except ValueError:
            value = -1.0
        if not value.is_integer() or value < 0:
            raise ValueError("the first word is no class id")
        if self._names and value not in self._names:
            raise ValueError(f"no class has the id {word[:20]}; name it in data.yaml")
        if not self._names and value >= MAX_CLASSES:
            raise ValueError(f"a class id is above {MAX_CLASSES - 1}")
        return self._names[int(value)] if self._names else f"class_{int(value)}"


def _share(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise ValueError("a coordinate is no number") from None
    if not -_REACH <= value <= 1 + _REACH:  # true for NaN too
        raise ValueError("a coordinate is no share of the photo's size, from 0 to 1")
    return value


def _listed(lines: Sequence[int]) -> str:
    rest = len(lines) - _SHOWN
    shown = ", ".join(map(str, lines[:_SHOWN])) + (f" and {rest} more" if rest > 0 else "")
    return f"{'lines' if len(lines) > 1 else 'line'} {shown}"
