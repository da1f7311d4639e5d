"""To HyperSpy and back: nothing is lost that both know."""

import dask.array
import hyperspy.api as hs
import numpy as np
import pytest

import spaxel
from spaxel.errors import CubeError


def image(**more):
    rng = np.random.default_rng(0)
    spectra = rng.random((13, 7, 11)).astype(np.float32)
    where = {"pixel_size": [0.5, 0.25], "pixel_units": "um", "pixel_origin": [2.0, 3.0]}
    return spaxel.make_cube(spectra, np.linspace(1, 9, 11), "keV", variance=rng.random((13, 7, 11)), **where, **more)


def test_a_cube_comes_back_as_it_was():
    cube = image()
    cube["spectra"].attrs["units"] = "counts"
    signal = spaxel.to_hyperspy(cube)
    assert signal.axes_manager.navigation_shape == (7, 13)
    assert [axis.units for axis in signal.axes_manager.navigation_axes] == ["um", "um"]
    again = spaxel.from_hyperspy(signal)
    for name in ("spectra", "variance", "channel"):
        np.testing.assert_allclose(again[name], cube[name], rtol=1e-12)
    assert again["spectra"].attrs["units"] == "counts"
    assert again["channel"].attrs["units"] == "keV"
    assert {key: again.attrs[key] for key in ("pixel_size", "pixel_units", "pixel_origin")} == {
        "pixel_size": [0.5, 0.25], "pixel_units": "um", "pixel_origin": [2.0, 3.0],
    }  # fmt: skip


def test_what_is_lazy_stays_lazy():
    cube = spaxel.make_cube(dask.array.ones((13, 7, 11), chunks=(5, 7, 11)), np.geomspace(1, 9, 11), "keV")
    signal = spaxel.to_hyperspy(cube)
    assert signal._lazy
    again = spaxel.from_hyperspy(signal)
    assert isinstance(again["spectra"].data, dask.array.Array)
    np.testing.assert_array_equal(again["channel"], cube["channel"])  # an axis of unequal steps


def test_a_list_of_spectra_is_a_line():
    cube = spaxel.make_cube(np.random.default_rng(1).random((13, 1, 11)))
    signal = spaxel.to_hyperspy(cube)
    assert signal.axes_manager.navigation_shape == (13,)
    np.testing.assert_array_equal(
        spaxel.from_hyperspy(signal)["spectra"].values.squeeze(), cube["spectra"].values.squeeze()
    )


def test_pixels_without_data_are_nan():
    valid = np.ones((13, 7), bool)
    valid[2, 3] = False
    signal = spaxel.to_hyperspy(image(valid=valid))
    assert np.isnan(signal.data[2, 3]).all()
    assert np.isfinite(signal.data).sum() == (13 * 7 - 1) * 11


def test_a_result_becomes_signals():
    cube = image()
    result = spaxel.KMeans(n_clusters=2).fit(cube).predict(cube)
    signals = spaxel.to_hyperspy(result)
    assert set(signals) >= {"labels", "confidence", "spectra", "spectra_spread"}
    np.testing.assert_array_equal(signals["labels"].data, result["labels"])
    assert isinstance(signals["labels"], hs.signals.Signal2D)
    assert signals["labels"].axes_manager.signal_axes[0].scale == 0.25
    (axis,) = signals["spectra"].axes_manager.signal_axes
    np.testing.assert_allclose(axis.axis, cube["channel"])
    assert list(signals["labels"].metadata.spaxel.components.n_pixels) == result["component_size"].values.tolist()


def test_what_is_no_signal_is_said():
    with pytest.raises(CubeError, match="Expected a HyperSpy signal, got ndarray"):
        spaxel.from_hyperspy(np.ones((3, 4, 5)))
