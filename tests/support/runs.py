"""A tiny run to train: a network of two convolutions with dropout and batch norm, on painted photos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from db.schema import Run
from training.engine.rundir import Command, Images, Photo, RunDirectory
from training.recipe import Recipe, load_recipe

CLASSES = ("sky", "grass", "wall")
COLORS = np.array([(90, 140, 230), (60, 160, 60), (150, 120, 110)], np.uint8)


def paint(folder: Path, count: int, *, size: tuple[int, int] = (24, 32), seed: int = 0) -> list[Photo]:
    """Write `count` photos with class maps: three bands of noisy colour, a stripe of ignore."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    photos = []
    for i in range(count):
        first, second = sorted(random.integers(4, size[0] - 4, 2))
        class_map = np.zeros(size, np.uint8)
        class_map[first:] = 1
        class_map[second:] = 2
        rgb = np.clip(COLORS[class_map] + random.normal(0, 20, (*size, 3)), 0, 255).astype(np.uint8)
        class_map[:, :2] = 255
        photo, label = folder / f"{seed}-{i}.png", folder / f"{seed}-{i}-labels.png"
        cv2.imwrite(str(photo), rgb[..., ::-1])
        cv2.imwrite(str(label), class_map)
        photos.append(Photo(photo=photo, class_map=label, key=f"{seed}-{i}", name=photo.name))
    return photos


def tiny_recipe(**settings: str) -> Recipe:
    """Return a recipe that trains the tiny network in milliseconds a step."""
    base = {
        "options.width": "4",
        "options.levels": "2",
        "batch": "2",
        "crop": "16x16",
        "steps": "40",
        "checkpoint_every": "10",
        "validation.every_steps": "10",
        "precision": "fp32",
        "channels_last": "false",
        "init": "scratch",
        "ema": "0.9",
    }
    return load_recipe("default", {**base, **settings})


def make_run(
    home: Path,
    recipe: Recipe,
    *,
    architecture: str = "unet",
    train: int = 6,
    val: int = 3,
    name: str = "run",
    **command: Any,
) -> RunDirectory:
    """Create a run's directory below `home`, ready for `training.engine`."""
    directory = RunDirectory(home / "runs" / name)
    images = Images(
        train=tuple(paint(home / "photos", train)), val=tuple(paint(home / "photos", val, seed=1)) if val else ()
    )
    asked: Mapping[str, Any] = {
        "architecture": architecture,
        "classes": CLASSES,
        "revision": "0" * 64,
        "device": "cpu",
        **command,
    }
    directory.create(Command(home=home, recipe=recipe, **asked), images)
    return directory


def run_row(number: int, name: str = "unet", project_id: int = 4) -> Run:
    """Return the row of a run that lies in `runs/<number>` and waits to be started."""
    return Run(
        id=number,
        project_id=project_id,
        name=name,
        architecture="unet",
        revision_digest="0" * 64,
        directory=f"runs/{number}",
        state="queued",
        summary={},
    )
