"""A small folder of photos with labelme JSON beside them, as someone would have it after an afternoon of labelling."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 40, 30


def rectangle(label, left, top, right, bottom):
    return {"label": label, "shape_type": "rectangle", "points": [[left, top], [right, bottom]], "group_id": None}


def write_photo(path: Path, seed: int, size=(WIDTH, HEIGHT)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    width, height = size
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(path, "PNG")


def write_labels(photo: Path, shapes, size=(WIDTH, HEIGHT)) -> Path:
    width, height = size
    document = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": photo.name,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    path = photo.with_suffix(".json")
    path.write_text(json.dumps(document))
    return path


def make_folder(root: Path, names, shapes=None) -> Path:
    """Write a photo and its labels for every name (`day/a`): the n-th one shows `road`, and `car` where n is odd."""
    for number, name in enumerate(names):
        photo = root / f"{name}.png"
        write_photo(photo, seed=number)
        drawn = [rectangle("road", 0, 20, 39, 29)]
        if number % 2:
            drawn.append(rectangle("car", 5 + number % 7, 18, 15, 24))
        write_labels(photo, shapes or drawn)
    return root
