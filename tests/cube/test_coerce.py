"""What other packages call a cube. Stand-ins here; the packages themselves where they are installed."""

from types import SimpleNamespace

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.cube import as_cube, make_cube
from spaxel.cube.coerce import is_cube
from spaxel.errors import AxisError, CubeError, GuessWarning, ParameterError
from spaxel.methods.mixtures.baselines import NMF
from spaxel.testing import tiny_cube

CUBE = tiny_cube(20, 17)
SPECTRA = CUBE["spectra"].values.astype(np.float64)  # (y, x, channel)
AXIS = CUBE["channel"].values


class Unit:
    """As astropy writes one."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class Quantity(np.ndarray):
    """An array with a unit, as astropy's."""

    @property
    def value(self):
        return self.view(np.ndarray)


def quantity(values, unit):
    found = np.asarray(values).view(Quantity)
    found.unit = Unit(unit)
    return found


def navigation(name, at):
    return SimpleNamespace(name=name, index_in_array=at, units="um", axis=np.arange(3.0))


def signal(data, at, *, name="Energy", units="keV", axis=AXIS):
    """As HyperSpy's Signal1D: navigation axes are listed x first."""
    others = [i for i in range(data.ndim) if i != at]
    axes = [navigation(n, i) for n, i in zip("yx", others, strict=False)][::-1]
    spectral = SimpleNamespace(name=name, index_in_array=at, units=units, axis=axis)
    return SimpleNamespace(data=data, axes_manager=SimpleNamespace(navigation_axes=axes, signal_axes=[spectral]))


def spectrum(flux, **more):
    """As specutils' Spectrum."""
    nothing = {"mask": None, "uncertainty": None}
    return SimpleNamespace(flux=quantity(flux, "Jy"), spectral_axis=quantity(AXIS, "keV"), **nothing | more)


def ndcube(data, kinds, **more):
    """As an NDCube."""
    nothing = {"mask": None, "uncertainty": None, "unit": Unit("ct")}
    return SimpleNamespace(
        data=data,
        array_axis_physical_types=kinds,
        axis_world_coords=lambda at: (quantity(AXIS, "keV"),),
        **nothing | more,
    )


SKY = [("em.energy",), ("custom:pos.lat",), ("custom:pos.lon",)]
FIRST = SPECTRA.transpose(2, 0, 1)
GIVEN = {
    "DataArray": xr.DataArray(
        SPECTRA, dims=("y", "x", "energy"), coords={"energy": ("energy", AXIS, {"units": "keV"})}
    ),
    "DataArray, spectral first": xr.DataArray(
        FIRST, dims=("energy", "y", "x"), coords={"energy": ("energy", AXIS, {"units": "keV"})}
    ),
    "DataArray, x before y": xr.DataArray(
        SPECTRA.transpose(1, 0, 2), dims=("x", "y", "energy"), coords={"energy": ("energy", AXIS, {"units": "keV"})}
    ),
    "Dataset": xr.Dataset(
        {"counts": (("y", "x", "energy"), SPECTRA), "light": (("y", "x"), SPECTRA[..., 0])},
        coords={"energy": ("energy", AXIS, {"units": "keV"})},
    ),
    "signal": signal(SPECTRA, 2),
    "signal, spectral first": signal(FIRST, 0),
    "Spectrum": spectrum(SPECTRA),
    "Spectrum, spectral first": spectrum(FIRST, spectral_axis_index=0),
    "NDCube": ndcube(FIRST, SKY),
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_all_kinds_of_cube_are_one(given):
    cube = make_cube(given)
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    np.testing.assert_array_equal(cube["channel"], AXIS)
    assert cube["channel"].attrs == {"units": "keV", "long_name": "energy"}
    assert is_cube(given)
    xr.testing.assert_identical(as_cube(given), cube)
    opened = spaxel.open_cube(given)
    assert opened["valid"].all()
    xr.testing.assert_identical(opened.drop_vars("valid"), cube)


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN)
def test_fit_and_predict_take_them(given):
    model = spaxel.KMeans(n_clusters=3, n_init=1, scaling="counts")
    labels = model.fit(given).predict(given)["labels"]
    assert np.array_equal(labels, model.fit(CUBE).predict([given, CUBE])[0]["labels"])
    assert labels.shape == (20, 17)


def test_the_last_axis_of_an_array_is_spectral_unless_said():
    xr.testing.assert_identical(make_cube(FIRST, AXIS, "keV", channel_axis=0), make_cube(SPECTRA, AXIS, "keV"))
    xr.testing.assert_identical(make_cube(FIRST, AXIS, "keV", channel_axis=-3), make_cube(SPECTRA, AXIS, "keV"))
    xr.testing.assert_identical(make_cube(SPECTRA, AXIS, "keV", channel_axis=-1), make_cube(SPECTRA, AXIS, "keV"))
    assert make_cube(FIRST).sizes["channel"] == 17
    assert spaxel.open_cube(FIRST, channel_axis=0, channel=AXIS, units="keV").sizes["channel"] == 11


