"""What the weights of a training start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from db.errors import UserError
from db.home import Home
from training.architectures.contract import Architecture, Preprocessing
from training.bundle import load_bundle
from training.engine.rundir import Command, Start
from training.models import read_checkpoint
from training.spec import Ancestor, ModelSpec
from training.weights import StartState, initialise
from training.weights_loading import encoder_names


@dataclass(frozen=True)
class Beginning:
    """Where a training starts.

    Attributes:
        text: one or a few lines for people.
        sha256: of the weights file, None where there is none.
        preprocessing: what the weights expect.
        lineage: the trainings behind them, and the one about to begin.
    """

    text: str
    sha256: str | None
    preprocessing: Preprocessing
    lineage: tuple[Ancestor, ...]


def begin(model: Architecture, command: Command) -> Beginning:
    """Give a freshly built network its starting weights.

    Raises:
        UserError: weights that are not there, are damaged, or do not fit; random ones with frozen statistics.
    """
    given: StartState | None = None
    before: tuple[Ancestor, ...] = ()
    note = ""
    if command.start is not None:
        spec, state = _read(command.start)
        before = spec.lineage
        if spec.classes != command.classes:
            # A head of other classes, or of another order, has learnt nothing about these.
            names = encoder_names(model)
            state = {name: tensor for name, tensor in state.items() if name in names}
            note = "\nIts classes are others, so only the encoder's weights are taken."
        given = StartState(state, command.start.label, spec.preprocessing)
    report = initialise(model, command.recipe.init, Home(command.home), given)
    if report.kind == "scratch" and command.recipe.frozen_bn:
        raise UserError(
            "frozen_bn keeps the statistics of batch normalisation as they come with the weights, and random weights "
            f"come with none: {command.architecture} would train without normalisation. Give weights with --init, or "
            f"set frozen_bn=false. The start would be: {report.text}"
        )
    ancestor = Ancestor(
        revision=command.revision,
        datasets=command.datasets,
        on=command.on,
        run=command.run,
        init=report.text.splitlines()[0],
    )
    return Beginning(report.text + note, report.sha256, report.preprocessing, (*before, ancestor))


def _read(start: Start) -> tuple[ModelSpec, Mapping[str, Tensor]]:
    if start.path.suffix == ".pt":
        return read_checkpoint(start.path)
    loaded = load_bundle(start.path)
    return loaded.spec, loaded.module.state_dict()
