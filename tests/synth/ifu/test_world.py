import numpy as np
import pytest

from spaxel.cube import check_cube
from spaxel.errors import ParameterError
from spaxel.synth import simulate
from spaxel.synth.ifu.light import GAS, LIGHT_SPEED, LINES, STARS, USUAL, emission, light_of, line_fluxes, starlight
from spaxel.synth.ifu.world import CLASSES, ifu

SMALL = {"channels": 240, "wavelengths": (6400.0, 7000.0), "redshift": 0.01}


def test_the_convention_and_the_truth():
    cube = check_cube(simulate("ifu", height=23, width=31, seed=4, channels=50))
    assert cube["spectra"].dtype == np.float32
    assert cube["channel"].attrs["units"] == "Angstrom"
    assert cube["variance"].shape == cube["spectra"].shape
    assert bool((cube["variance"] > 0).all())
    np.testing.assert_allclose(cube["truth_abundances"].sum("truth_component"), 1, rtol=1e-5)
    assert cube.attrs["truth_names"] == [*STARS, *GAS]
    assert cube["truth_labels"].min() >= 0
    assert cube["truth_labels"].max() < len(CLASSES)


@pytest.mark.parametrize("seed", range(5))
def test_every_class_is_seen(seed):
    labels = ifu(seed=seed, channels=1)["truth_labels"].values
    assert (np.bincount(labels.ravel(), minlength=5) >= 10).all()
    assert 4 not in ifu(seed=seed, channels=1, agn=0)["truth_labels"].values


def test_the_same_bits_however_the_cube_is_read():
    whole = ifu(70, 130, seed=3, channels=12)
    part = whole["spectra"][60:70, 60:100].compute()
    np.testing.assert_array_equal(part, whole["spectra"].compute()[60:70, 60:100])
    again = ifu(70, 130, seed=3, channels=12)["spectra"].compute(scheduler="synchronous")
    np.testing.assert_array_equal(again, whole["spectra"].compute(scheduler="threads"))
    assert not np.array_equal(again, ifu(70, 130, seed=4, channels=12)["spectra"])


def test_noise_has_the_variance_that_the_cube_states():
    options = {"seed": 1, "residual": 0.0, **SMALL}
    clean, drawn = (ifu(noise=noise, **options).compute() for noise in (False, True))
    pull = (drawn["spectra"] - clean["spectra"]) / np.sqrt(drawn["variance"])
    assert float(pull.mean()) == pytest.approx(0, abs=0.01)
    assert float(pull.var()) == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(clean["variance"], drawn["variance"])


def test_signal_to_noise_is_as_asked_at_one_scale_length():
    cube = ifu(120, 120, seed=0, snr=25, inclination=0, seeing=0.5, n_regions=0, agn=0, channels=24, noise=False)
    y, x = np.mgrid[:120, :120]
    bright = cube["spectra"].values.mean(-1)
    at = np.unravel_index(bright.argmax(), bright.shape)
    ring = np.abs(np.hypot(y - at[0], x - at[1]) - 0.14 * 120) < 1
    ratio = (cube["spectra"].values / np.sqrt(cube["variance"].values))[ring]
    assert np.median(ratio) == pytest.approx(25, rel=0.25)


def test_sky_residuals_stand_at_sky_lines_only():
    options = {"seed": 2, "wavelengths": (5500.0, 5660.0), "channels": 160}
    two = [ifu(residual=r, **options)["spectra"].values for r in (0.0, 0.5)]
    change = np.abs(two[1] - two[0]).mean((0, 1))
    assert change[77] > 100 * change[120]


