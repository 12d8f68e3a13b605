"""The picture of a photo's affinity and its prediction's, written for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from db.errors import UserError
from labeling.photos import read_photo
from tests.support.labelme_folder import write_photo
from tests.support.scenes import Workspace, workspace
from training.architectures import build
from training.losses.affinity_picture import affinity_picture
from training.models.bundle import encode_bundle
from training.models.find import load_model
from training.models.spec import ModelSpec
from training.prediction.affinity import draw_affinity, reduce_likely
from training.prediction.inference import Predictor
from training.prediction.refinement import Refinement

OPTIONS = {"width": 4, "levels": 2}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    torch.manual_seed(0)
    spec = ModelSpec(architecture="unet", options=OPTIONS, classes=("sky", "road"))
    (tmp_path / "tiny.safetensors").write_bytes(encode_bundle(build("unet", 2, **OPTIONS).state_dict(), spec))
    write_photo(tmp_path / "photo.png", 0)
    return workspace(tmp_path / "home", ("sky", "road"))


def test_it_is_drawn_of_what_the_model_predicts(place: Workspace, tmp_path: Path) -> None:
    model, to = str(tmp_path / "tiny.safetensors"), tmp_path / "affinity.png"
    wanted = Refinement.read(crf=1)
    asked: dict[str, Any] = {
        "project": None,
        "model": model,
        "source": tmp_path / "photo.png",
        "to": to,
        "side": 8,
        "device": "cpu",
    }
    report = draw_affinity(place.home, place.database, refinement=wanted, **asked)
    assert (report.to, report.height, report.width) == (to, 6, 8)
    photo = read_photo(tmp_path / "photo.png")
    loaded = load_model(place.home, place.database, None, model)
    predictor = Predictor(loaded, torch.device("cpu"), refinement=wanted)
    (found,) = predictor.predict([photo], [photo.shape[:2]], scores="probabilities", originals=[photo])
    assert found.scores is not None
    np.testing.assert_allclose(found.scores.sum(axis=0), 1, atol=1e-5)
    np.testing.assert_array_equal(found.scores.argmax(axis=0), found.index)
    likely = found.scores.astype(np.float32)
    drawn = read_photo(to).astype(int)  # by another predictor, which may have chosen another precision
    picture = affinity_picture(photo, likely, long_side=8)
    np.testing.assert_allclose(drawn, picture, atol=3)
    small = reduce_likely(likely, photo.shape[:2], 8)
    assert small.shape == (2, 6, 8)
    np.testing.assert_array_equal(affinity_picture(photo, small, long_side=8), picture)
    with pytest.raises(UserError, match="exists"):
        draw_affinity(place.home, place.database, **asked)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"side": 100}, "2 to 64"),
        ({"to": "affinity.jpg"}, "is a PNG"),
        ({"to": "nowhere/affinity.png"}, "does not exist"),
        ({"source": "none.jpg"}, "cannot be used as a photo"),
    ],
)
def test_what_cannot_be_drawn_is_said(place: Workspace, tmp_path: Path, wrong: dict[str, object], said: str) -> None:
    paths = {key: tmp_path / value for key, value in wrong.items() if isinstance(value, str)}
    asked: dict[str, Any] = {"side": 8, "to": tmp_path / "a.png", "source": tmp_path / "photo.png", **wrong, **paths}
    with pytest.raises(UserError, match=said):
        draw_affinity(place.home, place.database, project=None, model=str(tmp_path / "tiny.safetensors"), **asked)