def test_a_dask_array_stays_lazy():
    lazy = da.from_array(FIRST, chunks=5)
    cube = make_cube(lazy, channel_axis=0)
    assert isinstance(cube["spectra"].data, da.Array)
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)


def test_units_of_values_are_kept():
    cube = make_cube(quantity(SPECTRA, "W / (m2 sr)"), quantity(AXIS, "nm"))
    assert cube["spectra"].attrs == {"units": "W/(m2 sr)"}
    assert cube["channel"].attrs["units"] == "nm"
    assert make_cube(SPECTRA, quantity(AXIS, "1 / cm"))["channel"].attrs["units"] == "1/cm"
    assert make_cube(GIVEN["NDCube"])["spectra"].attrs == {"units": "ct"}
    result = spaxel.KMeans(n_clusters=2, n_init=1).fit_predict(quantity(SPECTRA, "Jy"))
    assert result["component_spectra"].attrs == {"units": "Jy"}


def test_what_is_given_beside_wins():
    cube = make_cube(GIVEN["DataArray"], AXIS + 1, "eV", long_name="loss")
    assert cube["channel"].values[0] == AXIS[0] + 1
    assert cube["channel"].attrs == {"units": "eV", "long_name": "loss"}


def test_a_line_of_pixels_of_a_signal_is_a_cube():
    cube = make_cube(signal(SPECTRA[0], 1))
    assert cube["spectra"].shape == (17, 1, 11)
    assert make_cube(signal(SPECTRA[0, 0], 0))["spectra"].shape == (1, 1, 11)
    np.testing.assert_array_equal(make_cube(spectrum(SPECTRA[0]))["spectra"][:, 0], SPECTRA[0])


def test_units_that_are_not_defined_are_none():
    Undefined = type("_Undefined", (), {})
    cube = make_cube(signal(SPECTRA, 2, name=Undefined(), units=Undefined()))
    assert cube["channel"].attrs == {"units": "index", "long_name": "channel"}


@pytest.mark.parametrize(("kind", "factor"), [("std", 2.0), ("var", 4.0), ("ivar", 0.25)])
def test_uncertainty_becomes_variance(kind, factor):
    uncertainty = SimpleNamespace(array=np.full(SPECTRA.shape, factor), uncertainty_type=kind)
    cube = make_cube(spectrum(SPECTRA, uncertainty=uncertainty))
    np.testing.assert_array_equal(cube["variance"], np.full(SPECTRA.shape, 4.0))
    other = SimpleNamespace(array=np.ones(SPECTRA.shape), uncertainty_type="unknown")
    assert "variance" not in make_cube(spectrum(SPECTRA, uncertainty=other))


def test_what_a_mask_hides_is_missing():
    mask = np.zeros(SPECTRA.shape, bool)
    mask[3, 4], mask[5, 6, 7] = True, True
    for given in (
        spectrum(SPECTRA, mask=mask),
        ndcube(FIRST, SKY, mask=mask.transpose(2, 0, 1)),
        np.ma.array(SPECTRA, mask=mask),
    ):
        cube = make_cube(given)
        assert np.array_equal(np.isnan(cube["spectra"]), mask)
        assert np.argwhere(~cube["valid"].values).tolist() == [[3, 4]]
    assert "valid" not in make_cube(ndcube(FIRST, SKY, mask=False))


def test_a_dimension_without_a_name_for_it_is_a_guess_that_is_said():
    array = xr.DataArray(SPECTRA, dims=("a", "b", "c"))
    with pytest.warns(GuessWarning, match=r"c, the last of the dimensions \(a, b, c\), is taken as spectral"):
        cube = make_cube(array)
    assert len(cube.attrs["guesses"]) == 1
    assert make_cube(array, channel_axis="c").attrs["guesses"] == []
    assert make_cube(array, channel_axis="a").sizes["channel"] == 20
    named = GIVEN["DataArray"].assign_coords(y=np.arange(20.0) * 3)
    assert make_cube(named, channel_axis="y")["channel"].values[2] == 6


def test_of_two_dimensions_that_may_be_spectral_the_last_is_a_guess_that_is_said():
    array = xr.DataArray(SPECTRA, dims=("band", "x", "energy"), coords={"energy": AXIS})
    with pytest.warns(GuessWarning, match=r"energy, the last of the dimensions \(band, x, energy\)"):
        assert make_cube(array)["channel"].values.tolist() == AXIS.tolist()
    first = xr.DataArray(FIRST, dims=("energy", "wavelength", "x"), coords={"energy": AXIS})
    with pytest.warns(GuessWarning, match="x, the last of the dimensions"):
        assert make_cube(first).sizes["channel"] == 17


@pytest.mark.parametrize("name", ["Spectrum", "NDCube"])
def test_where_another_axis_is_said_to_be_spectral_it_has_no_values_of_the_first(name):
    cube = make_cube(GIVEN[name], channel_axis=1)
    assert cube.sizes["channel"] == (17 if name == "Spectrum" else 20)
    assert cube["channel"].values[:3].tolist() == [0, 1, 2]
    assert cube["channel"].attrs == {"units": "index", "long_name": "channel"}


