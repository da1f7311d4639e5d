"""Arrays of more than three axes: what is dropped, picked, stacked, and said; read in slices as it is read whole."""

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaxel.errors import AxisError, ParameterError
from spaxel.readers.parts.extra_axes import Maps, as_image, plan_axes

PATH = Path("a.hspy")
DATA = np.random.default_rng(0).random((3, 2, 5, 7, 4))  # t, z, y, x, E
NAMES = ("t", "z", "y", "x", "E")


def image(names=NAMES, channel=4, index=None, data=DATA):
    return as_image(data, plan_axes(PATH, data.shape, names, channel, index))


def test_all_maps_lie_one_below_the_other():
    np.testing.assert_array_equal(image(), DATA.reshape(30, 7, 4))
    layout = plan_axes(PATH, DATA.shape, NAMES, 4)
    assert layout.attrs()["maps"][3] == {"t": 1, "z": 1, "y": 15, "rows": 5}
    assert "6 maps are stacked along y, 5 rows each. Option index decides: index=t=0,z=0" in layout.sentence(PATH)


@pytest.mark.parametrize("index", ["t=2,z=0", {"t": 2, "z": 0}, "0=2, 1=0", "T=-1,Z=0"])
def test_one_map_is_picked(index):
    np.testing.assert_array_equal(image(index=index), DATA[2, 0])
    assert plan_axes(PATH, DATA.shape, NAMES, 4, index).sentence(PATH) == ""


def test_one_axis_is_picked_and_the_other_stacked():
    np.testing.assert_array_equal(image(index="z=1"), DATA[:, 1].reshape(15, 7, 4))


def test_singleton_axes_are_dropped():
    np.testing.assert_array_equal(image(data=DATA[:1, :1]), DATA[0, 0])
    np.testing.assert_array_equal(image(("",) * 5, data=DATA[:, :1, :, :1]), DATA[:, 0, :, 0])
    assert image(data=DATA[:, :1, :, :1]).shape == (15, 1, 4)  # x by its name, of one column


@pytest.mark.parametrize("names", [("t", "E", "z", "y", "x"), ("t", "E", "z", "x", "y")])
def test_names_decide_and_not_the_order(names):
    turned = np.transpose(DATA, [NAMES.index(name) for name in names])
    np.testing.assert_array_equal(image(names, 1, data=turned), DATA.reshape(30, 7, 4))


def test_lines_and_points():
    assert image(("x", "E"), 1, data=DATA[0, 0, 0]).shape == (7, 1, 4)
    assert image(("E",), 0, data=DATA[0, 0, 0, 0]).shape == (1, 1, 4)


@pytest.mark.parametrize(
    ("index", "error", "match"),
    [("q=1", ParameterError, r"no such axis. It has: t \(3\)"), ("E=1", ParameterError, "no such axis"),
     ("t=3", AxisError, "0 to 2"), ("t=-4", AxisError, "0 to 2"), ("t", ParameterError, "Try index='t=0'"),
     ("t=one", ParameterError, "Try index='t=0'")],
)  # fmt: skip
def test_what_is_not_there_is_named(index, error, match):
    with pytest.raises(error, match=match):
        image(index=index)


@given(st.permutations(range(5)), st.tuples(*[st.tuples(st.integers(0, 35), st.integers(0, 35))] * 3))
def test_slices_are_those_of_the_whole(order, ranges):
    layout = plan_axes(PATH, DATA.transpose(order).shape, [NAMES[n] for n in order], order.index(4))
    maps, whole = Maps(DATA.transpose(order), layout), as_image(DATA.transpose(order), layout)
    key = tuple(slice(min(r), max(r)) for r in ranges)
    np.testing.assert_array_equal(maps[key], whole[key])


def test_dask_stays_lazy():
    lazy = image(data=da.from_array(DATA, chunks=2))
    assert isinstance(lazy, da.Array)
    np.testing.assert_array_equal(lazy, image())
