"""Several looks at a photo, combined: each beside the literal loop that says the same."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from db.errors import UserError
from tests.support.tiny_models import GlobalNet, LocalNet, loaded
from training.crf import strips
from training.crf.mean_field import refine
from training.crf.parameters import CrfParameters
from training.crf.strips import working_size
from training.data.resample import resize_photo
from training.models.loaded import LoadedModel
from training.prediction import upsampling
from training.prediction.inference import Predictor, predict_pixels
from training.prediction.predicted import Prediction
from training.prediction.refinement import NONE, Refinement
from training.prediction.upsampling import Rows, combine_strips, upsample_strips

CPU = torch.device("cpu")


def photo_of(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@torch.inference_mode()
def look(model: LoadedModel, photo: NDArray[np.uint8], scale: float, mirrored: bool) -> Tensor:
    """Return what the network says of one look, at the photo's size: float32 (K, H, W)."""
    height, width = photo.shape[:2]
    seen = resize_photo(photo, (round(scale * height), round(scale * width)))
    seen = seen[:, ::-1].copy() if mirrored else seen
    out = model.module.logits(model.spec.preprocessing(torch.from_numpy(seen).permute(2, 0, 1)[None])).out
    whole = F.interpolate(out, (height, width), mode="bilinear", align_corners=model.module.align_corners)[0]
    return whole.flip(-1) if mirrored else whole


def assert_says(prediction: Prediction, shares: Tensor) -> None:
    assert (prediction.index == shares.argmax(dim=0).numpy()).mean() > 0.999
    assert np.abs(prediction.confidence - shares.amax(dim=0).numpy() * 255).max() < 1


@pytest.mark.parametrize("combine", ["mean", "max"])
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("scales", [(1.0,), (0.5, 1.0, 1.5)])
def test_looks_are_combined_as_a_loop_does(
    scales: tuple[float, ...], flip: bool, combine: Literal["mean", "max"], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(upsampling._STRIP_VALUES, "cpu", 4 * 53 * 7)  # several strips
    torch.manual_seed(0)
    model, photo = loaded(GlobalNet(4)), photo_of(38, 53)
    wanted = Refinement(scales=scales, flip=flip, combine=combine)
    found = predict_pixels(model, photo, device=CPU, precision="fp32", refinement=wanted)
    looks = [
        look(model, photo, scale, mirrored) for scale in scales for mirrored in ([False, True] if flip else [False])
    ]
    if combine == "mean":
        shares = torch.stack([each.softmax(dim=0) for each in looks]).mean(dim=0)
    else:
        shares = torch.stack(looks).amax(dim=0).softmax(dim=0)
    assert_says(found, shares)


@pytest.mark.parametrize("flip", [False, True])
def test_windows_of_a_local_network_say_what_it_says_of_the_whole(flip: bool) -> None:
    torch.manual_seed(0)
    model, photo = loaded(LocalNet(5)), photo_of(90, 133)
    wanted = Refinement(window=40, flip=flip, scales=(1.0, 0.5))
    windows = predict_pixels(model, photo, device=CPU, precision="fp32", refinement=wanted)
    whole = predict_pixels(
        model, photo, device=CPU, precision="fp32", refinement=wanted.model_copy(update={"window": None})
    )
    assert (whole.index == windows.index).mean() > 0.999
    assert np.abs(whole.confidence.astype(int) - windows.confidence).max() <= 1


def test_a_window_larger_than_the_photo_is_the_photo() -> None:
    torch.manual_seed(0)
    model, photo = loaded(GlobalNet(3)), photo_of(40, 60)
    plain = predict_pixels(model, photo, device=CPU, precision="fp32")
    found = predict_pixels(model, photo, device=CPU, precision="fp32", refinement=Refinement(window=64))
    assert np.array_equal(found.index, plain.index)


def test_maps_that_came_in_other_blocks_combine() -> None:
    whole = torch.randn(3, 40, 9)
    blocks = [Rows(top, whole[:, top:end]) for top, end in pairwise([0, 1, 17, 30, 40])]
    size = (97, 31)
    apart = [upsample_strips(each, (40, 9), size, align_corners=False) for each in ([Rows(0, whole)], blocks)]
    together = torch.cat([rows.logits for rows in combine_strips(apart, "max")], dim=1)
    expected = F.interpolate(whole[None], size, mode="bilinear")[0]
    torch.testing.assert_close(together, expected, atol=1e-5, rtol=1e-5)


def test_the_crf_refines_what_the_looks_say_at_the_photos_size() -> None:
    torch.manual_seed(0)
    model, photo = loaded(GlobalNet(4)), photo_of(30, 44)
    parameters = CrfParameters(iterations=3)
    found = predict_pixels(model, photo, device=CPU, precision="fp32", refinement=Refinement(flip=True, crf=parameters))
    shares = torch.stack([look(model, photo, 1, mirrored).softmax(dim=0) for mirrored in (False, True)]).mean(dim=0)
    assert_says(found, refine(shares[None], torch.from_numpy(photo).permute(2, 0, 1)[None], parameters)[0])


def test_the_crf_sees_the_photo_whatever_the_network_saw() -> None:
    torch.manual_seed(0)
    model, photo = loaded(GlobalNet(4)), photo_of(30, 44)
    predictor = Predictor(model, CPU, "fp32", Refinement(crf=CrfParameters(iterations=2)))
    small = resize_photo(photo, (16, 20))
    (refined,) = predictor.predict([small], [(30, 44)], originals=[photo])
    steps = predictor.predict_steps(small, photo, (0, 2))
    (plain,) = Predictor(model, CPU, "fp32", NONE).predict([small], [(30, 44)])
    assert np.array_equal(steps[0].index, plain.index)
    assert np.array_equal(steps[1].index, refined.index)
    assert not np.array_equal(plain.index, refined.index)


def test_a_photo_too_large_is_refined_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "MOST_VALUES", 4 * 20 * 30)
    assert working_size((40, 60), 4) == (20, 30)
    assert working_size((20, 30), 4) == (20, 30)
    wanted = Refinement(crf=CrfParameters(iterations=1))
    found = predict_pixels(loaded(GlobalNet(4)), photo_of(40, 60), device=CPU, precision="fp32", refinement=wanted)
    assert found.index.shape == (40, 60)


