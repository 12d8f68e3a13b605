"""One small dataset in every format: the same photos, the same two squares."""

import base64
import io
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from labeling.annotation import Annotation, Layer
from labeling.formats.base import ReadRequest, Record
from labeling.raster import render
from tests.support.photo_files import encode, scene

WIDTH, HEIGHT = 32, 24
CLASSES = ("background", "car", "räum <b>")
PHOTOS = ("a.jpg", "räum 1/b c.png", "turned.jpg")
BARE = "bare.jpg"
BROKEN = "broken.jpg"
SQUARES = {"car": (3, 2, 11, 8), "räum <b>": (9, 6, 20, 17)}  # left, top, right, bottom; the second lies on top


def photo_bytes(name: str) -> bytes:
    if name == BROKEN:
        return b"<html>404</html>"
    if name == "turned.jpg":  # stored lying, shown upright at the same size as the others
        return encode(scene(WIDTH, HEIGHT, seed=3), "JPEG", orientation=6)
    return encode(scene(HEIGHT, WIDTH, seed=len(name)), "JPEG" if name.endswith("jpg") else "PNG")


def truth() -> np.ndarray:
    """The class map of every labelled photo."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for name, (left, top, right, bottom) in SQUARES.items():
        pixels[top:bottom, left:right] = CLASSES.index(name)
    return pixels


def corners(name: str) -> list[list[int]]:
    left, top, right, bottom = SQUARES[name]
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def write_mask(path: Path, pixels: np.ndarray, colors: Sequence[tuple[int, int, int]] = ()) -> Path:
    image = Image.fromarray(pixels)
    if colors:
        image.putpalette([channel for color in colors for channel in color])
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def build_labelme(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        shapes = [{"label": label, "points": corners(label), "shape_type": "polygon"} for label in SQUARES]
        label_file = {
            "version": "5.4.0",
            "shapes": shapes,
            "imagePath": Path(name).name,
            "imageData": None,
            "imageWidth": WIDTH,
            "imageHeight": HEIGHT,
        }
        write((folder / name).with_suffix(".json"), json.dumps(label_file))
        write(folder / name, photo_bytes(name))
    write(folder / BARE, photo_bytes(BARE))
    return ReadRequest(folder)


def build_coco(folder: Path, names: Sequence[str]) -> ReadRequest:
    """The car as a polygon, the room as pycocotools' compressed RLE."""
    room = np.zeros((HEIGHT, WIDTH), np.uint8)
    left, top, right, bottom = SQUARES["räum <b>"]
    room[top:bottom, left:right] = 1
    rle = coco_mask.encode(np.asfortranarray(room))
    segmentations = {
        "car": [[number for corner in corners("car") for number in corner]],
        "räum <b>": {"size": rle["size"], "counts": rle["counts"].decode()},
    }
    document = {
        "images": [
            {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT} for number, name in enumerate(names)
        ],
        "annotations": [
            {"id": 10 * number + k, "image_id": number, "category_id": k, "iscrowd": 0, "segmentation": segmentation}
            for number in range(len(names))
            for k, segmentation in enumerate(segmentations.values(), start=1)
        ],
        "categories": [{"id": k, "name": name} for k, name in enumerate(SQUARES, start=1)],
    }
    for name in (*names, BARE):
        write(folder / "images" / name, photo_bytes(name))
    write(folder / "annotations" / "instances_default.json", json.dumps(document))
    return ReadRequest(folder)


