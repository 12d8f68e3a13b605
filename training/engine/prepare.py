"""From what was asked to a training that can run: network, images, and everything that is settled once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from db.home import Home
from labeling.progress import Progress
from training.architectures import build
from training.architectures.contract import Architecture
from training.engine.decisions import Decisions, read_decisions, write_decisions
from training.engine.events import Events
from training.engine.failure import Stopped
from training.engine.initial import Beginning, begin
from training.engine.length import plan, seconds
from training.engine.loop import Training
from training.engine.machine import be_deterministic, differences, this_machine
from training.engine.meter import Meter
from training.engine.optimizer import follow_soon, freeze
from training.engine.precision import candidates, fastest
from training.engine.probe import build_step, measure, small_step
from training.engine.ranks import Ranks
from training.engine.rundir import Command, RunDirectory
from training.engine.samples import Samples
from training.engine.state import Ema, State
from training.engine.step import draw_seed
from training.engine.stop import StopRequest
from training.engine.workload import Workload, open_workload
from training.losses.class_weights import class_weights
from training.models.spec import ModelSpec
from training.numerics import Numerics

INIT_STEP = -1
"""The step whose seed draws the initial weights."""


@dataclass(frozen=True)
class Desk:
    """What an attempt works with besides the run itself.

    Attributes:
        directory: of the run.
        device: it computes on.
        events: where it tells how it goes.
        stop: whether somebody asked it to stop.
        started: `time.monotonic()` when the device became its own; `minutes` count from here.
        ranks: the processes that train together.
    """

    directory: RunDirectory
    device: torch.device
    events: Events
    stop: StopRequest
    started: float
    ranks: Ranks


def prepare(desk: Desk) -> Training:
    """Build everything a run needs, at its beginning or at its last checkpoint.

    Raises:
        UserError: an image, label, weights file, option or recipe does not fit.
    """
    command = desk.directory.command()
    recipe = command.recipe
    decisions = read_decisions(desk.directory.decisions)
    if recipe.deterministic:
        be_deterministic(desk.device)
    torch.manual_seed(draw_seed(recipe.seed, INIT_STEP))
    model = build(command.architecture, len(command.classes), **recipe.options)
    beginning = None
    if decisions is None or not desk.directory.last.exists():
        beginning = begin(model, command)
        desk.events.write("init", text=beginning.text)
    freeze(model, recipe)
    follow_soon(model)
    kept = beginning or decisions
    assert kept is not None
    workload = open_workload(
        desk.directory.images(),
        Home(command.home).packs,
        recipe,
        num_classes=len(command.classes),
        preprocessing=kept.preprocessing,
        device=desk.device,
        placement=decisions.placement if decisions else None,
        progress=_teller(desk.events, desk.stop),
        ranks=desk.ranks,
    )
    if not workload.val:
        desk.events.write(
            "warning",
            text="No image has role val, so nothing is validated and the last checkpoint is the model. Give some with "
            "`workbench roles`, freeze and train again to have a best one.",
        )
    if decisions is None:
        assert beginning is not None
        decisions = desk.ranks.same(_decide(desk, command, model, workload, beginning))
        if desk.ranks.leads:
            write_decisions(desk.directory.decisions, decisions)
    else:
        _warn(desk, decisions, beginning)
    return _assemble(desk, command, model, workload, decisions)


def _decide(desk: Desk, command: Command, model: Architecture, workload: Workload, beginning: Beginning) -> Decisions:
    def tell(what: str) -> None:
        # Each may take a minute, in which nothing else is heard of the run.
        desk.events.write("preparing", done=0, total=None, what=what)

    recipe = command.recipe
    tell("counting the pixels of each class")
    weights = class_weights(workload.histograms(model.num_classes), recipe.loss)
    weigh = tuple(weights.tolist()) if weights is not None else None
    options = candidates(recipe, desk.device, beginning.preprocessing)
    if len(options) > 1:
        tell("measuring which precision is fastest")
    found = fastest(model, options, small_step(recipe, workload.batches.batch(0)))
    precision, channels_last = desk.ranks.same((found.precision, found.channels_last))
    numerics = Numerics(desk.device, beginning.preprocessing, precision, channels_last)
    tell("measuring how fast it trains")
    speed = desk.ranks.same(measure(model, workload, recipe, numerics, weigh, desk.ranks))
    length = plan(
        recipe,
        images=len(workload.train),
        validation_images=len(workload.val),
        speed=speed,
        seconds_used=time.monotonic() - desk.started,
    )
    return Decisions(
        architecture=command.architecture,
        device=str(desk.device),
        ranks=desk.ranks.world,
        precision=numerics.precision,
        channels_last=numerics.channels_last,
        threads=torch.get_num_threads(),
        steps=length.steps,
        steps_per_epoch=length.steps_per_epoch,
        validate_every=length.validate_every,
        checkpoint_every=length.checkpoint_every,
        thaw_step=length.thaw_step,
        init=beginning.text,
        init_sha256=beginning.sha256,
        preprocessing=beginning.preprocessing,
        lineage=beginning.lineage,
        data=workload.source.describe(),
        placement=workload.placement,
        images=len(workload.train),
        validation_images=len(workload.val),
        class_weights=weigh,
        seconds_per_step=speed.step,
        thawed=speed.thawed,
        seconds=seconds(length, speed),
        peak_memory=speed.memory,
        machine=this_machine(desk.device),
        recipe=recipe,
    )


def _assemble(desk: Desk, command: Command, model: Architecture, workload: Workload, decisions: Decisions) -> Training:
    recipe = decisions.recipe
    numerics = Numerics(desk.device, decisions.preprocessing, decisions.precision, decisions.channels_last)
    numerics.place(model)
    weights = decisions.class_weights
    step, optimizer, scaler = build_step(model, recipe, numerics, weights, desk.ranks, decisions.thaw_step)
    state = State(model, optimizer, Ema(model, recipe.ema) if recipe.ema else None, scaler)
    if desk.directory.last.exists():
        state.load(desk.directory.last)
    spec = ModelSpec(
        architecture=command.architecture,
        options=recipe.options,
        classes=command.classes,
        colors=command.colors,
        preprocessing=decisions.preprocessing,
        recipe=recipe.model_dump(mode="json"),
        lineage=decisions.lineage,
        revision=command.revision,
    )
    return Training(
        directory=desk.directory,
        decisions=decisions,
        spec=spec,
        workload=workload,
        numerics=numerics,
        state=state,
        step=step,
        events=desk.events,
        stop=desk.stop,
        meter=Meter(desk.device),
        samples=Samples(desk.directory.samples, workload.val),
        ranks=desk.ranks,
    )


def _warn(desk: Desk, decisions: Decisions, beginning: Beginning | None) -> None:
    """Say why the result may be another than without a break; the run goes on all the same."""
    torch.set_num_threads(decisions.threads)
    changed = differences(decisions, this_machine(desk.device), desk.device, desk.ranks.world)
    if beginning is not None and beginning.sha256 != decisions.init_sha256:
        changed.append(f"the weights it starts from are others: {beginning.text}")
    if beginning is None and desk.device.type == "cuda" and not decisions.recipe.deterministic:
        changed.append("a GPU adds up in whatever order its threads end in, unless deterministic=true is set")
    if changed:
        desk.events.write(
            "warning",
            text="Resumed; the result may differ in the last bits from that of a run that was never interrupted: "
            f"{'; '.join(changed)}.",
        )


def _teller(events: Events, stop: StopRequest) -> Progress:
    """Pass progress on as events, about one a second, and give up when asked to stop: there is nothing to lose yet."""
    told = 0.0

    def tell(done: int, total: int | None, what: str) -> None:
        nonlocal told
        if stop():
            raise Stopped
        if time.monotonic() - told >= 1 or done == total:
            told = time.monotonic()
            events.write("preparing", done=done, total=total, what=what)

    return tell