def test_what_is_asked_is_read_and_said_back() -> None:
    wanted = Refinement.read("0.5,1,1.5", flip=True, combine="max", window=321, crf=10)
    assert str(wanted) == "scales 0.5, 1, 1.5; flipped; max; windows of 321; CRF 10"
    assert wanted.arguments() == ["--scales=0.5,1,1.5", "--flip", "--combine=max", "--window=321", "--crf=10"]
    assert (str(NONE), NONE.arguments(), Refinement.read()) == ("", [], NONE)


def test_parameters_of_the_crf_are_read_and_said_back() -> None:
    settings = {"appearance_xy": "40", "smoothness": "0", "appearance_rgb": "3"}
    wanted = Refinement.read(crf=5, crf_settings=settings)
    assert wanted.crf == CrfParameters(iterations=5, appearance_xy=40, smoothness=0)
    assert str(wanted) == "CRF 5 (smoothness 0, appearance_xy 40)"
    assert wanted.arguments() == ["--crf=5", "--crf-set=smoothness=0", "--crf-set=appearance_xy=40"]


WRONG_SETTINGS = (
    (0, {"smoothness": "3"}),
    (10, {"iterations": "3"}),
    (10, {"appearance_xy": "0"}),
    (10, {"appearance_rgb": "wide"}),
    (10, {"smoothness": "inf"}),
)


@pytest.mark.parametrize(
    "asked",
    [
        {"scales": "big"},
        {"scales": "1,1"},
        {"scales": "9"},
        {"window": 3},
        {"crf": -1},
        *({"crf": n, "crf_settings": s} for n, s in WRONG_SETTINGS),
    ],
)
def test_what_cannot_be_done_is_said(asked: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="not"):
        Refinement.read(**asked)
