"""One small dataset in every format: the same photos, the same two squares."""

import base64
import io
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask
from scipy.io import savemat

from labeling.annotation import Annotation, Layer, Special
from labeling.formats.base import ReadRequest, Record
from labeling.raster import render
from tests.support.brush_streams import encode_mask
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


PANOPTIC_IDS = (7, 300, 70_000)  # of background, car and room: one byte of a colour, two, three


def build_panoptic(folder: Path, names: Sequence[str]) -> ReadRequest:
    """Things and a background of stuff; the PNGs are as panopticapi's id2rgb makes them."""
    ids = np.array(PANOPTIC_IDS, np.uint32)[truth()]
    rgb = np.dstack([ids >> shift & 255 for shift in (0, 8, 16)]).astype(np.uint8)
    segments = [{"id": id, "category_id": k, "iscrowd": 0, "area": 1} for k, id in enumerate(PANOPTIC_IDS, start=1)]
    document = {
        "images": [{"id": k, "file_name": name, "width": WIDTH, "height": HEIGHT} for k, name in enumerate(names)],
        "annotations": [
            {"image_id": k, "file_name": str(Path(name).with_suffix(".png")), "segments_info": segments}
            for k, name in enumerate(names)
        ],
        "categories": [
            {"id": k, "name": name, "isthing": int(k > 1), "color": [k, 0, 99]} for k, name in enumerate(CLASSES, 1)
        ],
    }
    for name in names:
        write_mask((folder / "annotations" / "panoptic_val2017" / name).with_suffix(".png"), rgb)
    for name in (*names, BARE):
        write(folder / "val2017" / name, photo_bytes(name))
    write(folder / "annotations" / "panoptic_val2017.json", json.dumps(document))
    return ReadRequest(folder)


