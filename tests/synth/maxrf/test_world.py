import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import check_cube
from spaxel.errors import ParameterError
from spaxel.metrics import score, spatial_coherence
from spaxel.readers.native import write_cube
from spaxel.readers.registry import open_cube
from spaxel.synth import simulate
from spaxel.synth.maxrf.fluorescence import Instrument
from spaxel.synth.maxrf.pigments import PIGMENTS, paint, paint_spectra
from spaxel.synth.maxrf.world import maxrf


def likeliest(cube):
    """The oracle: for each pixel the pure spectrum that makes its counts likeliest, whatever the brightness."""
    shapes = cube["truth_spectra"].values / cube["truth_spectra"].values.sum(1, keepdims=True)
    counts = cube["spectra"].values.astype(float)
    return (counts @ np.log(0.95 * shapes + 0.05 * shapes.mean(0)).T).argmax(-1)


def peak(spectrum, energies, at, half=0.2):
    """Net height at an energy, in units of the spectrum just beside it."""
    near = np.abs(energies - at)
    return spectrum[near < half / 2].max() / np.median(spectrum[(near > half) & (near < 3 * half)])


def test_the_convention_and_the_truth():
    cube = check_cube(simulate("maxrf", height=13, width=7, channels=64, seed=5))
    assert cube["spectra"].dtype == np.uint16
    assert cube["channel"].attrs == {"units": "keV", "long_name": "energy"}
    assert cube.attrs["truth_names"] == list(PIGMENTS)[:6]
    assert cube["truth_labels"].dtype == np.int32
    shares = cube["truth_abundances"].values
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-6)
    np.testing.assert_array_equal(shares.argmax(-1), cube["truth_labels"])
    assert cube["truth_spectra"].dims == ("truth_component", "channel")
    np.testing.assert_allclose(cube["truth_spectra"].sum("channel"), 400)


def test_without_noise_the_cube_is_what_the_truth_says():
    cube = maxrf(20, 30, channels=50, counts=1000, noise=False)
    linear = cube["truth_abundances"].values @ cube["truth_spectra"].values
    ratio = cube["spectra"].values / linear
    np.testing.assert_allclose(ratio, ratio[..., :1] * np.ones(50), rtol=1e-4)  # one brightness per pixel
    assert ratio.mean() == pytest.approx(1, rel=1e-3)
    assert 0.02 < ratio[..., 0].std() < 0.6


def test_counts_are_poisson_around_what_is_expected():
    options = {"channels": 32, "counts": 300, "seed": 2}
    drawn, mean = (maxrf(64, 70, noise=noise, **options)["spectra"].values for noise in (True, False))
    pull = (drawn - mean) / np.sqrt(mean)
    np.testing.assert_allclose(pull[mean > 1].mean(), 0, atol=0.02)
    np.testing.assert_allclose(pull[mean > 1].var(), 1, atol=0.02)


def test_equal_seeds_give_equal_bits_and_others_do_not():
    one, same, other = (maxrf(9, 11, channels=64, seed=s).compute() for s in (4, 4, 5))
    assert one.identical(same)
    assert not np.array_equal(one["spectra"], other["spectra"])
    assert not np.array_equal(one["truth_labels"], other["truth_labels"])


def test_the_answer_does_not_depend_on_how_it_is_read(tmp_path):
    cube = maxrf(70, 130, channels=16, seed=1)
    assert cube["spectra"].chunks == ((64, 6), (64, 64, 2), (16,))
    whole = cube.compute()
    window = cube.isel(y=slice(60, 68), x=slice(120, 130)).compute()
    assert window.identical(whole.isel(y=slice(60, 68), x=slice(120, 130)))
    assert cube.chunk({"y": 35, "x": 130}).compute().identical(whole)
    read = open_cube(write_cube(cube, tmp_path / "painting.zarr"))
    assert read[list(whole)].compute().equals(whole)
    assert read.attrs["truth_names"] == whole.attrs["truth_names"]


