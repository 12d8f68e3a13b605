"""Cards of the architectures and the recipe as a form, against figures published elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from db.errors import UserError
from training.architecture_cards import architecture_card, architecture_cards
from training.architectures import names
from training.recipe import Recipe, load_recipe
from training.recipe_form import recipe_schema
from training.settings import Setting, settings_of

pytestmark = pytest.mark.xdist_group("cards")  # described once for all of them


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return found


def test_every_architecture_has_a_card() -> None:
    cards = architecture_cards()
    assert {card.name for card in cards} == set(names())
    assert [card.gflops for card in cards] == sorted(card.gflops for card in cards)
    for card in cards:
        assert card.what_it_is.endswith(".")
        assert all(option.help for option in card.options)
        assert list(card.to_json()["options"]) == [vars(option) for option in card.options]


def test_figures_are_those_that_torchvision_states() -> None:
    # https://pytorch.org/vision/stable/models.html: parameters of the weights with 21 classes; FCN with its aux head.
    assert architecture_card("fcn_resnet50").parameters == 35_322_218
    small = architecture_card("lraspp_mobilenetv3")
    assert small.parameters == 3_221_538
    assert small.cost == "light"
    assert small.output_stride == 8


def test_options_and_classes_change_the_figures() -> None:
    plain, small = architecture_card("unet"), architecture_card("unet", options={"encoder": "resnet18", "width": 32})
    assert (plain.output_stride, small.output_stride) == (1, 2)
    assert small.gflops < plain.gflops / 5
    assert plain.imagenet is None
    assert "encoder=resnet18" in plain.imagenet_note
    assert small.imagenet == "resnet18"
    more = architecture_card("fcn_resnet50", classes=22, options={"aux": False}).parameters
    fewer = architecture_card("fcn_resnet50", classes=21, options={"aux": False}).parameters
    assert more - fewer == 512 + 1  # one more output of the last 1x1 convolution


def test_an_option_says_what_it_takes() -> None:
    found = {option.key: option for option in architecture_card("unet").options}
    assert found["encoder"].kind == "choice"
    assert found["encoder"].choices[:2] == ("none", "resnet18")
    assert found["width"] == Setting("width", "integer", 64, False, (), 2, 1024, False, False, found["width"].help)
    assert (found["dropout"].minimum, found["dropout"].maximum, found["dropout"].below) == (0, 1, True)
    assert found["batch_norm"].kind == "boolean"
    assert architecture_card("deeplabv2").options[0].choices == (18, 34, 50, 101)


@pytest.mark.parametrize(("name", "options"), [("segnet9", {}), ("unet", {"deep": 3}), ("unet", {"width": 1})])
def test_what_there_is_not_is_said(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=name):
        architecture_card(name, options=options)


def test_the_form_has_every_setting_of_a_recipe_once_with_its_default_and_help() -> None:
    groups = recipe_schema()
    settings = [setting for group in groups for setting in group.settings]
    keys = [setting.key for setting in settings]
    assert len(keys) == len(set(keys))
    own = {"name", "about", "claims", "options", "default_epochs"}
    expected = {key: value for key, value in _flat(Recipe().model_dump(mode="json")).items() if key not in own}
    assert {setting.key: _plain(setting.default) for setting in settings} == expected
    assert [setting.key for setting in settings if not setting.help] == []
    assert [group.basic for group in groups] == [True] + [False] * (len(groups) - 1)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def test_limits_of_the_form_are_those_of_the_recipe() -> None:
    for setting in (setting for group in recipe_schema() for setting in group.settings):
        for edge, outside, excluded in ((setting.minimum, -1, setting.above), (setting.maximum, 1, setting.below)):
            if edge is None:
                continue
            beyond = edge + outside * (1 if setting.kind == "integer" else 1e-6)
            with pytest.raises(UserError):
                load_recipe("default", {setting.key: f"{beyond:.10f}" if setting.kind == "number" else str(beyond)})
            if excluded:
                with pytest.raises(UserError):
                    load_recipe("default", {setting.key: str(edge)})


def test_choices_of_the_form_are_those_of_the_recipe() -> None:
    found = {setting.key: setting for group in recipe_schema() for setting in group.settings}
    for setting in found.values():
        for choice in setting.choices:
            load_recipe("default", {setting.key: str(choice).lower() if isinstance(choice, bool) else str(choice)})
    assert found["channels_last"].choices == (True, False, "auto")
    assert found["crop"].kind == "pair"
    assert found["crop"].optional
    assert found["optimizer.multipliers"].kind == "table"


def test_a_type_that_has_no_form_is_refused() -> None:
    class Odd(BaseModel):
        when: complex = 1j

        model_config = {"arbitrary_types_allowed": True}

    with pytest.raises(TypeError, match="complex"):
        list(settings_of(Odd, Odd))
