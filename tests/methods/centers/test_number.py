"""How probable each number of components is; that one material is nothing to divide, by all that a user can call."""

import numpy as np
import pytest

from spaxel import KMeans, make_cube
from spaxel.methods.centers.number import interval
from spaxel.testing import tiny_cube


def material(kind, seed, height=60, width=48, channels=40):
    """An image of one material: under uneven light, with a gradient of light, as counts, as noise alone."""
    rng, axis = np.random.default_rng(seed), np.linspace(0, 3, channels)
    spectrum = 0.4 + 0.2 * np.sin(axis)
    clean = np.ones((height, width, 1)) * spectrum
    if kind == "counts":
        return make_cube(rng.poisson(300 * clean / clean.sum(-1, keepdims=True)).astype(np.uint16))
    if kind == "uneven":
        clean = clean * rng.uniform(0.97, 1.03, (height, width, 1))
    if kind == "gradient":
        clean = clean * (1 + 0.3 * np.linspace(0, 1, width)[None, :, None])
    return make_cube(clean + rng.normal(0, 0.01, clean.shape))


@pytest.mark.parametrize("kind", ["uneven", "gradient", "counts", "noise"])
@pytest.mark.parametrize("seed", [0, 1])
def test_one_material_is_nothing_to_divide(kind, seed):
    model = KMeans(random_state=seed).fit(material(kind, seed))
    assert model.info_["n_components"] == 1
    assert model.info_["sentence"].startswith("Nothing to divide: 1 component (probability ")
    assert model.info_["probability"][0] >= 0.5


def test_a_result_of_one_component_can_still_be_cut():
    import spaxel

    cube = material("uneven", 0)
    result = KMeans().fit(cube).predict(cube)
    assert np.unique(result["labels"]).tolist() == [0]
    np.testing.assert_allclose(result["confidence"], result["evidence"].attrs["probability"][0], atol=1e-4)
    assert np.unique(spaxel.cut(result, 3)["labels"]).tolist() == [0, 1, 2]


def test_three_materials_are_divided_and_the_interval_holds_three():
    info = KMeans().fit(tiny_cube(40, 37)).info_
    low, high = info["between"]
    assert info["n_components"] == 3
    assert low <= 3 <= high
    assert sum(info["probability"]) == pytest.approx(1, abs=0.01)
    assert "sure" not in info["sentence"]


def test_the_interval_is_the_shortest_that_holds_80_percent():
    assert interval(np.array([0.05, 0.1, 0.5, 0.3, 0.05])) == (3, 4)
    assert interval(np.array([0.9, 0.1])) == (1, 1)
    assert interval(np.full(5, 0.2)) == (1, 4)
