"""From labelme JSON to class maps: ours on two processes beside labelme's own converter, in one run.

    python -m benchmarks.labelme_import [--photos 200] [--processes 2]

Both sides start from the same folder of label files and photos and leave, for every photo, its bytes and its class
map as an 8-bit PNG in a new folder; the maps are compared pixel by pixel afterwards. Files come from the page cache.

* **peer**: what labelme's `labelme2voc.py --noviz` does a file, restated from its published description and without
  its `.npy` (which would double its time), in one process as that script runs: JSON parsed, photo bytes from base64
  or disk, photo decoded to an array for its size, every shape drawn with Pillow into a full-size mask of its own,
  a class map and an instance map filled through that mask, photo bytes written, class map saved as a palette PNG at
  Pillow's default compression.
* **ours**: the codec's `read` (JSON parsed and validated, embedded photo compared with the one on disk, size and EXIF
  read, cut JPEGs found), photo bytes written, `render` by the rule `labelme`, palette PNG written. Listing the folder
  is inside the clock, starting the worker processes (about a second, once an import) is not.
* **ours_checked**: the same with what an import does to the photo besides and labelme's converter does not: sha256,
  every byte decoded at a reduced scale, perceptual hash.

Prints one JSON line a folder: images/s (best of three rounds, the sides taking turns), and their ratios to the peer;
`ratio_one_process` is that of ours in one process.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import math
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

from labeling.annotation import Annotation, Label
from labeling.colors import RGB
from labeling.formats.base import Item, ReadRequest
from labeling.formats.labelme import codec as labelme
from labeling.maps import voc_colormap, write_map_png
from labeling.photos import inspect_photo
from labeling.raster import render

WIDTH, HEIGHT = 1280, 960
CLASSES = ("_background_", "sky", "building", "tree", "lawn", "path", "person", "car")
PALETTE: list[RGB] = [tuple(color) for color in voc_colormap().tolist()]
ROUNDS = 3


def main() -> None:
    """Measure generated folders, and labelme's sample where WORKBENCH_TEST_DATA names it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with (
        tempfile.TemporaryDirectory() as work,
        ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool,
    ):
        for name, folder in _folders(Path(work), arguments.photos):
            print(json.dumps({"benchmark": f"labelme_import/{name}", **_measure(folder, Path(work), pool)}), flush=True)


def _measure(folder: Path, work: Path, pool: ProcessPoolExecutor) -> dict[str, float]:
    ours, peers = work / "ours", work / "peer"
    sides: dict[str, Callable[[], int]] = {
        "peer": partial(_peer, folder, peers),
        "ours": partial(_ours, folder, ours, pool),
        "ours_checked": partial(_ours, folder, ours, pool, checked=True),
        "ours_one_process": partial(_ours, folder, ours, None),
    }
    list(pool.map(_warm, range(16)))
    best = dict.fromkeys(sides, 0.0)
    for _ in range(ROUNDS):
        for side, convert in sides.items():
            for leftover in (ours, peers):
                shutil.rmtree(leftover, ignore_errors=True)
                leftover.mkdir()
            start = time.perf_counter()
            images = convert()
            best[side] = max(best[side], images / (time.perf_counter() - start))
    _peer(folder, peers)
    differing = sum(_differing(path, ours / path.name) for path in peers.glob("*.png"))
    line = {side: round(rate, 1) for side, rate in best.items()}
    for side, name in (("ours", "ratio"), ("ours_checked", "ratio_checked"), ("ours_one_process", "ratio_one_process")):
        line[name] = round(best[side] / best["peer"], 2)
    return {**line, "differing_pixels": differing}


def _differing(first: Path, second: Path) -> int:
    return int(np.count_nonzero(np.asarray(Image.open(first)) != np.asarray(Image.open(second))))


def _warm(_: int) -> None:
    time.sleep(0.05)


# --- ours


def _ours(folder: Path, to: Path, pool: ProcessPoolExecutor | None, *, checked: bool = False) -> int:
    request = ReadRequest(folder)
    listing = labelme.list_source(request)
    index: dict[Label, int] = {name: value for value, name in enumerate(listing.classes)}
    convert = partial(_convert, request=request, index=index, to=to, checked=checked)
    if pool is None:
        return sum(map(convert, listing.items))
    return sum(pool.map(convert, listing.items, chunksize=4))


def _convert(item: Item, request: ReadRequest, index: dict[Label, int], to: Path, *, checked: bool) -> int:
    cv2.setNumThreads(1)
    record = labelme.read(item, request)
    data = record.photo if isinstance(record.photo, bytes) else record.photo.read_bytes()
    if checked:
        hashlib.sha256(data).hexdigest()
        inspect_photo(data)
    (to / item.path).write_bytes(data)
    annotation = Annotation(record.width, record.height, record.shapes)
    pixels = render(annotation, _no_layer, index, rule="labelme", unlabelled=0)
    (to / item.path).with_suffix(".png").write_bytes(write_map_png(pixels, PALETTE))
    return 1


