"""Outlines of masks: drawn again they cover the same pixels, whatever parts and holes there are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from labeling.annotation import Patch, Shape
from labeling.raster.center_rule import CenterCanvas
from labeling.raster.trace import bridged, trace


@pytest.mark.parametrize("in_one_ring", [False, True])
@settings(max_examples=200, deadline=None)
@given(pixels=arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_cover_what_they_were_traced_from(in_one_ring, pixels):
    canvas = CenterCanvas(np.zeros((12, 12), np.uint8), 0, 0)
    for outline in trace(Patch(2, 1, pixels)):
        ring = bridged(outline) if in_one_ring else outline.outer
        canvas.draw(Shape("polygon", 1, ring, holes=() if in_one_ring else outline.holes), 1)
    expected = np.zeros((12, 12), np.uint8)
    expected[1 : 1 + pixels.shape[0], 2 : 2 + pixels.shape[1]] = pixels
    np.testing.assert_array_equal(canvas.pixels(), expected)


def test_a_square_has_four_corners_and_its_hole_four():
    pixels = np.ones((6, 8), bool)
    pixels[2:4, 3:6] = False
    (outline,) = trace(Patch(10, 20, pixels))
    assert set(outline.outer) == {(10, 20), (18, 20), (18, 26), (10, 26)}
    assert [set(hole) for hole in outline.holes] == [{(13, 22), (16, 22), (16, 24), (13, 24)}]
