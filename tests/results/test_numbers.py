"""Numbers of maps: as NumPy has them, and the same bits whatever the rectangles that a map is read in."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spaxel.cube.exact import Totals
from spaxel.figures.levels import confidence_sums
from spaxel.results.amounts import amounts
from spaxel.results.numbers import any_label, label_counts, mean_of, means_by_label, quantiles
from spaxel.results.presence import presence
from spaxel.results.said import try_next
from spaxel.results.series import point
from spaxel.results.walk import bounded

finite = st.floats(-(2.0**99), 2.0**99, width=32)
maps = arrays(np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=finite | st.just(np.nan))


@settings(max_examples=30)
@given(maps, st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_quantiles_are_those_of_numpy(values, fractions):
    known = values[np.isfinite(values)].astype(np.float64)
    found = quantiles(values, fractions)
    if not len(known):
        assert np.isnan(found).all()
        return
    assert found == pytest.approx(np.quantile(known, fractions), rel=1e-9, abs=1e-9 * np.abs(known).max())
    assert quantiles(values, [0, 1]).tolist() == [known.min(), known.max()]


@settings(max_examples=30)
@given(st.lists(st.floats(-1e280, 1e280), min_size=1, max_size=30), st.randoms())
def test_totals_are_exact(values, random):
    from fractions import Fraction

    whole, total = float(sum(map(Fraction, values))), Totals(1)
    random.shuffle(values)
    middle = random.randint(0, len(values))
    for part in (values[:middle], values[middle:]):
        total.add(np.array(part, float)[:, None])
    assert total.sums[0] == whole


def test_labels_are_counted():
    labels = np.array([[0, 3, -1], [3, 3, 1]])
    assert label_counts(labels).tolist() == [1, 1, 0, 3]
    assert label_counts(labels, 6).tolist() == [1, 1, 0, 3, 0, 0]
    assert any_label(labels)
    assert not any_label(labels * 0 - 1)
    values = np.array([[1, 2, 3], [4, np.nan, 5]])
    assert means_by_label(values, labels, 5).tolist()[:2] == [1, 5]
    assert means_by_label(values, labels, 5)[3] == 3
    assert np.isnan(means_by_label(values, labels, 5)[[2, 4]]).all()
    assert mean_of(values) == 3


def scene(rng):
    """A result with labels, and one with abundances, of 70 x 61 pixels."""
    labels = rng.integers(-1, 4, (70, 61)).astype(np.int32)
    labels[20:40] = 2
    amounts = rng.exponential(size=(70, 61, 3)).astype(np.float32)
    amounts[labels < 0] = np.nan
    unlike = rng.integers(0, 256, labels.shape).astype(np.uint8)
    sure = rng.random(labels.shape, dtype=np.float32) / 4
    first = {"labels": (("y", "x"), labels), "unlike": (("y", "x"), unlike, {"seen": [1000, 1, 40]})}
    sizes = {"component_size": ("component", label_counts(labels))}
    one = xr.Dataset(first | sizes | {"confidence": (("y", "x"), sure)}, coords={"channel": [0.0]})
    more = {"abundances": (("y", "x", "component"), amounts), "residual": (("y", "x"), sure * 4)}
    return one, xr.Dataset({"labels": first["labels"]} | more, coords={"channel": [0.0]})


def numbers_of(result):
    """All that is said and counted of a result, as bytes."""
    found = point("a", "", 0.0, result)
    said = [found.share.tobytes(), found.error.tobytes(), try_next(result)]
    if "abundances" in result:
        own = amounts(result)
        return [*said, own.share.tobytes(), own.mean.tobytes(), own.present.tobytes(), own.pixels]
    here = presence(result)
    means = means_by_label(result["confidence"], result["labels"], 4)
    return [*said, here.size.tobytes(), here.p.tobytes(), here.explained.tobytes(), here.drift, means.tobytes()]


@pytest.mark.parametrize(("rows", "columns", "memory"), [(23, 40, None), (32, 17, 2**15)])
def test_the_same_bits_whatever_the_rectangles(rows, columns, memory):
    for result in scene(np.random.default_rng(1)):
        lazy = result.map(lambda one: one.chunk({"y": rows, "x": columns}) if "y" in one.dims else one)
        assert isinstance(lazy["labels"].data, da.Array)
        with bounded(memory):
            assert numbers_of(lazy) == numbers_of(result)


def test_sums_of_confidence_are_the_same_bits_whatever_the_rectangles():
    rng = np.random.default_rng(2)
    one, _ = scene(rng)
    levels = rng.integers(0, 256, (2, 70, 61)).astype(np.uint8)
    one["confidence"] *= (10.0 ** rng.uniform(-30, 0, (70, 61))).astype(np.float32)
    maps = {"micro_labels": one["labels"].astype(np.int16), "level_confidence": (("level", "y", "x"), levels)}
    result = one.assign(maps).assign(merge_tree=(("merge", "node"), np.zeros((3, 4)))).assign_coords(level=[2, 3])
    lazy = result.map(lambda one: one.chunk({"y": 23, "x": 17}) if "y" in one.dims else one)
    whole, with_little = confidence_sums(result, 4), {}
    with bounded(2**14):
        with_little = confidence_sums(lazy, 4)
    assert list(whole) == [0, 2, 3]
    for level, (total, count) in whole.items():
        assert (total.tobytes(), count.tobytes()) == tuple(part.tobytes() for part in with_little[level])
    mean = [levels[1][one["labels"].values == k].mean() / 255 for k in range(4)]
    np.testing.assert_allclose(whole[3][0] / whole[3][1], mean, rtol=1e-12)
