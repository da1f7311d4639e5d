"""Inputs of ../shared/cases that spaxel once got wrong: each opens with the right values, and its map is right."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spaxel.metrics.labels import score
from spaxel.readers import open_cube
from spaxel.store.run_folder import read_run
from spaxel.workflow import runs

CASES = Path(__file__).resolve().parents[2] / "shared" / "cases" / "make_cases.py"

pytestmark = [pytest.mark.real_data, pytest.mark.filterwarnings("default")]

SAID: dict[str, tuple[str, ...]] = {  # case -> words of which one is told to the user
    "envi_undeclared_nodata": ("no-data", "no data"),
    "envi_overlap": ("sorted", "numbered"),
    "bil_npy": ("channel_axis",),
    "tiff_naive": ("channel_axis",),
    "fluorescence": ("baseline",),
    "cosmic": ("despike",),
    "hspy_4d": ("index",),
    "specim_raw": ("reflectance",),
}
STEPS = {"fluorescence": [{"name": "baseline", "parameters": {}}]}  # what the advice says
PARTLY = ("envi_partial_nodata",)  # most values of the pixels that it marks are there
NOT_YET = {  # case -> what is missing today
}


@pytest.fixture(scope="module")
def cases() -> Any:
    """The module that writes the inputs."""
    spec = importlib.util.spec_from_file_location("make_cases", CASES)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _named() -> list[Any]:
    """The names of the cases, from the text of the module: nothing of it is run while tests are collected."""
    if not CASES.is_file():
        return []
    names = CASES.read_text("utf-8").split("CASES = [")[1].split("]")[0].split(",")
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=NOT_YET[name], strict=True) if name in NOT_YET else ())
        for name in map(str.strip, names)
    ]


@pytest.mark.parametrize("name", _named())
def test_a_case_is_right(cases, tmp_path, name, recwarn):
    path, truth = getattr(cases, name)(tmp_path)
    cube = open_cube(path)
    _check_values(cube, truth)
    labels = truth.get("lab")
    if labels is not None:
        number = {} if name == "one_material" else {"n_clusters": len(np.unique(labels[labels >= 0]))}
        out = runs.segment([path], tmp_path / "run", parameters=number, steps=STEPS.get(name, ()), method="kmeans")
        run, result = read_run(out)
        _check_map(result, labels, partly=name in PARTLY)
    if words := SAID.get(name):
        told = " ".join([*(str(w.message) for w in recwarn), *cube.attrs["guesses"], *cube.attrs["history"]])
        if labels is not None:
            told += " ".join(map(str, (run["learned"], result.attrs)))
        assert any(word in told for word in words)


def _check_values(cube: Any, truth: dict[str, Any]) -> None:
    """Shape, axis, units and mean of a cube are those of the truth."""
    if (labels := truth.get("lab")) is not None:
        assert cube["spectra"].shape[:2] == labels.shape
    if "shape" in truth:
        assert cube["spectra"].shape == truth["shape"]
    axis = cube["channel"]
    if truth.get("axis") is not None:
        np.testing.assert_allclose([axis[0], axis[-1]], truth["axis"], rtol=1e-4)
        assert axis.attrs["units"] == truth["units"]
    if "mean" in truth:
        mean = float(cube["spectra"].where(cube["valid"]).mean())
        np.testing.assert_allclose(mean, truth["mean"], rtol=1e-3)
    if "bad" in truth:
        assert list(np.flatnonzero(~cube["good_channel"].values)) == truth["bad"]


def _check_map(result: Any, labels: np.ndarray, *, partly: bool) -> None:
    """No label where there are no data, the materials elsewhere. partly : pixels with -1 hold some values, so may have one"""
    found = result["labels"].values
    assert ((found == -1) <= (labels == -1)).all()
    assert partly or ((found == -1) == (labels == -1)).all()
    if len(np.unique(labels[labels >= 0])) == 1:
        assert result.sizes["component"] == 1
        return
    assert score(found, np.where(labels >= 0, labels, -1))["ari"] > 0.9
