"""Why another domain differs: every figure against an independent definition, and what is kept of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu

from db.errors import UserError
from db.home import Home
from training.shift.effect import cliffs_delta, size_of
from training.shift.features import NEIGHBOURS, farness, farther, feature_shift, frechet, joint_basis
from training.shift.frequencies import Counted, frequencies
from training.shift.looks import LONG_SIDE, LOOKS, look_shifts, measure
from training.shift.plane import plane
from training.shift.sizes import SPECK, Objects, find_objects, size_shifts
from training.shift.store import FORMAT, RECORD, Shift, ShiftRecord, list_shifts, open_shift

VALUES = st.lists(st.integers(0, 8), min_size=5, max_size=20).map(lambda values: np.array(values, float))


@settings(max_examples=50, deadline=None)
@given(VALUES, VALUES)
def test_cliffs_delta_is_that_of_all_pairs(home: np.ndarray, there: np.ndarray) -> None:
    delta = cliffs_delta(home, there)
    assert delta == pytest.approx(np.sign(there[:, None] - home).mean())
    u = mannwhitneyu(there, home).statistic
    assert delta == pytest.approx(2 * u / (len(home) * len(there)) - 1)


def test_effects_are_said_in_words() -> None:
    assert [size_of(delta) for delta in (None, 0.1, -0.2, 0.4, -0.5)] == [
        None,
        "negligible",
        "small",
        "medium",
        "large",
    ]
    assert cliffs_delta(np.arange(4.0), np.arange(9.0)) is None


def test_the_looks_of_plain_photos_are_known() -> None:
    brightness, contrast, colour, warmth, sharpness = measure(np.full((30, 40, 3), (255, 0, 0), np.uint8))
    # sRGB's red in CIE L*a*b* under D65: a* 80.09, b* 67.20 (http://www.brucelindbloom.com).
    assert (brightness, contrast, sharpness) == (76, 0, 0)
    assert colour == pytest.approx(np.hypot(80.09, 67.20), abs=0.1)
    assert warmth == pytest.approx(67.20, abs=0.1)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (200, LONG_SIDE), np.uint8)
    found = dict(zip([look.name for look in LOOKS], measure(np.dstack([grey] * 3)).tolist(), strict=True))
    expected = ndimage.laplace(grey.astype(float), mode="mirror")
    assert found["sharpness"] == pytest.approx(expected.var(), rel=1e-5)
    assert found["brightness"] == pytest.approx(grey.mean(), abs=0.01)
    assert found["contrast"] == pytest.approx(grey.std(), abs=0.01)
    assert found["colour"] == pytest.approx(0, abs=0.1)


def test_looks_have_one_set_of_bins_for_all_domains() -> None:
    random = np.random.default_rng(0)
    home, dusk, few = (
        random.normal(mean, 10, (count, 5)).astype(np.float32) for mean, count in ((100, 40), (60, 30), (60, 3))
    )
    (brightness, *_) = look_shifts([home, dusk, few])
    assert [sum(counts) for counts in brightness.counts] == [40, 30, 3]
    assert brightness.edges[0] <= min(home[:, 0].min(), dusk[:, 0].min())
    assert brightness.sizes == (None, "large", None)
    assert brightness.medians[0] == pytest.approx(np.median(home[:, 0]))
    assert (brightness.deltas[1] or 0) < -0.9


def test_class_frequencies_and_what_only_one_has() -> None:
    home = Counted(np.array([60, 40, 0]), np.array([2, 1, 0]), 2)
    there = Counted(np.array([30, 0, 70]), np.array([4, 0, 3]), 4)
    none = Counted(np.zeros(3, int), np.zeros(3, int), 0)
    found = frequencies(("sky", "road", "tree"), [home, there, none])
    assert list(found.distances) == [None, pytest.approx(0.7), None]
    assert (found.only_home[1], found.only_there[1]) == (("road",), ("tree",))
    assert found.classes[0].pixels == (0.6, 0.3, None)
    assert found.classes[2].images == (0, 0.75, None)


def test_objects_are_connected_parts_of_a_class() -> None:
    truth = np.random.default_rng(3).choice(np.array([0, 1, 255], np.uint8), (60, 50), p=[0.3, 0.4, 0.3])
    found = find_objects(truth, None, 2)
    for place in (0, 1):
        labels, count = ndimage.label(truth == place, np.ones((3, 3)))
        areas = ndimage.sum_labels(np.ones(truth.shape), labels, np.arange(1, count + 1))
        expected = sorted(area / truth.size for area in areas if area >= SPECK * truth.size)
        assert sorted(found.shares[found.classes == place].tolist()) == pytest.approx(expected, rel=1e-6)


def test_objects_that_are_known_stay_whole() -> None:
    truth = np.zeros((10, 10), np.uint8)
    truth[2:4], truth[6:8] = 1, 1
    numbers = np.zeros((10, 10), np.int32)
    numbers[2:4], numbers[6:8] = 7, 7  # one object behind a pole
    found = find_objects(truth, numbers, 2)
    assert sorted(zip(found.classes.tolist(), found.shares.tolist(), strict=True)) == [
        *((0, pytest.approx(share)) for share in (0.2, 0.2, 0.2)),
        (1, pytest.approx(0.4)),
    ]


def test_sizes_are_compared_class_by_class() -> None:
    home = Objects(np.array([0] * 6 + [1], np.uint8), np.array([0.1] * 6 + [0.5], np.float32))
    there = Objects(np.zeros(6, np.uint8), np.full(6, 0.2, np.float32))
    car, sky = size_shifts(("car", "sky"), [home, there])
    assert (car.objects, car.deltas, car.sizes) == ((6, 6), (None, 1.0), (None, "large"))
    assert (sky.objects, sky.medians, sky.deltas) == ((1, 0), (0.5, None), (None, None))


def test_frechet_is_that_of_the_matrix_root() -> None:
    random = np.random.default_rng(0)
    one = random.normal(size=(40, 4)) @ random.normal(size=(4, 4))
    other = random.normal(size=(50, 4)) @ random.normal(size=(4, 4)) + 1
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    apart = one.mean(axis=0) - other.mean(axis=0)
    expected = apart @ apart + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    assert frechet(one, other) ** 2 == pytest.approx(expected)
    assert frechet(one, one) == pytest.approx(0, abs=1e-4)


def test_a_basis_is_the_pca_of_domains_that_count_the_same() -> None:
    random = np.random.default_rng(1)
    home, there = random.normal(size=(200, 6)), random.normal(size=(20, 6)) + 9 * np.eye(6)[0]
    basis = joint_basis([home, there], 3)
    every = np.concatenate([home, *[there] * 10])  # as many of each
    _, values, axes = np.linalg.svd(every - every.mean(axis=0), full_matrices=False)
    assert np.abs(np.sum(basis.axes.T * axes[:3], axis=1)) == pytest.approx(1)
    assert basis.explained == pytest.approx((values**2 / (values**2).sum())[:3])
    assert np.abs(basis.axes).argmax() == np.argmax(basis.axes)  # the largest part of an axis is positive


def test_features_that_differ_are_told_from_those_that_do_not() -> None:
    random = np.random.default_rng(2)
    home, alike, other = (random.normal(mean, 1, (count, 32)) for mean, count in ((0, 100), (0, 60), (1, 60)))
    same, shifted = feature_shift(home, alike), feature_shift(home, other)
    assert same is not None
    assert shifted is not None
    assert shifted.dimensions == 5  # ten photos a dimension of the smaller sample, half of home
    assert not shifted.by_chance
    assert (shifted.times or 0) > 3 * (same.times or 0)
    assert same.by_chance
    large, few = random.normal(0, 1, (600, 32)), random.normal(0, 1, (20, 32))
    scarce = feature_shift(large, few)
    assert scarce is not None
    assert scarce.by_chance  # so few photos are far from any, by chance alone
    assert (scarce.dimensions, scarce.few, same.few) == (2, True, False)
    tiny = feature_shift(home[:20], other[:10])
    assert tiny is not None
    assert tiny.dimensions == 2  # one for ten photos, but not less than two
    assert feature_shift(home, other[:9]) is None
    assert feature_shift(home, other) == shifted  # the halves are drawn by a fixed seed


def test_a_photo_is_as_far_as_its_fifth_nearest_at_home() -> None:
    random = np.random.default_rng(4)
    home, there = random.normal(size=(30, 3)), random.normal(size=(7, 3)) * 3
    own, far = farness([home, there])
    between = np.sort(cdist(home, home), axis=1)[:, NEIGHBOURS]  # of three channels nothing is left out
    expected = np.sort(cdist(there, home), axis=1)[:, NEIGHBOURS - 1] / np.median(between)
    assert far == pytest.approx(expected, rel=1e-4)
    assert np.median(own) == pytest.approx(1)
    assert farther(own, far) == sum(value > np.quantile(own, 0.95) for value in far)
    assert farther(own[:NEIGHBOURS], far) is None


def test_the_plane_is_the_first_two_components_and_any_map_the_same_each_time() -> None:
    random = np.random.default_rng(5)
    domains = [random.normal(size=(20, 8)).astype(np.float32), random.normal(2, 1, (12, 8)).astype(np.float32)]
    basis = joint_basis(domains)
    places = plane(domains, basis)
    assert places == pytest.approx((np.concatenate(domains) - basis.mean) @ basis.axes[:, :2], abs=1e-5)
    one_channel = [found[:, :1] for found in domains]
    assert plane(one_channel, joint_basis(one_channel))[:, 1].tolist() == [0] * 32


def test_the_other_map_keeps_neighbours_together_and_is_the_same_each_time() -> None:
    random = np.random.default_rng(0)
    domains = [random.normal(place, 1, (30, 8)) for place in (0, 30)]
    basis = joint_basis(domains)
    places = plane(domains, basis, "tsne")
    assert places.shape == (60, 2)
    np.testing.assert_array_equal(places, plane(domains, basis, "tsne"))
    nearest = np.argsort(np.linalg.norm(places[:, None] - places[None], axis=2), axis=1)[:, 1]
    assert (nearest // 30 == np.arange(60) // 30).all()
    assert plane([part[:1] for part in domains], basis, "tsne").shape == (2, 2)


def test_what_an_older_version_measured_is_whole_but_not_listed(tmp_path: Path) -> None:
    home = Home(tmp_path)
    record = ShiftRecord(
        model="1",
        model_sha256="",
        project_id=1,
        size="original",
        map="pca",
        explained=(),
        domains=(),
        looks=(),
        frequencies=None,
        object_sizes=None,
        features=(),
        outliers=(),
        seconds=0,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        arrays_sha256="",
    )
    names = {FORMAT: "20260102-000000-00000002", 1: "20260101-000000-00000001"}
    for version, name in names.items():
        directory = home.shifts / "1" / name
        directory.mkdir(parents=True)
        written = record.model_copy(update={"format": version})
        (directory / RECORD).write_text(written.model_dump_json(exclude={"farther"} if version == 1 else None))
        assert Shift.read(directory).record.format == version
    assert [shift.name for shift in list_shifts(home, 1)] == [names[FORMAT]]
    assert open_shift(home, 1, "last").name == names[FORMAT]
    with pytest.raises(UserError, match="older version of the workbench: measure it again"):
        open_shift(home, 1, names[1])
