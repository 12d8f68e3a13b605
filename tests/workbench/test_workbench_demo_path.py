"""The demo walks the whole path, does nothing twice, and is honest about what a network can do."""

from pathlib import Path

import numpy as np
import pytest
import torch

from db.home import Home
from db.session import Database, open_database
from labeling.annotation import Annotation, Shape
from labeling.projects import list_projects
from labeling.raster import render
from training.architectures import build
from training.evaluation.counting import count
from training.evaluation.metrics import metrics
from workbench.demo import path
from workbench.demo.painter import HEIGHT, WIDTH, paint_scene
from workbench.demo.palette import CLASSES

DAY_RANGE = (0.60, 0.95)
SMALLEST_DROP = 0.10
UNTRAINED_LIMIT = 0.15


@pytest.fixture
def place(tmp_path: Path) -> tuple[Home, Database]:
    home = Home(tmp_path / "home")
    home.ensure()
    return home, open_database(home)


def test_the_path_is_walked_once_and_found_again(place: tuple[Home, Database], monkeypatch: pytest.MonkeyPatch) -> None:
    home, database = place
    monkeypatch.setattr(path, "SCENES", {"day": 8, "dusk": 2})
    first = path.run_demo(home, database, steps=2)
    assert first.run.state == "finished"
    assert (len(first.day.record.images), len(first.dusk.record.images)) == (2, 2)
    assert first.day.record.leaks.count == 0
    again = path.run_demo(home, database, steps=2)
    assert (again.run.id, again.day.id, again.dusk.id) == (first.run.id, first.day.id, first.dusk.id)


def test_the_demo_never_becomes_the_project_that_photos_are_imported_into(
    place: tuple[Home, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, database = place
    monkeypatch.setattr(path, "SCENES", {"day": 4, "dusk": 1})
    path.run_demo(home, database, steps=1)
    assert [project.current for project in list_projects(database)] == [False]


@pytest.mark.parametrize("seed", range(5))
def test_an_untrained_network_knows_nothing(seed: int) -> None:
    torch.manual_seed(seed)
    network = build(path.ARCHITECTURE, len(CLASSES), encoder="resnet18", width=8).eval()
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    for index in range(4):
        scene = paint_scene(seed, "day", index)
        annotation = Annotation(WIDTH, HEIGHT, tuple(Shape("polygon", n, tuple(p)) for n, p in scene.shapes))
        truth = render(
            annotation,
            lambda sha: np.zeros((0, 0), np.uint8),
            {name: number for number, name in enumerate(CLASSES)},
            rule="labelme",
            overlap="order",
            line_width=1,
            point_radius=1,
            unlabelled=255,
        )
        pixels = torch.from_numpy(scene.photo).permute(2, 0, 1)[None]
        with torch.inference_mode():
            predicted = network(network.preprocessing(pixels)).argmax(1)[0].numpy().astype(np.uint8)
        confusion += count(truth, predicted, len(CLASSES), len(CLASSES))
    miou = metrics(confusion).miou
    assert miou is not None
    assert miou < UNTRAINED_LIMIT


@pytest.mark.slow
def test_the_whole_demo_keeps_its_word(place: tuple[Home, Database]) -> None:
    result = path.run_demo(*place)
    day, dusk = result.day.metrics.miou, result.dusk.metrics.miou
    assert day is not None
    assert dusk is not None
    assert DAY_RANGE[0] <= day <= DAY_RANGE[1]
    assert dusk <= day - SMALLEST_DROP
