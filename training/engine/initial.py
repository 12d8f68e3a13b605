"""What the weights of a training start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from db.errors import UserError
from db.home import Home
from training.architectures import build
from training.architectures.contract import Architecture, Preprocessing
from training.engine.rundir import Command, Start
from training.models.bundle import load_bundle
from training.models.find import read_checkpoint
from training.models.spec import Ancestor, Lineage, ModelSpec
from training.weights.loading import encoder_names, encoder_state
from training.weights.start import StartState, initialise


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
    lineage: Lineage


def begin(model: Architecture, command: Command) -> Beginning:
    """Give a freshly built network its starting weights.

    Raises:
        UserError: weights that are not there, are damaged, or do not fit; random ones with frozen statistics.
    """
    given: StartState | None = None
    before: Lineage = ()
    if command.start is not None:
        spec, state = _read(command.start)
        before = spec.lineage
        given = _wanted(command, command.start.label, spec, state)
    encoder_only = command.recipe.init_parts == "encoder"
    report = initialise(model, command.recipe.init, Home(command.home), given, encoder_only=encoder_only)
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
    return Beginning(report.text, report.sha256, report.preprocessing, (*before, *report.trained_on, ancestor))


def _wanted(command: Command, label: str, spec: ModelSpec, state: Mapping[str, Tensor]) -> StartState:
    """Choose what is taken of a model.

    A head of other classes, or of another order of them, has learnt nothing about these.
    """
    parts, other = command.recipe.init_parts, spec.classes != command.classes
    if spec.architecture != command.architecture:
        if parts == "all":
            raise UserError(
                f"init_parts=all needs a model of the same architecture: {label} is of {spec.architecture}, this is "
                f"{command.architecture}. Its encoder alone can be had with init_parts=encoder."
            )
        why = f"as it is of {spec.architecture}"
    elif parts == "encoder":
        why = "as asked"
    elif other and parts == "auto":
        why = "as its classes are others"
    elif other:
        classes = _class_tensors(spec)
        rest = {name: tensor for name, tensor in state.items() if name not in classes}
        how = "all but what predicts its classes, as they are others"
        return StartState(rest, label, spec.preprocessing, left_out=classes, how=how)
    else:
        return StartState(state, label, spec.preprocessing)
    with torch.device("meta"):
        source = build(spec.architecture, len(spec.classes), **spec.options)
    inside = encoder_names(source)
    left_out = tuple(name for name in state if name not in inside)
    encoder = encoder_state(source, state)
    how = f"only the encoder, {why}"
    return StartState(encoder, label, spec.preprocessing, encoder_only=True, left_out=left_out, how=how)


def _class_tensors(spec: ModelSpec) -> tuple[str, ...]:
    """Name the tensors whose shape says how many classes there are."""
    count = len(spec.classes)
    with torch.device("meta"):
        one, two = (build(spec.architecture, k, **spec.options).state_dict() for k in (count, count % 254 + 1))
    return tuple(name for name, tensor in one.items() if tensor.shape != two[name].shape)


def _read(start: Start) -> tuple[ModelSpec, Mapping[str, Tensor]]:
    if start.path.suffix == ".pt":
        return read_checkpoint(start.path)
    loaded = load_bundle(start.path)
    return loaded.spec, loaded.module.state_dict()
