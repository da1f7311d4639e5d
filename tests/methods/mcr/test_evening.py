"""Unmixing with a known variance: the number of components, their spectra and abundances, through the door."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spaxel
from spaxel.methods.mcr.evening import evening, evening_counts
from spaxel.metrics import matched_spectra


def uneven(cube, seed=1, times=1.0):
    """The cube with noise that differs thirtyfold by channel and threefold by spectrum, and its variance."""
    rng = np.random.default_rng([seed, 8])
    clean = cube["spectra"].values.astype(np.float64)
    channel = 0.03 * np.exp(gaussian_filter(rng.normal(size=clean.shape[2]), 6) * 12).clip(0.3, 30)
    sigma = rng.uniform(0.5, 1.5, clean.shape[:2])[..., None] * channel * np.sqrt((clean**2).mean())
    dims, noise = cube["spectra"].dims, rng.normal(size=clean.shape) * sigma
    return cube.assign(spectra=(dims, clean + noise), variance=(dims, times * sigma**2))


def table(seed=31):
    made = spaxel.simulate(
        "mixture", seed=seed, n_components=6, per_component=8, n_channels=160, spectra="peaks", noise="none"
    )
    return uneven(made, seed), made


def fitted(cube, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return spaxel.MCR(**options).fit(cube)


def test_the_number_of_components_is_counted_above_the_known_noise():
    """Without the variance the edge of the noise counts noisy channels for components."""
    cube, made = table()
    known, plain = fitted(cube), fitted(cube.drop_vars("variance"))
    assert known.n_components_ == 6 == known.info_["evidence"]["edge"]
    assert plain.info_["evidence"]["edge"] > 20
    assert known.info_["known_noise"]["used_for"] == [
        "the weights of channels",
        "the number of components",
        "abundances",
    ]
    assert "known_noise" not in plain.info_
    assert matched_spectra(known.components_, made["truth_spectra"].values)["mean_angle"] < 1
    np.testing.assert_allclose(np.linalg.norm(known.components_, axis=1), 1)


def test_abundances_are_weighed_by_the_known_noise():
    """Of a new table, which needs no variance: the model knows which channels are noisy."""
    cube, made = table()
    true = made["truth_abundances"].values[:, 0]
    error = {}
    for name, given in (("known", cube), ("plain", cube.drop_vars("variance"))):
        model = fitted(given, n_components=6)
        found = model.transform(cube.drop_vars("variance"))["abundances"].values[:, 0]
        match = matched_spectra(model.components_, made["truth_spectra"].values)["matching"]
        order = [match[k] for k in range(6)] if isinstance(match, dict) else list(match)
        error[name] = np.sqrt(((found[:, order] - true) ** 2).mean())
    assert error["known"] < 0.8 * error["plain"]


def test_constraints_weigh_by_the_known_noise():
    cube, made = table()
    cube = cube.assign(spectra=cube["spectra"] / made["truth_abundances"].sum("truth_component"),
                       variance=cube["variance"] / made["truth_abundances"].sum("truth_component") ** 2)  # fmt: skip
    angles = [
        matched_spectra(fitted(given, n_components=6, closure=True).components_, made["truth_spectra"].values)[
            "mean_angle"
        ]
        for given in (cube, cube.drop_vars("variance"))
    ]
    assert angles[0] < angles[1]


def test_a_scene_is_unmixed_with_quiet_channels_first():
    rng = np.random.default_rng(4)
    field = np.stack([gaussian_filter(rng.normal(size=(50, 60)), 6, mode="wrap") for _ in range(4)], -1)
    share = np.exp(6 * field / field.std())
    share /= share.sum(-1, keepdims=True)
    pure = np.stack([0.5 + gaussian_filter(rng.normal(size=90), 9, mode="nearest") for _ in range(4)]).clip(0.05)
    sigma = np.where(np.arange(90) % 4 == 0, 0.5, 0.005)
    clean = share @ pure
    cube = spaxel.make_cube(clean + rng.normal(size=clean.shape) * sigma, variance=sigma**2)
    known, plain = fitted(cube, n_components=4), fitted(cube.drop_vars("variance"), n_components=4)
    angles = [matched_spectra(model.components_, pure)["mean_angle"] for model in (known, plain)]
    assert angles[0] < angles[1]
    assert known.info_["kind"] == "scene"
    assert "channel_weight" in known.state_


def test_scaling_cube_and_variance_together_leaves_the_components(tmp_path):
    cube, _ = table()
    one, eight = fitted(cube), fitted(cube.assign(spectra=8 * cube["spectra"], variance=64 * cube["variance"]))
    np.testing.assert_allclose(eight.components_, one.components_, atol=1e-9)
    one.save(tmp_path / "run")
    back = spaxel.load(tmp_path / "run")
    np.testing.assert_array_equal(back.transform(cube)["abundances"], one.transform(cube)["abundances"])


def test_counts_and_plain_tables_are_not_weighed():
    cube, _ = table()
    noise = spaxel.cube.sampling.ordered_cubes([cube], 1000).noise
    assert evening(np.ones((48, 160)), noise) is None
    assert evening(np.full((48, 160), 0.5), None) is None
    wrong = fitted(uneven(cube.drop_vars("variance"), times=1e5), n_components=2)
    assert any("variance of the file is not used" in s for s in wrong.info_["warnings"])
    assert "channel_weight" not in wrong.state_


@pytest.mark.filterwarnings(
    "ignore:Samples hold", "ignore:.* explained much worse", "ignore:The spectrum of", "ignore:The spectra of"
)
@pytest.mark.parametrize("options", [{}, {"counts": 100}, {"counts": 2000}])
@pytest.mark.parametrize("seed", [50, 51])
def test_a_small_painting_in_counts_has_as_many_components_as_pigments(options, seed):
    """Bright lines have more noise than the mean of the channels: each of them had counted as a component, 79 of 79."""
    cube = spaxel.simulate("maxrf", height=36, width=40, channels=80, seed=seed, **options).load()
    model = spaxel.MCR(kind="table").fit(cube)
    assert model.n_components_ == len(np.unique(cube["truth_labels"])) == 6
    assert spaxel.MCR().fit(cube).n_components_ == 6  # as the scene that it is
    assert "noise_for" not in model.info_  # no variance was given
    assert not [said for said in model.info_["warnings"] if "spikes" in said]
    shares = model.transform(cube)["abundances"].values
    made = shares.reshape(-1, 6) @ model.components_
    seen = cube["spectra"].values.reshape(-1, cube.sizes["channel"])[:, -made.shape[1] :]
    assert np.corrcoef(made.ravel(), seen.ravel())[0, 1] > 0.9


def test_whole_numbers_whose_noise_is_even_are_left_as_they_are():
    rng = np.random.default_rng(0)
    mixed = rng.dirichlet(np.ones(3), 200) @ (1000 * rng.random((3, 30)))
    assert evening_counts(np.round(mixed + rng.normal(0, 20, mixed.shape)).clip(0)) is None
    assert evening_counts(mixed) is None
    assert evening_counts(np.zeros((5, 4))) is None
