"""An evaluation of as many images as one likes, in seconds: those of a small one over and over, under other paths."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from db.home import Home
from db.schema import utc_now
from db.session import Database
from db.store import Store
from labeling.manifest import Manifest, load_manifest
from training.evaluation.opened import OpenEvaluation
from training.evaluation.report import register, report
from training.evaluation.store import (
    CONFIDENCE,
    INDEX,
    map_name,
    new_directory,
    publish,
    read_counts,
    read_histograms,
    write_arrays,
)

LIST = "every third"


def repeat_images(home: Home, database: Database, evaluation: OpenEvaluation, images: int) -> int:
    """Write an evaluation of the same model on many images; return its number.

    Args:
        home: holds the evaluation.
        database: of the home.
        evaluation: of at least one image, with predictions; its photos, class maps and predictions are shared.
        images: how many there shall be, `many/000000.jpg` and on. The list `LIST` has every third of them.
    """
    record, store = evaluation.record, Store(home.store)
    source = np.arange(images) % len(record.images)
    shown = tuple(
        record.images[which].model_copy(update={"path": f"many/{number:06}.jpg", "entropy": number / images})
        for number, which in enumerate(source.tolist())
    )
    manifest = load_manifest(store, record.revision)
    known = {image.path: image for image in manifest.images}
    entries = tuple(
        replace(known[record.images[which].path], path=image.path, subsets=(LIST,) if number % 3 == 0 else ())
        for number, (which, image) in enumerate(zip(source.tolist(), shown, strict=True))
    )
    revision = store.put_bytes(Manifest(manifest.classes, entries).canonical())
    counts = read_counts(evaluation.directory, record)[source]
    with new_directory(home.evaluations) as directory:
        for folder in (INDEX, CONFIDENCE):
            (directory / folder).mkdir()
            for number, which in enumerate(source.tolist()):
                os.link(evaluation.directory / folder / map_name(which), directory / folder / map_name(number))
        files = write_arrays(directory, counts, read_histograms(evaluation.directory, record))
        update = {"images": shown, "revision": revision, "created_at": utc_now(), "files": files}
        published = publish(directory, record.model_copy(update=update))
    return register(database, report(published, 0, evaluation.mapping), None)
