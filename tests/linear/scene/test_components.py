"""Scenes from benchmarks' generator in small: materials in patches, even or uneven light."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.scene import components
from spaxel.linear.scene.components import bright_words, scene_components
from spaxel.linear.scene.pool import pooled_corners
from spaxel.metrics import abundance_rmse, matched_spectra


def scene(seed=0, k=3, light=0.0, side=32, channels=60):
    rng = np.random.default_rng(seed)
    S = np.exp(0.8 * gaussian_filter1d(rng.standard_normal((k, channels)), 5, axis=1) / 0.24)
    fields = gaussian_filter(rng.standard_normal((k, side, side)), (0, 3, 3)).reshape(k, -1)
    A = np.exp(4 * fields / fields.std(1, keepdims=True))
    A = (A / A.sum(0)).T
    b = gaussian_filter(rng.standard_normal((side, side)), 1.5).ravel()
    X = np.exp(light * b / b.std())[:, None] * (A @ S)
    return X + 0.01 * X.mean() * rng.standard_normal(X.shape), S, A


@pytest.mark.parametrize("light", [0.0, 0.3])
@pytest.mark.parametrize("k", [2, 4])
def test_number_light_spectra_and_abundances(k, light):
    X, S, A = scene(1, k, light)
    found = scene_components(X, scale="even")
    assert found.n_components == k
    assert found.normalisation == ("unit" if light else "raw")
    match = matched_spectra(found.components, S)
    assert match["mean_angle"] < 0.06
    assert abundance_rmse(found.abundances, A, match["matching"])["mean_rmse"] < 0.06
    assert found.unexplained < 0.05
    assert "this count is" in found.sentence


@pytest.mark.parametrize(("dark", "areas"), [(1.5, True), (20.0, False)])
def test_shares_are_of_area_unless_a_material_is_dark(dark, areas):
    """Uneven light; one of three materials is darker: five times is where it ends."""
    X, S, A = scene(1, 3, 0.3)
    light = X.sum(1) / (A @ S).sum(1)
    S = S / S.sum(1, keepdims=True)
    S[0] /= dark
    X = light[:, None] * (A @ S)
    found = scene_components(X + 0.003 * X.mean() * np.random.default_rng(0).standard_normal(X.shape), 3)
    assert found.normalisation == "unit"
    assert found.areas == areas
    assert f"abundances are shares of {'area' if areas else 'light'}" in found.sentence
    assert np.allclose(np.linalg.norm(found.components, axis=1), 1) != areas
    if areas:
        assert abundance_rmse(found.abundances, A, matched_spectra(found.components, S)["matching"])["mean_rmse"] < 0.06


def test_the_light_is_measured():
    assert scene_components(scene(2, 3, 0.3)[0], 3).evidence["light"] == pytest.approx(0.3, abs=0.08)
    assert scene_components(scene(2, 3, 0.0)[0], 3).evidence["light"] < 0.06


@pytest.mark.parametrize("normalise", ["raw", "unit"])
@pytest.mark.parametrize("scale", ["unit", "even"])
def test_the_mixture_is_that_of_its_parts(normalise, scale):
    X, *_ = scene(3, 3, 0.2)
    found = scene_components(X, 3, normalise=normalise, scale=scale)
    np.testing.assert_allclose(found.abundances.sum(1), 1, atol=1e-9)
    assert (found.abundances >= 0).all()
    assert (np.diff(found.abundances.mean(0)) <= 0).all()
    rest = X - found.brightness[:, None] * (found.abundances @ found.components)
    assert (rest**2).sum() < 0.15 * ((X - X.mean(0)) ** 2).sum()
    if normalise == "unit" and scale == "unit":
        np.testing.assert_allclose(np.linalg.norm(found.components, axis=1), 1)


def test_same_seed_same_answer_and_a_factor_changes_only_the_scale():
    X, *_ = scene(4, 3)
    one, two, scaled = scene_components(X, seed=5), scene_components(X, seed=5), scene_components(X * 4.0, seed=5)
    np.testing.assert_array_equal(one.components, two.components)
    np.testing.assert_allclose(scaled.components, 4 * one.components, rtol=1e-6)
    np.testing.assert_allclose(scaled.abundances, one.abundances, atol=1e-6)


@pytest.mark.parametrize("light", [0.0, 0.3])
def test_every_seed_gives_the_same_answer(light):
    """Starts do not hang on the seed; it draws the sample of a large image, and nothing else."""
    X, *_ = scene(4, 3, light)
    one, *others = (scene_components(X, 3, seed=seed) for seed in range(3))
    for other in others:
        np.testing.assert_array_equal(one.components, other.components)
        assert one.sentence == other.sentence


@pytest.mark.parametrize("material", range(3))
def test_what_is_uncertain_is_said_of_the_component_that_is(monkeypatch, material):
    X, S, _ = scene(1, 3, side=24)

    def only_one(sample, k):
        found = pooled_corners(sample, k, starts=1)
        which = matched_spectra(found.spectra, S)["matching"][material]
        return found._replace(apart=np.where(np.arange(k) == which, 0.5, 0.0))

    monkeypatch.setattr(components, "pooled_corners", only_one)
    found = scene_components(X, 3, normalise="raw")
    which = matched_spectra(found.components, S)["matching"][material]
    assert found.evidence["apart"][which] == 0.5


def test_the_light_is_one_for_all_numbers():
    X, *_ = scene(2, 3, 0.2)
    assert len({scene_components(X, k).evidence["light"] for k in (2, 3, 5, None)}) == 1


def test_a_given_number_is_taken_and_said():
    found = scene_components(scene(5, 3)[0], 5)
    assert found.n_components == 5
    assert found.evidence["counts"] == []
    assert "as asked" in found.sentence


def test_the_upper_bound_is_kept():
    assert scene_components(scene(6, 5)[0], most=3).n_components <= 3


def test_one_material_is_one_component():
    X = 1 + 0.01 * np.random.default_rng(0).standard_normal((400, 30))
    found = scene_components(X, most=4)
    assert found.n_components <= 2
    assert scene_components(X, 1).components.shape == (1, 30)


def test_zero_pixels_have_no_composition_at_free_brightness():
    X, *_ = scene(7, 3)
    X[:5] = 0
    found = scene_components(X, 3, normalise="unit")
    assert np.isnan(found.abundances[:5]).all()
    assert np.isfinite(found.abundances[5:]).all()
    assert (found.brightness[:5] == 0).all()


def test_few_spectra():
    X = scene(8, 2)[0][::120]
    assert scene_components(X, 2).components.shape == (2, 60)
    assert scene_components(X[:2], 2).components.shape == (2, 60)


@pytest.mark.parametrize(
    "X", [np.full((20, 5), np.nan), np.zeros((20, 5)), np.zeros((0, 5)), np.ones((2, 2, 5))],
    ids=["nan", "zero", "empty", "cube"],
)  # fmt: skip
def test_data_that_cannot_be_mixed(X):
    with pytest.raises(CubeError, match="Try"):
        scene_components(X)


@pytest.mark.parametrize(
    "options", [{"n_components": 0}, {"n_components": 61}, {"most": 0}, {"normalise": "log"}, {"scale": "max"}]
)
def test_options_that_cannot_be(options):
    with pytest.raises(ParameterError):
        scene_components(scene(0)[0], **options)


def test_more_components_than_directions():
    rng = np.random.default_rng(0)
    X = rng.random((300, 1)) * [[1.0, 2.0, 0.5]] + [[1.0, 1.0, 1.0]]
    with pytest.raises(ParameterError, match="span only"):
        scene_components(X, 3)
    with pytest.raises(ParameterError, match="span only"):
        scene_components(np.ones((20, 4)), 2)


def test_one_channel():
    X = np.random.default_rng(0).random((200, 1)) + 1
    assert scene_components(X, normalise="raw").n_components in (1, 2)


def test_shares_of_light_that_differ_from_shares_of_area_are_said():
    rng = np.random.default_rng(0)
    S = np.array([[1.0, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1.0]])
    A = rng.dirichlet([0.6, 0.6], 400)
    for dark, words in ((20, "component 1 is 2"), (1, "")):
        bright = np.exp(0.2 * rng.standard_normal(400))[:, None]
        X = bright * (A @ (S / np.array([[1.0], [dark]]))) + 1e-4 * rng.standard_normal((400, 6))
        said = " ".join(bright_words(X, S / np.linalg.norm(S, axis=1, keepdims=True)))
        assert words in said
        assert bool(words) == bool(said)
