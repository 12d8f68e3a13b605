"""COCO instances: what an import of a large file takes, and polygons to class maps beside pycocotools, in one run.

    python -m benchmarks.coco_import [--megabytes 100] [--objects 7] [--images 500] [--processes 2] [--only import|maps]

**import**: `workbench import coco` as a process, of a generated `instances_train2017.json` that is as dense as COCO's
own (3.8 kB of annotations a photo of 640 x 480: about seven objects) and ends with its categories as that does. The
photos are 64 pictures, the objects 5,000 outlines, both many times over. Memory is the resident memory of the
process and its workers together, looked at five times a second, pages that they share counted once a process; and
the most that the importing process itself ever held, by the system's own count. Seconds are those of the clock, and of
cores, workers included, which a busy machine changes less.

**maps**: the same annotations to class maps, smaller objects over larger ones.

* **peer**: a loop over pycocotools' `annToMask`, in one process: a mask of the photo's size an object, its pixels set.
* **ours**: what an import and a freeze do with them, on worker processes: the annotations' JSON parsed and checked,
  shapes made, `render` by the rule `center`.
* **ours_one_process**: the same in one process.

Both have the file's index in memory before the clock starts, pycocotools its parsed annotations, ours their text.
Prints one JSON line each: seconds and MiB; images/s (best of three rounds, the sides taking turns) and their ratios,
that of the time of one core too, which a busy machine changes less. pycocotools draws polygons on a grid five times as
fine and rounds, so some pixels on outlines differ.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO

from labeling.annotation import Annotation, Label
from labeling.formats.base import ReadRequest
from labeling.formats.coco import codec as coco
from labeling.formats.coco.shapes import ShapeReader
from labeling.raster import render

WIDTH, HEIGHT = 640, 480
CATEGORIES = 80
PICTURES = 64
OBJECTS = 5000
ROUNDS = 3
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Measure both, or one of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--objects", type=int, default=7, help="of an image, on average")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=["import", "maps"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        if arguments.only != "maps":
            source = _generate(Path(work) / "large", objects=arguments.objects, megabytes=arguments.megabytes)
            line = _import(source, Path(work) / "home")
            print(json.dumps({"benchmark": "coco_import/import", **line}), flush=True)
        if arguments.only != "import":
            source = _generate(Path(work) / "small", objects=arguments.objects, images=arguments.images)
            print(json.dumps({"benchmark": "coco_import/maps", **_maps(source, arguments.processes)}), flush=True)


# --- the import


def _import(source: Path, home: Path) -> dict[str, float]:
    file = source / "annotations" / "instances_train2017.json"
    command = [sys.executable, "-m", "workbench.cli", "import", "coco", str(file), "--home", str(home), "--json"]
    start = time.perf_counter()
    with tempfile.TemporaryFile() as report:
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=report)
        together = alone = 0.0
        while process.poll() is None:
            resident = [_memory(pid, "VmRSS") for pid in _family(process.pid)]
            together, alone = max(together, sum(resident)), max(alone, _memory(process.pid, "VmHWM"))
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)  # no child but the import, and those that it waited for
        if process.returncode:
            sys.exit("The import failed.")
        report.seek(0)
        imported = json.load(report)["imported"]
    return {
        "megabytes": round(file.stat().st_size / 1e6),
        "images": imported,
        "seconds": round(seconds, 1),
        "core_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib_with_workers": round(together),
        "peak_mib_importing_process": round(alone),
    }


def _family(pid: int) -> list[int]:
    """Return a process and those that it started, and those that they did."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):  # it has ended
            found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    return found


