"""Maps made smaller: the law of each, by the plainest computation of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from spaxel.cube.smaller import halved, is_large, majority, nested_majority, whole_step

maps = arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-1, 4))
steps = st.sampled_from([1, 2, 3, 4])


def blocks(image, step):
    rows, columns = (-(-n // step) for n in image.shape)
    return [
        ((y, x), image[y * step : (y + 1) * step, x * step : (x + 1) * step].ravel())
        for y in range(rows)
        for x in range(columns)
    ]


def most_frequent(values):
    found, counts = np.unique(values, return_counts=True)
    return found[counts.argmax()]


@settings(max_examples=40)
@given(maps, steps)
def test_majority(labels, step):
    small = majority(labels, step)
    assert small.dtype == labels.dtype
    for place, values in blocks(labels, step):
        assert small[place] == most_frequent(values)


@settings(max_examples=40)
@given(maps, steps)
def test_parts_of_the_majority(labels, step):
    parts = np.where(labels < 0, -1, 3 * labels + np.arange(labels.size).reshape(labels.shape) % 3)
    small, nested = majority(labels, step), nested_majority(labels, parts, step)
    np.testing.assert_array_equal(np.where(nested < 0, -1, nested // 3), small)
    for place, values in blocks(parts, step):
        if small[place] >= 0:
            assert nested[place] == most_frequent(values[values // 3 == small[place]])


@settings(max_examples=40)
@given(arrays(np.float32, (7, 9, 2), elements=st.sampled_from([0, 1, 2.5, np.nan])), st.sampled_from([2, 4, 8]))
def test_means_of_what_is_finite(image, step):
    small = halved(image, np.isfinite(image), [2, 4, 8])[step]
    for plane in range(2):
        for place, values in blocks(image[..., plane], step):
            good = values[np.isfinite(values)]
            expected = np.float32(good.mean(dtype=float)) if good.size else np.nan
            np.testing.assert_allclose(small[(*place, plane)], expected, rtol=1e-6)


@pytest.mark.parametrize("hole", [True, False])
def test_a_block_of_a_map_gives_a_block_of_its_overview(hole):
    image = np.random.default_rng(0).random((24, 21)).astype(np.float32)
    image[3, 3] = np.nan if hole else 0
    whole = halved(image, np.isfinite(image), [2, 8])
    part = halved(image[8:16, 16:], np.isfinite(image[8:16, 16:]), [2, 8])
    for step in (2, 8):
        np.testing.assert_array_equal(part[step], whole[step][8 // step : 16 // step, 16 // step :])


def test_what_is_large():
    assert is_large((1025, 1024))
    assert not is_large((1024, 1024))
    assert not is_large((10**9, 1))  # a list of spectra
    assert [whole_step((1500, 3000), side, 512) for side in (4000, 3000, 1024, 2)] == [1, 1, 4, 512]
