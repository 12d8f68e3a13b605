"""What an annotation is: an imported base map, ordered vector shapes above it, one paint map on top.

Coordinates are pixels of the photo after EXIF rotation: (0, 0) is the outer corner of the top-left pixel, x to the
right, y down. Labels are class names while an annotation comes from a source file, stable class ids once stored.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

IGNORE = 255  # in class maps, base maps and paint maps
SEE_THROUGH = 254  # in base maps and paint maps
MAX_CLASSES = 254  # class indices 0..253

ShapeKind = Literal["polygon", "rectangle", "circle", "line", "linestrip", "point", "mask"]
Point = tuple[float, float]


class Special(StrEnum):
    """Labels that are not classes."""

    IGNORE = "ignore"
    UNLABELLED = "unlabelled"


Label = str | int | Special
"""A class name (from a source), a stable class id (stored), or one of the specials. Test for Special first."""


@dataclass(frozen=True)
class Patch:
    """A raster shape: boolean pixels whose top-left pixel is (x, y) of the photo; may reach past its edges."""

    x: int
    y: int
    pixels: NDArray[np.bool_]

    @classmethod
    def cut(cls, pixels: NDArray[np.bool_], x: int = 0, y: int = 0) -> Patch:
        """Return the pixels that are set of a map (H, W) at (x, y), in a box of their size.

        Raises:
            ValueError: there is none.
        """
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if not len(rows):
            raise ValueError("a mask holds no pixel")
        left, top = int(columns[0]), int(rows[0])
        return cls(x + left, y + top, np.ascontiguousarray(pixels[top : rows[-1] + 1, left : columns[-1] + 1]))

    def to_json(self) -> dict[str, Any]:
        """Return the patch with its pixels as a base64 PNG (1 bit)."""
        buffer = io.BytesIO()
        Image.fromarray(self.pixels).save(buffer, "PNG")
        return {"x": self.x, "y": self.y, "png": base64.b64encode(buffer.getvalue()).decode()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Patch:
        """Read what `to_json` wrote."""
        with Image.open(io.BytesIO(base64.b64decode(value["png"]))) as png:
            return cls(value["x"], value["y"], np.asarray(png.convert("1"), dtype=bool))


@dataclass(frozen=True)
class Shape:
    """One vector (or patch) shape. Later shapes of an annotation lie over earlier ones.

    Points by kind: polygon three or more; rectangle two opposite corners in any order; circle its centre and a point
    on it; line two; linestrip two or more; point one; mask none (`patch` holds the pixels). A polygon may have
    `holes`, each of three or more points: what a hole covers, drawn as a polygon by the same rule, is not the shape's.
    Parts of one object share a `group`. `extra` holds what the shape's source says of it besides, as plain JSON values
    under the source's own keys: it draws nothing and is given back when the annotation is written in that format again.
    """

    kind: ShapeKind
    label: Label
    points: tuple[Point, ...] = ()
    patch: Patch | None = None
    group: int | None = None
    holes: tuple[tuple[Point, ...], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Layer:
    """A stored uint8 map (PNG in the content store): value i means `legend[i]`, 254 see-through, 255 ignore."""

    sha256: str
    legend: tuple[Label, ...]


@dataclass(frozen=True)
class Annotation:
    """One version of an image's annotation, as stored.

    Attributes:
        width: pixels, after EXIF rotation.
        height: likewise.
        shapes: in drawing order.
        base: map that lies under the shapes.
        paint: map that lies over them.
        instances: sha256 of a stored uint16 map of the objects in `base`, 0 where there is none; shapes are objects
            by themselves and by their groups (`labeling.raster.instances`).
        extra: what the source says of the whole image besides, as of a shape.
    """

    width: int
    height: int
    shapes: tuple[Shape, ...] = ()
    base: Layer | None = None
    paint: Layer | None = None
    instances: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `from_json` reads them back to an equal annotation."""
        value: dict[str, Any] = {
            "width": self.width,
            "height": self.height,
            "base": _layer_to_json(self.base),
            "shapes": [_shape_to_json(shape) for shape in self.shapes],
            "paint": _layer_to_json(self.paint),
        }
        # Not written where there is nothing: what was imported before they were kept is still recognised as unchanged.
        if self.instances is not None:
            value["instances"] = self.instances
        if self.extra:
            value["extra"] = dict(self.extra)
        return value

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Annotation:
        """Read what `to_json` wrote."""
        return cls(
            width=value["width"],
            height=value["height"],
            shapes=tuple(_shape_from_json(shape) for shape in value["shapes"]),
            base=_layer_from_json(value["base"]),
            paint=_layer_from_json(value["paint"]),
            instances=value.get("instances"),
            extra=value.get("extra", {}),
        )


def _label_to_json(label: Label) -> Any:
    return {"special": label.value} if isinstance(label, Special) else label


def _label_from_json(value: Any) -> Label:
    return Special(value["special"]) if isinstance(value, dict) else value


def _layer_to_json(layer: Layer | None) -> dict[str, Any] | None:
    if layer is None:
        return None
    return {"sha256": layer.sha256, "legend": [_label_to_json(label) for label in layer.legend]}


def _layer_from_json(value: dict[str, Any] | None) -> Layer | None:
    if value is None:
        return None
    return Layer(value["sha256"], tuple(_label_from_json(label) for label in value["legend"]))


def _shape_to_json(shape: Shape) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": shape.kind, "label": _label_to_json(shape.label)}
    if shape.points:
        value["points"] = _points_to_json(shape.points)
    if shape.patch is not None:
        value["patch"] = shape.patch.to_json()
    if shape.group is not None:
        value["group"] = shape.group
    if shape.holes:
        value["holes"] = [_points_to_json(hole) for hole in shape.holes]
    if shape.extra:
        value["extra"] = dict(shape.extra)
    return value


def _shape_from_json(value: dict[str, Any]) -> Shape:
    return Shape(
        kind=value["kind"],
        label=_label_from_json(value["label"]),
        points=_points_from_json(value.get("points", ())),
        patch=Patch.from_json(value["patch"]) if "patch" in value else None,
        group=value.get("group"),
        holes=tuple(_points_from_json(hole) for hole in value.get("holes", ())),
        extra=value.get("extra", {}),
    )


def _points_to_json(points: Iterable[Point]) -> list[list[float]]:
    return [list(point) for point in points]


def _points_from_json(value: Iterable[Any]) -> tuple[Point, ...]:
    return tuple((point[0], point[1]) for point in value)