def _memory(pid: int, field: str) -> float:
    """Return a figure of a process's memory in MiB, 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = status.partition(f"{field}:")[2].split()
    return int(found[0]) / 1024 if found else 0.0


# --- class maps


def _maps(source: Path, processes: int) -> dict[str, float]:
    file = source / "annotations" / "instances_train2017.json"
    texts = [item.payload.annotations for item in coco.list_source(ReadRequest(file)).items]
    with contextlib.redirect_stdout(io.StringIO()):
        index = COCO(str(file))
    ids = index.getImgIds()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(_our_map, texts[: 8 * processes]))  # workers have started
        chunk = max(1, len(texts) // (8 * processes))
        sides: dict[str, Callable[[], Any]] = {
            "peer": partial(_each, partial(_peer_map, index), ids),
            "ours": lambda: sum(pool.map(_our_map_size, texts, chunksize=chunk)),
            "ours_one_process": partial(_each, _our_map, texts),
        }
        best, cpu = dict.fromkeys(sides, 0.0), dict.fromkeys(sides, math.inf)
        for _ in range(ROUNDS):
            for side, convert in sides.items():
                start, start_cpu = time.perf_counter(), time.process_time()
                convert()
                best[side] = max(best[side], len(texts) / (time.perf_counter() - start))
                cpu[side] = min(cpu[side], 1000 * (time.process_time() - start_cpu) / len(texts))
    differing = np.mean([np.mean(_peer_map(index, id) != _our_map(text)) for id, text in zip(ids, texts, strict=True)])
    line = {side: round(rate, 1) for side, rate in best.items()}
    line["ratio"] = round(best["ours"] / best["peer"], 2)
    line["ratio_one_process"] = round(best["ours_one_process"] / best["peer"], 2)
    for side in ("peer", "ours_one_process"):
        line[f"{side}_core_ms"] = round(cpu[side], 3)
    line["ratio_core_time"] = round(cpu["peer"] / cpu["ours_one_process"], 2)
    return {"images": len(texts), **line, "differing_pixels_share": round(float(differing), 5)}


def _each(convert: Callable[[Any], Any], values: Sequence[Any]) -> None:
    for value in values:
        convert(value)


def _our_map_size(text: bytes) -> int:
    return _our_map(text).size  # the map itself stays in the worker, which would store it


def _our_map(text: bytes) -> NDArray[np.uint8]:
    shapes = ShapeReader(WIDTH, HEIGHT, crowd_is_ignore=True).read(json.loads(text))
    values: dict[Label, int] = {_name(category): category for category in range(1, CATEGORIES + 1)}
    return render(Annotation(WIDTH, HEIGHT, shapes), _no_layer, values, rule="center", overlap="area", unlabelled=0)


def _peer_map(index: COCO, id: int) -> NDArray[np.uint8]:
    pixels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for annotation in sorted(index.loadAnns(index.getAnnIds(imgIds=id)), key=lambda one: -one["area"]):
        pixels[index.annToMask(annotation) == 1] = annotation["category_id"]
    return pixels


def _no_layer(sha256: str) -> NDArray[np.uint8]:
    raise KeyError(sha256)


# --- files


def _generate(folder: Path, *, objects: int, megabytes: int = 0, images: int = 0) -> Path:
    """Write train2017/ and annotations/instances_train2017.json: of so many images, or about as large as asked for."""
    rng = np.random.default_rng(0)
    photos, file = folder / "train2017", folder / "annotations" / "instances_train2017.json"
    for made in (folder / "pictures", photos, file.parent):
        made.mkdir(parents=True)
    pictures = [_picture(rng, folder / "pictures" / f"{number}.jpg") for number in range(PICTURES)]
    texts = [json.dumps(_annotation(rng)) for _ in range(OBJECTS)]
    images = images or round(megabytes * 1e6 / (objects * (np.mean(list(map(len, texts))) + 30) + 90))
    counts = rng.poisson(objects, images)
    chosen = iter(rng.integers(0, OBJECTS, counts.sum()))
    with file.open("w") as target:
        target.write('{"info": {"year": 2017}, "images": [')
        for image in range(images):
            entry = {"id": image, "file_name": f"{image:012}.jpg", "width": WIDTH, "height": HEIGHT, "license": 1}
            target.write((", " if image else "") + json.dumps(entry))
            os.link(pictures[image % PICTURES], photos / f"{image:012}.jpg")
        target.write('], "annotations": [')
        owners = enumerate(np.repeat(np.arange(images), counts).tolist())
        for (id, image), number in zip(owners, chosen, strict=True):
            target.write(f'{", " if id else ""}{{"id": {id}, "image_id": {image}, {texts[number][1:]}')
        categories = [{"id": id, "name": _name(id), "supercategory": "thing"} for id in range(1, CATEGORIES + 1)]
        target.write(f'], "categories": {json.dumps(categories)}}}')
    return folder


def _picture(rng: np.random.Generator, path: Path) -> Path:
    coarse = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(path, quality=85)
    return path


def _annotation(rng: np.random.Generator) -> dict[str, Any]:
    parts = list(_parts(rng))
    corners = np.concatenate([np.reshape(part, (-1, 2)) for part in parts])
    low, high = corners.min(axis=0), corners.max(axis=0)
    return {
        "segmentation": parts,
        "area": round(sum(map(_area, parts)), 4),
        "iscrowd": 0,
        "bbox": np.round([*low, *(high - low)], 2).tolist(),
        "category_id": int(rng.integers(1, CATEGORIES + 1)),
    }


def _parts(rng: np.random.Generator) -> Iterator[list[float]]:
    """Yield outlines of 8 to 44 corners and 6 to 200 pixels radius; one object in seven has two."""
    for _ in range(2 if rng.random() < 1 / 7 else 1):
        count = int(rng.integers(8, 45))
        angles = np.sort(rng.uniform(0, 2 * math.pi, count))
        radii = math.exp(rng.uniform(math.log(6), math.log(200))) * rng.uniform(0.6, 1, count)
        x, y = rng.uniform(0, WIDTH) + radii * np.cos(angles), rng.uniform(0, HEIGHT) + radii * np.sin(angles)
        yield np.round(np.column_stack((np.clip(x, 0, WIDTH), np.clip(y, 0, HEIGHT))).ravel(), 2).tolist()


def _area(outline: list[float]) -> float:
    x, y = np.reshape(outline, (-1, 2)).T
    return abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2


def _name(category: int) -> str:
    return f"class {category}"


if __name__ == "__main__":
    main()
