"""Writes the demo's scenes as photos with labelme JSON beside them, as a person's folder would look."""

from __future__ import annotations

import io
import json
from pathlib import Path

from PIL import Image

from db.files import write_atomic
from labeling.progress import Progress, silent
from workbench.demo.painter import Scene, paint_scene

LABELME_VERSION = "5.5.0"  # the release whose file layout is written


def write_sample(folder: Path, domain: str, count: int, seed: int, progress: Progress = silent) -> int:
    """Write `count` scenes of a domain into `folder`; scenes already there are kept. Returns how many were written.

    The JSON is written after its photo, so a photo without one is repainted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for index in range(count):
        stem = f"{domain}_{index:04d}"
        if not (folder / f"{stem}.json").exists():
            scene = paint_scene(seed, domain, index)
            write_atomic(folder / f"{stem}.jpg", _jpeg(scene))
            write_atomic(folder / f"{stem}.json", _labelme(scene, f"{stem}.jpg"))
            written += 1
        progress(index + 1, count, f"{domain} scenes")
    return written


def _jpeg(scene: Scene) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene.photo).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _labelme(scene: Scene, image_path: str) -> bytes:
    height, width = scene.photo.shape[:2]
    shapes: list[dict[str, object]] = [
        {"label": label, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}, "description": ""}
        for label, points in scene.shapes
    ]
    document = {
        "version": LABELME_VERSION,
        "flags": {},
        "shapes": shapes,
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    return json.dumps(document, indent=2).encode()