def test_tiles_draw_their_own_numbers():
    even = maxrf(128, 128, channels=8, contrast=0, mixing=0, border=1e6)[
        "spectra"
    ].values  # every pixel expects the same
    tiles = [even[y : y + 64, x : x + 64, 3].ravel() for y in (0, 64) for x in (0, 64)]
    apart = np.corrcoef(tiles)[~np.eye(4, dtype=bool)]
    assert np.abs(apart).max() < 0.08


def test_a_huge_painting_costs_nothing_until_it_is_read():
    cube = maxrf(5_000, 4_000, channels=2048)
    corner = cube.isel(y=slice(4_999, None), x=slice(3_990, None))
    assert corner["spectra"].values.shape == (1, 10, 2048)


def test_classes_are_identifiable_and_photons_help():
    sure, quick = (maxrf(96, 96, counts=counts, seed=3).compute() for counts in (400, 20))
    truth = sure["truth_labels"].values
    pure = sure["truth_abundances"].values.max(-1) > 0.7  # soft borders have no right answer
    assert pure.mean() > 0.5
    accuracy = [(likeliest(cube) == truth)[pure].mean() for cube in (sure, quick)]
    assert accuracy[0] > 0.99
    assert 0.95 < accuracy[1] < accuracy[0]
    everywhere = [score(likeliest(cube), cube)["accuracy"] for cube in (sure, quick)]
    assert everywhere[0] > 0.95
    assert everywhere[1] < everywhere[0]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(2, 15))
def test_every_pigment_has_a_smooth_region_of_its_own(seed, n):
    labels = maxrf(96, 80, seed=seed, n_pigments=n, channels=8)["truth_labels"].values
    pixels = np.bincount(labels.ravel(), minlength=n)
    assert pixels.min() >= 10
    assert n < 4 or pixels.max() > 1.2 * pixels.min()  # two or three may share the image evenly by chance
    assert spatial_coherence(labels) > 0.75


def test_lines_stand_where_the_elements_have_them():
    edges = np.linspace(0.5, 38.5, 1025)
    energies = (edges[1:] + edges[:-1]) / 2
    tube = Instrument(tube_kv=45.0)
    found = dict(zip(PIGMENTS, paint_spectra([paint(name) for name in PIGMENTS], tube, edges), strict=True))
    for name, at in [
        ("lead white", 10.55), ("lead white", 2.34), ("vermilion", 9.99), ("azurite", 8.05), ("red ochre", 6.40),
        ("umber", 5.90), ("smalt", 6.93), ("zinc white", 8.63), ("titanium white", 4.51), ("chrome yellow", 5.41),
        ("lead-tin yellow", 25.2), ("cadmium yellow", 23.1), ("bone black", 2.01), ("smalt", 3.31), ("azurite", 3.69),
    ]:  # fmt: skip
        assert peak(found[name], energies, at) > 2, (name, at)
    for name, spectrum in found.items():
        assert spectrum.sum() == pytest.approx(1)
        assert (spectrum >= 0).all()
        assert spectrum[np.abs(energies - 19.0) < 0.3].max() > 1.5 * spectrum[np.abs(energies - 30) < 1].mean(), name
    share = (energies > 17) & (energies < 22)
    assert found["bone black"][share].sum() > found["lead white"][share].sum()  # light matter scatters more


def test_no_light_above_the_voltage_of_the_tube():
    cube = maxrf(2, 2, tube_kv=20, pigments=["lead-tin yellow", "azurite"], counts=1e6, noise=False)
    above = cube["truth_spectra"].sel(channel=slice(20.5, None))
    assert above.sum() < 1e-3 * cube["truth_spectra"].sum()


def test_a_thicker_layer_hides_the_ground():
    edges = np.linspace(0.5, 38.5, 257)
    calcium = np.abs((edges[1:] + edges[:-1]) / 2 - 3.69) < 0.15
    thin, thick = (paint_spectra([paint("azurite")], Instrument(), edges, t)[0, calcium].sum() for t in (0.001, 0.02))
    assert thin > 3 * thick


