"""A training that begins with what another one learnt: of other classes, of another architecture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml

from db.errors import UserError
from labeling.classes import add_class
from tests.support.scenes import Scene, Workspace, add_dataset, blocks, workspace
from training.engine import probe
from training.engine.attempt import attempt
from training.engine.events import read_events
from training.engine.rundir import EXIT_OK, RunDirectory
from training.models.find import read_checkpoint
from training.runs.creation import TrainRequest, create_run

FEW, MORE = ("sky", "road", "tree"), ("car", "person")
TINY = {"options.encoder": "mobilenet_v3_small", "crop": "16x16", "batch": "2", "ema": "none"}
FIXED = {"precision": "fp32", "channels_last": "false", "validation.every_steps": "4", "steps": "4"}
ROLES = ("train", "train", "train", "val")
HEAD = {"unet": {"options.width": "8"}, "fpn": {"options.width": "8"}}


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "SECONDS", 0.0)
        yield


@pytest.fixture(scope="module")
def place(_quick: None, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project of three classes with dataset A and run 1 on it, and then two more classes and dataset B."""
    place = workspace(tmp_path_factory.mktemp("home"), FEW)
    add_dataset(place, "a", [Scene(blocks(24, 32, 3, seed), role, seed=seed) for seed, role in enumerate(ROLES)])
    assert attempt(asked(place, "unet", dataset="a", init="scratch").path) == EXIT_OK
    for name in MORE:
        add_class(place.database, "p", name)
    add_dataset(place, "b", [Scene(blocks(24, 32, 5, seed), role, seed=seed) for seed, role in enumerate(ROLES, 5)])
    return place


def asked(place: Workspace, architecture: str, *, dataset: str = "b", **settings: str) -> RunDirectory:
    every = {**TINY, **FIXED, **HEAD[architecture], **settings}
    request = TrainRequest(architecture, datasets=(dataset,), settings=every)
    return RunDirectory(create_run(place.home, place.database, request).directory)


def encoder(path: Path) -> dict[str, torch.Tensor]:
    _, state = read_checkpoint(path)
    parts = ("contracting.", "backbone.")
    return {key.partition(".")[2]: value for key, value in state.items() if key.startswith(parts)}


def test_pretrained_on_three_classes_fine_tuned_on_five_frozen_then_thawed(place: Workspace) -> None:
    first = RunDirectory(place.home.runs / "1")
    assert read_checkpoint(first.best)[0].classes == FEW
    settings = {"init": "1:best", "freeze_encoder": "true", "thaw_at": "0.5", "checkpoint_every": "2"}
    run = asked(place, "unet", **settings)
    assert attempt(run.path) == EXIT_OK, run.result()
    spec, state = read_checkpoint(run.best)
    assert spec.classes == (*FEW, *MORE)
    assert state["head.weight"].shape[0] == 5
    assert len(spec.lineage) == 2
    told = yaml.safe_load(run.decisions.read_text())["init"]
    counts = len(encoder(first.best)), len(state) - len(encoder(first.best))
    assert told == (
        f"run 1:best, only the encoder, as its classes are others: {counts[0]} tensors taken, {counts[1]} of this "
        f"network begin anew, {counts[1]} left out."
    )
    assert [event.values["text"] for event in read_events(run.events) if event.kind == "init"] == [told]
    assert [event.values["step"] for event in read_events(run.events) if event.kind == "thaw"] == [2]
    before, after = encoder(first.best), encoder(run.last)
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_while_it_is_frozen_the_other_runs_encoder_stays(place: Workspace) -> None:
    run = asked(place, "fpn", init="1", freeze_encoder="true")
    assert attempt(run.path) == EXIT_OK, run.result()
    before, after = encoder(place.home.runs / "1" / "checkpoints" / "best.pt"), encoder(run.last)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert "only the encoder, as it is of unet" in yaml.safe_load(run.decisions.read_text())["init"]


def test_the_decoder_can_be_had_too(place: Workspace) -> None:
    run = asked(place, "unet", init="1", init_parts="all", **{"optimizer.lr": "1e-12"})
    assert attempt(run.path) == EXIT_OK, run.result()
    told = yaml.safe_load(run.decisions.read_text())["init"]
    assert "2 (head.weight, head.bias) of this network begin anew, 2 (head.weight, head.bias) left out" in told
    name = "expanding.0.convolutions.0.weight"
    _, before = read_checkpoint(place.home.runs / "1" / "checkpoints" / "best.pt")
    _, after = read_checkpoint(run.last)
    torch.testing.assert_close(before[name], after[name])


def test_what_cannot_be_had_of_another_network_is_refused(place: Workspace) -> None:
    with pytest.raises(UserError, match="init_parts=encoder"):
        asked(place, "fpn", init="1", init_parts="all")
    with pytest.raises(UserError, match="does not fit the encoder"):
        asked(place, "fpn", init="1", **{"options.encoder": "resnet18"})
