"""Maps of lines against simulated truth: amounts of pigments, fluxes of gas; and that tiles do not change them."""

import inspect

import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.results.line_maps import line_maps
from spaxel.synth.ifu import world
from spaxel.synth.ifu.light import GAS, line_fluxes
from spaxel.synth.maxrf.world import maxrf


@pytest.fixture(scope="module")
def painting():
    cube = maxrf(40, 48, channels=512, pigments=["azurite", "vermilion", "lead white"], counts=400, seed=3).compute()
    return cube, KMeans(n_clusters=3).fit(cube).predict(cube)


def test_elements_lie_where_their_pigments_do(painting):
    cube, result = painting
    found = line_maps(cube, result)
    names = [str(name) for name in found["line"].values]
    assert {"Cu Kα", "Hg Lα", "Pb Lα"} <= set(names)
    assert len(names) <= 8
    assert found["line_maps"].dims == ("line", "y", "x")
    assert found["line_maps"].attrs["units"] == "counts"
    assert (np.diff(found["line_position"]) > 0).all()
    for name, pigment in (("Cu Kα", 0), ("Hg Lα", 1), ("Pb Lα", 2)):
        net = found["line_maps"].values[names.index(name)]
        true = cube["truth_abundances"].values[..., pigment]
        assert np.corrcoef(net.ravel(), true.ravel())[0, 1] > 0.95
        assert abs(net[true < 0.03].mean()) < 0.05 * net[true > 0.8].mean()


def test_net_counts_are_those_of_the_line(painting):
    cube, result = painting
    net = line_maps(cube, result, ["Cu"])["line_maps"].values[0]
    pure = cube["truth_abundances"].values[..., 0] > 0.85
    axis = cube["channel"].values
    near = np.abs(axis - 8.04) < 0.25
    beside = (np.abs(axis - 8.04) > 0.25) & (np.abs(axis - 8.04) < 0.4)
    mean = cube["spectra"].values[pure].mean(0)
    wanted = mean[near].sum() - near.sum() * mean[beside].mean()
    assert net[pure].mean() == pytest.approx(wanted, rel=0.06)


def test_fluxes_of_gas_are_those_that_were_put_in():
    options = {name: p.default for name, p in inspect.signature(world.ifu).parameters.items()} | {
        "height": 32,
        "width": 30,
    }
    cube = world.ifu(32, 30, noise=False).compute()
    amount = world.fluxes(world._compose(options), np.arange(32), np.arange(30))[..., 2:]
    result = KMeans(n_clusters=3, scaling="none").fit(cube).predict(cube)
    found = line_maps(cube, result, ["[O III] 5007", "NII6583", "Ha"])
    assert found["line_maps"].attrs["units"] == "value × Angstrom"
    for name, values in zip(found["line"].values, found["line_maps"].values, strict=True):
        true = sum(amount[..., i] * line_fluxes(gas).get(str(name), 0) for i, gas in enumerate(GAS))
        assert np.corrcoef(values.ravel(), true.ravel())[0, 1] > 0.99
        assert values.sum() / true.sum() == pytest.approx(
            0.92, abs=0.08
        )  # the wings of the nucleus; below Hα, stars absorb


def test_tiles_change_no_bit_and_the_input_stays(painting):
    cube, result = painting
    whole, small = line_maps(cube, result), line_maps(cube, result, memory=2**20)
    np.testing.assert_array_equal(whole["line_maps"].values, small["line_maps"].values)
    assert "line_maps" not in result
    again = line_maps(cube, whole, "none")
    assert "line_maps" not in again
    assert "line" not in again.coords


def test_lines_that_cannot_be_mapped_are_refused(painting):
    cube, result = painting
    with pytest.raises(ParameterError, match="no element"):
        line_maps(cube, result, ["Unobtainium"])
    raman = cube.assign_coords(channel=cube["channel"].assign_attrs(units="1/cm"))
    assert "line_maps" not in line_maps(raman, result.assign_coords(channel=raman["channel"]))
    with pytest.raises(ParameterError, match="along an axis in 1/cm"):
        line_maps(raman, result, ["Fe"])
