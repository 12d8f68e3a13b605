"""From a recipe to torch's optimiser, with one parameter group per (name, depth, decay)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from db.errors import UserError
from training.architectures.contract import NORMS, Architecture
from training.engine.schedule import factor
from training.recipe import Recipe
from training.recipe_parts import Optimizer, Schedule

LEAST_MOMENTUM = 0.1
"""What torch gives batch normalisation by itself."""


def freeze(model: Architecture, recipe: Recipe) -> None:
    """Switch off the gradient of whatever the recipe keeps as it is to the end; call before `build_optimizer`."""
    if recipe.freeze_encoder and recipe.thaw_at is None:
        model.encoder().requires_grad_(False)
    if recipe.frozen_bn:
        for module in _batch_norms(model):
            module.requires_grad_(False)


def hold_encoder(model: Architecture, recipe: Recipe, held: bool) -> None:
    """Switch the gradients of the encoder off or, but for frozen batch normalisation, on.

    The optimiser, which has had its parameters from the beginning, passes over those without a gradient and begins
    their moments with the first one.
    """
    model.encoder().requires_grad_(not held)
    freeze(model, recipe)


def follow_soon(model: Architecture) -> None:
    """Let batch normalisation learn its statistics within a short training: each batch counts at least a tenth.

    Some networks come with far less, MobileNetV3 with a hundredth, for the hundreds of thousands of steps of ImageNet.
    After fifty steps from random weights their statistics would still be more than half those they began with, and the
    network, which trains on each batch's own, would be useless when it is tested.
    """
    for module in _batch_norms(model):
        if module.momentum is not None:
            module.momentum = max(module.momentum, LEAST_MOMENTUM)


def set_train_mode(model: Architecture, recipe: Recipe, *, held: bool) -> None:
    """Put the model in train mode, except for batch normalisation whose statistics stay as they are.

    Args:
        model: to train.
        recipe: says whether all of them do.
        held: whether those of the encoder do.
    """
    model.train()
    frozen = list(_batch_norms(model)) if recipe.frozen_bn else []
    frozen += list(_batch_norms(model.encoder())) if held else []
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
        depth = group.get("depth", 0)  # optimisers saved before there were depths have none
        group["lr"] = lr * settings.multipliers.get(group["name"], 1.0) * settings.layer_decay**depth
    return lr


def _groups(model: Architecture, settings: Optimizer) -> Iterator[dict[str, object]]:
    _check_names(settings, set(model.parameter_groups()))
    exempt = _without_decay(model, settings)
    for name, depth, parameters in _named(model, settings):
        if settings.multipliers.get(name, 1.0) == 0:
            continue
        training = [p for p in parameters if p.requires_grad]
        for decays in (True, False):
            chosen = [p for p in training if (id(p) not in exempt and name not in settings.no_decay) is decays]
            if chosen:
                decay = settings.weight_decay if decays else 0.0
                yield {"params": chosen, "name": name, "depth": depth, "weight_decay": decay}


def _named(model: Architecture, settings: Optimizer) -> Iterator[tuple[str, int, list[nn.Parameter]]]:
    """Yield parameters by group and, where that decides their rate, by their block's place, 1 for the last.

    As in BEiT (Bao et al., arXiv 2106.08254), where the head has the full rate and the last layer the first decay.
    """
    for name, parameters in model.parameter_groups().items():
        if name == "encoder" and settings.layer_decay < 1:
            blocks = model.encoder_blocks()
            yield from ((name, len(blocks) - index, block) for index, block in enumerate(blocks))
        else:
            yield name, 0, parameters


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