@pytest.mark.parametrize(
    ("given", "options", "error", "message"),
    [
        (FIRST, {"channel_axis": 3}, CubeError, r"channel_axis is 3; the axes are \(0, 1, 2\), 0 to 2"),
        (FIRST[0], {"channel_axis": 0}, CubeError, "2 dimensions"),
        (
            GIVEN["DataArray"],
            {"channel_axis": "depth"},
            CubeError,
            r"channel_axis is 'depth'; the axes are \(y, x, energy\)",
        ),
        (GIVEN["DataArray"][0], {}, CubeError, r"2 dimensions \(x, energy\), expected 3"),
        (xr.Dataset({"a": ("t", [1, 2])}), {}, CubeError, "0 variables of three dimensions"),
        (
            ndcube(FIRST, [("a.b",), ("c.d",), ("e.f",)]),
            {},
            CubeError,
            r"None of the axes \(b, d, f\) is known to be spectral",
        ),
        (FIRST, {"channel": AXIS}, AxisError, r"the spectra have 17 channels \(their last axis"),
    ],
)
def test_errors_say_which_axis_is_meant(given, options, error, message):
    with pytest.raises(error, match=message):
        make_cube(given, **options)


def test_a_signal_of_images_is_explained():
    image = signal(SPECTRA, 2)
    image.axes_manager.signal_axes.append(image.axes_manager.navigation_axes.pop())
    with pytest.raises(CubeError, match=r"2 signal axes \(Energy, y\), expected one"):
        make_cube(image)
    np.testing.assert_array_equal(make_cube(image, channel_axis=2)["channel"], AXIS)


def test_options_of_files_are_not_for_arrays():
    with pytest.raises(ParameterError, match="reader, dataset is for files"):
        spaxel.open_cube(SPECTRA, "envi", dataset="a")


def test_lists_of_arrays_are_cubes_and_lists_of_matrices_are_explained():
    model = spaxel.KMeans(n_clusters=3, n_init=1)
    one, other = model.fit_predict([SPECTRA, SPECTRA[:8]])
    assert other["labels"].shape == (8, 17)
    assert np.array_equal(one["labels"][:8], other["labels"])
    with pytest.raises(CubeError, match="list of matrices"):
        model.fit([SPECTRA[0], SPECTRA[1]])
    with pytest.raises((CubeError, ValueError), match="dim"):
        model.fit(SPECTRA[None])


def test_unmixing_takes_them_too():
    mixture = NMF(n_components=2).fit(GIVEN["signal"]).transform(GIVEN["signal"])
    assert mixture["abundances"].shape == (20, 17, 2)


def test_hyperspy_itself():
    hs = pytest.importorskip("hyperspy.api")
    own = hs.signals.Signal1D(SPECTRA)
    own.axes_manager[2].scale, own.axes_manager[2].offset, own.axes_manager[2].units = 0.5, 1.0, "keV"
    xr.testing.assert_identical(make_cube(own), make_cube(SPECTRA, AXIS, "keV"))
    np.testing.assert_array_equal(make_cube(own.as_lazy())["spectra"], SPECTRA)
    np.testing.assert_array_equal(make_cube(hs.signals.Signal1D(SPECTRA[0]))["spectra"][:, 0], SPECTRA[0])


def test_astropy_itself():
    units = pytest.importorskip("astropy.units")
    cube = make_cube(SPECTRA * units.Jy, AXIS * units.keV)
    assert cube["spectra"].attrs == {"units": "Jy"}
    assert cube["channel"].attrs["units"] == "keV"
    assert make_cube(SPECTRA * units.Jy, AXIS / units.cm)["channel"].attrs["units"] == "1/cm"


def test_specutils_itself():
    specutils = pytest.importorskip("specutils")
    units = pytest.importorskip("astropy.units")
    kind = getattr(specutils, "Spectrum", None) or specutils.Spectrum1D
    cube = make_cube(kind(flux=SPECTRA * units.Jy, spectral_axis=AXIS * units.keV))
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    np.testing.assert_allclose(cube["channel"], AXIS)
    assert cube["spectra"].attrs == {"units": "Jy"}


def test_ndcube_itself():
    own = pytest.importorskip("ndcube")
    wcs = pytest.importorskip("astropy.wcs").WCS(naxis=3)
    wcs.wcs.ctype, wcs.wcs.cunit = ["HPLN-TAN", "HPLT-TAN", "WAVE"], ["arcsec", "arcsec", "nm"]
    wcs.wcs.crpix, wcs.wcs.cdelt, wcs.wcs.crval = [1, 1, 1], [1, 1, 2], [0, 0, 400]
    cube = make_cube(own.NDCube(FIRST, wcs=wcs, unit="ct"))
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    assert cube["channel"].attrs["units"] in ("nm", "m")
    factor = 1e9 if cube["channel"].attrs["units"] == "m" else 1
    np.testing.assert_allclose(cube["channel"] * factor, 400 + 2 * np.arange(11.0))
