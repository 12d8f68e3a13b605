"""A model adapted to photos without labels is another model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from db.errors import UserError
from db.schema import Image
from tests.support.scenes import Scene, Workspace, add_dataset, blocks, workspace
from training.adaptation.adapt import WAYS, How, adapt
from training.architectures import build
from training.evaluation.evaluate import evaluate
from training.models.bundle import save_bundle
from training.models.find import load_model
from training.models.spec import ModelSpec

CLASSES = ("sky", "road", "tree")


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = workspace(tmp_path / "home", CLASSES)
    add_dataset(place, "dusk", [Scene(blocks(24, 32 + 8 * (n % 2), 3, n), seed=n) for n in range(5)])
    return place


def _bundle(tmp_path: Path, *, batch_norm: bool = True) -> str:
    path = tmp_path / f"model-{batch_norm}.safetensors"
    options = {"width": 4, "layers": 2, "batch_norm": batch_norm}
    torch.manual_seed(0)
    spec = ModelSpec(architecture="plainconv", options=options, classes=CLASSES, metrics={"miou": 0.5})
    save_bundle(path, build("plainconv", 3, **options), spec)
    return str(path)


@pytest.mark.parametrize("how", WAYS)
def test_it_is_kept_under_a_name_and_says_what_it_saw(place: Workspace, tmp_path: Path, how: How) -> None:
    parent = _bundle(tmp_path)
    made = adapt(
        place.home, place.database, project="p", model=parent, how=how, dataset="dusk", name="evening", device="cpu"
    )
    assert (made.name, made.images, made.layers) == ("evening", 5, 2)
    assert (made.entropy is None) == (how == "adabn")
    loaded = load_model(place.home, place.database, "p", "evening")
    (adaptation,) = loaded.spec.adaptations
    assert (adaptation.how, adaptation.dataset, adaptation.on, adaptation.images) == (how, "dusk", "all", 5)
    assert adaptation.parent == parent
    assert loaded.spec.metrics == {}  # they are the parent's
    before = load_model(place.home, place.database, "p", parent).module.state_dict()
    after = loaded.module.state_dict()
    changed = {name.rpartition(".")[2] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"running_mean", "running_var"} | ({"weight", "bias"} if how == "tent" else set())
    convolutions = {f"{n}.weight" for n, each in loaded.module.named_modules() if isinstance(each, nn.Conv2d)}
    assert all(torch.equal(before[name], after[name]) for name in convolutions)


def test_labels_are_not_needed_and_an_evaluation_says_what_was_done(place: Workspace, tmp_path: Path) -> None:
    with place.database.write() as session:
        for row in session.query(Image).filter(Image.path < "002"):
            row.head_id = None
    made = adapt(
        *(place.home, place.database),
        project="p",
        model=_bundle(tmp_path),
        how="adabn",
        dataset="dusk",
        on="unlabelled",
    )
    assert made.images == 2
    report = evaluate(place.home, place.database, project="p", model=made.name, dataset="dusk", device="cpu")
    assert any("to 2 photos of dusk:unlabelled, by adabn, without labels" in note for note in report.notes)


def test_the_same_again_is_the_same_model(place: Workspace, tmp_path: Path) -> None:
    first, second = (
        adapt(
            place.home, place.database, project="p", model=_bundle(tmp_path), how="tent", dataset="dusk", device="cpu"
        )
        for _ in range(2)
    )
    assert second.sha256 == first.sha256
    assert second.notes == ("This very model was here already.",)


def test_a_network_without_batch_normalisation_leaves_no_model_behind(place: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no batch normalisation"):
        adapt(
            *(place.home, place.database),
            project="p",
            model=_bundle(tmp_path, batch_norm=False),
            how="adabn",
            dataset="dusk",
            name="evening",
        )
    with pytest.raises(UserError, match="no model 'evening'"):
        load_model(place.home, place.database, "p", "evening")
