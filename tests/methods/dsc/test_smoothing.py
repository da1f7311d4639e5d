import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.cube.exact import fit_grid, group_sums
from spaxel.linear.silhouettes import distances
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.dsc.smoothing import NEVER, doubts, moved, smooth
from spaxel.testing import tiny_cube

CENTERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 4.0]])
EACH = np.arange(3)


def halves(noise, seed=0, shape=(23, 29)):
    """Latents of an image of two halves, as a truth and candidates."""
    truth = np.broadcast_to(np.arange(shape[1]) > shape[1] // 2, shape).astype(int)
    z = CENTERS[truth] + np.random.default_rng(seed).normal(0, noise, (*shape, 2))
    return truth, in_doubt(z, noise)


def in_doubt(z, noise):
    far = distances(z.reshape(-1, 2), CENTERS)
    return {name: v.reshape(*z.shape[:2], -1) for name, v in doubts(far, CENTERS, EACH, noise**2 * np.eye(2)).items()}


def test_a_noisy_image_of_two_halves_gets_fewer_errors_and_more_so_with_more_strength():
    truth, found = halves(0.5)
    wrong = [(smooth(**found, component=EACH, strength=s) != truth).mean() for s in (0.0, 0.3, 1.0)]
    assert wrong[0] > 0.1
    assert wrong[1] < wrong[0] / 2
    assert wrong[2] < wrong[0] / 4


def test_without_strength_the_nearest_is_kept():
    _, found = halves(0.8)
    assert (smooth(**found, component=EACH, strength=0.0) == found["candidates"][..., 0]).all()


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_line_one_pixel_thin_survives_on_a_clean_cube(noise):
    z = np.zeros((15, 17, 2))
    z[7] = CENTERS[1]
    z[3, 4] = CENTERS[2]
    z += np.random.default_rng(1).normal(0, noise, z.shape)
    found = in_doubt(z, noise)
    assert (smooth(**found, component=EACH, strength=3.0) == found["candidates"][..., 0]).all()


def test_odds_grow_with_the_distance_from_the_border_in_units_of_the_noise():
    z = np.array([[0.45, 0.0], [0.3, 0.0], [0.0, 0.0]])
    far = distances(z, CENTERS)
    one, other = (doubts(far, CENTERS, EACH, s**2 * np.eye(2))["odds"].astype(int) for s in (0.2, 0.4))
    assert (one[:, 0] == 0).all()
    assert (np.diff(one[:, 1]) > 0).all()
    assert (one[:, 1] > other[:, 1]).all()
    assert (one[:, 3] == NEVER).all()  # there are three components


def test_micro_parts_of_one_component_do_not_compete():
    component = np.array([0, 0, 1])
    truth, _ = halves(0.5)
    z = CENTERS[truth] + np.random.default_rng(3).normal(0, 0.5, (*truth.shape, 2))
    far = distances(z.reshape(-1, 2), CENTERS)
    found = {n: v.reshape(*truth.shape, -1) for n, v in doubts(far, CENTERS, component, 0.25 * np.eye(2)).items()}
    kept = smooth(**found, component=component, strength=1.0)
    same = component[kept] == component[found["candidates"][..., 0]]
    assert (kept[same] == found["candidates"][..., 0][same]).all()


def test_pixels_without_data_stay_so_and_have_no_say():
    _, found = halves(0.5)
    found["candidates"][:, 10:15] = -1
    kept = smooth(**found, component=EACH, strength=1.0)
    assert (kept[:, 10:15] == -1).all()
    assert (kept[:, :10] == smooth(found["candidates"][:, :10], found["odds"][:, :10], EACH, 1.0)).all()


def test_sums_follow_the_pixels_exactly():
    cube = tiny_cube(70, 66)
    values = cube["spectra"].values
    grid = fit_grid(values.reshape(-1, values.shape[2]))
    rng = np.random.default_rng(0)
    before, after = (rng.integers(0, 3, (70, 66)).astype(np.int16) for _ in range(2))
    after[:, 20:] = before[:, 20:]
    first, then = (
        group_sums(values.reshape(-1, values.shape[2]), labels.ravel(), 3, grid) for labels in (before, after)
    )
    more = moved(cube, before, after, 3, grid)
    assert all(np.array_equal(first[name] + more[name], then[name]) for name in then)
    assert moved(cube, before, before, 3, grid) == {}


def noisy(size=70):
    rng = np.random.default_rng(5)
    labels = np.broadcast_to(np.arange(size)[:, None] * 3 // size, (size, size + 3))
    shapes = rng.dirichlet(np.full(16, 3.0), 3)
    return make_cube(rng.poisson(30 * shapes[labels]).astype(np.uint16), 1 + np.arange(16.0), "keV")


@pytest.mark.same_bits
def test_smoothed_results_agree_with_themselves_and_tiles_do_not_matter():
    cube = noisy()
    model = DeepSpectralClustering(3, epochs=0, smoothing=1.0, n_init=2).fit(cube)
    one = model.predict(cube)
    sizes = np.bincount(one["labels"].values.ravel(), minlength=3)
    assert (one["component_size"].values == sizes).all()
    spectra = cube["spectra"].values[one["labels"].values == 1].mean(0)
    np.testing.assert_allclose(one["component_spectra"].values[1], spectra, rtol=1e-5)
    model.memory = 2**17
    assert model.predict(cube).identical(one)
    plain = DeepSpectralClustering(3, epochs=0, n_init=2).fit(cube).predict(cube)
    changed = one["labels"].values != plain["labels"].values
    assert changed.any()
    assert (one["confidence"].values[changed] == 0).all()
    edges = [int((np.diff(r["labels"].values, axis=0) != 0).sum()) for r in (plain, one)]
    assert edges[1] < edges[0] / 3