def build_cocostuff(folder: Path, names: Sequence[str]) -> ReadRequest:
    """Grass, car and person: one photo as a .mat file by scipy, the others as PNGs whose values are one less."""
    for name in names:
        if name == PHOTOS[1]:
            path = write((folder / "stuffthingmaps" / name).with_suffix(".mat"), b"")
            savemat(path, {"S": numbered(124, 3, 1), "captions": "a photo"}, do_compression=True)
        else:
            write_mask((folder / "stuffthingmaps" / name).with_suffix(".png"), numbered(123, 2, 0))
    for name in (*names, BARE):
        write(folder / "images" / name, photo_bytes(name))
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
    size = f'width="{WIDTH}" height="{HEIGHT}"'
    images = "".join(
        f'  <image id="{number}" name="{name}" {size}>\n{shapes * (name != BARE)}  </image>\n'
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


def numbered(*values: int) -> np.ndarray:
    """The class map with other numbers: of background, car and room."""
    return np.array(values, np.uint8)[truth()]


def build_cityscapes(folder: Path, names: Sequence[str]) -> ReadRequest:
    """Road, car and building: as label ids with all their companions, as train ids, and as polygons."""
    frame = [[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]]
    drawn = [("road", frame, 0), ("car", corners("car"), 0), ("sky", frame, 1), ("building", corners("räum <b>"), 0)]
    objects = [
        {"date": "09-Mar-2015", "deleted": gone, "draw": True, "id": k, "label": label, "polygon": points, "user": "x"}
        for k, (label, points, gone) in enumerate(drawn)
    ]
    polygons = json.dumps({"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": objects})
    ids = numbered(7, 26, 11)
    for name in (*names, BARE):
        write(folder / "leftImg8bit" / form_of("cityscapes").place(name), photo_bytes(name))
        base = f"gtFine/train/ulm/{Path(name).with_suffix('').as_posix()}_gtFine"
        if name in (PHOTOS[0], BROKEN):
            write_mask(folder / f"{base}_labelIds.png", ids)
            write_mask(folder / f"{base}_instanceIds.png", np.where(ids == 26, 26001, ids).astype(np.uint16))
            write_mask(folder / f"{base}_color.png", np.dstack([ids] * 4))
            write(folder / f"{base}_polygons.json", polygons)
        elif name == PHOTOS[1]:
            write_mask(folder / f"{base}_labelTrainIds.png", numbered(0, 13, 2))
        elif name != BARE:
            write(folder / f"{base}_polygons.json", polygons)
    return ReadRequest(folder)


def build_ade20k(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        mask = (folder / "annotations" / "training" / name).with_suffix(".png")
        write_mask(mask, numbered(1, 21, 2))
    for name in (*names, BARE):
        write(folder / "images" / "training" / name, photo_bytes(name))
    return ReadRequest(folder)


def build_camvid(folder: Path, names: Sequence[str]) -> ReadRequest:
    colors = np.array([(128, 128, 128), (64, 0, 128), (128, 0, 0)], np.uint8)
    for name in names:
        mask = folder / "LabeledApproved_full" / f"{Path(name).with_suffix('').as_posix()}_L.png"
        write_mask(mask, colors[truth()])
    for name in (*names, BARE):
        write(folder / "701_StillsRaw_full" / name, photo_bytes(name))
    return ReadRequest(folder)


def build_pets(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        write_mask((folder / "annotations" / "trimaps" / name).with_suffix(".png"), numbered(2, 1, 3))
    for name in (*names, BARE):
        write(folder / "images" / name, photo_bytes(name))
    write(folder / "annotations" / "test.txt", "a 1 1 1\n")
    return ReadRequest(folder)


def build_cihp(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        for kind, pixels in (("Category_ids", numbered(0, 2, 13)), ("Instance_ids", numbered(0, 1, 2))):
            write_mask((folder / "Training" / kind / name).with_suffix(".png"), pixels)
    for name in (*names, BARE):
        write(folder / "Training" / "Images" / name, photo_bytes(name))
    return ReadRequest(folder)


def build_yolo(folder: Path, names: Sequence[str]) -> ReadRequest:
    for name in names:
        lines = (
            " ".join([str(k), *(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in corners(label))])
            for k, label in enumerate(SQUARES)
        )
        write((folder / "labels" / name).with_suffix(".txt"), "\n".join(lines))
    for name in (*names, BARE):
        write(folder / "images" / name, photo_bytes(name))
    write(folder / "data.yaml", "path: ../datasets/mine\ntrain: images\nnc: 2\nnames:\n  0: car\n  1: räum <b>\n")
    return ReadRequest(folder)


def build_labelstudio(folder: Path, names: Sequence[str]) -> ReadRequest:
    """The car as a polygon, the room as a brush mask; photos from a storage of local files."""
    room = np.zeros((HEIGHT, WIDTH), np.bool_)
    left, top, right, bottom = SQUARES["räum <b>"]
    room[top:bottom, left:right] = True
    points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in corners("car")]
    values = {
        "polygonlabels": {"points": points, "closed": True, "polygonlabels": ["car"]},
        "brushlabels": {"format": "rle", "rle": encode_mask(room), "brushlabels": ["räum <b>"]},
    }
    result = [
        {
            "id": f"djbpw94CX{place}",
            "type": kind,
            "value": value,
            "origin": "manual",
            "to_name": "image",
            "from_name": kind,
            "image_rotation": 0,
            "original_width": WIDTH,
            "original_height": HEIGHT,
        }
        for place, (kind, value) in enumerate(values.items())
    ]
    annotation = {
        "id": 211797,
        "completed_by": 1,
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2023-01-31T07:40:19.861611Z",
        "updated_at": "2023-01-31T07:40:19.861611Z",
    }
    tasks = [
        {
            "id": number,
            "annotations": [] if name == BARE else [annotation],
            "drafts": [],
            "predictions": [],
            "data": {"image": f"/data/local-files/?d=photos/{quote(name)}"},
            "meta": {},
        }
        for number, name in enumerate((*names, BARE), start=1)
    ]
    for name in (*names, BARE):
        write(folder / "photos" / name, photo_bytes(name))
    write(folder / "project-1-at-2023-01-31-07-41-0a1b2c3d.json", json.dumps(tasks))
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
    "cocostuff": Form(classes=("grass", "car", "person")),
    "cityscapes": Form("train/ulm/{folder}{stem}_leftImg8bit{suffix}", ("road", "car", "building")),
    "ade20k": Form("training/{folder}{stem}{suffix}", ("wall", "car", "building")),
    "camvid": Form(classes=("Sky", "Car", "Building")),
    "pets": Form(classes=("background", "foreground", "border")),
    "cihp": Form("Training/Images/{folder}{stem}{suffix}", ("background", "hair", "face")),
    "supervisely": Form("day/{folder}{stem}{suffix}"),
    "labelstudio": Form("photos/{folder}{stem}{suffix}"),
}
"""Of the formats that name photos or classes in a way of their own."""


def form_of(format_name: str) -> Form:
    return FORMS.get(format_name, Form())


BUILDERS: dict[str, Callable[[Path, Sequence[str]], ReadRequest]] = {
    "labelme": build_labelme,
    "coco": build_coco,
    "panoptic": build_panoptic,
    "cocostuff": build_cocostuff,
    "voc": build_voc,
    "masks": build_masks,
    "cityscapes": build_cityscapes,
    "ade20k": build_ade20k,
    "camvid": build_camvid,
    "pets": build_pets,
    "cihp": build_cihp,
    "cvat": build_cvat,
    "yolo": build_yolo,
    "supervisely": build_supervisely,
    "labelstudio": build_labelstudio,
}


@dataclass(frozen=True)
class _Layers:
    pixels: np.ndarray

    def __call__(self, sha256: str) -> np.ndarray:
        return self.pixels


def class_map(record: Record, *, classes: Sequence[str] = CLASSES) -> np.ndarray:
    """Render a record by rule `center` over the given class order."""
    base = record.base
    # What is none of the classes is ignored, so that it differs from all that is expected.
    legend = () if base is None else tuple(name if name in classes else Special.IGNORE for name in base.legend)
    annotation = Annotation(
        record.width, record.height, record.shapes, base=None if base is None else Layer("base", legend)
    )
    return render(
        annotation,
        _Layers(np.zeros((0, 0), np.uint8) if base is None else base.pixels),
        {name: index for index, name in enumerate(classes)},
        rule="center",
        overlap="order",
        unlabelled=0,
    )
