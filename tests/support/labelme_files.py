"""labelme JSON files for tests, and a literal restatement of what labelme's converter draws."""

import base64
import json
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from labeling.formats.base import Listing, ReadRequest, Record
from labeling.formats.labelme import codec as labelme
from tests.support.photo_files import encode, scene

PHOTO_WIDTH, PHOTO_HEIGHT = 64, 48
PHOTO = encode(scene(PHOTO_HEIGHT, PHOTO_WIDTH), "JPEG")

SQUARE = [[10, 10], [30, 10], [30, 25], [10, 25]]


def shape(label: Any = "road", points: Any = None, shape_type: Any = "polygon", **more: Any) -> dict[str, Any]:
    return {
        "label": label,
        "points": SQUARE if points is None else points,
        "group_id": None,
        "shape_type": shape_type,
        "flags": {},
        **more,
    }


def document(*shapes: Any, image: str | None = "a.jpg", size: tuple[int, int] | None = (64, 48), **more: Any) -> dict:
    """A label file as labelme 6 writes it; `size` is (width, height)."""
    fields: dict[str, Any] = {"version": "6.3.1", "flags": {}, "shapes": list(shapes), "imageData": None}
    if image is not None:
        fields["imagePath"] = image
    if size is not None:
        fields |= {"imageWidth": size[0], "imageHeight": size[1]}
    return fields | more


def write(path: Path, fields: Any, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields, ensure_ascii=False), encoding)
    return path


def read_folder(folder: Path, **request: Any) -> tuple[Listing, list[Record]]:
    asked = ReadRequest(folder, **request)
    listing = labelme.list_source(asked)
    # Workers get items by pickle.
    return listing, [labelme.read(pickle.loads(pickle.dumps(item)), asked) for item in listing.items]


def read_one(folder: Path, fields: Any, photo: bytes | None = PHOTO, encoding: str = "utf-8") -> Record:
    if photo is not None:
        (folder / "a.jpg").write_bytes(photo)
    write(folder / "a.json", fields, encoding)
    _, (record,) = read_folder(folder)
    return record


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def base64_mask(pixels: np.ndarray) -> str:
    return base64_of(encode(pixels))


def literal_class_map(size: tuple[int, int], shapes: list[tuple[str, list, int]]) -> np.ndarray:
    """Every shape into a mask of its own, then its class through that mask: slow, and plainly what labelme does."""
    height, width = size
    classes = np.zeros(size, np.int32)
    for kind, points, value in shapes:
        mask = Image.fromarray(np.zeros((height, width), np.uint8))
        pen = ImageDraw.Draw(mask)
        xy = [tuple(point) for point in points]
        match kind:
            case "polygon":
                pen.polygon(xy, outline=1, fill=1)
            case "rectangle":
                xs, ys = zip(*xy, strict=True)
                pen.rectangle((min(xs), min(ys), max(xs), max(ys)), outline=1, fill=1)
            case "circle" | "point":
                radius = math.dist(*xy) if kind == "circle" else 5
                (x, y), *_ = xy
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=1, fill=1)
            case "line":
                pen.line(xy, fill=1, width=10)
            case "linestrip":
                pen.line(xy, fill=1, width=10, joint="curve")
            case _:
                raise AssertionError(kind)
        classes[np.array(mask, bool)] = value
    return classes
