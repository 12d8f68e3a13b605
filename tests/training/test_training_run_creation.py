"""Asking for a training: what is refused before there is a run, and what a new run never touches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from db.errors import UserError
from db.schema import Image, Run
from db.store import Store
from tests.support.scenes import Scene, Workspace, add_dataset, blocks, workspace
from training.engine.rundir import RunDirectory
from training.engine.workload import open_workload
from training.runs.creation import RunHandle, TrainRequest, create_run
from training.runs.lifecycle import list_runs
from training.runs.trash import discard_run

CLASSES = ("sky", "road", "tree")
TINY = {"options.width": "2", "options.levels": "1", "init": "scratch", "crop": "16x16", "batch": "2"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    place = workspace(tmp_path / "home", CLASSES)
    add_dataset(place, "campus", [Scene(blocks(24, 32, 3, seed), "train") for seed in range(2)])
    monkeypatch.chdir(tmp_path)
    return place


def created(place: Workspace, **settings: str) -> RunHandle:
    return create_run(place.home, place.database, TrainRequest("unet", settings={**TINY, **settings}))


def test_a_run_the_database_forgot_keeps_its_number_and_its_files(place: Workspace) -> None:
    forgotten = place.home.runs / "1" / "checkpoints" / "best.pt"
    forgotten.parent.mkdir(parents=True)
    forgotten.write_bytes(b"weeks of work")
    run = created(place)
    assert run.id == 2
    assert RunDirectory(run.directory).command().run == 2
    assert forgotten.read_bytes() == b"weeks of work"


def test_the_number_of_a_run_in_the_trash_is_not_given_again(place: Workspace) -> None:
    discard_run(place.home, place.database, created(place))
    with place.database.write() as session:
        session.query(Run).delete()
    assert created(place).id == 2


def test_a_directory_that_cannot_be_written_leaves_neither_row_nor_directory(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise UserError("disk full")

    monkeypatch.setattr(RunDirectory, "create", full)
    with pytest.raises(UserError, match="disk full"):
        created(place)
    assert list_runs(place.home, place.database) == []
    assert list(place.home.runs.iterdir()) == []


def test_others_may_write_while_a_run_is_created(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    create = RunDirectory.create

    def meanwhile(*arguments: object) -> None:
        with place.database.write():
            create(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RunDirectory, "create", meanwhile)
    assert created(place).id == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({**TINY, "init": "missing.safetensors"}, "none of them"),
        ({**TINY, "init": "notes.pt"}, r"notes\.pt"),
        ({"init": "imagenet", "options.encoder": "resnet18"}, "weights fetch"),
        ({**TINY, "frozen_bn": "true"}, "frozen_bn=false"),
        ({**TINY, "frozen_bn": "true", "init": "auto"}, "frozen_bn=false"),
    ],
)
def test_weights_that_will_not_do_are_refused_before_there_is_a_run(
    place: Workspace, settings: dict[str, str], words: str
) -> None:
    Path("notes.pt").write_text("these are no weights")
    with pytest.raises(UserError, match=words):
        create_run(place.home, place.database, TrainRequest("unet", settings=settings))
    assert not place.home.runs.exists() or list(place.home.runs.iterdir()) == []


def test_without_roles_it_says_how_to_get_some(tmp_path: Path) -> None:
    place = workspace(tmp_path / "home", CLASSES)
    add_dataset(place, "campus", [Scene(blocks(24, 32, 3))])
    with pytest.raises(UserError, match="workbench roles"):
        created(place)


def test_a_linked_photo_that_changes_before_it_is_packed_is_refused(place: Workspace, tmp_path: Path) -> None:
    linked = tmp_path / "mine.png"
    store = Store(place.home.store)
    with place.database.write() as session:
        image = session.scalars(select(Image).order_by(Image.id)).first()
        assert image is not None
        linked.write_bytes(store.read(image.sha256))
        image.linked_path, image.linked_mtime_ns = str(linked), linked.stat().st_mtime_ns
        store.path(image.sha256).unlink()
    run = RunDirectory(created(place).directory)
    assert [photo.link is not None for photo in run.images().train] == [True, False]

    def opened() -> int:
        import torch

        from training.architectures.contract import Preprocessing

        recipe = run.command().recipe.model_copy(update={"pack": "never"})
        workload = open_workload(
            run.images(),
            place.home.packs,
            recipe,
            num_classes=3,
            preprocessing=Preprocessing(),
            device=torch.device("cpu"),
            placement=None,
            progress=lambda *told: None,
        )
        return len(workload.batches.batch(0).images)

    os.utime(linked)  # touched, not changed
    assert opened() == 2
    data = bytearray(linked.read_bytes())
    data[-20] ^= 1
    linked.write_bytes(data)
    with pytest.raises(UserError, match=r"mine\.png changed"):
        opened()