def test_peaks_have_the_width_of_the_detector():
    tube = Instrument()
    assert tube.fwhm(np.array(5.895)) == pytest.approx(0.14)
    assert tube.fwhm(np.array(25.0)) > tube.fwhm(np.array(6.4)) > tube.fwhm(np.array(2.0)) > 0.07
    wide = tube.response(np.array([6.4]), np.linspace(5, 8, 301))
    assert wide.sum() == pytest.approx(1)


def test_many_photons_fit_the_dtype():
    cube = maxrf(5, 5, counts=5e6, channels=64)
    assert cube["spectra"].dtype == np.uint32
    assert cube["spectra"].values.sum(-1).mean() == pytest.approx(5e6, rel=1e-2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_tiny_paintings(shape):
    cube = maxrf(*shape, channels=8).compute()
    assert cube["spectra"].shape == (*shape, 8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "mars"}, "no world 'mars'. Known worlds: .*maxrf"),
        ({"height": 0}, "height is 0, expected a whole number from 1"),
        ({"width": -3}, "width is -3"),
        ({"width": 2.5}, "width is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"colour": 3}, "no option colour. Known options: n_pigments, pigments, counts"),
        ({"n_pigments": 1}, "n_pigments is 1"),
        ({"n_pigments": 16}, "n_pigments is 16"),
        ({"pigments": ["mauve", "smalt"]}, "no pigment 'mauve'. Known: lead white"),
        ({"pigments": ["smalt", "smalt"]}, "expected two or more different names"),
        ({"pigments": "smalt"}, "expected two or more different names"),
        ({"counts": 0}, "counts is 0"),
        ({"counts": float("nan")}, "counts is nan"),
        ({"counts": "many"}, "counts is 'many'"),
        ({"mixing": 2}, "mixing is 2, expected a number from 0 to 1"),
        ({"channels": True}, "channels is True"),
        ({"energies": (9, 3)}, "low < high"),
        ({"energies": 3}, "low, high"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ParameterError, match=message):
        simulate(**{"name": "maxrf", **options})


def test_importing_the_worlds_is_light():
    code = "import sys, spaxel.synth; print({'torch', 'sklearn', 'scipy', 'dask'} & set(sys.modules))"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert "torch" not in loaded
    assert "sklearn" not in loaded


def test_pigments_of_ones_own():
    names = ["azurite", "vermilion"]
    own = maxrf(12, 12, channels=40, pigments={name: PIGMENTS[name] for name in names}, layers=2, relief=0.3)
    known = maxrf(12, 12, channels=40, pigments=names, layers=2, relief=0.3)
    xr.testing.assert_identical(own.load(), known.load())


@pytest.mark.parametrize(
    ("pigments", "message"),
    [
        ({"a": {"Fe": 0.8, "Mn": 0.4}, "b": {"Pb": 0.5}}, "sum to 1.2, expected at most 1"),
        ({"a": {"Xx": 0.8}, "b": {"Pb": 0.5}}, "Xx"),
        ({"a": {"Fe": -0.1}, "b": {"Pb": 0.5}}, "mass fraction of Fe"),
        ({"a": {"Fe": 0.1}}, "two or more"),
    ],
)
def test_pigments_that_cannot_be(pigments, message):
    with pytest.raises(ParameterError, match=message):
        maxrf(8, 8, channels=16, pigments=pigments)


def test_a_pigment_without_a_colour_paints_no_picture():
    with pytest.raises(ParameterError, match="'mine' has no colour"):
        maxrf(
            pigments={"mine": {"Fe": 0.5}, "azurite": {"Cu": 0.5}}, picture=np.zeros((4, 4, 3), np.uint8), channels=16
        )


def test_a_coarser_detector_has_wider_peaks():
    fine, coarse = (
        maxrf(4, 4, channels=800, resolution=r, noise=False)["truth_spectra"][2].values for r in (0.13, 0.3)
    )
    assert fine.max() > 1.5 * coarse.max()
