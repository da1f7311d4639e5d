"""Presence: what noise and borders explain is not called present, what is more is; seams; what is new."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spaxel.errors import ParameterError
from spaxel.results.presence import Presence, exceedance, is_new, kept, new_here, presence, recalled, seams

images = arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-1, 3))


def by_definition(labels, width):
    found = np.zeros(labels.shape, bool)
    height, length = labels.shape
    for y in range(height):
        for x in range(length):
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                ends = []
                for sign in (-1, 1):
                    a, b, steps = y, x, 0
                    while 0 <= a < height and 0 <= b < length and labels[a, b] == labels[y, x]:
                        a, b, steps = a + sign * dy, b + sign * dx, steps + 1
                    inside = 0 <= a < height and 0 <= b < length
                    ends.append((labels[a, b] if inside else -1, steps))
                (first, n), (last, m) = ends
                found[y, x] |= labels[y, x] >= 0 and n + m - 1 <= width and min(first, last) >= 0 and first != last
    return found


@given(images, st.integers(1, 3))
def test_seams_are_as_defined(labels, width):
    assert np.array_equal(seams(labels, width), by_definition(labels, width))


@given(images)
def test_seams_do_not_depend_on_the_view(labels):
    expected = seams(labels)
    assert np.array_equal(seams(labels.T).T, expected)
    assert np.array_equal(seams(labels[::-1])[::-1], expected)


def test_exceedance_is_a_probability_that_falls():
    p = exceedance(np.arange(40), np.full(40, 5.0), np.full(40, 2.0))
    assert p[0] == 1
    assert (np.diff(p) <= 0).all()
    few = exceedance(np.array([12]), np.array([5.0]), np.array([1e-9]))  # a sure mean: Poisson
    assert few[0] == pytest.approx(0.005453, rel=1e-3)


def make(labels, mistaken, far=0, seen=(1000, 1, 40)):
    """A result whose micro-clusters are its components; `far` pixels are unlike anything."""
    k = len(mistaken)
    unlike = np.full(labels.shape, 40, np.uint8)
    unlike.ravel()[:far] = 255
    size = np.bincount(labels[labels >= 0], minlength=k)
    return xr.Dataset(
        {
            "labels": (("y", "x"), labels.astype(np.int32)), "micro_size": ("micro", size),
            "micro_component": ("micro", np.arange(k)), "component_size": ("component", size),
            "micro_mistaken": (("micro", "again"), np.asarray(mistaken, np.float32)),
            "unlike": (("y", "x"), unlike, {"seen": list(seen)}),
        }
    )  # fmt: skip


def test_noise_explains_what_it_explains():
    rng = np.random.default_rng(0)
    mistaken = [[19_800, 200], [0, 2000]]  # 1 in 100 spectra of 0 looks like 1
    false = []
    for _ in range(200):
        labels = (rng.random((50, 60)) < 0.01).astype(int)
        false.append(presence(make(labels, mistaken)).present[1])
    assert np.mean(false) <= 0.02
    real = (rng.random((50, 60)) < 0.01).astype(int)
    real[10:16, 10:16] = 1
    found = presence(make(real, mistaken))
    assert found.present.tolist() == [True, True, False]
    assert found.explained[1] == pytest.approx(29.6, abs=2)


def test_a_border_is_no_presence_and_a_spot_is():
    labels = np.zeros((40, 40), int)
    labels[:, 18:20], labels[:, 20:] = 2, 1
    mistaken = np.diag([9000, 9000, 1000])
    border = presence(make(labels, mistaken))
    assert border.present.tolist() == [True, True, False, False]
    assert border.explained[2] == border.size[2] == 80
    labels[5:8, 3:6] = 2
    assert presence(make(labels, mistaken)).present[2]


def test_an_absent_component_and_an_empty_cube():
    found = presence(make(np.zeros((9, 9), int), np.diag([5, 5])))
    assert found.present.tolist() == [True, False, False]
    empty = presence(make(np.full((9, 9), -1), np.diag([5, 5])))
    assert not empty.present.any()
    assert empty.share.tolist() == [0, 0, 0]


def test_pixels_unlike_anything():
    labels = np.zeros((40, 40), int)
    assert not presence(make(labels, [[100]], far=3)).present[-1]
    found = presence(make(labels, [[100]], far=30))
    assert found.present[-1]
    assert found.size[-1] == 30
    assert found.drift == 1
    assert presence(make(labels, [[100]], seen=(1000, 1, 20))).drift == 2


def test_without_counts_of_mistakes_borders_are_tested():
    labels = np.zeros((20, 20), np.int32)
    labels[:, 9], labels[:, 10:] = 2, 1
    found = presence(xr.Dataset({"labels": (("y", "x"), labels)}))
    assert found.present.tolist() == [True, True, False, False]


def cubes(**present):
    base = make(np.zeros((9, 9), int), np.diag([5, 5]))
    return {name: presence(base)._replace(present=np.array(p, bool)) for name, p in present.items()}


def test_new_is_present_here_and_in_no_other():
    found = cubes(a=[1, 0, 0], b=[1, 1, 0], c=[1, 1, 1])
    new = {name: v.tolist() for name, v in new_here(found).items()}
    assert new == {"a": [False] * 3, "b": [False] * 3, "c": [False, False, True]}
    new = new_here(found, ["a"])
    assert new["b"].tolist() == [False, True, False]
    assert not new["a"].any()
    assert not is_new(found["c"], []).any()
    with pytest.raises(ParameterError, match=r"no cube 'x'.*a, b, c"):
        new_here(found, ["x"])


def test_pixels_without_data_are_neither_far_nor_drifting():
    labels = np.zeros((40, 40), int)
    labels[:30] = -1
    result = make(labels, [[100]])
    result["unlike"][:30] = 255  # whatever lies there
    found = presence(result)
    assert found.size[-1] == 0
    assert found.drift == 1
    assert found.n_pixels == 400


def test_what_a_run_keeps_is_what_was_computed():
    labels = np.zeros((40, 40), int)
    labels[:5, :7] = 1
    result = make(labels, [[90, 10], [0, 100]], far=9)
    found = presence(result)
    about = json.loads(json.dumps({"activation": kept(found)}))
    again = recalled(result, about)
    for name in Presence._fields:
        assert np.array_equal(getattr(again, name), getattr(found, name)), name
    assert again.size.dtype == found.size.dtype


WRONG = [
    *(None, 3, [], {}, {"size": [1]}, {"size": "a", "explained": [], "p": []}),
    {"n_pixels": None, "size": [1, 2, 3], "explained": [1] * 3, "p": [1] * 3, "drift": 1},
    {"n_pixels": 1, "size": [1, 2], "explained": [1, 2], "p": [1, 2], "drift": 1},
]


@pytest.mark.parametrize("activation", WRONG, ids=str)
def test_what_cannot_be_is_computed_anew(activation):
    result = make(np.zeros((9, 9), int), np.diag([5, 5]))
    assert recalled(result, {"activation": activation}).size.tolist() == [81, 0, 0]
