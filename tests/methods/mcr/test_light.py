"""Scenes whose light is uneven and whose materials are not equally bright: shares of light, shares of area."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spaxel


@pytest.fixture(scope="module")
def scene():
    """Two materials, one eight times as dark, under light that varies: cube, shares of area, spectra."""
    rng = np.random.default_rng(5)
    place = np.linspace(0, 1, 30)
    pure = np.array([1 + place, (2 - 1.5 * place) / 8])
    field = gaussian_filter(rng.standard_normal((48, 48)), 5)
    share = 1 / (1 + np.exp(-6 * field / field.std()))
    light = gaussian_filter(rng.standard_normal((48, 48)), 4)
    light = np.exp(0.3 * light / light.std())
    areas = np.stack([share, 1 - share], -1)
    spectra = light[..., None] * (areas @ pure) + 0.002 * rng.standard_normal((48, 48, 30))
    return spaxel.make_cube(spectra), areas, pure


def off(model, cube, areas, pure):
    found = model.transform(cube)["abundances"].values
    order = np.argmax(pure @ (model.components_ / np.linalg.norm(model.components_, axis=1, keepdims=True)).T, axis=1)
    return np.sqrt(((found[..., order] - areas) ** 2).mean())


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_even_gives_shares_of_area_and_the_default_says_that_it_does_not(scene):
    cube, areas, pure = scene
    plain, even = (spaxel.MCR(2, kind="scene", normalise=n).fit(cube) for n in ("auto", "even"))
    assert plain.info_["normalisation"] == even.info_["normalisation"] == "unit"
    assert off(even, cube, areas, pure) < 0.05 < 0.1 < off(plain, cube, areas, pure)
    said = [s for s in plain.info_["warnings"] if "shares of area" in s]
    assert len(said) == 1
    assert "normalise='even'" in said[0]
    assert not any("shares of area" in s for s in even.info_["warnings"])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_command_takes_it(scene, cli, tmp_path):
    cube, areas, pure = scene
    spaxel.write_cube(cube, tmp_path / "scene.zarr")
    code, _, err = cli(
        "unmix", tmp_path / "scene.zarr", "-o", tmp_path / "run", "--n-components", "2", "--normalise", "even"
    )
    assert code == 0, err
    assert off(spaxel.load(tmp_path / "run"), cube, areas, pure) < 0.05


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_where_no_material_is_dark_the_default_gives_shares_of_area(scene):
    cube, areas, pure = scene
    light = cube["spectra"].values.sum(2) / (areas @ pure).sum(2)
    near = pure * [[1.0], [4.0]]  # half as bright, and no longer an eighth
    noise = 0.002 * np.random.default_rng(1).standard_normal(cube["spectra"].shape)
    cube = spaxel.make_cube(light[..., None] * (areas @ near) + noise)
    plain, even, unit = (spaxel.MCR(2, kind="scene", normalise=n).fit(cube) for n in ("auto", "even", "unit"))
    assert plain.info_["areas"]
    assert not unit.info_["areas"]
    np.testing.assert_array_equal(plain.components_, even.components_)
    assert off(plain, cube, areas, near) < 0.05 < off(unit, cube, areas, near)
    assert not any("As shares of area" in s for s in plain.info_["warnings"])
