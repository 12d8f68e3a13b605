"""What came of a trained run: its test, how fast it predicts, and what its training took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from db.home import Home
from db.session import Database
from db.store import Store
from labeling.manifest import load_manifest
from labeling.progress import Progress
from training.bench.document import BenchPlan, Measures
from training.bench.method import images_per_second
from training.data.resample import resize_photo
from training.engine.events import Event
from training.engine.machine import this_machine
from training.engine.owned import own_devices
from training.evaluation.evaluate import EvaluationRequest, evaluate_loaded
from training.evaluation.metrics import metrics
from training.evaluation.report import EvaluationReport
from training.evaluation.selection import select
from training.models.find import load_model
from training.prediction.inference import Predictor
from training.prediction.size import Size
from training.runs.files import events_of

_GPU_MEMORY = "the most memory torch reserved on the GPU while training"
_RESIDENT_MEMORY = "the most resident memory of the process that trained"


def measure(
    home: Home, database: Database, project: str, plan: BenchPlan, run: int, *, who: str, progress: Progress
) -> Measures:
    """Test a run's best checkpoint on every dataset of a bench and measure it.

    The device is had alone meanwhile, as by a training, so that nothing of this workbench slows it down.

    Args:
        home: of the run.
        database: likewise.
        project: name.
        plan: of the bench.
        run: its number.
        who: what to tell others who wait for the device.
        progress: told the images evaluated.

    Raises:
        UserError: it cannot be tested.
    """

    def waiting(owner: str) -> None:
        progress(0, None, f"waiting for the device, which {owner} has")

    first = plan.device.partition(",")[0]  # several train together, one tests
    with own_devices(first, 1, home, who, waiting=waiting, stop=lambda: False) as (device,):
        predictor = Predictor(load_model(home, database, project, str(run)), device, plan.precision)
        size = Size.parse(plan.size)
        reports = [
            evaluate_loaded(
                home, database, predictor, EvaluationRequest(project, dataset, plan.on, plan.revision, size), progress
            )
            for dataset in datasets_with(home, plan)
        ]
        height, width = middle_size(reports)
        shape = size.target(height, width)
        speed = images_per_second(_one_photo(predictor, (height, width), shape))
    figures = metrics(np.sum([report.confusion for report in reports], axis=0))
    steps, seconds, memory = training_took(home.runs / str(run))
    return Measures(
        evaluations=tuple(report.id for report in reports),
        images=sum(len(report.record.images) for report in reports),
        miou=figures.miou,
        iou=tuple(row.iou for row in figures.classes),
        parameters=sum(parameter.numel() for parameter in predictor.model.module.parameters()),
        images_per_second=speed,
        height=shape[0],
        width=shape[1],
        device=_hardware(device),
        memory=memory,
        memory_of=_GPU_MEMORY if device.type == "cuda" else _RESIDENT_MEMORY,
        steps=steps,
        seconds=seconds,
    )


def datasets_with(home: Home, plan: BenchPlan) -> tuple[str, ...]:
    """Return the datasets of a bench that have images to test on.

    Raises:
        UserError: none has; says what there is.
    """
    manifest = load_manifest(Store(home.store), plan.revision)
    return tuple(dict.fromkeys(image.dataset for image in select(manifest, plan.datasets, plan.on)))


def middle_size(reports: Sequence[EvaluationReport]) -> tuple[int, int]:
    """Return the (height, width) of the photo that is the middle one by area."""
    sizes = sorted(
        ((image.height, image.width) for report in reports for image in report.record.images),
        key=lambda size: size[0] * size[1],
    )
    return sizes[len(sizes) // 2]


def _one_photo(predictor: Predictor, full: tuple[int, int], shape: tuple[int, int]) -> Callable[[], object]:
    # Noise: how long a network takes does not depend on what it sees.
    photo = np.random.default_rng(0).integers(0, 256, (*full, 3), np.uint8)
    return lambda: predictor.predict([resize_photo(photo, shape)], [full])


def _hardware(device: torch.device) -> str:
    machine = this_machine(device)
    return machine.gpu or f"{machine.cpu}, {torch.get_num_threads()} threads"


def training_took(directory: Path) -> tuple[int, float, int | None]:
    """Return a run's steps, its seconds of training and the most bytes its trainers held.

    Seconds are counted from the first step to the end of each attempt, so validations count and pauses do not.
    """
    steps, seconds, memory = 0, 0.0, None
    begun: Event | None = None
    for event in events_of(directory):
        if event.kind == "attempt":
            begun = None
        elif event.kind == "started":
            begun, before = event, seconds
        elif event.kind == "step":
            steps = max(steps, event.values["step"])
            memory = max(memory or 0, event.values["memory"])
        if begun is not None:
            seconds = before + event.time - begun.time
    return steps, seconds, memory
