import numpy as np
import pytest
import xarray as xr

from spaxel.cube import axis_label, canonical_units, check_cube, make_cube, note, note_guess, usable
from spaxel.errors import AxisError, CubeError, GuessWarning
from spaxel.testing import tiny_cube


def test_a_decreasing_axis_is_reversed_with_everything_on_it():
    spectra = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    cube = make_cube(spectra, [8, 6, 4, 2], "cm-1", variance=spectra * 10)
    assert cube["channel"].values.tolist() == [2, 4, 6, 8]
    assert np.array_equal(cube["spectra"], spectra[..., ::-1])
    assert np.array_equal(cube["variance"], spectra[..., ::-1] * 10)
    assert "reversed" in cube.attrs["history"][0]
    assert axis_label(cube) == "wavenumber (1/cm)"


def test_an_axis_out_of_order_is_sorted():
    cube = make_cube(np.arange(6.0).reshape(1, 2, 3), [3, 1, 2], "nm")
    assert cube["spectra"].values[0, 0].tolist() == [1, 2, 0]
    assert "sorted" in cube.attrs["history"][0]


@pytest.mark.parametrize(
    ("axis", "message"), [([1, 1, 2], "more than once"), ([1, np.nan, 2], "NaN"), ([1, 2], "3 channels")]
)
def test_an_axis_that_orders_nothing_is_refused(axis, message):
    with pytest.raises(AxisError, match=message):
        make_cube(np.zeros((2, 2, 3)), axis)


@pytest.mark.parametrize(
    ("spectra", "message"),
    [
        (np.zeros((2, 2, 3), complex), "real numbers"),
        (np.zeros((2, 2, 3), object), "numeric"),
        (np.zeros((2, 3)), "2 dimensions"),
        (np.zeros((2, 0, 3)), "empty"),
        ([[1]], "must be an array"),
    ],
)
def test_what_is_no_cube_is_refused(spectra, message):
    with pytest.raises(CubeError, match=message):
        make_cube(spectra)


def test_swapped_axes_are_explained():
    with pytest.raises(CubeError, match=r"has dims .*expected .*Try cube\.transpose"):
        check_cube(tiny_cube().transpose("channel", "y", "x"))


def test_a_dataset_that_is_no_cube_is_explained():
    with pytest.raises(CubeError, match="open_cube"):
        check_cube(xr.Dataset())
    with pytest.raises(AxisError, match="coordinate"):
        check_cube(tiny_cube().drop_vars("channel"))
    with pytest.raises(AxisError, match="sortby"):
        check_cube(tiny_cube().isel(channel=slice(None, None, -1)))


@pytest.mark.parametrize("name", ["valid", "truth_labels", "variance", "truth_spectra"])
def test_what_stands_beside_must_fit(name):
    with pytest.raises(CubeError, match=f"{name} has shape"):
        make_cube(np.ones((5, 4, 3)), **{name: np.ones((4, 5) if name != "variance" else (5, 3, 4))})


def test_notes_do_not_touch_the_cube_they_are_on():
    cube = tiny_cube()
    noted = note(cube, "crop: all", "crop", low=1.0)
    assert cube.attrs["history"] == []
    assert noted.attrs["history"] == ["crop: all"]
    assert noted.attrs["steps"] == [{"name": "crop", "parameters": {"low": 1.0}}]


def test_a_guess_is_said_and_kept():
    with pytest.warns(GuessWarning, match="channel_axis"):
        cube = note_guess(tiny_cube(), "took axis 0; option channel_axis decides")
    assert "channel_axis" in cube.attrs["guesses"][0]


def test_usable_spectra():
    spectra = np.array([[1.0, 0], [0, 0], [np.nan, 1], [np.inf, 1], [-1, 2]])
    assert usable(spectra).tolist() == [True, False, False, False, True]
    assert usable(spectra, np.array([False, True, True, True, True])).tolist() == [False, False, False, False, True]
    assert usable(np.array([[0, 0], [0, 3]], dtype=np.uint8)).tolist() == [False, True]


def test_units_have_one_spelling():
    assert [canonical_units(u) for u in ("Nanometers", "cm-1", "KEV", None, "furlong")] == [
        "nm", "1/cm", "keV", "index", "furlong",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "ours", "quantity"),
    [
        ("Wavenumbers (cm-1)", "1/cm", "wavenumber"), ("cm⁻¹", "1/cm", "wavenumber"), ("Raman Shift", "1/cm", "wavenumber"),
        ("Millimeters", "mm", "wavelength"), ("THz", "THz", "frequency"), ("m s-1", "m/s", "velocity"), ("EV", "eV", "energy"),
        ("microns", "um", "wavelength"), ("Micrometers", "um", "wavelength"), ("micron", "um", "wavelength"),
        ("µm", "um", "wavelength"), ("μm", "um", "wavelength"), ("Nanometers", "nm", "wavelength"),
        ("nanometre", "nm", "wavelength"), ("Angstroms", "Angstrom", "wavelength"), ("Å", "Angstrom", "wavelength"),
        ("cm^-1", "1/cm", "wavenumber"), ("wavenumber", "1/cm", "wavenumber"), ("KeV", "keV", "energy"),
        ("eV", "eV", "energy"), ("Unknown", "index", "channel"), (None, "index", "channel"),
    ],
)  # fmt: skip
def test_every_spelling_of_a_unit_is_that_unit(found, ours, quantity):
    channel = make_cube(np.ones((1, 1, 3)), [0.4, 0.5, 0.6], found)["channel"]
    assert channel.attrs == {"units": ours, "long_name": quantity}
