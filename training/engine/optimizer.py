"""From a recipe to torch's optimiser, with one parameter group per (name, decay)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from db.errors import UserError
from training.architectures.contract import Architecture
from training.engine.schedule import factor
from training.recipe import Optimizer, Recipe, Schedule

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


LEAST_MOMENTUM = 0.1
"""What torch gives batch normalisation by itself."""


def freeze(model: Architecture, recipe: Recipe) -> None:
    """Switch off the gradient of whatever the recipe keeps as it is; call before `build_optimizer`."""
    if recipe.freeze_encoder:
        model.encoder().requires_grad_(False)
    if recipe.frozen_bn:
        for module in _batch_norms(model):
            module.requires_grad_(False)


def follow_soon(model: Architecture) -> None:
    """Let batch normalisation learn its statistics within a short training: each batch counts at least a tenth.

    Some networks come with far less, MobileNetV3 with a hundredth, for the hundreds of thousands of steps of ImageNet.
    After fifty steps from random weights their statistics would still be more than half those they began with, and the
    network, which trains on each batch's own, would be useless when it is tested.
    """
    for module in _batch_norms(model):
        if module.momentum is not None:
            module.momentum = max(module.momentum, LEAST_MOMENTUM)


def set_train_mode(model: Architecture, recipe: Recipe) -> None:
    """Put the model in train mode, except for batch normalisation whose statistics stay as they are."""
    model.train()
    frozen = list(_batch_norms(model)) if recipe.frozen_bn else []
    frozen += list(_batch_norms(model.encoder())) if recipe.freeze_encoder else []
    for module in frozen:
        module.eval()


def build_optimizer(model: Architecture, settings: Optimizer) -> torch.optim.Optimizer:
    """Build the optimiser over the parameters that train.

    Raises:
        UserError: a multiplier or decay rule names a group the architecture does not have, or nothing is left to
            train.
    """
    groups = list(_groups(model, settings))
    if not groups:
        raise UserError("Nothing is left to train: freeze_encoder, frozen_bn and the multipliers freeze everything.")
    if settings.name == "sgd":
        return torch.optim.SGD(
            groups,
            lr=settings.lr,
            momentum=settings.momentum,
            nesterov=settings.nesterov,
            weight_decay=settings.weight_decay,
            fused=True,
        )
    kind = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
    return kind(
        groups,
        lr=settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        amsgrad=settings.amsgrad,
        fused=True,
    )


def set_learning_rate(
    optimizer: torch.optim.Optimizer, settings: Optimizer, schedule: Schedule, step: int, total: int
) -> float:
    """Set every group's learning rate for `step` and return that of a group with multiplier 1."""
    lr = settings.lr * factor(schedule, step, total)
    for group in optimizer.param_groups:
        group["lr"] = lr * settings.multipliers.get(group["name"], 1.0)
    return lr


def _groups(model: Architecture, settings: Optimizer) -> Iterator[dict[str, object]]:
    named = model.parameter_groups()
    _check_names(settings, set(named))
    exempt = _without_decay(model, settings)
    for name, parameters in named.items():
        if settings.multipliers.get(name, 1.0) == 0:
            continue
        training = [p for p in parameters if p.requires_grad]
        for decays in (True, False):
            chosen = [p for p in training if (id(p) not in exempt and name not in settings.no_decay) is decays]
            if chosen:
                yield {"params": chosen, "name": name, "weight_decay": settings.weight_decay if decays else 0.0}


def _without_decay(model: nn.Module, settings: Optimizer) -> set[int]:
    exempt = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if ("norm" in settings.no_decay and isinstance(module, NORMS)) or (
                "bias" in settings.no_decay and name == "bias"
            ):
                exempt.add(id(parameter))
    return exempt


def _check_names(settings: Optimizer, known: set[str]) -> None:
    wrong = (set(settings.multipliers) | (set(settings.no_decay) - {"norm", "bias"})) - known
    if wrong:
        raise UserError(
            f"The recipe names the parameter group {', '.join(sorted(wrong))}; this architecture has "
            f"{', '.join(sorted(known))} (optimizer.multipliers, optimizer.no_decay)."
        )


def _batch_norms(module: nn.Module) -> Iterator[nn.modules.batchnorm._BatchNorm]:
    return (m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))
