"""The demo's scenes are what they claim: deterministic, labelled as painted, two domains."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.demo.painter import HEIGHT, WIDTH, paint_scene
from workbench.demo.palette import CLASSES
from workbench.demo.sample import write_sample


@pytest.mark.parametrize("domain", ["day", "dusk"])
def test_a_scene_is_decided_by_seed_domain_and_index(domain: str) -> None:
    first, again, other = paint_scene(1, domain, 2), paint_scene(1, domain, 2), paint_scene(2, domain, 2)
    assert first.photo.shape == (HEIGHT, WIDTH, 3)
    assert first.photo.dtype == np.uint8
    assert np.array_equal(first.photo, again.photo)
    assert first.shapes == again.shapes
    assert not np.array_equal(first.photo, other.photo)


def test_every_class_is_painted_and_nothing_else() -> None:
    labels = {label for index in range(12) for label, _ in paint_scene(0, "day", index).shapes}
    assert labels == set(CLASSES)


def test_dusk_is_darker_than_day() -> None:
    day = np.mean([paint_scene(0, "day", i).photo.mean() for i in range(4)])
    dusk = np.mean([paint_scene(0, "dusk", i).photo.mean() for i in range(4)])
    assert dusk < 0.6 * day


def test_a_sample_is_a_labelme_folder_and_is_not_painted_twice(tmp_path: Path) -> None:
    assert write_sample(tmp_path, "day", 3, seed=0) == 3
    document = json.loads((tmp_path / "day_0001.json").read_text())
    with Image.open(tmp_path / document["imagePath"]) as photo:
        assert photo.size == (document["imageWidth"], document["imageHeight"])
    (tmp_path / "day_0002.json").unlink()
    assert write_sample(tmp_path, "day", 4, seed=0) == 2
