"""The whole path over the painted scenes: import, freeze, train by day, test by day and at dusk.

Run again with the same seed, it finds what is there and redoes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from db.errors import UserError
from db.home import Home
from db.schema import Project
from db.session import Database
from labeling.importing.run import ImportRequest, import_dataset
from labeling.progress import Progress, silent
from labeling.projects import create_project
from labeling.revisions import freeze
from labeling.roles import assign_roles
from training.engine.events import Event
from training.evaluation.compare import Comparison, compare_reports
from training.evaluation.evaluate import evaluate
from training.evaluation.report import EvaluationReport, list_evaluations, read_evaluation
from training.models.find import load_model
from training.runs.lifecycle import RunInfo, TrainRequest, create_run, launch, list_runs, resume_run
from workbench.demo.sample import write_sample

ARCHITECTURE = "unet"
SCENES = {"day": 128, "dusk": 40}
VAL_SHARE = 0.25
RECIPE = "scratch"
SETTINGS = {
    "options.encoder": "resnet18",
    "options.width": "32",
    "steps": "300",
    "batch": "8",
    "crop": "160x208",
    "augment.scale": "[0.45, 1.0]",
    "validation.every_steps": "100",
}


@dataclass(frozen=True)
class DemoResult:
    """What the demo ends with."""

    project: str
    run: RunInfo
    day: EvaluationReport
    dusk: EvaluationReport
    comparison: Comparison

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "project": self.project,
            "run": self.run.to_json(),
            "day": self.day.to_json(),
            "dusk": self.dusk.to_json(),
            "comparison": self.comparison.to_json(),
        }


def run_demo(
    home: Home,
    database: Database,
    *,
    seed: int = 0,
    steps: int | None = None,
    progress: Progress = silent,
) -> DemoResult:
    """Paint, import, freeze, train and test. The project is `demo`, for another seed `demo-SEED`.

    Args:
        home: the workbench home; the photos go to its folder `demo`.
        database: its database.
        seed: of the scenes and of the training.
        steps: of the training; None for the demo's own number.
        progress: told every part.

    Raises:
        UserError: the training did not end; says why.
    """
    project = "demo" if seed == 0 else f"demo-{seed}"
    _ensure_project(database, project)
    for domain, count in SCENES.items():
        folder = home.path / "demo" / f"seed-{seed}" / domain
        write_sample(folder, domain, count, seed, progress)
        request = ImportRequest(
            format="labelme",
            source=folder,
            project=project,
            dataset=domain,
            role="test" if domain == "dusk" else None,
        )
        import_dataset(home, database, request, progress)
    assign_roles(database, project, "day", val=VAL_SHARE, seed=seed)
    revision = freeze(home, database, project=project, progress=progress)
    run = _train(home, database, project, revision.digest, seed, steps, progress)
    day = _evaluate(home, database, project, run, "day", "val", progress)
    dusk = _evaluate(home, database, project, run, "dusk", "all", progress)
    return DemoResult(project, run, day, dusk, compare_reports(day, dusk))


def _ensure_project(database: Database, name: str) -> None:
    # Not made the current one: the next import of the user's own photos must not land in the demo.
    with database.write() as session:
        if session.query(Project).filter_by(name=name).first() is None:
            create_project(session, name, may_become_current=False)


def _train(
    home: Home,
    database: Database,
    project: str,
    revision: str,
    seed: int,
    steps: int | None,
    progress: Progress,
) -> RunInfo:
    def on_event(event: Event) -> None:
        if event.kind == "step":
            progress(event.values["step"], event.values["steps"], "training steps")

    settings = SETTINGS | {"seed": str(seed)} | ({"steps": str(steps)} if steps else {})
    name = f"demo-{settings['steps']}-steps"
    earlier = [run for run in list_runs(home, database, project) if run.name == name and run.revision == revision]
    if earlier and earlier[0].state == "finished":
        return earlier[0]
    if earlier and earlier[0].state in ("stopped", "interrupted"):
        run = resume_run(home, database, project, str(earlier[0].id), on_event=on_event)
    else:
        request = TrainRequest(
            architecture=ARCHITECTURE,
            project=project,
            datasets=("day",),
            revision=revision,
            recipe=RECIPE,
            settings=settings,
            name=name,
        )
        run = launch(home, database, create_run(home, database, request), on_event=on_event)
    if run.state != "finished":
        raise UserError(
            f"The demo's training is {run.state}: {run.figures.get('sentence')} Start the demo again to go on."
        )
    return run


def _evaluate(
    home: Home, database: Database, project: str, run: RunInfo, dataset: str, on: str, progress: Progress
) -> EvaluationReport:
    model = str(run.id)
    loaded = load_model(home, database, project, model)
    for known in list_evaluations(database, project):
        if (known.model, known.dataset, known.on) == (loaded.reference, dataset, on):
            report = read_evaluation(home, database, project, known.id)
            if report.record.model_sha256 == loaded.sha256 and report.record.revision == run.revision:
                return report
    return evaluate(home, database, project=project, model=model, dataset=dataset, on=on, progress=progress)