def build_voc(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        mask = (folder / "SegmentationClass" / name).with_suffix(".png")
        write_mask(mask, truth(), [(0, 0, 0), (128, 0, 0), (0, 128, 0)])
    for name in (*names, BARE):
        write(folder / "JPEGImages" / name, photo_bytes(name))
    write(folder / "labels.txt", "\n".join(CLASSES))
    return ReadRequest(folder)


def build_masks(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        write_mask((folder / "masks" / name).with_suffix(".png"), truth())
    for name in (*names, BARE):
        write(folder / "images" / name, photo_bytes(name))
    write(folder / "labels.txt", "\n".join(CLASSES))
    return ReadRequest(folder)


def build_cvat(folder: Path, names: Sequence[str]) -> ReadRequest:
    """The room as a mask that comes first and lies on top by its z_order, the car as a polygon."""
    left, top, right, bottom = SQUARES["räum <b>"]
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in corners("car"))
    shapes = (
        f'    <mask label="räum &lt;b&gt;" source="manual" occluded="0" rle="0, {(right - left) * (bottom - top)}" '
        f'left="{left}" top="{top}" width="{right - left}" height="{bottom - top}" z_order="1">\n    </mask>\n'
        f'    <polygon label="car" source="manual" occluded="0" points="{points}" z_order="0">\n    </polygon>\n'
    )
    images = "".join(
        f'  <image id="{number}" name="{name}" width="{WIDTH}" height="{HEIGHT}">\n{shapes * (name != BARE)}  </image>\n'
        for number, name in enumerate((*names, BARE))
    )
    labels = "".join(
        f"<label><name>{name}</name><color>#00000{k}</color><type>any</type></label>"
        for k, name in enumerate(["car", "räum &lt;b&gt;"])
    )
    document = (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta><task><id>4</id><labels>{labels}</labels></task></meta>\n{images}</annotations>\n"
    )
    for name in (*names, BARE):
        write(folder / "images" / name, photo_bytes(name))
    write(folder / "annotations.xml", document)
    return ReadRequest(folder)


def supervisely_data(pixels: np.ndarray) -> str:
    """A bitmap's data as the format's documentation writes it: a palette PNG, index 0 transparent, packed by zlib."""
    picture = Image.fromarray(pixels.astype(np.uint8))
    picture.putpalette([0, 0, 0, 255, 255, 255])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", transparency=0, optimize=0)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode()


def build_supervisely(folder: Path, names: Sequence[str]) -> ReadRequest:
    """The car as a polygon, the room as a bitmap; the photo in a folder lies in a dataset of its own."""
    left, top, right, bottom = SQUARES["räum <b>"]
    data = supervisely_data(np.ones((bottom - top, right - left), np.bool_))
    objects = [
        {
            "id": 1,
            "classId": 7,
            "description": "",
            "geometryType": "polygon",
            "labelerLogin": "alexxx",
            "createdAt": "2020-08-21T15:15:28.092Z",
            "updatedAt": "2020-08-21T16:06:11.461Z",
            "tags": [],
            "classTitle": "car",
            "points": {"exterior": corners("car"), "interior": []},
        },
        {
            "id": 2,
            "classId": 8,
            "description": "",
            "geometryType": "bitmap",
            "tags": [],
            "classTitle": "räum <b>",
            "bitmap": {"data": data, "origin": [left, top]},
        },
    ]
    for name in (*names, BARE):
        dataset, photo = folder / "day" / Path(name).parent, Path(name).name
        write(dataset / "img" / photo, photo_bytes(name))
        if name != BARE:
            size = {"height": HEIGHT, "width": WIDTH}
            annotation = {"description": "", "tags": [], "size": size, "objects": objects}
            write(dataset / "ann" / f"{photo}.json", json.dumps(annotation))
    classes = [
        {"title": "car", "shape": "polygon", "color": "#BE55CE", "geometry_config": {}, "id": 7, "hotkey": ""},
        {"title": "räum <b>", "shape": "bitmap", "color": "#00FF12", "geometry_config": {}, "id": 8, "hotkey": ""},
    ]
    write(folder / "meta.json", json.dumps({"classes": classes, "tags": [], "projectType": "images"}))
    return ReadRequest(folder)


@dataclass(frozen=True)
class Form:
    """What a format's own layout and table make of the photos' names and of the classes.

    Attributes:
        path: of a photo, from `{folder}` (with its slash), `{stem}` and `{suffix}` of its name here.
        classes: what background, car and room are called there.
    """

    path: str = "{folder}{stem}{suffix}"
    classes: tuple[str, ...] = CLASSES

    def place(self, name: str) -> str:
        pure = PurePosixPath(name)
        folder = "".join(f"{part}/" for part in pure.parts[:-1])
        return self.path.format(folder=folder, stem=pure.stem, suffix=pure.suffix)


FORMS: dict[str, Form] = {
    "supervisely": Form("day/{folder}{stem}{suffix}"),
}
"""Of the formats that name photos or classes in a way of their own."""


def form_of(format_name: str) -> Form:
    return FORMS.get(format_name, Form())


BUILDERS: dict[str, Callable[[Path, Sequence[str]], ReadRequest]] = {
    "labelme": build_labelme,
    "coco": build_coco,
    "voc": build_voc,
    "masks": build_masks,
    "cvat": build_cvat,
    "supervisely": build_supervisely,
}


@dataclass(frozen=True)
class _Layers:
    pixels: np.ndarray

    def __call__(self, sha256: str) -> np.ndarray:
        return self.pixels


def class_map(record: Record, *, classes: Sequence[str] = CLASSES) -> np.ndarray:
    """Render a record by rule `center` over the given class order."""
    base = record.base
    annotation = Annotation(
        record.width, record.height, record.shapes, base=None if base is None else Layer("base", base.legend)
    )
    return render(
        annotation,
        _Layers(np.zeros((0, 0), np.uint8) if base is None else base.pixels),
        {name: index for index, name in enumerate(classes)},
        rule="center",
        overlap="order",
        unlabelled=0,
    )
