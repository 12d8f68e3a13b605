"""What the weights of a training start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from db.home import Home
from training.architectures.contract import Architecture, Preprocessing
from training.bundle import load_bundle
from training.engine.rundir import Command, Start
from training.models import read_checkpoint
from training.spec import Ancestor, ModelSpec
from training.weights import StartState, initialise


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
        UserError: weights that are not there, are damaged, or do not fit.
    """
    given: StartState | None = None
    before: tuple[Ancestor, ...] = ()
    note = ""
    if command.start is not None:
        spec, state = _read(command.start)
        before = spec.lineage
        if spec.classes != command.classes:
            # A head of other classes, or of another order, has learnt nothing about these.
            state = _encoder_only(model, state)
            note = "\nIts classes are others, so only the encoder's weights are taken."
        given = StartState(state, command.start.label, spec.preprocessing)
    report = initialise(model, command.recipe.init, Home(command.home), given)
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


def _encoder_only(model: Architecture, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    encoder = {id(tensor) for tensor in model.encoder().state_dict(keep_vars=True).values()}
    names = {name for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) in encoder}
    return {name: tensor for name, tensor in state.items() if name in names}