def _no_layer(sha256: str) -> np.ndarray:
    raise KeyError(sha256)


# --- labelme's way


def _peer(folder: Path, to: Path) -> int:
    names = (folder / "labels.txt").read_text().split("\n")
    values = {name.strip(): line - 1 for line, name in enumerate(names)}
    palette = voc_colormap().ravel().tolist()
    files = sorted(folder.glob("*.json"))
    for file in files:
        fields = json.loads(file.read_text())
        embedded = fields["imageData"]
        data = base64.b64decode(embedded) if embedded else (folder / fields["imagePath"]).read_bytes()
        size = np.array(Image.open(io.BytesIO(data))).shape[:2]
        (to / f"{file.stem}.jpg").write_bytes(data)
        classes, _ = _masks_to_maps(size, fields["shapes"], values)
        image = Image.fromarray(classes.astype(np.uint8))
        image.putpalette(palette)
        image.save(to / f"{file.stem}.png")
    return len(files)


def _masks_to_maps(
    size: tuple[int, ...], shapes: list[dict[str, Any]], values: dict[str, int]
) -> tuple[np.ndarray, np.ndarray]:
    classes, objects = np.zeros(size, np.int32), np.zeros(size, np.int32)
    seen: list[tuple[str, Any]] = []
    for shape in shapes:
        group = uuid.uuid1() if shape.get("group_id") is None else shape["group_id"]
        if (shape["label"], group) not in seen:
            seen.append((shape["label"], group))
        image = Image.fromarray(np.zeros(size, np.uint8))
        ImageDraw.Draw(image).polygon([tuple(point) for point in shape["points"]], outline=1, fill=1)
        mask = np.array(image, dtype=bool)
        classes[mask] = values[shape["label"]]
        objects[mask] = seen.index((shape["label"], group)) + 1
    return classes, objects


# --- folders


def _folders(work: Path, photos: int) -> Iterator[tuple[str, Path]]:
    for name, embed in (("photos_beside", False), ("photos_embedded", True)):
        yield name, _generate(work / name, photos, embed=embed)
    data = os.environ.get("WORKBENCH_TEST_DATA")
    if data:
        yield "labelme_voc_sample", _copies(Path(data) / "labelme_voc", work / "sample", photos)


def _generate(folder: Path, photos: int, *, embed: bool) -> Path:
    """Photos of 1280 x 960, each with 12 polygons of 30 points; embedded beside the file, as labelme 3 to 5 wrote."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    pictures = [_picture(rng) for _ in range(8)]
    for number in range(photos):
        data = pictures[number % len(pictures)]
        (folder / f"{number:05}.jpg").write_bytes(data)
        fields: dict[str, Any] = {
            "version": "5.5.0" if embed else "6.3.1",
            "flags": {},
            "shapes": [_blob(rng) for _ in range(12)],
            "imagePath": f"{number:05}.jpg",
            "imageData": base64.b64encode(data).decode() if embed else None,
            "imageHeight": HEIGHT,
            "imageWidth": WIDTH,
        }
        (folder / f"{number:05}.json").write_text(json.dumps(fields, indent=2))
    (folder / "labels.txt").write_text("\n".join(["__ignore__", *CLASSES]))
    return folder


def _picture(rng: np.random.Generator) -> bytes:
    coarse = rng.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)
    noisy = np.clip(smooth + rng.normal(0, 5, smooth.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _blob(rng: np.random.Generator) -> dict[str, Any]:
    x, y = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
    angles, radii = np.sort(rng.uniform(0, 2 * math.pi, 30)), rng.uniform(0.6, 1, 30) * rng.uniform(30, 300)
    points = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)
    points = np.clip(points, 0, (WIDTH - 1, HEIGHT - 1))
    label = CLASSES[int(rng.integers(1, len(CLASSES)))]
    return {"label": label, "points": points.tolist(), "group_id": None, "shape_type": "polygon", "flags": {}}


def _copies(sample: Path, folder: Path, photos: int) -> Path:
    """The sample of labelme itself (500 x 375), copied until there are enough files."""
    folder.mkdir()
    shutil.copy(sample / "labels.txt", folder)
    originals = sorted(sample.glob("*.json"))
    for number in range(photos):
        original = originals[number % len(originals)]
        fields = json.loads(original.read_text())
        shutil.copy(original.with_suffix(".jpg"), folder / f"{number:05}.jpg")
        (folder / f"{number:05}.json").write_text(json.dumps(fields | {"imagePath": f"{number:05}.jpg"}, indent=2))
    return folder


if __name__ == "__main__":
    main()
