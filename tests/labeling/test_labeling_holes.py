"""Polygons with holes: what a hole covers the polygon does not, by either rule."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pycocotools import mask as coco_mask

from labeling.annotation import Annotation, Label, Shape
from labeling.options import RasterRule
from labeling.raster import render
from labeling.raster.instances import render_instances

HEIGHT, WIDTH = 37, 53
Ring = tuple[tuple[float, float], ...]


def nothing(sha: str) -> np.ndarray:
    raise AssertionError(f"no map was expected, {sha} asked for")


def draw(*shapes: Shape, rule: RasterRule = "labelme", size=(HEIGHT, WIDTH), **options) -> np.ndarray:
    index: dict[Label, int] = {value: value for value in range(254)}
    return render(Annotation(size[1], size[0], shapes), nothing, index, rule=rule, unlabelled=0, **options)


def square(left: float, top: float, right: float, bottom: float) -> Ring:
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def holed(outer: Ring, *holes: Ring, label=1, group=None) -> Shape:
    return Shape("polygon", label, outer, group=group, holes=holes)


coordinate = st.one_of(st.floats(-30, 90, width=32), st.integers(-30, 90).map(float))
ring = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=7).map(tuple)


@settings(max_examples=300, deadline=None)
@given(ring, st.lists(ring, max_size=4), st.sampled_from([1, 253]))
def test_labelme_rule_takes_out_what_pillow_draws_of_the_holes(outer, holes, value):
    mask = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(mask)
    pen.polygon(list(outer), fill=value, outline=value)
    for hole in holes:
        pen.polygon(list(hole), fill=0, outline=0)
    np.testing.assert_array_equal(draw(holed(outer, *holes, label=value)), np.asarray(mask))


@settings(max_examples=200, deadline=None)
@given(ring, st.lists(ring, max_size=4))
def test_center_rule_takes_out_the_polygons_that_the_holes_are(outer, holes):
    expected = draw(Shape("polygon", 1, outer), rule="center")
    for hole in holes:
        expected[draw(Shape("polygon", 1, hole), rule="center") == 1] = 0
    np.testing.assert_array_equal(draw(holed(outer, *holes), rule="center"), expected)


def test_center_rule_on_whole_corners_is_that_of_pycocotools():
    outer, holes = square(3, 2, 40, 30), (square(5, 4, 12, 20), square(10, 15, 30, 28))
    rings = [[number for point in ring for number in point] for ring in (outer, *holes)]
    covered, *gaps = (coco_mask.decode(rle) for rle in coco_mask.frPyObjects(rings, HEIGHT, WIDTH))
    for gap in gaps:
        covered[gap == 1] = 0
    np.testing.assert_array_equal(draw(holed(outer, *holes), rule="center"), covered)


@pytest.mark.parametrize("rule", ["labelme", "center"])
def test_what_lies_below_shows_through_a_hole(rule):
    ground = Shape("rectangle", 2, ((0, 0), (WIDTH, HEIGHT)))
    frame = holed(square(5, 5, 30, 30), square(10, 10, 20, 20))
    drawn = draw(ground, frame, rule=rule)
    assert [drawn[7, 7], drawn[15, 15], drawn[35, 35]] == [1, 2, 2]
    objects = render_instances(Annotation(WIDTH, HEIGHT, (ground, frame)), nothing, nothing, rule=rule)
    assert [objects[7, 7], objects[15, 15]] == [2, 1]


@pytest.mark.parametrize("rule", ["labelme", "center"])
def test_a_hole_counts_in_the_order_by_area(rule):
    """The frame covers fewer pixels than the picture in it, so it lies over it."""
    frame = holed(square(5, 5, 30, 30), square(6, 6, 29, 29))
    picture = Shape("rectangle", 2, ((5, 5), (29, 29)))
    assert draw(frame, picture, rule=rule, overlap="area")[5, 7] == 1
    assert draw(frame, picture, rule=rule, overlap="area")[15, 15] == 2


@pytest.mark.parametrize("rule", ["labelme", "center"])
@pytest.mark.parametrize("far", [2e6, 1e20, 1e300])
def test_far_corners_of_polygon_and_hole_leave_the_rest_alone(rule, far):
    outer, hole = square(-far, -far, far, far), ((20.0, -far), (20.0, far), (-far, 5.0))
    near = draw(holed(square(-900, -900, 900, 900), ((20.0, -900.0), (20.0, 900.0), (-90_000.0, 5.0))), rule=rule)
    assert 0 < np.count_nonzero(near) < near.size
    np.testing.assert_array_equal(draw(holed(outer, hole), rule=rule), near)


@pytest.mark.parametrize("rule", ["labelme", "center"])
@pytest.mark.parametrize("hole", [((1, 1), (2, 2)), (), ((0, 0), (9, math.nan), (9, 9))])
def test_what_is_no_hole_is_an_error(rule, hole):
    with pytest.raises(ValueError, match=r"points|finite"):
        draw(holed(square(0, 0, 20, 20), hole), rule=rule)


def test_holes_are_stored_and_a_shape_without_is_stored_as_before():
    shapes = (holed(square(1, 2, 9, 9), square(3, 3, 5, 5), square(6, 6, 7, 7), group=3), Shape("point", 1, ((1, 1),)))
    annotation = Annotation(WIDTH, HEIGHT, shapes)
    stored = json.loads(json.dumps(annotation.to_json()))
    assert Annotation.from_json(stored) == annotation
    assert "holes" not in stored["shapes"][1]
