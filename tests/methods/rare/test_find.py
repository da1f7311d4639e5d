"""Laws of the search for small targets: its rate, its bits, what it must and must not find."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.errors import CubeError
from spaxel.methods.rare.background import fit_background
from spaxel.methods.rare.detectors import score_map
from spaxel.methods.rare.find import find_rare

SIDE, CHANNELS = 48, 24


def blank(cube: xr.Dataset) -> xr.Dataset:
    """A result of one component."""
    return xr.Dataset(
        {"labels": (("y", "x"), np.zeros((cube.sizes["y"], cube.sizes["x"]), np.int32))}, {"channel": cube["channel"]}
    )


def searched(spectra: np.ndarray, **options) -> xr.Dataset:
    cube = spaxel.make_cube(spectra, **options)
    return find_rare(cube, blank(cube))


def noise(seed: int, kind: str = "white") -> np.ndarray:
    rng, mean = np.random.default_rng(seed), 20 + 10 * np.sin(np.linspace(0, 5, CHANNELS))
    shape = (SIDE, SIDE, CHANNELS)
    return rng.poisson(mean, shape) if kind == "counts" else rng.normal(mean, 1.0, shape)


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Two materials with a border, light that varies, and three targets of another spectrum."""
    rng = np.random.default_rng(7)
    place = np.linspace(0, 1, CHANNELS)
    light = 1 + 0.2 * np.sin(np.arange(SIDE) / 9)[:, None, None]
    left = (np.arange(SIDE) < 20)[None, :, None]
    spectra = light * np.where(left, 2 + place, 3 - place) + rng.normal(0, 0.02, (SIDE, SIDE, CHANNELS))
    where = [(10, 8), (30, 33), (41, 12)]
    for (y, x), size in zip(where, (1, 2, 3), strict=True):
        spectra[y : y + size, x] += 0.6 * np.exp(-0.5 * ((place - 0.4) / 0.1) ** 2)
    return spectra, where


@pytest.mark.parametrize("kind", ["white", "counts"])
def test_noise_makes_no_more_candidates_than_stated(kind):
    found = [searched(noise(seed, kind))["rare_expected"].values for seed in range(4)]
    for level in (1.0, 10.0):
        assert np.mean([(one <= level).sum() for one in found]) <= 1.5 * level
    assert sum((one <= 0.01).sum() for one in found) == 0


def test_the_chance_of_a_pixel_is_the_share_of_noise_that_is_as_rare():
    rarity = searched(noise(3))["rarity"].values
    for power in (1, 2, 3):
        assert 0.2 <= (rarity >= power).mean() * 10**power <= 1.8


def test_targets_are_the_first_candidates(planted):
    spectra, where = planted
    found = searched(spectra)
    first = found["rare_position"].values[:3]
    assert sorted(found["rare_labels"].values[y, x] for y, x in where) == [1, 2, 3]
    assert (found["rare_expected"].values[:3] < 0.01).all()
    assert found["rare_size"].values[found["rare_labels"].values[41, 12] - 1] == 3
    assert {tuple(p) for p in first} <= {
        (y + i, x) for (y, x), n in zip(where, (1, 2, 3), strict=True) for i in range(n)
    }
    lies_above = (found["rare_spectra"] - found["rare_around"]).values[:3]
    assert (np.abs(lies_above.argmax(1) - 0.4 * (CHANNELS - 1)) <= 1).all()


@pytest.mark.parametrize("memory", [7_000_000, 12_000_000])
def test_tiles_do_not_change_a_bit(planted, memory):
    cube = spaxel.make_cube(planted[0])
    known = fit_background(cube)
    whole, pieces = score_map(known, cube), score_map(known, cube, memory)
    np.testing.assert_array_equal(whole, pieces)


def test_a_turned_image_has_the_same_candidates(planted):
    spectra, _ = planted
    straight, turned = searched(spectra), searched(np.ascontiguousarray(spectra[::-1, ::-1]))
    mirrored = SIDE - 1 - turned["rare_position"].values[:3]
    assert {tuple(p) for p in mirrored} & {tuple(p) for p in straight["rare_position"].values[:3]}
    labels = turned["rare_labels"].values[::-1, ::-1]
    assert (
        (labels > 0) & (labels <= 3) == (straight["rare_labels"].values > 0) & (straight["rare_labels"].values <= 3)
    ).all()


@pytest.mark.parametrize("unit", [1e-6])
def test_the_unit_of_the_values_does_not_matter(planted, unit):
    spectra, _ = planted
    np.testing.assert_array_equal(
        searched(unit * spectra)["rare_position"].values[:3], searched(spectra)["rare_position"].values[:3]
    )


def test_a_constant_cube_has_no_candidate():
    found = searched(np.full((20, 20, 8), 3.0))
    assert found.sizes["rare"] == 0
    assert found["rare_spectra"].shape == (0, 8)
    assert "No candidate" in found["rarity"].attrs["sentence"]


def test_pixels_without_data_are_nan_and_no_candidates(planted):
    spectra, where = planted
    spectra = spectra.copy()
    spectra[:, :6] = np.nan
    spectra[25] = 0
    found = searched(spectra)
    assert np.isnan(found["rarity"].values[:, :6]).all()
    assert np.isnan(found["rarity"].values[25]).all()
    assert np.isfinite(found["rarity"].values[:25, 6:]).all()
    assert all(found["rare_labels"].values[y, x] > 0 for y, x in where)


def test_a_known_variance_tells_noisy_channels_from_targets(planted):
    spectra, where = planted
    rng = np.random.default_rng(0)
    noisy = spectra.copy()
    noisy[..., 20:] += rng.normal(0, 2.0, noisy[..., 20:].shape)
    variance = np.full(noisy.shape, 0.02**2)
    variance[..., 20:] = 4.0
    found = searched(noisy - 2.5, variance=variance)
    assert all(0 < found["rare_labels"].values[y, x] <= 3 for y, x in where)


def test_a_table_has_no_surroundings():
    table = noise(5)[:, :12].reshape(-1, 1, CHANNELS).copy()
    table[40] += np.linspace(0, 12, CHANNELS)
    found = searched(table)
    assert found["rare_position"].values[0].tolist() == [40, 0]
    assert (found["rare_detector"].values != 0).all()
    assert "no surroundings" in found["rarity"].attrs["sentence"]


def test_tiny_cubes_and_strangers_are_refused_in_words():
    with pytest.raises(CubeError, match="at least 50 spectra"):
        searched(np.ones((5, 5, 8)))
    with pytest.raises(CubeError, match="of 1 channels"):
        searched(np.random.default_rng(0).normal(size=(20, 20, 1)))
    cube = spaxel.make_cube(noise(0))
    with pytest.raises(CubeError, match="Try the cube that the result is of"):
        find_rare(cube, blank(cube).isel(y=slice(10)))


def test_touching_pixels_become_one_candidate_across_blocks():
    from spaxel.methods.rare.candidates import rare_pixels

    chance, who = np.full((600, 600), 0.5, np.float32), np.zeros((600, 600), np.int8)
    chance[511, 100], chance[512, 101], chance[300, 599], chance[301, 0] = 1e-9, 1e-8, 1e-7, 1e-7
    pixels, more = rare_pixels(chance, who, chance.size)
    assert more == 0
    assert sorted(zip(pixels.y.tolist(), pixels.x.tolist(), pixels.candidate.tolist(), strict=True)) == [
        (300, 599, 1), (301, 0, 2), (511, 100, 0), (512, 101, 0),
    ]  # fmt: skip
