"""HyperSpy, NetCDF and CSV read back by hyperspy, xarray and csv."""

import csv

import hyperspy.api as hs
import numpy as np
import xarray as xr

import spaxel

from .conftest import NAMES, a_result


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_hyperspy_opens_maps_and_spectra_with_their_axes(tmp_path, unmixed):
    path = spaxel.export(unmixed, tmp_path / "all.hspy")
    signals = {signal.metadata.General.title.partition(" of ")[0]: signal for signal in hs.load(path)}
    assert set(signals) == {
        "labels",
        "confidence",
        "abundance",
        "residual",
        "component spectra",
        "component spectra, spread",
    }
    labels = signals["labels"]
    assert isinstance(labels, hs.signals.Signal2D)
    np.testing.assert_array_equal(labels.data, unmixed["labels"])
    x, y = labels.axes_manager.signal_axes
    assert (x.name, x.scale, x.units, y.name, y.scale) == ("x", 0.25, "mm", "y", 0.5)
    abundances = signals["abundance"]
    assert abundances.axes_manager.navigation_shape == (3,)
    np.testing.assert_array_equal(abundances.inav[1].data, unmixed["abundances"].values[..., 1])
    spectra = signals["component spectra"]
    assert isinstance(spectra, hs.signals.Signal1D)
    (axis,) = spectra.axes_manager.signal_axes
    assert (axis.name, axis.units, axis.offset, axis.scale) == ("wavelength", "nm", 400, 30)
    np.testing.assert_array_equal(spectra.data, unmixed["component_spectra"])
    assert list(spectra.metadata.spaxel.components.name) == NAMES


def test_hyperspy_opens_an_uneven_axis(tmp_path):
    axis = np.geomspace(400, 700, 11)
    signals = hs.load(spaxel.export(a_result(axis=axis), tmp_path / "all.hspy", what="spectra"))
    np.testing.assert_array_equal(signals[0].axes_manager.signal_axes[0].axis, axis)


def test_xarray_opens_netcdf(tmp_path, unmixed):
    path = spaxel.export(unmixed, tmp_path / "all.nc")
    with xr.open_dataset(path, engine="h5netcdf") as data:
        assert data["labels"].dtype == np.int32  # no data is -1 and no NaN
        for name in ("labels", "confidence", "abundances", "residual", "component_spectra", "component_spread"):
            np.testing.assert_array_equal(data[name], unmixed[name])
        assert list(data["component"].values) == NAMES
        assert data["labels"].attrs["flag_meanings"].split() == ["no_data", "azurite_blue", "b_1_1_b", "lésion_β"]
        np.testing.assert_allclose(data["x"], np.arange(7) * 0.25)
        assert data["x"].attrs["units"] == "mm"
        assert data["channel"].attrs["units"] == "nm"
        assert data.attrs["sentence"] == "3 components: a test."
        np.testing.assert_allclose(data["component_area_mm2"], unmixed["component_size"] * 0.125)


def test_netcdf_has_map_coordinates(tmp_path):
    result = a_result(transform=[500000.0, 30.0, 0.0, 4.5e6, 0.0, -20.0], crs="EPSG:32633", pixel_units="m")
    with xr.open_dataset(spaxel.export(result, tmp_path / "all.nc"), engine="h5netcdf") as data:
        np.testing.assert_allclose(data["x"][:2], [500015, 500045])
        np.testing.assert_allclose(data["y"][:2], [4.5e6 - 10, 4.5e6 - 30])
        assert data["crs"].attrs["crs_wkt"] == "EPSG:32633"


def test_csv_of_components_and_spectra(tmp_path, plain):
    folder = spaxel.export(plain, tmp_path / "out", to="csv")
    assert {file.name for file in folder.iterdir()} == {"components.csv", "spectra.csv", "export.json"}
    header, *lines = rows(folder / "components.csv")
    assert header == ["component", "name", "n_pixels", "share", "color"]  # no candidates along wavelengths
    assert [line[1] for line in lines] == NAMES
    np.testing.assert_allclose(sum(float(line[3]) for line in lines), 1, rtol=1e-6)
    header, *lines = rows(folder / "spectra.csv")
    assert header[:3] == ["wavelength (nm)", "azurite, blue mean (counts)", "azurite, blue spread (counts)"]
    np.testing.assert_allclose([float(line[2]) for line in lines], plain["component_spread"][0], rtol=1e-6)


def test_csv_of_a_list_keeps_samples_and_groups_and_holds_no_formula(tmp_path, listed):
    folder = spaxel.export(listed, tmp_path / "out", to="csv")
    header, *lines = rows(folder / "samples.csv")
    assert header == ["sample", "group", "y", "label", "component", "confidence", *NAMES, "residual"]
    assert lines[0][:2] == ["tea 0", "green"]
    assert lines[3][1] == "'=black"
    np.testing.assert_allclose(
        [float(line[6]) for line in lines if line[6]], listed["abundances"][:, 0, 0].dropna("y"), rtol=1e-6
    )


def test_csv_of_pixels_where_they_are_asked_for(tmp_path, unmixed):
    folder = spaxel.export(unmixed, tmp_path / "out", to="csv", what="labels,residual")
    header, *lines = rows(folder / "pixels.csv")
    assert header == ["y", "x", "label", "component", "residual"]
    assert len(lines) == 13 * 7
    assert [int(line[2]) for line in lines] == unmixed["labels"].values.ravel().tolist()
