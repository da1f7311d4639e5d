import numpy as np
import pytest

from spaxel.errors import ParameterError
from spaxel.synth.maxrf.fluorescence import Instrument, Layer, intensities
from spaxel.synth.maxrf.layered import pile_up, table
from spaxel.synth.maxrf.pigments import GROUND
from spaxel.synth.maxrf.world import maxrf

EDGES = np.linspace(0.5, 20.0, 196)
LEAD, IRON = {"Pb": 0.6, "O": 0.4}, {"Fe": 0.5, "O": 0.5}
SMALL = {"channels": 64, "n_pigments": 3, "counts": 2000.0}


def test_a_line_of_the_layer_below_falls_with_the_thickness_above():
    depths = np.array([0.0005, 0.001, 0.002, 0.004, 0.008])
    stacks = [[Layer(LEAD, depth), Layer(IRON, 0.01), Layer(GROUND, np.inf)] for depth in depths]
    centres = (EDGES[1:] + EDGES[:-1]) / 2
    iron = intensities(stacks, Instrument(), EDGES)[:, np.abs(centres - 6.40) < 0.15].sum(1)
    assert (np.diff(iron) < 0).all()
    slope = np.diff(np.log(iron)) / np.diff(depths)
    assert slope.max() / slope.min() > 0.4  # about exponential: log intensity falls about as fast everywhere


def test_the_table_interpolates_between_thicknesses():
    made = table([LEAD, IRON], [], GROUND, Instrument(), EDGES, 0.004, 0.5)
    paint = np.array([1.0, 0.0])
    at = made.log_thickness
    for i in (0, 3, 6):
        np.testing.assert_allclose(made.mix(paint, np.ones(1), at[i]), made.spectra[0, 0, i], rtol=1e-9)
    between = made.mix(paint, np.ones(1), (at[2] + at[3]) / 2)
    np.testing.assert_allclose(between, made.spectra[0, 0, 2:4].mean(0), rtol=1e-9)


def test_spectra_of_a_layered_painting_are_no_mixture_of_fixed_ones():
    flat, relief = (maxrf(40, 40, seed=1, noise=False, relief=r, layers=n, **SMALL) for r, n in ((0, 1), (0.8, 2)))
    ranks = []
    for cube in (flat, relief):
        spectra = cube["spectra"].values.reshape(-1, 64).astype(float)
        values = np.linalg.svd(spectra, compute_uv=False)
        ranks.append(int((values > 1e-3 * values[0]).sum()))
    assert ranks[0] == 3
    assert ranks[1] >= 6
    assert float(relief["spectra"].sum("channel").mean()) == pytest.approx(2000, rel=0.5)


def test_a_layered_painting_has_the_same_bits_however_it_is_read():
    cube = maxrf(70, 66, seed=2, layers=2, relief=0.5, pileup=0.1, **SMALL)
    np.testing.assert_array_equal(cube["spectra"][65:70, 2:9].compute(), cube["spectra"].compute()[65:70, 2:9])
    assert cube["spectra"].dtype == np.uint16


def test_pile_up_puts_a_pair_at_the_sum_of_its_energies():
    energies = 0.5 + 0.1 * np.arange(100)
    counts = np.zeros((1, 100))
    counts[0, [20, 40]] = 300.0, 700.0  # 2.5 and 4.5 keV
    seen = pile_up(counts, 0.1, energies)[0]
    assert seen[[20, 40]] == pytest.approx([270, 630])
    pairs = {5.0: 0.09, 7.0: 0.42, 9.0: 0.49}
    for energy, share in pairs.items():
        assert seen[np.abs(energies - energy).argmin()] == pytest.approx(1000 * 0.05 * share, rel=1e-6)
    assert seen.sum() == pytest.approx(950)
    np.testing.assert_array_equal(pile_up(counts, 0.0, energies), counts)


@pytest.mark.parametrize("wrong", [{"layers": 3}, {"relief": -1}, {"pileup": 0.9}])
def test_a_wrong_option_is_named(wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        maxrf(8, 8, **wrong)
