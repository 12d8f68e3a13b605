"""Sample predictions of every validation: which photos, what is in the pictures, how many are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from db.errors import NotFoundError
from tests.support.runs import make_run, tiny_recipe
from training.engine.attempt import attempt
from training.engine.rundir import RunDirectory
from training.engine.samples import KEPT, Samples, sample_steps, spread
from training.models.find import load_run_model
from training.numerics import Numerics
from training.runs.samples import run_samples, sample_photo, sample_prediction, sample_truth


@pytest.mark.parametrize(
    ("count", "places"), [(0, ()), (1, (0,)), (3, (0, 1, 2)), (4, (0, 1, 2, 3)), (100, (12, 37, 62, 87))]
)
def test_the_photos_shown_are_spread_over_the_list(count: int, places: tuple[int, ...]) -> None:
    assert spread(count) == places


def write(samples: Samples, step: int, value: int = 0) -> None:
    samples.see((10, 11), torch.full((2, 3, 4), value))
    samples.write(step)


def test_many_validations_keep_first_last_and_an_even_spread_between(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "samples", (10, 11))
    for step in range(1, 501):
        write(samples, step)
    steps = sample_steps(tmp_path / "samples")
    assert (len(steps), steps[0], steps[-1]) == (KEPT, 1, 500)
    gaps = np.diff(steps[:-1])
    assert gaps.max() <= 4 * gaps.min(), steps
    assert sorted(path.name for path in (tmp_path / "samples" / "500").iterdir()) == ["0.png", "1.png"]


def test_a_resumed_run_removes_what_it_will_do_again(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    samples = Samples(folder, (10, 11))
    for step in (10, 20, 30):
        write(samples, step)
    (folder / ".40.tmp").mkdir()
    samples.go_back_to(20)
    assert sorted(path.name for path in folder.iterdir()) == ["10", "20"]
    write(samples, 20, value=2)
    assert sample_steps(folder) == [10, 20]
    assert {path.name for path in folder.iterdir()} == {"10", "20"}


def test_a_run_keeps_what_its_network_predicts(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    run = make_run(tmp_path, tiny_recipe(steps="6", **{"validation.every_steps": "3", "resize": "16x24"}), val=6)
    assert attempt(run.path) == 0
    shown = run_samples(run.path)
    assert shown.steps == (3, 6)
    assert [image.n for image in shown.images] == list(spread(6))
    assert [image.name for image in shown.images] == [run.images().val[n].name for n in spread(6)]

    loaded = load_run_model(run.last, "1:last")
    numerics = Numerics(torch.device("cpu"), loaded.spec.preprocessing)
    for image in shown.images:
        photo, truth = sample_photo(run.path, image.n), sample_truth(run.path, image.n)
        assert (photo.shape, truth.shape) == ((16, 24, 3), (16, 24))
        assert set(np.unique(truth)) <= {0, 1, 2, 255}
        pixels = torch.from_numpy(photo.copy()).permute(2, 0, 1)[None]
        with torch.inference_mode():
            expected = loaded.module.eval()(numerics.input(pixels)).argmax(dim=1)[0].numpy()
        assert np.array_equal(sample_prediction(run.path, 6, image.n), expected)

    for step, n in ((6, 1), (4, shown.images[0].n)):
        with pytest.raises(NotFoundError, match="kept"):
            sample_prediction(run.path, step, n)
    with pytest.raises(NotFoundError, match="kept"):
        sample_photo(run.path, 99)


def test_a_resumed_run_ends_with_the_same_samples(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    settings = {"steps": "12", "checkpoint_every": "5", "validation.every_steps": "4"}
    run = make_run(tmp_path, tiny_recipe(**settings))
    assert attempt(run.path) == 0
    pictures = {str(path.relative_to(run.samples)): path.read_bytes() for path in run.samples.rglob("*.png")}
    assert len(pictures) == 9

    other = RunDirectory(run.path.with_name("other"))
    (other.path / "checkpoints").mkdir(parents=True)
    for name in ("command.json", "images.json", "run.yaml"):
        shutil.copy(run.path / name, other.path / name)
    # What an attempt left that was killed between its validation and its checkpoint.
    late = Samples(other.samples, (0, 1, 2))
    late.see((0, 1, 2), torch.zeros(3, 24, 32))
    late.write(4)
    assert attempt(other.path) == 0
    again = {str(path.relative_to(other.samples)): path.read_bytes() for path in other.samples.rglob("*.png")}
    assert again == pictures
