"""The gallery: milliseconds for a page of 10,000 images, and pictures made a second.

    python -m benchmarks.gallery [--images 10000]

No photo and no network is needed: the rows of a project are written as an import writes them, and noise is painted for
the pictures. Prints one JSON line each: pages of 100 (p50 and p95 over every kind of filter and order: the first that
is asked for, in wall and in CPU time, the second, for which all images that fit are found, and any page after it),
thumbnails of 256 pixels of photos of 480x360 and of twelve megapixels (made, and found again), and the statistics of
all class maps the second time.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sqlalchemy import insert

from db.home import Home
from db.schema import (
    AnnotationVersion,
    Class,
    Dataset,
    Image,
    MapCount,
    Rendering,
    Role,
    Subset,
    SubsetImage,
    VersionClass,
)
from db.session import Database, open_database
from db.store import Store
from labeling.classes import live_classes
from labeling.gallery import gallery_page
from labeling.gallery_filter import GalleryFilter, Order
from labeling.images import find_image
from labeling.map_store import pixels_sha256
from labeling.maps import write_map_png
from labeling.options import DatasetOptions
from labeling.projects import create_project
from labeling.rendering import scheme_for
from labeling.statistics import class_statistics
from labeling.thumbnails import map_png, photo_jpeg

CLASSES, SHOWN, PAGE, ROUNDS = 19, 6, 100, 20
ORDERS: tuple[Order, ...] = ("path", "newest")


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    count = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        database = open_database(home)
        fill(database, Store(home.store), count)
        _say("gallery page", images=count, page=PAGE, **_pages(database, count))
        _say("statistics, second time", images=count, seconds=round(_seconds(lambda: _statistics(home, database)), 3))
        for name, size, photos in (("480x360", (360, 480), 200), ("12 megapixels", (3000, 4000), 12)):
            _say(f"thumbnails of {name}", **_thumbnails(home, database, size, photos))


def fill(database: Database, store: Store, count: int, put_map: Callable[[Store, int], str] | None = None) -> None:
    """Write the rows of a project with two datasets: nine of ten images labelled, in roles and in lists.

    Args:
        database: new, so that the images get the numbers 1 to `count`.
        store: of the class maps.
        count: of images.
        put_map: stores the class map of an image and returns its name; None stores a tiny one.
    """
    put_map = put_map or _put_map
    rng = random.Random(0)
    with database.write() as session:
        project = create_project(session, "benchmark")
        classes = [Class(project_id=project.id, position=n, name=f"class {n}", color="#336699") for n in range(CLASSES)]
        session.add_all(classes)
        options = DatasetOptions(unlabelled="ignore")
        datasets = [
            Dataset(project_id=project.id, name=name, format="voc", source="", options=options.model_dump(mode="json"))
            for name in ("day", "dusk")
        ]
        session.add_all(datasets)
        session.flush()
        ids = [row.id for row in classes]
        subsets = [Subset(dataset_id=row.id, name="hard") for row in datasets]
        session.add_all(subsets)
        session.flush()
        key = scheme_for(options, live_classes(session, project.id), "day").key()
        images, versions, shown, roles, members, renderings, counts = [], [], [], [], [], [], []
        for number in range(1, count + 1):
            dusk = number % 4 == 0
            labelled = number % 10 != 0
            images.append(
                {
                    "id": number,
                    "dataset_id": datasets[dusk].id,
                    "path": f"folder {number % 37}/{number:06}.jpg",
                    "sha256": f"{number:064x}",
                    "width": 480,
                    "height": 360,
                    "byte_size": 1000,
                    "head_id": number if labelled else None,
                }
            )
            if labelled:
                content: dict[str, Any] = {"width": 480, "height": 360, "base": None, "shapes": [], "paint": None}
                version = {"id": number, "image_id": number, "number": 1, "content": content}
                versions.append({**version, "author": "", "origin": "import"})
                shown += [{"version_id": number, "class_id": each} for each in rng.sample(ids, SHOWN)]
                roles.append({"image_id": number, "role": rng.choice(("train", "val", "test")), "origin": "import"})
                sha = put_map(store, number)
                renderings.append({"version_id": number, "key": key, "pixels_sha256": sha})
                counts.append({"pixels_sha256": sha, "counts": [[value, 10_000] for value in range(SHOWN)]})
            if number % 5 == 0:
                members.append({"subset_id": subsets[dusk].id, "image_id": number})
        tables: list[tuple[Any, list[dict[str, Any]]]] = [
            (Image, images),
            (AnnotationVersion, versions),
            (VersionClass, shown),
            (Role, roles),
            (SubsetImage, members),
            (Rendering, renderings),
            (MapCount, counts),
        ]
        for table, rows in tables:
            session.execute(insert(table), rows)


def _put_map(store: Store, number: int) -> str:
    """Store a small map of its own for every image, unflushed: ten thousand flushes would take minutes."""
    pixels = np.array([[number % 100, number // 100 % 100, number // 10_000]], np.uint8)
    sha = pixels_sha256(pixels)
    store.path(sha).parent.mkdir(parents=True, exist_ok=True)
    store.path(sha).write_bytes(write_map_png(pixels))
    return sha


def _pages(database: Database, count: int) -> dict[str, float]:
    rng = random.Random(1)
    kinds = [
        GalleryFilter(),
        GalleryFilter(dataset="dusk"),
        GalleryFilter(subset="hard"),
        GalleryFilter(role="val"),
        GalleryFilter(role="none"),
        GalleryFilter(class_="class 3"),
        GalleryFilter(class_="class 3", role="train", dataset="day", labelled=True),
        GalleryFilter(labelled=False),
        GalleryFilter(text="00123"),
    ]
    times: dict[str, list[float]] = {"first": [], "first_cpu": [], "second": [], "later": []}
    for kind in kinds:
        for order in ORDERS:
            # Opened anew: nothing is kept of a list that nobody has looked at. Whoever filters has seen a page before.
            fresh = open_database(database.home)
            gallery_page(fresh, 1, GalleryFilter(text="no such path"), limit=PAGE)
            page = partial(gallery_page, fresh, 1, kind, order=order, limit=PAGE)
            cpu = time.process_time()
            times["first"].append(_seconds(page))
            times["first_cpu"].append(time.process_time() - cpu)
            times["second"].append(_seconds(partial(page, offset=PAGE)))
            times["later"] += [_seconds(partial(page, offset=rng.randrange(count))) for _ in range(ROUNDS)]
    return {
        f"{name}_p{share}_ms": round(1000 * float(np.percentile(found, share)), 1)
        for name, found in times.items()
        for share in (50, 95)
    }


def _thumbnails(home: Home, database: Database, size: tuple[int, int], count: int) -> dict[str, float]:
    """Store photos and maps of (height, width), and make a thumbnail of each."""
    store, rng = Store(home.store), np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, size[0] // 40, size[1] // 40, 3), np.uint8)
    ids = list(range(1, count + 1)) if size[0] < 1000 else list(range(1001, 1001 + count))
    ids = [number + (number % 10 == 0) for number in ids]  # the tenth has no labels
    with database.write() as session:
        for small, number in zip(coarse, ids, strict=True):
            photo = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
            image = session.get_one(Image, number)
            image.sha256 = store.put_bytes(cv2.imencode(".jpg", photo)[1].tobytes())
            image.height, image.width = size
    found = [find_image(database, 1, number) for number in ids]
    made = _seconds(lambda: [photo_jpeg(home, database, image, 256) for image in found])
    kept = _seconds(lambda: [photo_jpeg(home, database, image, 256) for image in found])
    maps = _seconds(lambda: [map_png(home, database, image, 256) for image in found])
    return {
        "made_per_second": round(count / made, 1),
        "found_again_per_second": round(count / kept, 1),
        "rendered_maps_found_per_second": round(count / maps, 1),
    }


def _statistics(home: Home, database: Database) -> None:
    class_statistics(home, database)


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _say(name: str, **figures: object) -> None:
    print(json.dumps({"benchmark": name, **figures}), flush=True)


if __name__ == "__main__":
    main()
