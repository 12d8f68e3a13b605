"""Labelled datasets of a few painted photos, put into a project without any import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from sqlalchemy import select

from db.home import Home
from db.schema import Class, Dataset, Image, Role, Subset, SubsetImage
from db.session import Database, open_database
from db.store import Store
from labeling.annotation import IGNORE, Annotation, Layer
from labeling.annotations import append_version
from labeling.classes import ensure_class
from labeling.map_store import pixels_sha256
from labeling.maps import write_map_png
from labeling.options import DatasetOptions
from labeling.photos import perceptual_hash, read_photo
from labeling.projects import create_project, find_project

COLORS = [(int(r), int(g), int(b)) for r, g, b in np.random.default_rng(7).integers(0, 256, (30, 3))]


@dataclass(frozen=True)
class Workspace:
    """A home with one project, `p`."""

    home: Home
    database: Database


@dataclass(frozen=True)
class Scene:
    """A photo to add: class index by pixel (255: unlabelled noise), role and subsets."""

    truth: np.ndarray
    role: str | None = None
    subsets: tuple[str, ...] = ()
    seed: int = 0


def workspace(folder: Path, classes: Sequence[str]) -> Workspace:
    """Make a home with a project that has these classes."""
    home = Home(folder)
    database = open_database(home)
    with database.write() as session:
        project = create_project(session, "p")
        for name in classes:
            ensure_class(session, project, name)
    return Workspace(home, database)


def blocks(height: int, width: int, classes: int, seed: int = 0) -> np.ndarray:
    """Return a map of rectangles, a few pixels ignored."""
    generator = np.random.default_rng(seed)
    small = generator.integers(0, classes, (max(1, height // 8), max(1, width // 8))).astype(np.uint8)
    truth = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    truth[0, :3] = IGNORE
    return truth


def paint(truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return the photo (RGB) that shows each class in its colour of COLORS, with a little noise."""
    colors = np.zeros((256, 3), np.int64)
    colors[: len(COLORS)] = COLORS
    noise = np.random.default_rng(seed).integers(-2, 3, (*truth.shape, 3))
    return np.asarray(np.clip(colors[truth] + noise, 0, 255), np.uint8)


def add_dataset(place: Workspace, name: str, scenes: Sequence[Scene], photos: Sequence[bytes] | None = None) -> None:
    """Add a dataset; `photos` replaces the painted ones by other files of the same sizes."""
    store = Store(place.home.store)
    with place.database.write() as session:
        project = find_project(session, "p")
        classes = session.scalars(select(Class).where(Class.project_id == project.id).order_by(Class.position)).all()
        legend = tuple(row.id for row in classes)
        options = DatasetOptions(unlabelled="ignore").model_dump(mode="json")
        dataset = Dataset(project_id=project.id, name=name, format="masks", source="/nowhere", options=options)
        session.add(dataset)
        session.flush()
        subsets: dict[str, Subset] = {}
        for number, scene in enumerate(scenes):
            data = photos[number] if photos else png(paint(scene.truth, scene.seed))
            height, width = scene.truth.shape
            image = Image(
                dataset_id=dataset.id,
                path=f"{number:03d}.png",
                sha256=store.put_bytes(data),
                width=width,
                height=height,
                byte_size=len(data),
                perceptual_hash=perceptual_hash(read_photo(data)),
            )
            session.add(image)
            session.flush()
            if scene.role:
                session.add(Role(image_id=image.id, role=scene.role, origin="test"))
            for subset_name in scene.subsets:
                if subset_name not in subsets:
                    subsets[subset_name] = Subset(dataset_id=dataset.id, name=subset_name)
                    session.add(subsets[subset_name])
                    session.flush()
                session.add(SubsetImage(subset_id=subsets[subset_name].id, image_id=image.id))
            base = Layer(pixels_sha256(scene.truth), legend)
            store.put_named(base.sha256, write_map_png(scene.truth))
            content = Annotation(width, height, base=base).to_json()
            append_version(
                session, image_id=image.id, parent_id=None, content=content, author="test", origin="workbench"
            )


def png(rgb: np.ndarray) -> bytes:
    """Encode an RGB photo."""
    return cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()


def jpeg(rgb: np.ndarray, quality: int) -> bytes:
    """Encode an RGB photo with loss."""
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
