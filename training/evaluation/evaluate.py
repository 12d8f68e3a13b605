"""Testing a model on a dataset."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

from sqlalchemy import select as select_rows

from db.errors import UserError
from db.home import Home
from db.schema import Evaluation, utc_now
from db.session import Database
from db.store import Store
from labeling.manifest import Manifest, ManifestImage, load_manifest
from labeling.parts import ALL
from labeling.progress import Progress, silent
from labeling.projects import find_project
from labeling.revisions import current_manifest, find_revision, freeze, list_revisions, photo_path
from training.adaptation.home_photos import home_style
from training.evaluation import mapping as mappings
from training.evaluation.derived.derive import derive_shapes
from training.evaluation.leaks import find_leaks
from training.evaluation.mapping import SavedMapping
from training.evaluation.opened import open_evaluation
from training.evaluation.report import EvaluationReport, list_evaluations, read_evaluation, register, report
from training.evaluation.selection import select
from training.evaluation.store import (
    EvaluatedImage,
    EvaluationRecord,
    counts_matrix,
    new_directory,
    publish,
    read_record,
    write_arrays,
)
from training.evaluation.work import EvaluationRun, Outcome, Sample
from training.models.find import load_model
from training.models.loaded import LoadedModel
from training.numerics import pick_device
from training.prediction.inference import Precision, Predictor
from training.prediction.refinement import NONE, Refinement
from training.prediction.size import Size
from training.prediction.style import Kind

__all__ = [
    "EvaluationReport",
    "EvaluationRequest",
    "evaluate",
    "evaluate_loaded",
    "list_evaluations",
    "read_evaluation",
]


@dataclass(frozen=True)
class EvaluationRequest:
    """What is tested on; see `evaluate` for the fields."""

    project: str | None
    dataset: str
    on: str = ALL
    revision: str | None = None
    size: Size = field(default_factory=Size)
    mapping: str | None = None
    predictions: bool = True
    restrict: bool = False


@dataclass(frozen=True)
class _Subject:
    revision: str
    classes: tuple[str, ...]
    images: tuple[ManifestImage, ...]
    mapping: SavedMapping | None
    project_id: int


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
    refinement: Refinement = NONE,
    style: Kind | None = None,
    style_of: str | None = None,
    restrict: bool = False,
    boundary: bool = True,
    progress: Progress = silent,
) -> EvaluationReport:
    """Run a model over images of a dataset, store what it says of each, and report the figures.

    Args:
        home: receives the evaluation.
        database: its database.
        project: name; None is the current one, or the only one.
        model: reference, as `training.models.find.load_model` reads it.
        dataset: name.
        on: a role or subset of the dataset, or `all`.
        revision: digest or its beginning; None is the model's own where that holds the dataset as it is now, else
            the dataset is frozen.
        size: what the network sees: `original`, `HxW` or `long N`. Figures are at the photos' own size in any case.
        mapping: name of a saved mapping; None and `by-name` take classes of the same name. It can be changed later.
        predictions: store predicted maps and confidences.
        device: as `training.numerics.pick_device` reads it.
        precision: what the network computes in; `auto` is what this model was evaluated in before on this device,
            so that a second evaluation gives the figures of the first, and is measured where it never was.
        refinement: what is done besides running the network once; kept with the evaluation.
        style: give photos the look of those the model was trained on first, in this way.
        style_of: photos whose look they are given instead, `DATASET` or `DATASET:ON`; with `style` alone.
        restrict: a pixel may only get classes that count as one of the dataset's (restricted argmax). Without it the
            argmax is taken first, over all classes, and what has no target counts as `other`.
        boundary: count boundaries and objects afterwards, too, where predictions are stored.
        progress: told the images evaluated.

    Raises:
        UserError: something of the above is not there or does not fit, or an image cannot be read.
    """
    if style_of is not None and style is None:
        raise UserError("--style-of says whose look the photos are given; it needs --style histogram or fourier.")
    loaded = load_model(home, database, project, model)
    if style is not None:
        look = home_style(home, database, loaded, style, of=style_of, project=project)
        refinement = refinement.model_copy(update={"style": look})
    request = EvaluationRequest(project, dataset, on, revision, Size.parse(size), mapping, predictions, restrict)
    picked = pick_device(device)
    if precision == "auto":
        precision = _as_before(database, loaded, str(picked)) or "auto"
    predictor = Predictor(loaded, picked, precision, refinement)
    found = evaluate_loaded(home, database, predictor, request, progress)
    if boundary and predictions:
        derive_shapes(database, open_evaluation(database, found.id, mapping=mapping), progress)
    return found


def evaluate_loaded(
    home: Home, database: Database, predictor: Predictor, request: EvaluationRequest, progress: Progress = silent
) -> EvaluationReport:
    """Evaluate a model that is ready on its device; see `evaluate`."""
    subject = _find_subject(home, database, predictor.model, request, progress)
    if request.restrict:
        only = _with_target(predictor.model.spec.classes, subject)
        predictor = predictor.refined(predictor.refinement.model_copy(update={"only": only}))
    with new_directory(home.evaluations) as directory:
        record = _fill(home, database, predictor, request, subject, directory, progress)
        published = publish(directory, record)
    result = report(published, 0, subject.mapping)
    return replace(result, id=register(database, result, record.mapping_id))


def _with_target(model_classes: tuple[str, ...], subject: _Subject) -> tuple[str, ...]:
    """Return the model's classes that count as one of the dataset's.

    Raises:
        UserError: none does.
    """
    rows = subject.mapping.rows if subject.mapping else mappings.rows_by_name(model_classes, subject.classes)
    targets = dict(rows)
    if found := tuple(name for name in model_classes if targets.get(name)):
        return found
    raise UserError(
        f"No class of the model counts as one of the dataset's, so that none is left to choose. The model's: "
        f"{', '.join(model_classes)}. The dataset's: {', '.join(subject.classes)}. Give a --mapping."
    )


def _as_before(database: Database, model: LoadedModel, device: str) -> Precision | None:
    """Return what the newest evaluation of the same weights on this device was computed in; None without any."""
    query = select_rows(Evaluation.directory).where(Evaluation.model_sha256 == model.sha256)
    with database.read() as session:
        directories = session.scalars(query.order_by(Evaluation.id.desc())).all()
    for directory in directories:
        try:
            record = read_record(database.home.path / directory)
        except UserError:  # damaged: it says nothing
            continue
        if record.device == device:
            return cast("Precision", record.precision)
    return None


def _find_subject(
    home: Home, database: Database, model: LoadedModel, request: EvaluationRequest, progress: Progress
) -> _Subject:
    digest = _choose_revision(home, database, model, request, progress)
    manifest = load_manifest(Store(home.store), digest)
    chosen = None
    if request.mapping is not None and request.mapping != mappings.BY_NAME:
        chosen = mappings.load_mapping(database, request.project, request.mapping)
        # One that does not fit is better refused now than after an hour.
        mappings.targets(chosen.rows, model.spec.classes, manifest.classes)
    images = select(manifest, [request.dataset], request.on)
    with database.read() as session:
        project_id = find_project(session, request.project).id
    return _Subject(digest, manifest.classes, images, chosen, project_id)


def _fill(
    home: Home,
    database: Database,
    predictor: Predictor,
    request: EvaluationRequest,
    subject: _Subject,
    directory: Path,
    progress: Progress,
) -> EvaluationRecord:
    """Run the network, write everything but the record, and return that."""
    store, model = Store(home.store), predictor.model
    samples = [_sample(database, store, image) for image in subject.images]
    run = EvaluationRun(
        predictor, samples, k_truth=len(subject.classes), k_model=len(model.spec.classes), size=request.size
    )
    start = time.perf_counter()
    outcomes = run.outcomes(directory if request.predictions else None, progress)
    seconds = time.perf_counter() - start
    counts = counts_matrix([outcome.counts for outcome in outcomes], run.cells)
    return EvaluationRecord(
        model=model.reference,
        model_sha256=model.sha256,
        model_classes=model.spec.classes,
        truth_classes=subject.classes,
        dataset=request.dataset,
        on=request.on,
        revision=subject.revision,
        project_id=subject.project_id,
        mapping_id=subject.mapping.id if subject.mapping else None,
        size=str(request.size),
        refinement=predictor.refinement,
        precision=predictor.precision,
        device=str(predictor.device),
        predictions=request.predictions,
        adapted=tuple(str(each) for each in model.spec.adaptations),
        images=tuple(map(_evaluated, subject.images, outcomes)),
        leaks=find_leaks(database, store, model.spec.lineage, subject.images),
        seconds=seconds,
        created_at=utc_now(),
        files=write_arrays(directory, counts, run.histograms),
    )


def _choose_revision(
    home: Home, database: Database, model: LoadedModel, request: EvaluationRequest, progress: Progress
) -> str:
    """Return the digest of the revision to test on: named, the model's if the data is unchanged, else frozen now."""
    project, dataset = request.project, request.dataset
    if request.revision is not None:
        return find_revision(database, project, request.revision).digest
    own = model.spec.revision
    # A bundle from elsewhere may name a revision of another home, or anything at all.
    if own is not None and own in {known.digest for known in list_revisions(database, project)}:
        now = current_manifest(home, database, project=project, datasets=[dataset], progress=progress)
        then = load_manifest(Store(home.store), own)
        if then.classes == now.classes and _images_of(then, dataset) == _images_of(now, dataset):
            return own
    return freeze(home, database, project=project, datasets=[dataset], progress=progress).digest


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
        entropy=outcome.entropy,
        confidence=outcome.confidence,
    )
