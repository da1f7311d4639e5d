"""Shares against time: what names say, and errors that hold on fields that are alike from pixel to pixel."""

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter

from spaxel.results.convention import MEANS
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
    mixed = point("b", "", 1.0, unmixed)
    assert mixed.error == pytest.approx(label_errors(rows, 2))
    assert np.isnan(mixed.wrong).all()


def test_as_many_pixels_are_wrong_as_confidence_says():
    rng = np.random.default_rng(1)
    labels = rng.integers(-1, 3, (90, 70))
    labels[0, 0] = 3  # a component of one pixel; of a fourth there is none
    sure = np.where(labels < 0, np.nan, rng.uniform(0.3, 1, labels.shape)).astype(np.float32)
    wrong = rng.random(labels.shape) > np.where(labels < 0, 1, sure)
    confidence = xr.DataArray(sure, dims=("y", "x"), attrs={MEANS: "probability"})
    size = np.bincount(labels[labels >= 0], minlength=5)
    result = xr.Dataset(
        {"labels": (("y", "x"), labels), "confidence": confidence, "component_size": ("component", size)}
    )
    found = point("a", "", 0.0, result)
    really = np.array([(wrong & (labels == c)).sum() / (labels >= 0).sum() for c in range(5)])
    assert found.wrong == pytest.approx(really, abs=0.012)
    assert found.wrong[0] > 0.08
    assert found.wrong[4] == found.share[4] == 0
    result["component_background"] = "component", np.array([True, False, False, False, False])
    grey = point("a", "", 0.0, result)
    assert np.isnan(grey.wrong[0])
    assert grey.wrong[1:] / grey.share.clip(1e-9)[1:] == pytest.approx(found.wrong[1:] / found.share.clip(1e-9)[1:])
    result["confidence"] = result["confidence"].drop_attrs()  # a margin, as of unmixing and older runs
    assert np.isnan(point("a", "", 0.0, result).wrong).all()
