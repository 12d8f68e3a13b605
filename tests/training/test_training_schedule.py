"""Learning rates and optimisers against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from db.errors import UserError
from training.architectures import build
from training.engine.optimizer import build_optimizer, freeze, set_learning_rate, set_train_mode
from training.engine.schedule import factor
from training.recipe import load_recipe
from training.recipe_parts import Optimizer, Schedule

TOTAL = 50


def _torch_factors(make: object) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)  # type: ignore[operator]
    factors = []
    for _ in range(TOTAL):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


lr = torch.optim.lr_scheduler


@pytest.mark.parametrize(
    ("schedule", "theirs"),
    [
        (Schedule(name="poly", power=0.9), lambda o: lr.PolynomialLR(o, TOTAL, power=0.9)),
        (Schedule(name="cosine", eta_min=0.1), lambda o: lr.CosineAnnealingLR(o, TOTAL, eta_min=0.1)),
        (Schedule(name="exponential", gamma=0.01), lambda o: lr.ExponentialLR(o, 0.01 ** (1 / TOTAL))),
        (Schedule(name="inverse_time", gamma=0.1), lambda o: lr.LambdaLR(o, lambda s: 1 / (1 + 0.1 * s))),
        (Schedule(name="constant"), lambda o: lr.ConstantLR(o, 1.0)),
    ],
)
def test_schedules_are_those_of_torch(schedule: Schedule, theirs: object) -> None:
    assert [factor(schedule, step, TOTAL) for step in range(TOTAL)] == pytest.approx(_torch_factors(theirs))


def test_warm_up_rises_and_is_part_of_the_total() -> None:
    schedule = Schedule(name="poly", warmup_steps=10, warmup_factor=0.1)
    factors = [factor(schedule, step, TOTAL) for step in range(TOTAL)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10] == 1.0
    assert factors[:11] == sorted(factors[:11])
    assert factor(schedule, TOTAL, TOTAL) == 0.0


def test_eta_min_is_where_poly_ends_and_every_holds_the_rate() -> None:
    assert factor(Schedule(eta_min=0.25), TOTAL, TOTAL) == 0.25
    held = [factor(Schedule(every=10), step, TOTAL) for step in range(20)]
    assert len(set(held)) == 2


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        (
            Optimizer(name="sgd", lr=0.1, momentum=0.9, weight_decay=0.01, no_decay=()),
            lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
        ),
        (
            Optimizer(name="adam", lr=0.1, weight_decay=0.01, amsgrad=True, no_decay=()),
            lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.01, amsgrad=True),
        ),
        (
            Optimizer(name="adamw", lr=0.1, weight_decay=0.01, no_decay=()),
            lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.01),
        ),
    ],
)
def test_optimisers_are_those_of_torch(settings: Optimizer, theirs: object) -> None:
    results = []
    for ours in (True, False):
        torch.manual_seed(0)
        model = build("unet", 3, width=2, levels=1, batch_norm=False)
        optimizer = build_optimizer(model, settings) if ours else theirs(model.parameters())  # type: ignore[operator]
        for _ in range(3):
            model(torch.ones(2, 3, 8, 8)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        results.append([parameter.detach() for parameter in model.parameters()])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_groups_get_their_multiple_and_their_decay() -> None:
    model = build("deeplabv2", 3, depth=18)
    settings = load_recipe("deeplabv2").optimizer
    optimizer = build_optimizer(model, settings)
    set_learning_rate(optimizer, settings, Schedule(name="constant"), 0, 1)
    found = {group["name"]: (group["lr"] / settings.lr, group["weight_decay"]) for group in optimizer.param_groups}
    assert found == {
        "encoder": (pytest.approx(1), 5e-4),
        "head_weight": (pytest.approx(10), 5e-4),
        "head_bias": (pytest.approx(20), 0.0),
    }


def test_layers_nearer_to_the_input_learn_more_slowly() -> None:
    model = build("unet", 3, encoder="resnet18", width=2)
    settings = Optimizer(lr=0.1, layer_decay=0.5, multipliers={"encoder": 3.0})
    optimizer = build_optimizer(model, settings)
    set_learning_rate(optimizer, settings, Schedule(name="constant"), 0, 1)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(model.parameters()))
    places = {"conv1": 5, "bn1": 5, "layer1": 4, "layer2": 3, "layer3": 2, "layer4": 1}
    for name, parameter in model.named_parameters():
        part, inner, *_ = name.split(".")
        expected = 0.1 * 3 * 0.5 ** places[inner] if part == "contracting" else 0.1
        assert rates[id(parameter)] == pytest.approx(expected), name


def test_norms_and_biases_have_no_decay_by_default() -> None:
    model = build("unet", 3, width=2, levels=1)
    optimizer = build_optimizer(model, Optimizer())
    plain = {id(p) for group in optimizer.param_groups if group["weight_decay"] == 0 for p in group["params"]}
    for name, parameter in model.named_parameters():
        assert (id(parameter) in plain) == (parameter.ndim == 1), name


def test_what_is_frozen_stays() -> None:
    model = build("unet", 3, width=2, levels=1)
    recipe = load_recipe("default", {"freeze_encoder": "true", "frozen_bn": "true"})
    freeze(model, recipe)
    set_train_mode(model, recipe, held=True)
    optimizer = build_optimizer(model, recipe.optimizer)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model(torch.ones(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    encoder = {id(p) for p in model.encoder().parameters()}
    frozen = {name for name, p in model.named_parameters() if id(p) in encoder}
    after = model.state_dict()
    for key in before:
        if key in frozen or "running" in key:
            assert torch.equal(before[key], after[key]), key
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_a_group_that_is_not_there_is_named() -> None:
    model = build("unet", 3, width=2, levels=1)
    with pytest.raises(UserError, match=r"neck.*encoder, head"):
        build_optimizer(model, Optimizer(multipliers={"neck": 2.0}))
    with pytest.raises(UserError, match="Nothing is left to train"):
        build_optimizer(model, Optimizer(multipliers={"encoder": 0, "head": 0}))
