"""Lines, marks and words on a sheet, written as SVG or painted as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

XY = tuple[float, float]
Shape = Literal["circle", "square", "triangle", "diamond"]
SCALE = 2  # pixels of a PNG per unit
_ROUGH = 4  # painted so much larger and reduced, which smooths edges


@dataclass(frozen=True)
class Line:
    """A line through points. `dash`: lengths drawn and left out in turn; empty for a whole line."""

    points: tuple[XY, ...]
    color: str
    width: float = 1.5
    dash: tuple[float, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A filled shape of `size` around a point."""

    at: XY
    shape: Shape
    color: str
    size: float = 7.0


@dataclass(frozen=True)
class Words:
    """A line of text whose foot is at `at`."""

    at: XY
    text: str
    color: str = "#374151"
    size: float = 12.0
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True)
class Sheet:
    """What is drawn, in order, on white, in units of a pixel of SVG."""

    width: float
    height: float
    items: tuple[Line | Mark | Words, ...]


def corners(mark: Mark) -> tuple[XY, ...]:
    """Return the corners of a mark, of a circle those of a polygon that passes for one."""
    (x, y), r = mark.at, mark.size / 2
    turns = {"square": (0.125, 4), "triangle": (-0.25, 3), "diamond": (0.0, 4), "circle": (0.0, 24)}
    first, count = turns[mark.shape]
    reach = r * {"square": 1.25, "triangle": 1.3, "diamond": 1.3, "circle": 1.0}[mark.shape]
    angles = [2 * math.pi * (first + i / count) for i in range(count)]
    return tuple((x + reach * math.cos(angle), y + reach * math.sin(angle)) for angle in angles)


def to_svg(sheet: Sheet) -> str:
    """Write a sheet as a document of its own; text in any script stays text."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {sheet.width:g} {sheet.height:g}" '
        f'width="{sheet.width:g}" height="{sheet.height:g}" font-family="system-ui, sans-serif">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *map(_tag, sheet.items), "</svg>\n"])


def _tag(item: Line | Mark | Words) -> str:
    if isinstance(item, Line):
        dash = f' stroke-dasharray="{" ".join(f"{length:g}" for length in item.dash)}"' if item.dash else ""
        return (
            f'<polyline points="{_list(item.points)}" fill="none" stroke="{item.color}" stroke-width="{item.width:g}" '
            f'stroke-linejoin="round"{dash}/>'
        )
    if isinstance(item, Mark):
        return f'<polygon points="{_list(corners(item))}" fill="{item.color}"/>'
    x, y = item.at
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{item.size:g}" fill="{item.color}" text-anchor="{item.anchor}">'
        f"{escape(_printable(item.text))}</text>"
    )


def _list(points: Sequence[XY]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _printable(text: str) -> str:
    """Return a text without what XML cannot hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def to_png(sheet: Sheet) -> bytes:
    """Paint a sheet, two pixels a unit; letters beyond Latin, Greek and Cyrillic may be lacking, unlike in SVG."""
    zoom = SCALE * _ROUGH
    size = (math.ceil(sheet.width * SCALE), math.ceil(sheet.height * SCALE))
    rough = Image.new("RGB", (size[0] * _ROUGH, size[1] * _ROUGH), "#ffffff")
    pen = ImageDraw.Draw(rough)
    for item in sheet.items:
        if isinstance(item, Line):
            for piece in _dashes(item):
                pen.line([(x * zoom, y * zoom) for x, y in piece], item.color, round(item.width * zoom), "curve")
        elif isinstance(item, Mark):
            pen.polygon([(x * zoom, y * zoom) for x, y in corners(item)], item.color)
    picture = rough.resize(size, Image.Resampling.BOX)
    pen = ImageDraw.Draw(picture)
    for item in sheet.items:
        if isinstance(item, Words):
            font = ImageFont.load_default(item.size * SCALE)
            place = (item.at[0] * SCALE, item.at[1] * SCALE)
            foot = {"start": "ls", "middle": "ms", "end": "rs"}[item.anchor]
            pen.text(place, _printable(item.text), item.color, font, foot)
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()


def _dashes(line: Line) -> Iterator[list[XY]]:
    """Cut a line into the pieces that are drawn."""
    if not line.dash:
        yield list(line.points)
        return
    place, left, drawn = 0, line.dash[0], True
    piece: list[XY] = [line.points[0]]
    for a, b in pairwise(line.points):
        length, done = math.dist(a, b), 0.0
        while length - done > left:
            done += left
            at = (a[0] + (b[0] - a[0]) * done / length, a[1] + (b[1] - a[1]) * done / length)
            if drawn:
                yield [*piece, at]
            piece, drawn, place = [at], not drawn, (place + 1) % len(line.dash)
            left = line.dash[place]
        left -= length - done
        piece.append(b)
    if drawn and len(piece) > 1:
        yield piece
