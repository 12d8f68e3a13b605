"""The map of objects: one a shape or group, drawn by the rules of the class map."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.staging import settle_all
from db.store import Store
from labeling.annotation import Annotation, Label, Layer, Shape, Special
from labeling.map_store import load_instances, stage_instances
from labeling.raster import render
from labeling.raster.instances import render_instances

SIZE = 24


def nothing(sha: str) -> np.ndarray:
    raise AssertionError(f"no map was expected, {sha} asked for")


def boxes() -> st.SearchStrategy[list[Shape]]:
    corner = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda point: (float(point[0]), float(point[1])))
    box = st.builds(
        Shape,
        st.just("rectangle"),
        st.sampled_from(["car", "person", Special.IGNORE]),
        st.tuples(corner, corner),
        group=st.sampled_from([None, None, 0, 1]),
    )
    return st.lists(box, max_size=6)


@given(boxes(), st.sampled_from(["order", "area"]), st.sampled_from(["labelme", "center"]))
def test_objects_lie_where_their_classes_do(shapes, overlap, rule):
    annotation = Annotation(SIZE, SIZE, tuple(shapes))
    index: dict[Label, int] = {"car": 1, "person": 2}
    classes = render(annotation, nothing, index, rule=rule, overlap=overlap, unlabelled=0)
    objects = render_instances(annotation, nothing, nothing, rule=rule, overlap=overlap)
    np.testing.assert_array_equal(objects > 0, (classes > 0) & (classes < 255))
    for number in np.unique(objects[objects > 0]):
        assert len(np.unique(classes[objects == number])) == 1


def test_more_objects_than_a_byte_can_number():
    shapes = tuple(
        Shape("rectangle", "car", ((2.0 * (place % 24), 2.0 * (place // 24)),) * 2) for place in range(24 * 24)
    )
    objects = render_instances(Annotation(48, 48, shapes), nothing, nothing)
    np.testing.assert_array_equal(objects[::2, ::2].ravel(), np.arange(1, 24 * 24 + 1))


def test_parts_of_a_group_are_one_object_and_paint_is_none():
    parts = [Shape("rectangle", "car", ((x, 0.0), (x + 2, 2.0)), group=7) for x in (0.0, 10.0)]
    other = Shape("rectangle", "person", ((5.0, 5.0), (7.0, 7.0)), group=7)
    paint = np.full((SIZE, SIZE), 254, np.uint8)
    paint[0, 0] = 0
    annotation = Annotation(SIZE, SIZE, (*parts, other), paint=Layer("p", ("road",)))
    objects = render_instances(annotation, nothing, lambda _: paint)
    assert (objects[0, 0], objects[1, 1], objects[1, 11], objects[6, 6]) == (0, 1, 1, 2)


def test_objects_of_a_mask_keep_their_numbers_and_shapes_follow(tmp_path: Path):
    stored = np.zeros((SIZE, SIZE), np.uint16)
    stored[2:6, 2:6] = 26001
    store = Store(tmp_path)
    sha, staged = stage_instances(store, stored)
    settle_all(store, list(staged))
    assert stage_instances(store, stored) == (sha, ())
    np.testing.assert_array_equal(load_instances(store, sha), stored)
    shape = Shape("rectangle", "car", ((10.0, 10.0), (12.0, 12.0)))
    annotation = Annotation(SIZE, SIZE, (shape,), instances=sha)
    objects = render_instances(annotation, lambda each: load_instances(store, each), nothing)
    assert (objects[3, 3], objects[11, 11], objects[0, 0]) == (26001, 26002, 0)


@pytest.mark.parametrize("instances", [None, "ab" * 32])
def test_what_a_source_says_besides_is_kept(instances):
    shape = Shape("point", "car", ((1.0, 2.0),), extra={"flags": {"far": True}, "description": "left"})
    annotation = Annotation(4, 4, (shape,), instances=instances, extra={"flags": {"dusk": True}})
    assert Annotation.from_json(annotation.to_json()) == annotation
