"""Recipes: what they hold, how they are changed, and what a mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from db.errors import UserError
from training import architectures
from training.engine.optimizer import build_optimizer, set_learning_rate
from training.recipe import load_recipe, names
from training.recipe_parts import Loss


@pytest.mark.parametrize("name", names())
def test_every_recipe_loads_and_claims_with_a_source(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.about
    if recipe.claims:
        assert recipe.claims.source
        assert recipe.claims.reproduced


@pytest.mark.parametrize("name", sorted(set(names()) & set(architectures.names())))
def test_an_architectures_recipe_names_its_options_and_groups(name: str) -> None:
    recipe = load_recipe(name)
    with torch.device("meta"):
        model = architectures.build(name, 3, **recipe.options)
    build_optimizer(model, recipe.optimizer)


def test_every_architecture_has_a_recipe() -> None:
    assert set(architectures.names()) | {"default"} <= set(names())


def test_settings_reach_into_parts_and_read_values_as_yaml() -> None:
    recipe = load_recipe(
        "default",
        {"optimizer.lr": "1e-3", "crop": "64x96", "ema": "none", "augment.scale": "[0.8, 1.2]", "options.depth": "18"},
    )
    assert recipe.optimizer.lr == 0.001
    assert recipe.crop == (64, 96)
    assert recipe.ema is None
    assert recipe.augment.scale == (0.8, 1.2)
    assert recipe.options == {"depth": 18}


@pytest.mark.parametrize(("text", "crop"), [("64", (64, 64)), ("64X96", (64, 96)), ("none", None)])
def test_a_crop_is_a_size_a_square_or_none(text: str, crop: tuple[int, int] | None) -> None:
    assert load_recipe("default", {"crop": text}).crop == crop


@pytest.mark.parametrize("name", names())
def test_no_recipe_insists_on_weights_that_may_not_be_there(name: str) -> None:
    assert load_recipe(name).init in ("auto", "scratch")


def test_a_length_that_is_set_replaces_the_recipes_own() -> None:
    assert load_recipe("deeplabv2").steps == 20000
    recipe = load_recipe("deeplabv2", {"minutes": "5"})
    assert (recipe.steps, recipe.epochs, recipe.minutes) == (None, None, 5.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"optimiser.lr": "1"}, ["optimiser: no such setting; did you mean optimizer"]),
        ({"lr": "1"}, ["lr: no such setting; did you mean optimizer.lr?"]),
        ({"jiter": "1"}, ["did you mean augment.jitter?"]),
        ({"optimizer.rate": "1"}, ["optimizer.rate", "no such setting", "lr"]),
        ({"optimizer.lr": "fast"}, ["optimizer.lr", "number", "'fast'"]),
        ({"optimizer.lr": "-1"}, ["optimizer.lr", "greater than 0", "-1"]),
        ({"crop": "big"}, ["crop: expected HxW", "or none", "'big'"]),
        ({"crop": "long 5"}, ["crop: expected HxW", "'long 5'"]),
        ({"crop": "0x4"}, ["crop", "HxW"]),
        ({"resize": "200"}, ["resize", "HxW", "'200'"]),
        ({"steps": "5", "minutes": "3"}, ["one of steps, epochs and minutes"]),
        ({"batch.size": "3"}, ["batch.size", "holds a value"]),
        ({"augment.scale": "[2, 1]"}, ["augment", "low to high"]),
        ({"precision": "int8"}, ["precision", "bf16"]),
    ],
)
def test_a_mistake_names_the_key_and_what_fits(settings: dict[str, str], words: list[str]) -> None:
    with pytest.raises(UserError) as caught:
        load_recipe("default", settings)
    for word in words:
        assert word in str(caught.value)


def test_an_unknown_recipe_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no recipe 'foo'.*default"):
        load_recipe("foo")
    with pytest.raises(UserError, match="cannot be read"):
        load_recipe(str(tmp_path / "missing.yaml"))
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(UserError, match="found list"):
        load_recipe(str(tmp_path / "list.yaml"))


def test_a_recipe_of_ones_own_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("batch: 3\n")
    recipe = load_recipe(str(tmp_path / "mine.yaml"))
    assert (recipe.name, recipe.batch) == ("mine", 3)


def test_a_loss_is_composed_by_weight(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("loss: {cross_entropy: 1, dice: 0.5}\n")
    loss = load_recipe(str(tmp_path / "mine.yaml")).loss
    assert (loss.cross_entropy, loss.dice, loss.lovasz) == (1, 0.5, 0)
    assert load_recipe("scratch", {"loss.dice": "0.5"}).loss.dice == 0.5


def test_a_loss_of_before_there_were_terms_is_cross_entropy(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("loss: {name: cross_entropy, class_weights: none, at: input}\n")
    assert load_recipe(str(tmp_path / "old.yaml")).loss == Loss(at="input")
    (tmp_path / "other.yaml").write_text("loss: {name: dice}\n")
    with pytest.raises(UserError, match=r"loss.name: no such setting"):
        load_recipe(str(tmp_path / "other.yaml"))


def test_a_loss_of_nothing_is_refused() -> None:
    with pytest.raises(UserError, match=r"at least one term.*cross_entropy, dice"):
        load_recipe("default", {"loss.cross_entropy": "0"})


@pytest.mark.parametrize("name", ["fcn_resnet50", "fcn_resnet101", "deeplabv3"])
def test_torchvisions_recipes_train_the_auxiliary_head_at_ten_times_the_rate(name: str) -> None:
    recipe = load_recipe(name)
    with torch.device("meta"):
        model = architectures.build(name, 3, **recipe.options)
    optimizer = build_optimizer(model, recipe.optimizer)
    set_learning_rate(optimizer, recipe.optimizer, recipe.schedule, step=0, total=10)
    assert {group["name"]: group["lr"] for group in optimizer.param_groups} == {
        "encoder": 0.02,
        "head": 0.02,
        "head_aux": 0.2,
    }


def test_sspfpns_recipe_has_the_affinity_loss_of_its_paper() -> None:
    loss = load_recipe("sspfpn").loss
    assert (loss.cross_entropy, loss.affinity, loss.affinity_position) == (0.85, 0.15, 0.1)