def test_lines_follow_the_rotation():
    cube = ifu(seed=5, rotation=300, agn=0, noise=False, **SMALL)
    wavelength = cube["channel"].values
    window = np.abs(wavelength - LINES["Hα"] * 1.01) < 14
    line = np.maximum(cube["spectra"].values - np.median(cube["spectra"].values, axis=-1, keepdims=True), 0)[
        ..., window
    ]
    line = line[line.max(-1) > 0.2 * line.max()]
    speed = (line @ wavelength[window] / line.sum(-1) / (LINES["Hα"] * 1.01) - 1) * LIGHT_SPEED
    assert np.ptp(speed) > 250
    still = ifu(seed=5, rotation=0, agn=0, noise=False, **SMALL)
    assert still["spectra"].equals(ifu(seed=5, rotation=0, agn=0, noise=False, inclination=50, **SMALL)["spectra"])


def test_light_is_kept_by_the_seeing():
    sharp, soft = (ifu(160, 160, seed=1, seeing=s, channels=4, noise=False, inclination=20) for s in (1.0, 6.0))
    middle = np.s_[30:130, 30:130]
    assert float(soft["spectra"][middle].sum() / sharp["spectra"][middle].sum()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("gas", GAS)
def test_emission_has_the_flux_and_the_ratios_of_its_table(gas):
    edges = np.linspace(4600, 7000, 4801)
    light = emission(gas, edges, np.array([0.002]), 2.6)[0]
    assert light.sum() * 0.5 == pytest.approx(sum(line_fluxes(gas).values()), rel=1e-6)
    assert line_fluxes(gas)["[O III] 5007"] / line_fluxes(gas)["[O III] 4959"] == pytest.approx(2.98, abs=0.02)


def test_a_nucleus_stands_above_kewleys_line_and_regions_below():
    for gas, above in (("H II region", False), ("active nucleus", True)):
        flux = line_fluxes(gas)
        nitrogen, oxygen = np.log10(flux["[N II] 6583"] / flux["Hα"]), np.log10(flux["[O III] 5007"] / flux["Hβ"])
        assert (oxygen > 0.61 / (nitrogen - 0.47) + 1.19) == above


def test_young_stars_are_blue_and_old_stars_red():
    ends = np.array([4300.0, 7600.0])
    old, young = (starlight(name, ends) for name in STARS)
    assert old[1] > old[0]
    assert young[0] > young[1]


def test_gas_stars_and_dust_of_ones_own():
    edges = np.linspace(4600, 7000, 4801)
    own = light_of({"H II region": {"[N II] 6583": 0.07}}, (4000.0, 20000.0), 0.0, 0.0)
    assert line_fluxes("H II region", own)["[N II] 6583"] == 0.07
    assert line_fluxes("H II region", own)["[N II] 6548"] == pytest.approx(0.34 * 0.07)
    assert line_fluxes("diffuse gas", own) == line_fluxes("diffuse gas")
    magnesium = [starlight("old stars", np.array([5100.0, 5175.0, 5230.0]), *light) for light in ((own,), ())]
    depths = [2 * band[1] / (band[0] + band[2]) for band in magnesium]
    assert depths[0] == pytest.approx(1, abs=0.01)
    assert depths[1] < 0.85
    clean, red = (emission("H II region", edges, np.zeros(1), 2.6, USUAL._replace(dust=dust))[0] for dust in (0.0, 1.0))
    blue = edges[1:] < 5000
    assert red[blue].sum() / clean[blue].sum() < 0.9
    assert red[~blue].sum() > clean[~blue].sum()
    seen, same = (ifu(seed=3, noise=False, **SMALL, **more)["truth_labels"].values for more in ({}, {"dust": 2.0}))
    assert np.array_equal(seen, same)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gas": {"tea": {}}},
        {"gas": {"H II region": {"tea": 1.0}}},
        {"temperatures": (4000.0,)},
        {"temperatures": (100.0, 9000.0)},
        {"metals": -1},
        {"dust": float("inf")},
        {"snr": 0},
        {"wavelengths": (7000, 5000)},
        {"n_regions": -1},
        {"seeing": float("nan")},
        {"channels": 0},
        {"noise": "no"},
    ],
)
def test_a_wrong_option_is_named(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        ifu(**wrong)
