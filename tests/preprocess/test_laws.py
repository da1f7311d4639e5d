"""Laws of corrections: lazy, the same bits whatever the tiles, alike before and after cropping the image, twice is once."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.preprocess.steps import STEPS, apply_step, repeat

HEIGHT, WIDTH, CHANNELS = 7, 6, 61
AXIS = 400 + 5.0 * np.arange(CHANNELS)
REFERENCE = [float(1 + 0.3 * np.exp(-(((c - 30) / 6) ** 2)) + 0.002 * c) for c in range(CHANNELS)]
LEARNED = {"msc": {"reference": REFERENCE}, "emsc": {"reference": REFERENCE}, "align": {"reference": REFERENCE}}
ALL = {
    "crop": {"low": 420.0, "high": 650.0},
    "rebin": {"factor": 2.0},
    "mask_channels": {"drop": [3, 7]},
    "despike": {},
    "despike neighbours": {"method": "neighbours"},
    "despike whitaker-hayes": {"method": "whitaker-hayes"},
    "baseline": {},
    "baseline asls": {"method": "asls"},
    "baseline rolling_ball": {"method": "rolling_ball"},
    "baseline polynomial": {"method": "polynomial"},
    "continuum_removal": {},
    "absorbance": {},
    "normalise area": {},
    "normalise band": {"by": "band", "low": 450.0, "high": 500.0},
    "normalise peak": {"by": "peak"},
    **LEARNED,
    "smooth": {},
    "derivative": {},
    "destripe": {"width": 3},
    "destripe gain": {"how": "gain", "along": "rows"},
    "voronoi": {"target": 400.0},
}
OF_ONE_IMAGE = ("destripe", "destripe gain", "voronoi")  # what they learn belongs to the whole image
LOOKS_AROUND = ("despike neighbours",)  # by one pixel
CHANGES_AXIS = ("crop", "rebin", "mask_channels")
ONCE = ("continuum_removal", "normalise area", "normalise band", "normalise peak", "msc", "emsc")


def scene(seed: int = 0, *, gaps: bool = False) -> xr.Dataset:
    """Reflectance with bands of two materials, scatter, noise, spikes; with gaps: missing values, a pixel without data."""
    rng = np.random.default_rng(seed)
    c = np.arange(CHANNELS)
    bands = np.stack([np.exp(-(((c - place) / 5) ** 2)) for place in (28, 32)])
    labels = (np.arange(HEIGHT) > 3).astype(int)[:, None] * np.ones(WIDTH, int)
    spectra = 1 + 0.3 * bands[labels] + 0.002 * c
    spectra = spectra * rng.uniform(0.5, 1.5, (HEIGHT, WIDTH, 1)) + rng.normal(0, 0.003, spectra.shape)
    spectra[rng.integers(0, HEIGHT, 9), rng.integers(0, WIDTH, 9), rng.integers(0, CHANNELS, 9)] += 3
    if gaps:
        spectra[rng.random(spectra.shape) < 0.03] = np.nan
        spectra[4, 5] = np.nan
        spectra[5, 2] = 0
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[0, 3] = False
    return make_cube(spectra, AXIS, "nm", valid=valid, variance=np.full(spectra.shape, 1e-5))


def done(cube: xr.Dataset, name: str) -> xr.Dataset:
    return apply_step(cube, name.split()[0], ALL[name])


def test_every_step_is_held_to_the_laws():
    assert {name.split()[0] for name in ALL} == set(STEPS)


@pytest.mark.same_bits
@pytest.mark.parametrize("name", ALL)
@settings(deadline=None, max_examples=3)
@given(st.integers(2, HEIGHT), st.integers(2, WIDTH), st.integers(9, CHANNELS), st.booleans())
def test_lazy_and_the_same_bits_whatever_the_tiles(name, rows, columns, channels, gaps):
    cube = scene(gaps=gaps)
    whole, lazy = done(cube, name), done(cube.chunk(y=rows, x=columns, channel=channels), name)
    assert lazy["spectra"].chunks is not None
    assert lazy["spectra"].dtype == whole["spectra"].dtype
    for part in (np.s_[:3], np.s_[3:, 1:5]):
        assert np.array_equal(lazy["spectra"][part].values, whole["spectra"][part].values, equal_nan=True)
    if "variance" in whole:
        assert np.array_equal(lazy["variance"].values, whole["variance"].values, equal_nan=True)


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_ONE_IMAGE])
def test_a_part_of_the_image_gets_what_it_gets_in_the_whole(name):
    cube, rows, columns = scene(gaps=True), slice(2, 7), slice(1, 5)
    part, whole = done(cube.isel(y=rows, x=columns), name), done(cube, name).isel(y=rows, x=columns)
    edge = slice(1, -1) if name in LOOKS_AROUND else slice(None)
    assert np.array_equal(part["spectra"][edge, edge], whole["spectra"][edge, edge], equal_nan=True)


@pytest.mark.parametrize("name", ONCE)
def test_twice_is_once(name):
    once = done(scene(gaps=True), name)
    twice = done(once, name)
    np.testing.assert_allclose(twice["spectra"], once["spectra"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in ALL if name not in CHANGES_AXIS])
def test_what_is_missing_stays_missing_and_spreads_no_farther(name):
    cube = scene(gaps=True)
    gone, new = np.isnan(cube["spectra"].values), np.isnan(done(cube, name)["spectra"].values)
    assert (new | ~gone).all() or name in (
        "align",
        "voronoi",
    )  # it moves with what is around it, or others of the bin have it
    dark = (cube["spectra"] == 0).all("channel").values
    if name == "align":  # by up to 3 channels, and a value between two channels needs both
        for _ in range(4):
            gone[..., 1:] |= gone[..., :-1].copy()
            gone[..., :-1] |= gone[..., 1:].copy()
    assert not (new & ~gone)[~dark].any()


@pytest.mark.parametrize("name", [name for name in ALL if name not in OF_ONE_IMAGE])
def test_one_missing_value_changes_little_elsewhere(name):
    whole = scene()
    holed = whole.copy(deep=True)
    holed["spectra"][4, 3, 50] = np.nan
    a, b = done(whole, name)["spectra"], done(holed, name)["spectra"]
    others = np.ones((HEIGHT, WIDTH), bool)
    reach = np.s_[3:6, 2:5] if name in LOOKS_AROUND else np.s_[4:5, 3:4]
    others[reach] = False
    assert np.array_equal(a.values[others], b.values[others], equal_nan=True)
    if name not in (*CHANGES_AXIS, "despike whitaker-hayes"):  # there a step just below the threshold may pass it
        far = np.abs(a.values[4, 3] - b.values[4, 3])[:40]
        assert np.nanmax(far) < 0.05 * float(a.max() - a.min())


@pytest.mark.parametrize("name", ALL)
def test_predict_repeats_the_same_numbers(name):
    import json

    cube, other = scene(), scene(1)
    steps = json.loads(json.dumps(done(cube, name).attrs["steps"]))
    again = repeat(other, steps)
    assert again.attrs["steps"] == steps
    assert np.array_equal(again["spectra"], done(other, name)["spectra"], equal_nan=True)
    assert again.attrs["history"] == done(cube, name).attrs["history"] or name in (*LEARNED, "voronoi")


@pytest.mark.parametrize("name", ["msc", "emsc", "align"])
def test_what_is_learned_from_a_sample_is_kept(name):
    cube, other = scene(gaps=True), scene(1)
    steps = apply_step(cube, name, {}).attrs["steps"]
    assert len(steps[0]["parameters"]["reference"]) == CHANNELS
    new = repeat(other, steps)
    assert new.attrs["steps"] == steps
    corrected = apply_step(other, name, {"reference": steps[0]["parameters"]["reference"]})
    assert np.array_equal(new["spectra"], corrected["spectra"], equal_nan=True)


@pytest.mark.parametrize("name", ALL)
def test_a_table_is_corrected_or_refused(name):
    from spaxel.errors import ParameterError

    table = scene().isel(x=[4]).drop_vars("valid")
    if name in (*LOOKS_AROUND, *OF_ONE_IMAGE):
        with pytest.raises(ParameterError, match=r"(In a table no \w+ has neighbours|a table has none)"):
            done(table, name)
    else:
        assert done(table, name).sizes["y"] == HEIGHT


@pytest.mark.parametrize("name", ["normalise area", "absorbance", "msc", "emsc", "smooth", "derivative"])
def test_the_variance_follows(name):
    """Against the scatter of many noisy copies of one spectrum."""
    rng, sd = np.random.default_rng(3), 0.002
    clean = scene(7)["spectra"].values[5, 4]
    copies = make_cube(
        clean + rng.normal(0, sd, (40, 40, CHANNELS)), AXIS, "nm", variance=np.full((40, 40, CHANNELS), sd**2)
    )
    new = done(copies, name)
    ratio = float(new["spectra"].values.reshape(1600, -1).var(0).mean() / new["variance"].values.mean())
    assert 0.75 < ratio < 1.25


@pytest.mark.parametrize("name", ["align"])
def test_a_variance_that_no_longer_holds_goes_aloud(name):
    new = done(scene(), name)
    assert "variance" not in new
    assert "variance no longer holds" in new.attrs["history"][-1]
