"""The training loop: everything a run does after it has been prepared, in the order it does it.

A run can be killed anywhere and end bit for bit as if it had not been, on the same machine with the same versions and
threads; on a GPU only with the recipe's `deterministic`, as a GPU's fast algorithms add up in any order, and a resumed
run says so. Three things make that so. Whatever changes is in `State`, which is written whole or not at all. Every
random draw is a pure function of the recipe's seed and the step (or the epoch and the image): there is no generator
whose state could be lost. And what is due at a step - validation, checkpoint, end - is decided from the step alone, so
that the work after the last checkpoint is simply done again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from training.data.prefetch import Prefetcher
from training.engine.decisions import Decisions
from training.engine.events import Events
from training.engine.failure import Stopped, TrainingError
from training.engine.meter import Meter
from training.engine.optimizer import set_learning_rate
from training.engine.ranks import Ranks
from training.engine.rundir import RunDirectory
from training.engine.samples import Samples
from training.engine.state import State
from training.engine.step import Step
from training.engine.stop import StopRequest
from training.engine.validate import validate
from training.engine.workload import Workload
from training.models.spec import ModelSpec
from training.numerics import Numerics


@dataclass
class Training:
    """A prepared run.

    Attributes:
        directory: where it lives.
        decisions: what was settled before the first step.
        spec: what its checkpoints are models of.
        workload: its images and batches.
        numerics: where and how it computes.
        state: all that changes.
        step: does one optimiser step.
        events: where it tells how it goes.
        stop: whether somebody asked it to stop.
        meter: gathers figures.
        samples: keeps some predictions of every validation.
        ranks: the processes that train together. All take the same way through this file; the leader alone writes.
    """

    directory: RunDirectory
    decisions: Decisions
    spec: ModelSpec
    workload: Workload
    numerics: Numerics
    state: State
    step: Step
    events: Events
    stop: StopRequest
    meter: Meter
    samples: Samples
    ranks: Ranks

    def run(self) -> str:
        """Train to the end.

        Returns:
            A sentence that says why it ended.

        Raises:
            Stopped: it was asked to stop, and its state is saved.
            TrainingError: the loss is not a number.
            OSError: a file could not be written; the last checkpoint is intact.
        """
        progress = self.state.progress
        saved = (progress.step, progress.validated)
        if self.ranks.leads:
            self.samples.go_back_to(progress.validated)
        with self.workload.batches_from(progress.step * self.decisions.recipe.accumulate) as batches:
            while True:
                if self._validation_due():
                    self._validate()
                finished = self._finished()
                asked = self.ranks.any(self.stop())
                due = finished or asked or progress.step % self.decisions.checkpoint_every == 0
                if due and saved != (progress.step, progress.validated):
                    self._save()
                    saved = (progress.step, progress.validated)
                if finished:
                    return finished
                if asked:
                    raise Stopped
                self._one_step(batches)

    def _one_step(self, batches: Prefetcher) -> None:
        progress, recipe = self.state.progress, self.decisions.recipe
        start, waited = time.perf_counter(), batches.wait_seconds
        parts = list(islice(batches, recipe.accumulate))
        waited = batches.wait_seconds - waited
        lr = set_learning_rate(
            self.state.optimizer, recipe.optimizer, recipe.schedule, progress.step, self.decisions.steps
        )
        if progress.step == self.decisions.thaw_step:
            text = f"Step {progress.step}: the encoder has thawed and learns from here on."
            self.events.write("thaw", step=progress.step, text=text)
        outcome = self.step(progress.step, parts)
        progress.step += 1
        if self.state.ema:
            self.state.ema.update(self.state.model, progress.step)
        self.meter.add(outcome, recipe.batch * recipe.accumulate, time.perf_counter() - start, waited)
        if self.meter.due or progress.step == self.decisions.steps:
            self._report(lr)

    def _report(self, lr: float) -> None:
        step, steps, thaw = self.state.progress.step, self.decisions.steps, self.decisions.thaw_step
        self._check_loss()
        figures = self.meter.report()
        slower = (steps - thaw) * (self.decisions.thawed - 1) if thaw is not None and step <= thaw else 0.0
        eta = (steps - step + slower) * (figures["seconds_per_step"] or 0.0)
        self.events.write("step", step=step, steps=steps, lr=lr, eta=eta, **figures)

    def _check_loss(self) -> None:
        if not math.isfinite(self.meter.loss()):
            raise TrainingError(
                f"The loss is not a number any more, by step {self.state.progress.step}. The learning rate is the "
                f"usual cause: try --set optimizer.lr={self.decisions.recipe.optimizer.lr / 10:g}, or "
                "--set optimizer.clip_norm=1, or --precision fp32."
            )

    def _validation_due(self) -> bool:
        """Whether this step is to be validated and was not yet, also when a resumed run finds itself there."""
        progress, every = self.state.progress, self.decisions.validate_every
        due = every is not None and progress.step > 0 and progress.validated != progress.step
        return due and (progress.step % every == 0 or progress.step == self.decisions.steps)  # type: ignore[operator]

    def _validate(self) -> None:
        progress = self.state.progress
        self._check_weights()
        start = time.perf_counter()
        found = validate(
            self.state.judged,
            self.workload.source,
            self.workload.val,
            self.numerics,
            batch_size=self.decisions.recipe.batch,
            stop=self.stop,
            see=self.samples.see,
            progress=self._tell_validating,
            ranks=self.ranks,
            leaders=self.samples.images,
        )
        if found is None:
            return  # asked to stop: the resumed run finds this validation still due
        better = found.miou is not None and (
            progress.best_miou is None or found.miou > progress.best_miou + self.decisions.recipe.early_stop.min_delta
        )
        progress.validated = progress.step
        progress.without_gain = 0 if better else progress.without_gain + 1
        progress.history.append({"step": progress.step, "miou": found.miou, "pa": found.pa})
        if better:
            progress.best_step, progress.best_miou = progress.step, found.miou
            self._keep(self.state.save_weights, self.directory.best)
        if self.ranks.leads:
            self.samples.write(progress.step)  # before anybody is told to look
        self.events.write(
            "validation",
            step=progress.step,
            miou=found.miou,
            pa=found.pa,
            iou=[row.iou for row in found.classes],
            best=better,
            seconds=time.perf_counter() - start,
        )

    def _tell_validating(self, done: int, total: int | None, what: str) -> None:
        if time.perf_counter() - self._told >= 1:
            self._told = time.perf_counter()
            self.events.write("validating", step=self.state.progress.step, done=done, total=total)

    _told = 0.0

    def _finished(self) -> str | None:
        progress, patience = self.state.progress, self.decisions.recipe.early_stop.patience
        if progress.step >= self.decisions.steps:
            return f"Trained {progress.step} steps."
        if patience is not None and progress.without_gain >= patience:
            return f"Stopped early at step {progress.step}: {patience} validations in a row without a better mIoU."
        return None

    def _save(self) -> None:
        self._check_weights()
        self._keep(self.state.save, self.directory.last)
        self.events.write("checkpoint", step=self.state.progress.step)

    def _keep(self, save: Callable[[Path, str], None], path: Path) -> None:
        if self.ranks.leads:
            save(path, self._spec_json())

    def _check_weights(self) -> None:
        """Refuse to keep weights that are not numbers: the last good checkpoint stays."""
        self._check_loss()
        if not self.state.is_finite():
            raise TrainingError(
                f"Weights are not numbers any more at step {self.state.progress.step}. Try a lower learning rate "
                f"(--set optimizer.lr={self.decisions.recipe.optimizer.lr / 10:g}) or --precision fp32."
            )

    def _spec_json(self) -> str:
        progress = self.state.progress
        own = progress.history and progress.validated == progress.step  # weights validated earlier were others
        noted = {"step": progress.step, "miou": progress.history[-1]["miou"] if own else None}
        return self.spec.model_copy(update={"metrics": noted}).model_dump_json()
