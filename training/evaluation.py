"""Testing a model on a dataset."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from db.home import Home
from db.schema import Evaluation, utc_now
from db.session import Database
from db.store import Store
from labeling.manifest import Manifest, ManifestImage, load_manifest
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.revisions import find_revision, freeze, list_revisions, photo_path
from training import mapping as mappings
from training.evaluation_report import EvaluationReport, list_evaluations, read_evaluation, report, summary
from training.evaluation_run import EvaluationRun, Outcome, Sample
from training.evaluation_store import (
    EvaluatedImage,
    EvaluationRecord,
    counts_matrix,
    new_directory,
    publish,
    write_arrays,
)
from training.inference import Precision, Predictor, Size, pick_device
from training.leaks import find_leaks
from training.loaded import LoadedModel
from training.mapping import SavedMapping
from training.models import load_model
from training.selection import ALL, select

__all__ = ["EvaluationReport", "evaluate", "evaluate_loaded", "list_evaluations", "read_evaluation"]


def evaluate(
    home: Home,
    database: Database,
    *,
    project: str | None,
    model: str,
    dataset: str,
    on: str = ALL,
    revision: str | None = None,
    size: str = "original",
    mapping: str | None = None,
    predictions: bool = True,
    device: str = "auto",
    precision: Precision = "auto",
    progress: Progress = silent,
) -> EvaluationReport:
    """Run a model over images of a dataset, store what it says of each, and report the figures.

    Args:
        home: receives the evaluation.
        database: its database.
        project: name; None is the current one.
        model: reference, as `training.models.load_model` reads it.
        dataset: name.
        on: a role or subset of the dataset, or `all`.
        revision: digest or its beginning; None is the model's own where that holds the dataset as it is now, else
            the dataset is frozen.
        size: what the network sees: `original`, `HxW` or `long N`. Figures are at the photos' own size in any case.
        mapping: name of a saved mapping; None takes classes of the same name. It can be changed later.
        predictions: store predicted maps and confidences.
        device: as `training.inference.pick_device` reads it.
        precision: what the network computes in.
        progress: told the images evaluated.

    Raises:
        UserError: something of the above is not there or does not fit, or an image cannot be read.
    """
    loaded = load_model(home, database, project, model)
    return evaluate_loaded(
        home,
        database,
        loaded,
        project=project,
        dataset=dataset,
        on=on,
        revision=revision,
        size=Size.parse(size),
        mapping=mapping,
        predictions=predictions,
        predictor=Predictor(loaded, pick_device(device), precision),
        progress=progress,
    )


def evaluate_loaded(
    home: Home,
    database: Database,
    model: LoadedModel,
    *,
    project: str | None,
    dataset: str,
    on: str,
    revision: str | None,
    size: Size,
    mapping: str | None,
    predictions: bool,
    predictor: Predictor,
    progress: Progress = silent,
) -> EvaluationReport:
    """Evaluate a model that is loaded already; see `evaluate`."""
    store = Store(home.store)
    digest = _choose_revision(home, database, project, model, dataset, revision, progress)
    manifest = load_manifest(store, digest)
    images = select(manifest, [dataset], on)
    chosen = mappings.load_mapping(database, project, mapping) if mapping is not None else None
    if chosen is not None:  # a mapping that does not fit is better refused now than after an hour
        mappings.targets(chosen.rows, model.spec.classes, manifest.classes)
    with new_directory(home.evaluations) as directory:
        run = EvaluationRun(
            predictor,
            [_sample(database, store, image) for image in images],
            k_truth=len(manifest.classes),
            k_model=len(model.spec.classes),
            size=size,
        )
        start = time.perf_counter()
        outcomes = run.outcomes(directory if predictions else None, progress)
        seconds = time.perf_counter() - start
        counts = counts_matrix([outcome.counts for outcome in outcomes], run.cells)
        record = EvaluationRecord(
            model=model.reference,
            model_sha256=model.sha256,
            model_classes=model.spec.classes,
            truth_classes=manifest.classes,
            dataset=dataset,
            on=on,
            revision=digest,
            size=str(size),
            precision=predictor.precision,
            device=str(predictor.device),
            predictions=predictions,
            images=tuple(map(_evaluated, images, outcomes)),
            leaks=find_leaks(database, store, model.spec.lineage, images),
            seconds=seconds,
            created_at=utc_now(),
            files=write_arrays(directory, counts, run.histograms),
        )
        published = publish(directory, record)
    return _register(home, database, project, published, chosen)


def _choose_revision(
    home: Home,
    database: Database,
    project: str | None,
    model: LoadedModel,
    dataset: str,
    revision: str | None,
    progress: Progress,
) -> str:
    """Return the digest of the revision to test on: named, the model's if the data is unchanged, else frozen now."""
    if revision is not None:
        return find_revision(database, project, revision).digest
    store = Store(home.store)
    frozen = freeze(home, database, project=project, datasets=[dataset], progress=progress).digest
    own = model.spec.revision
    # A bundle from elsewhere may name a revision of another home, or anything at all.
    if own is None or own not in {known.digest for known in list_revisions(database, project)}:
        return frozen
    now, then = load_manifest(store, frozen), load_manifest(store, own)
    unchanged = then.classes == now.classes and _images_of(then, dataset) == _images_of(now, dataset)
    return own if unchanged else frozen


def _images_of(manifest: Manifest, dataset: str) -> set[ManifestImage]:
    return {image for image in manifest.images if image.dataset == dataset}


def _sample(database: Database, store: Store, image: ManifestImage) -> Sample:
    return Sample(
        photo=partial(photo_path, database, store, image),
        class_map=store.path(image.map_sha256),
        name=f"{image.dataset}/{image.path}",
    )


def _evaluated(image: ManifestImage, outcome: Outcome) -> EvaluatedImage:
    return EvaluatedImage(
        path=image.path,
        image_sha256=image.image_sha256,
        map_sha256=image.map_sha256,
        height=outcome.height,
        width=outcome.width,
    )


def _register(
    home: Home, database: Database, project: str | None, directory: Path, chosen: SavedMapping | None
) -> EvaluationReport:
    result = report(directory, 0, chosen)
    record = result.record
    with database.write() as session:
        row = Evaluation(
            project_id=find_project(session, project).id,
            model=record.model,
            model_sha256=record.model_sha256,
            dataset=record.dataset,
            on=record.on,
            revision_digest=record.revision,
            mapping_id=chosen.id if chosen else None,
            directory=directory.relative_to(home.path).as_posix(),
            summary=summary(result),
        )
        session.add(row)
        session.flush()
        number = row.id
    return replace(result, id=number)
