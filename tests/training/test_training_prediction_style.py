"""Photos made to look like those a model was trained on."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from training.prediction.style import KINDS, LOWEST, Kind, Style, measure_style


def _photo(seed: int, low: int = 0, high: int = 256, shape: tuple[int, int] = (60, 80)) -> NDArray[np.uint8]:
    """A soft picture: noise alone has no low frequencies worth the name."""
    random = np.random.default_rng(seed)
    coarse = random.integers(low, high, (6, 8, 3)).repeat(10, 0).repeat(10, 1)[: shape[0], : shape[1]]
    return np.clip(coarse + random.integers(-5, 6, coarse.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_with_its_own_look_stays_as_it_is(kind: Kind) -> None:
    photo = _photo(1)
    same = measure_style([photo], kind, "itself").apply(photo)
    assert np.abs(same.astype(int) - photo).max() <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_dark_photos_get_the_light_of_home(kind: Kind) -> None:
    home = [_photo(seed, 80, 256) for seed in range(6)]
    dark = _photo(9, 0, 80)
    light = measure_style(home, kind, "day").apply(dark)
    wanted = np.mean([photo.mean() for photo in home])
    assert light.shape == dark.shape
    assert abs(light.mean() - wanted) < 0.1 * wanted < abs(dark.mean() - wanted)


def test_histogram_gives_every_channel_the_home_distribution() -> None:
    home, other = _photo(3), _photo(4, 20, 120)
    other[..., 2] //= 2
    found = measure_style([home], "histogram", "day").apply(other)
    levels = np.linspace(0.05, 0.95, 19)
    for channel in range(3):
        ours, theirs = (np.quantile(photo[..., channel], levels) for photo in (found, home))
        assert np.abs(ours - theirs).mean() < 4  # not the largest: between two heaps of levels a quantile jumps


def test_fourier_keeps_all_but_the_lowest_frequencies() -> None:
    home, other = _photo(3, 100, 150), _photo(4, 90, 140)
    changed = np.fft.fft2(measure_style([home], "fourier", "day").apply(other).astype(float), axes=(0, 1))
    before = np.fft.fft2(other.astype(float), axes=(0, 1))
    rest = np.ones(before.shape[:2], bool)
    waves = np.arange(-LOWEST, LOWEST + 1)
    rest[np.ix_(waves, waves)] = False
    assert np.abs(changed - before)[rest].mean() < 0.05 * np.abs(before)[rest].mean()  # rounding to levels
    assert np.abs(changed - before)[~rest].mean() > 0.2 * np.abs(before)[~rest].mean()


def test_of_photos_of_any_size_each_counts_the_same() -> None:
    small, large = np.zeros((10, 10, 3), np.uint8), np.full((40, 40, 3), 200, np.uint8)
    style = measure_style([small, large], "histogram", "both")
    assert style.images == 2
    assert [row[0] for row in style.table] == [0.5] * 3
    assert measure_style([small, large], "fourier", "both").table[0][(2 * LOWEST + 1) ** 2 // 2] == 100


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_kept_as_json(kind: Kind) -> None:
    style = measure_style([_photo(1)], kind, "day")
    assert Style.model_validate_json(style.model_dump_json()) == style
    with pytest.raises(ValidationError):
        Style(kind=kind, of="day", images=1, table=((0.0,), (0.0,), (0.0,)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (6, 6)])
def test_the_smallest_photos_have_looks_too(kind: Kind, shape: tuple[int, int]) -> None:
    tiny = np.full((*shape, 3), 30, np.uint8)
    assert measure_style([_photo(2)], kind, "day").apply(tiny).shape == tiny.shape
    assert measure_style([tiny], kind, "tiny").images == 1


def test_no_photo_has_no_look() -> None:
    with pytest.raises(ValueError, match="at least one photo"):
        measure_style([], "histogram", "nothing")
