"""Sizes, strips and windows: whatever the way, the prediction is the photo's size and the network's own."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import training.prediction.tiling as tiling
import training.prediction.upsampling as upsampling
from db.errors import UserError
from tests.support.tiny_models import GlobalNet, LocalNet, loaded
from training.numerics import pick_device
from training.prediction.inference import Predictor, predict_pixels
from training.prediction.predicted import SCORE_BINS
from training.prediction.size import Size
from training.prediction.tiling import Window, blended_rows
from training.prediction.upsampling import Rows, upsample_strips

CPU = torch.device("cpu")


def _photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("text", "target"),
    [("original", (60, 80)), ("30x50", (30, 50)), ("long 40", (30, 40)), ("LONG 160", (120, 160))],
)
def test_sizes_are_read_and_written(text: str, target: tuple[int, int]) -> None:
    size = Size.parse(text)
    assert size.target(60, 80) == target
    assert Size.parse(str(size)) == size


@pytest.mark.parametrize("text", ["none", "big", "0x4", "long", "-3x4", "long 99999999"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="size"):
        Size.parse(text)


@settings(deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.booleans(),
    st.lists(st.integers(1, 8), max_size=4),
)
def test_strips_equal_interpolating_the_whole(
    source: tuple[int, int], size: tuple[int, int], align: bool, cuts: list[int]
) -> None:
    whole = torch.randn(3, *source, generator=torch.Generator().manual_seed(1))
    edges = sorted({0, source[0], *(cut for cut in cuts if cut < source[0])})
    blocks = [Rows(top, whole[:, top:end]) for top, end in pairwise(edges)]
    strips = list(upsample_strips(blocks, source, size, align))
    assert [strip.top for strip in strips] == np.cumsum([0, *(s.logits.shape[1] for s in strips[:-1])]).tolist()
    expected = F.interpolate(whole[None], size=size, mode="bilinear", align_corners=align)[0]
    torch.testing.assert_close(torch.cat([strip.logits for strip in strips], dim=1), expected, atol=1e-5, rtol=1e-5)


@settings(deadline=None, max_examples=30)
@given(st.tuples(st.integers(1, 60), st.integers(1, 60)), st.tuples(st.integers(1, 24), st.integers(1, 24)))
def test_windows_of_a_local_network_blend_to_its_own_output(shape: tuple[int, int], window: tuple[int, int]) -> None:
    network = nn.Conv2d(3, 4, 1)
    pixels = torch.randn(1, 3, *shape)
    fitting = Window(min(window[0], shape[0]), min(window[1], shape[1]))
    with torch.inference_mode():
        blocks = list(blended_rows(network, pixels, fitting))
        expected = network(pixels)[0]
    torch.testing.assert_close(torch.cat([block.logits for block in blocks], dim=1), expected, atol=1e-5, rtol=1e-5)


def test_sliding_window_equals_the_whole_image_for_a_local_network(monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded(LocalNet(5))
    photo = _photo(300, 333)
    whole = predict_pixels(model, photo, device=CPU, precision="fp32")
    monkeypatch.setattr(tiling, "free_memory", lambda device: 0)
    windows = predict_pixels(model, photo, device=CPU, precision="fp32")
    assert (whole.index == windows.index).mean() > 0.9999  # rounding decides between two equal logits
    assert np.abs(whole.confidence.astype(int) - windows.confidence).max() <= 1


def test_prediction_is_the_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    module = GlobalNet(4)
    model = loaded(module)
    photo = _photo(37, 53)
    prediction = predict_pixels(model, photo, device=CPU, precision="fp32")
    with torch.inference_mode():
        logits = module(model.spec.preprocessing(torch.from_numpy(photo).permute(2, 0, 1)[None]))[0]
    shares = logits.softmax(dim=0)
    assert (prediction.index == logits.argmax(dim=0).numpy()).mean() > 0.999
    assert np.abs(prediction.confidence - shares.amax(dim=0).numpy() * 255).max() < 1


@pytest.mark.parametrize("size", ["original", "20x30", "long 100"])
def test_prediction_has_the_photos_size_whatever_the_network_saw(size: str) -> None:
    prediction = predict_pixels(loaded(GlobalNet(3)), _photo(41, 67), size=Size.parse(size), device=CPU)
    assert prediction.index.shape == prediction.confidence.shape == (41, 67)
    assert prediction.index.dtype == prediction.confidence.dtype == np.uint8
    assert prediction.index.max() < 3


def test_a_batch_gives_what_its_photos_give_alone() -> None:
    predictor = Predictor(loaded(GlobalNet(3)), CPU, "fp32")
    photos = [_photo(32, 48, seed) for seed in range(3)]
    sizes = [(32, 48), (64, 96), (10, 12)]
    together = predictor.predict(photos, sizes)
    for photo, size, expected in zip(photos, sizes, together, strict=True):
        (alone,) = predictor.predict([photo], [size])
        assert (alone.index == expected.index).mean() > 0.999


def test_sampled_scores_are_the_binned_softmax(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.prediction.inference.SCORE_VALUES", 4 * 50 * 70 // 9 + 1)
    monkeypatch.setitem(upsampling._STRIP_VALUES, "cpu", 4 * 70 * 7)  # strips that begin between sampled rows
    module = LocalNet(4)
    model = loaded(module)
    photo = _photo(50, 70)
    (prediction,) = Predictor(model, CPU, "fp32").predict([photo], [(50, 70)], scores="bins")
    with torch.inference_mode():
        shares = module(model.spec.preprocessing(torch.from_numpy(photo).permute(2, 0, 1)[None]))[0].softmax(dim=0)
    assert prediction.stride == 3
    assert prediction.scores is not None
    expected = (shares[:, ::3, ::3] * SCORE_BINS).numpy()
    assert prediction.scores.shape == expected.shape
    assert np.abs(prediction.scores + 0.5 - expected).max() <= 0.5 + 1e-3


def test_memory_decides_between_whole_and_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    module = LocalNet(2)
    monkeypatch.setattr(tiling, "free_memory", lambda device: 10**12)
    assert tiling.choose_window(module, (4000, 6000), CPU) is None
    monkeypatch.setattr(tiling, "free_memory", lambda device: 100 * 2**20)
    window = tiling.choose_window(module, (4000, 6000), CPU)
    assert window is not None
    assert 256 <= window.height == window.width < 4000
    assert tiling.choose_window(module, (200, 300), CPU) is None


def test_a_containers_limit_counts_and_files_it_read_do_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    monkeypatch.setattr(tiling, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(tiling, "_CGROUP", tmp_path)
    assert tiling.free_memory(CPU) == 8000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    assert tiling.free_memory(CPU) == 8000 * 1024
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("4500\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 3000\n")
    assert tiling.free_memory(CPU) == 3500


def test_large_photos_stay_in_bounded_memory() -> None:
    seen: list[int] = []

    def network(pixels: Tensor) -> Tensor:
        return pixels.new_zeros(1, 2, *pixels.shape[-2:])

    for block in blended_rows(network, torch.zeros(1, 3, 4096, 128), Window(128, 128)):
        seen.append(block.logits.shape[1])
    assert max(seen) <= 128
    assert sum(seen) == 4096


def test_devices() -> None:
    assert pick_device("cpu") == CPU
    with pytest.raises(UserError, match="no device 'tpu'"):
        pick_device("tpu")
