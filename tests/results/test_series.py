"""Shares against time: what names say, and errors that hold on fields that are alike from pixel to pixel."""

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from spaxel.results.series import label_errors, point, times_of


@pytest.mark.parametrize(
    ("names", "axis", "time", "group"),
    [
        (["day1", "day2", "day10"], "day", [1, 2, 10], [""] * 3),
        (["leaf1_day1", "leaf1_day3"], "day", [1, 3], [""] * 2),
        (["leaf1-day1", "leaf1-day2", "leaf2-day1", "leaf2-day2"], "day", [1, 2, 1, 2], ["leaf1"] * 2 + ["leaf2"] * 2),
        (["a", "b"], "number in the order of the files", [0, 1], [""] * 2),
        (["a1", "b"], "number in the order of the files", [0, 1], [""] * 2),
        (["t0.5", "t2"], "t", [0.5, 2], [""] * 2),
        (["2", "1"], "number in the name", [2, 1], [""] * 2),
        (["x1y1", "x2y2"], "number in the order of the files", [0, 1], [""] * 2),
        ([], "number in the order of the files", [], []),
    ],
)
def test_times_are_read_from_names(names, axis, time, group):
    assert times_of(names) == (axis, time, group)


@pytest.mark.parametrize("smooth", [0, 2])
def test_errors_are_what_shares_scatter_by(smooth):
    rng, found, errors = np.random.default_rng(0), [], []
    for _ in range(80):
        field = rng.normal(size=(97, 83))
        labels = (gaussian_filter(field, smooth, mode="wrap") if smooth else field) > 0
        found.append(labels.mean())
        errors.append(label_errors(labels.astype(int), 2)[1])
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.25)
    binomial = 0.5 / np.sqrt(97 * 83)
    assert np.mean(errors) == pytest.approx(binomial, rel=0.1) if not smooth else np.mean(errors) > 2 * binomial


def test_background_missing_data_and_lists():
    labels = np.repeat(np.array([[0, 0, 1, 2, -1]]), 16, axis=0)
    result = xr.Dataset({"labels": (("y", "x"), labels), "component_background": ("component", [True, False, False])})
    found = point("a", "", 0.0, result.assign(component_size=("component", [32, 16, 16])))
    assert np.isnan(found.share[0])
    assert np.isnan(found.error[0])
    assert found.share[1:] == pytest.approx([0.5, 0.5])
    rows = np.tile([0, 1], 320)[:, None]
    assert label_errors(rows, 2) == pytest.approx([0, 0])
    assert np.isnan(label_errors(np.array([[0]]), 1)).all()
    one = np.stack([rows[:, 0] == 0, rows[:, 0] == 1], axis=-1)[:, None].astype(float)
    unmixed = xr.Dataset({"labels": (("y", "x"), rows), "abundances": (("y", "x", "component"), one)})
    assert point("b", "", 1.0, unmixed).error == pytest.approx(label_errors(rows, 2))
