"""Class maps: the rule `labelme` is labelme's to the pixel, the rule `center` is what geometry says."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from labeling.annotation import Annotation, Layer, Patch, Shape, Special
from labeling.raster import render
from tests.support.labelme_files import literal_class_map

HEIGHT, WIDTH = 37, 53
NO_LAYERS: dict[str, np.ndarray] = {}
IDENTITY: dict[Any, int] = {value: value for value in range(254)} | {255: 255}


def draw(*shapes: Shape, size=(HEIGHT, WIDTH), index=IDENTITY, unlabelled=0, **options) -> np.ndarray:
    return render(Annotation(size[1], size[0], shapes), NO_LAYERS.__getitem__, index, unlabelled=unlabelled, **options)


def polygon(*points, label=1, group=None) -> Shape:
    return Shape("polygon", label, tuple(points), group=group)


# --- the rule `labelme`


@pytest.mark.parametrize(("stem", "differing"), [("2011_000003", 0), ("2011_000006", 1), ("2011_000025", 0)])
def test_labelme_rule_gives_the_pixels_of_labelmes_converter(test_data, stem, differing):
    """At most one pixel of 2011_000006 differs, where Pillow 12 rounds an edge otherwise than Pillow 6 did."""
    folder = test_data / "labelme_voc"
    names = (folder / "labels.txt").read_text().split("\n")[1:]
    index: dict[Any, int] = {name: i for i, name in enumerate(names)} | {"__ignore__": 255}
    fields = json.loads((folder / f"{stem}.json").read_text())
    shapes = [Shape(s["shape_type"], s["label"], tuple(map(tuple, s["points"]))) for s in fields["shapes"]]
    ours = draw(*shapes, size=(fields["imageHeight"], fields["imageWidth"]), index=index)
    expected = np.asarray(Image.open(folder / "expected" / f"{stem}.png"))
    assert np.count_nonzero(ours != expected) <= differing


coordinate = st.one_of(st.floats(-30, 90, width=32), st.integers(-30, 90).map(float))
point = st.tuples(coordinate, coordinate)
value = st.sampled_from([0, 1, 2, 128, 253, 255])
shapes_of_labelme = st.one_of(
    st.tuples(st.just("polygon"), st.lists(point, min_size=3, max_size=9), value),
    st.tuples(st.just("rectangle"), st.lists(point, min_size=2, max_size=2), value),
    st.tuples(st.just("circle"), st.lists(point, min_size=2, max_size=2), value),
    st.tuples(st.just("line"), st.lists(point, min_size=2, max_size=2), value),
    st.tuples(st.just("linestrip"), st.lists(point, min_size=2, max_size=6), value),
    st.tuples(st.just("point"), st.lists(point, min_size=1, max_size=1), value),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(shapes_of_labelme, min_size=1, max_size=5))
def test_labelme_rule_is_a_mask_a_shape_pasted_in_order(described):
    shapes = [Shape(kind, label, tuple(points)) for kind, points, label in described]
    np.testing.assert_array_equal(draw(*shapes), literal_class_map((HEIGHT, WIDTH), described))


def test_labelme_rule_counts_both_borders():
    for shift in (0, 0.25, 0.99):
        square = [(x + shift, y + shift) for x, y in ((4, 4), (8, 4), (8, 8), (4, 8))]
        assert np.count_nonzero(draw(polygon(*square))) == 25


@pytest.mark.parametrize("rule", ["labelme", "center"])
def test_far_away_corners_leave_the_pixels_inside_alone(rule):
    """A triangle that covers everything left of a line through the photo, drawn with near and with far corners."""
    near = draw(polygon((20, -100), (20, 200), (-500, 50)), rule=rule)
    assert 0 < np.count_nonzero(near) < near.size
    for far in (2e6, 1e9, 1e20, 1e300):
        np.testing.assert_array_equal(draw(polygon((20, -far), (20, far), (-far, 50)), rule=rule), near)
        np.testing.assert_array_equal(
            draw(Shape("rectangle", 1, ((-far, -far), (20.4, far))), rule=rule),
            draw(Shape("rectangle", 1, ((-900, -900), (20.4, 900))), rule=rule),
        )
        np.testing.assert_array_equal(
            draw(Shape("line", 1, ((-far, 9), (far, 9))), rule=rule),
            draw(Shape("line", 1, ((-900, 9), (900, 9))), rule=rule),
        )
        assert draw(Shape("circle", 1, ((5, 5), (far, 5))), rule=rule).all()
        assert not draw(
            Shape("point", 1, ((far, 5),)), Shape("rectangle", 1, ((far, 0), (2 * far, 9))), rule=rule
        ).any()


@pytest.mark.parametrize("rule", ["labelme", "center"])
@pytest.mark.parametrize(
    ("kind", "points"),
    [
        ("polygon", ((0, 0), (9, math.nan), (9, 9))),
        ("polygon", ((0, 0), (math.inf, 0), (9, 9))),
        ("polygon", ((0, 0), (9, 9))),
        ("rectangle", ((0, 0), (9, 9), (3, 3))),
        ("circle", ((0, 0),)),
        ("line", ((0, 0),)),
        ("point", ()),
        ("mask", ()),
    ],
)
def test_what_is_no_shape_is_an_error(rule, kind, points):
    with pytest.raises(ValueError, match=r"points|finite|pixels"):
        draw(Shape(kind, 1, points), rule=rule)


# --- the rule `center`


UNIT = 1000  # the exact test counts in whole thousandths of a pixel


def inside(points: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Even-odd at every pixel centre in exact whole numbers, and where a centre lies exactly on an edge."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] * UNIT + UNIT // 2
    crossings, on_edge = np.zeros(y.shape, int), np.zeros(y.shape, bool)
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        active = (y0 <= y) != (y1 <= y)
        right_of = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) * np.sign(y1 - y0)
        crossings += active & (right_of >= 0)
        on_edge |= active & (right_of == 0)
    return crossings % 2 == 1, on_edge


thousandths = st.integers(-30 * UNIT, 90 * UNIT)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(thousandths, thousandths), min_size=3, max_size=9))
def test_center_rule_asks_every_pixel_centre(points):
    """Where a slanted edge meets a centre exactly, rounding decides; `test_..._share_edges` says what must hold."""
    expected, on_edge = inside(points)
    drawn = draw(polygon(*((x / UNIT, y / UNIT) for x, y in points)), rule="center") == 1
    np.testing.assert_array_equal(drawn[~on_edge], expected[~on_edge])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 45)), min_size=3, max_size=8), st.floats(-50, 50))
def test_center_rule_parts_share_edges_without_gap_or_overlap(points, split):
    """A photo cut by a random line of corners, ties on pixel centres included: every pixel is in exactly one part."""
    corners = sorted({(x + 0.5, y + 0.5) for x, y in points} | {(split, 20.5)}, key=lambda p: (p[1], p[0]))
    chain = [(corners[0][0], -99.0), *corners, (corners[-1][0], 99.0)]
    left = polygon(*chain, (-99.0, 99.0), (-99.0, -99.0))
    right = polygon(*reversed(chain), (199.0, -99.0), (199.0, 99.0))
    if any(b[1] < a[1] for a, b in itertools.pairwise(chain)):
        return
    together = draw(left, rule="center").astype(int) + draw(right, rule="center")
    assert (together == 1).all()


def test_center_rule_on_exact_ties():
    square = draw(Shape("rectangle", 1, ((4.5, 4.5), (8.5, 8.5))), rule="center")
    assert np.argwhere(square).min(axis=0).tolist() == [4, 4]
    assert np.argwhere(square).max(axis=0).tolist() == [7, 7]
    assert np.count_nonzero(square) == 16


def test_center_rule_has_the_areas_of_geometry_and_of_pycocotools():
    rng = np.random.default_rng(5)
    errors, coco_errors = [], []
    for _ in range(60):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
        radii = rng.uniform(20, 45, 12)
        points = np.stack([50 + radii * np.cos(angles), 50 + radii * np.sin(angles)], axis=1)
        x, y = points.T
        true_area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        ours = draw(polygon(*map(tuple, points)), size=(100, 100), rule="center")
        coco = coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects([points.ravel().tolist()], 100, 100)))
        errors.append((np.count_nonzero(ours) - true_area) / true_area)
        coco_errors.append(np.count_nonzero(ours != coco) / true_area)
    assert abs(np.mean(errors)) < 0.001
    assert max(map(abs, errors)) < 0.02
    assert max(coco_errors) < 0.03


def test_center_rule_even_odd_leaves_the_twice_covered_out():
    pentagram = [(26 + 18 * math.sin(4 * math.pi * k / 5), 18 - 18 * math.cos(4 * math.pi * k / 5)) for k in range(5)]
    drawn = draw(polygon(*pentagram), rule="center")
    assert drawn[18, 26] == 0
    assert drawn[4, 26] == 1


def test_center_rule_circles_points_and_lines_by_distance():
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    circle = draw(Shape("circle", 1, ((20, 15), (20, 24.3))), rule="center")
    np.testing.assert_array_equal(circle == 1, np.hypot(x - 20, y - 15) <= 9.3)
    dot = draw(Shape("point", 1, ((20.2, 15),)), rule="center", point_radius=3)
    np.testing.assert_array_equal(dot == 1, np.hypot(x - 20.2, y - 15) <= 3)
    line = draw(Shape("line", 1, ((10, 12), (40, 12))), rule="center", line_width=6)
    np.testing.assert_array_equal(line == 1, (abs(y - 12) <= 3) & (x >= 10) & (x <= 40))
    strip = draw(Shape("linestrip", 1, ((10, 10), (30, 10), (30, 30))), rule="center", line_width=8)
    assert strip[6, 33] == 0  # the joint is round
    assert strip[7, 31] == 1
    assert draw(Shape("line", 1, ((5, 5), (5, 5))), rule="center").any() is np.False_


# --- order, layers, specials


def test_later_shapes_lie_over_earlier_ones_and_smaller_over_larger_by_area():
    small = Shape("rectangle", 1, ((10, 10), (14, 14)))
    large = Shape("rectangle", 2, ((5, 5), (30, 30)))
    for rule in ("labelme", "center"):
        assert draw(small, large, rule=rule)[12, 12] == 2
        assert draw(large, small, rule=rule)[12, 12] == 1
        assert draw(small, large, rule=rule, overlap="area")[12, 12] == 1
        assert draw(large, small, rule=rule, overlap="area")[12, 12] == 1


@pytest.mark.parametrize("rule", ["labelme", "center"])
def test_area_is_that_of_the_whole_object_inside_the_photo(rule):
    middle = Shape("rectangle", 2, ((10, 10), (20, 20)))
    part = Shape("rectangle", 1, ((12, 12), (16, 16)), group=7)
    rest = Shape("rectangle", 1, ((25, 2), (50, 36)), group=7)
    same_group_other_label = Shape("rectangle", 3, ((0, 0), (52, 36)), group=7)
    assert draw(middle, part, rest, rule=rule, overlap="area")[14, 14] == 2
    assert draw(part, middle, rule=rule, overlap="area")[14, 14] == 1
    assert draw(rest, part, same_group_other_label, middle, rule=rule, overlap="area")[14, 14] == 2
    outside = Shape("rectangle", 4, ((13, 13), (15, -9000)))
    assert draw(outside, middle, rule=rule, overlap="area")[12, 13] == 4


def test_equal_areas_keep_their_order():
    first = Shape("rectangle", 1, ((10, 10), (14, 14)))
    second = Shape("rectangle", 2, ((12, 12), (16, 16)))
    assert draw(first, second, overlap="area")[13, 13] == 2
    assert draw(second, first, overlap="area")[13, 13] == 1


@pytest.mark.parametrize("rule", ["labelme", "center"])
@pytest.mark.parametrize(("x", "y"), [(-3, -2), (50, 35), (10, 10), (-500, 0), (0, 900)])
def test_patches_are_pasted_clipped(rule, x, y):
    pixels = np.random.default_rng(0).random((7, 9)) > 0.5
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    for i, j in np.argwhere(pixels) + np.array([y, x]):
        if 0 <= i < HEIGHT and 0 <= j < WIDTH:
            expected[i, j] = 253
    np.testing.assert_array_equal(draw(Shape("mask", 253, patch=Patch(x, y, pixels)), rule=rule), expected)


def test_base_then_shapes_then_paint():
    base = np.full((HEIGHT, WIDTH), 254, np.uint8)
    base[:, :10], base[:, 10:20], base[:, 20:22] = 0, 1, 255
    paint = np.full((HEIGHT, WIDTH), 254, np.uint8)
    paint[0], paint[1], paint[2] = 0, 1, 255
    maps = {"b": base, "p": paint}
    annotation = Annotation(
        WIDTH,
        HEIGHT,
        (Shape("rectangle", "car", ((5, 0), (15, 20))), Shape("rectangle", Special.IGNORE, ((30, 10), (33, 13)))),
        Layer("b", ("sky", Special.UNLABELLED)),
        Layer("p", ("road", Special.UNLABELLED)),
    )
    index: dict[Any, int] = {"sky": 3, "car": 4, "road": 5}
    for rule in ("labelme", "center"):
        drawn = render(annotation, maps.__getitem__, index, rule=rule, unlabelled=9)
        assert drawn[0].tolist() == [5] * WIDTH
        assert drawn[1].tolist() == [9] * WIDTH
        assert drawn[2].tolist() == [255] * WIDTH
        assert drawn[5, [0, 7, 12, 18, 21, 40]].tolist() == [3, 4, 4, 9, 255, 9]
        assert drawn[11, 31] == 255
    assert maps["b"][0, 0] == 0  # what is stored stays as it is


def test_a_class_may_be_called_like_a_special():
    ignore = Shape("rectangle", Special.IGNORE, ((0, 0), (5, 5)))
    unlabelled = Shape("rectangle", Special.UNLABELLED, ((10, 0), (15, 5)))
    named = Shape("rectangle", "ignore", ((20, 0), (25, 5)))
    drawn = draw(ignore, unlabelled, named, index={"ignore": 1}, unlabelled=8)
    assert drawn[2, [2, 12, 22, 32]].tolist() == [255, 8, 1, 8]


@pytest.mark.parametrize(
    ("index", "unlabelled", "message"),
    [({1: 254}, 0, "254"), ({1: 256}, 0, "256"), ({1: -1}, 0, "-1"), ({1: 1}, 254, "254"), ({2: 1}, 0, "label 1")],
)
def test_values_outside_a_class_map_are_refused(index, unlabelled, message):
    with pytest.raises(ValueError, match=message):
        draw(polygon((0, 0), (9, 0), (9, 9)), index=index, unlabelled=unlabelled)


def test_layers_that_do_not_fit_are_refused():
    annotation = Annotation(4, 3, base=Layer("b", ("sky",)))
    with pytest.raises(ValueError, match=r"\(4, 3\)"):
        render(annotation, lambda _: np.zeros((4, 3), np.uint8), {"sky": 0}, unlabelled=0)
    with pytest.raises(ValueError, match="value 1, which its legend lacks"):
        render(annotation, lambda _: np.ones((3, 4), np.uint8), {"sky": 0}, unlabelled=0)


def test_an_annotation_of_nothing_is_unlabelled():
    assert draw(unlabelled=255).tolist() == np.full((HEIGHT, WIDTH), 255).tolist()


def test_a_hundred_thousand_shapes_are_drawn():
    shapes = [polygon((i % 50, 0), (i % 50 + 3, 0), (i % 50, 3), label=i % 3) for i in range(100_000)]
    assert draw(*shapes).max() == 2
