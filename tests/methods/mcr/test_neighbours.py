"""A small image is a scene where neighbours are alike, and a table where its pixels are samples that lie anywhere."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

import spaxel
from spaxel.cube.sampling import sample_spectra
from spaxel.methods.mcr.neighbours import neighbours_alike
from spaxel.testing import tiny_cube

RNG = np.random.default_rng(3)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what is uncertain is said, and not looked at here


def shuffled(cube, seed=0):
    """The same pixels, each at the place of another."""
    values = cube["spectra"].values
    flat = values.reshape(-1, values.shape[-1])
    return spaxel.make_cube(
        np.random.default_rng(seed).permutation(flat).reshape(values.shape), cube["channel"].values, "nm"
    )


@pytest.mark.parametrize("side", [12, 20, 40])
@pytest.mark.parametrize("kind", ["maxrf", "leaf", "ifu"])
def test_a_picture_is_told_from_the_same_pixels_anywhere(kind, side):
    cube = spaxel.simulate(kind, height=side, width=side, seed=2).load()
    assert neighbours_alike(sample_spectra(cube, 2000))
    assert not neighbours_alike(sample_spectra(shuffled(cube), 2000))


def test_nothing_is_known_of_few_pixels_of_one_spectrum_and_of_noise():
    assert not neighbours_alike(sample_spectra(tiny_cube(8, 9), 2000))
    assert not neighbours_alike(sample_spectra(spaxel.make_cube(np.ones((20, 20, 5))), 2000))
    assert not neighbours_alike(sample_spectra(spaxel.make_cube(RNG.normal(9, 1, (20, 20, 5))), 2000))
    assert not neighbours_alike(sample_spectra(spaxel.make_cube(RNG.random((400, 1, 5))), 2000))  # a table


@pytest.mark.parametrize(("k", "seed"), [(2, 1), (3, 2), (4, 3)])
def test_a_small_image_whose_materials_vary_has_their_number(k, seed):
    """As a table each way in which they vary was a component: 8 of 2, 9 of 3 and 9 of 4."""
    rng, place = np.random.default_rng([seed, k]), np.linspace(0, 1, 120)
    fields = gaussian_filter(rng.normal(size=(20, 20, k)), (2, 2, 0))
    shares = np.exp(4 * fields / fields.std((0, 1)))
    shares /= shares.sum(-1, keepdims=True)
    pure = np.stack([0.3 + np.exp(-0.5 * ((place - c) / 0.1) ** 2) for c in (np.arange(k) + 0.5) / k])
    bend = gaussian_filter1d(rng.normal(size=(20, 20, 120)), 12)
    spectra = (shares @ pure) * np.exp(0.02 * bend / bend.std()) + 0.005 * rng.normal(size=bend.shape)
    model = spaxel.MCR().fit(spaxel.make_cube(spectra, 400 + 600 * place, "nm"))
    assert model.info_["kind"] == "scene"
    assert model.n_components_ == k


def test_what_is_of_tables_alone_makes_a_small_image_a_table():
    cube = spaxel.simulate("leaf", height=20, width=20, seed=2).load()
    for asked in ({"closure": True}, {"baseline": True}, {"signed": True}, {"kind": "table"}):
        assert spaxel.MCR(2, **asked).fit(cube).info_["kind"] == "table"
