"""A file that a training starts from: what is known about the model in it is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from db.errors import UserError
from labeling.classes import list_classes
from tests.support.scenes import Scene, Workspace, add_dataset, blocks, workspace
from tests.support.tiny_models import PLAIN
from training.architectures import build
from training.architectures.contract import Architecture
from training.engine.initial import Beginning, begin
from training.engine.rundir import Command, RunDirectory
from training.engine.state import save_checkpoint
from training.models.bundle import save_bundle
from training.models.spec import Ancestor, ModelSpec
from training.runs.creation import TrainRequest, create_run

CLASSES = ("sky", "road", "tree", "car")
OPTIONS = {"width": 2, "levels": 1}
ANCESTOR = Ancestor(revision="a" * 64)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    place = workspace(tmp_path / "home", CLASSES)
    add_dataset(place, "campus", [Scene(blocks(24, 32, 4, 1), "train")])
    monkeypatch.chdir(tmp_path)
    return place


def network() -> Architecture:
    torch.manual_seed(1)
    return build("unet", 4, **OPTIONS)


def spec(classes: tuple[str, ...]) -> ModelSpec:
    return ModelSpec(architecture="unet", options=OPTIONS, classes=classes, preprocessing=PLAIN, lineage=(ANCESTOR,))


def asked(place: Workspace, init: str) -> Command:
    settings = {"init": init, "options.width": "2", "options.levels": "1"}
    run = create_run(place.home, place.database, TrainRequest("unet", settings=settings))
    return RunDirectory(run.directory).command()


def started(command: Command) -> tuple[Architecture, Beginning]:
    torch.manual_seed(2)
    model = build("unet", 4, **OPTIONS)
    return model, begin(model, command)


def test_a_bundle_brings_its_lineage_preprocessing_and_weights(place: Workspace) -> None:
    source = network()
    save_bundle(Path("model.safetensors"), source, spec(CLASSES))
    command = asked(place, "model.safetensors")
    assert command.start is not None
    assert command.start.path == Path("model.safetensors").absolute()
    model, beginning = started(command)
    assert beginning.preprocessing == PLAIN
    assert beginning.lineage[0] == ANCESTOR
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in model.state_dict().items())


def test_a_bundle_of_as_many_classes_in_another_order_keeps_its_head(place: Workspace) -> None:
    source = network()
    save_bundle(Path("model.safetensors"), source, spec(CLASSES[::-1]))
    model, beginning = started(asked(place, "model.safetensors"))
    assert "only the encoder" in beginning.text
    torch.manual_seed(2)
    assert torch.equal(model.state_dict()["head.weight"], build("unet", 4, **OPTIONS).state_dict()["head.weight"])
    encoder = source.encoder().state_dict()
    assert all(torch.equal(value, encoder[key]) for key, value in model.encoder().state_dict().items())


def test_a_runs_checkpoint_given_as_a_file_is_known_too(place: Workspace) -> None:
    content = {"spec": spec(CLASSES).model_dump_json(), "model": dict(network().state_dict()), "ema": None}
    save_checkpoint(Path("copied.pt"), content)
    assert started(asked(place, "copied.pt"))[1].lineage[0] == ANCESTOR


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pt"])
def test_plain_weights_are_found_from_any_folder(
    place: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = network()
    (save_file if name.endswith("safetensors") else torch.save)(dict(source.state_dict()), name)
    command = asked(place, name)
    assert command.start is None
    monkeypatch.chdir(tmp_path / "home")
    model, beginning = started(command)
    assert beginning.text.startswith(name)
    assert torch.equal(model.state_dict()["head.weight"], source.state_dict()["head.weight"])


def test_a_damaged_bundle_is_named_before_there_is_a_run(place: Workspace) -> None:
    save_bundle(Path("model.safetensors"), network(), spec(CLASSES))
    whole = Path("model.safetensors").read_bytes()
    Path("model.safetensors").write_bytes(whole[:100])
    with pytest.raises(UserError, match=r"model\.safetensors"):
        asked(place, "model.safetensors")


def test_the_colours_of_the_revision_go_into_the_model(place: Workspace) -> None:
    known = {found.name: found.color for found in list_classes(place.database, "p")}
    assert asked(place, "scratch").colors == tuple(known[name] for name in CLASSES)
