import numpy as np
import pytest
from scipy.signal import find_peaks

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.constrained.checks import Conditions
from spaxel.linear.constrained.factorise import Search
from spaxel.linear.constrained.factorise import constrain as constrained
from spaxel.linear.constrained.missing import filled, filled_with_noise, known_entries, pedestal
from spaxel.linear.constrained.outliers import sample_trust
from spaxel.linear.constrained.starts import Begin, guesses
from spaxel.linear.constrained.trilinear import alike_in_runs, in_runs
from spaxel.linear.constrained.unimodal import unimodal
from spaxel.metrics import matched_spectra

AXIS = np.linspace(0, 1, 50)
PURE = np.exp(-((AXIS - np.array([[0.2], [0.5], [0.75]])) ** 2) / 0.012) + 0.02


def n_maxima(y):
    """Local maxima of a profile >= 0, a plateau counts once, an end of the run may be one."""
    return len(find_peaks(np.pad(y, 1, constant_values=-1))[0])


def constrain(X, n_components, *, weights=None, most=1000, **conditions):
    return constrained(X, n_components, Conditions(**conditions), weights=weights, search=Search(most=most))


def _mixtures(seed=0, n=30, noise=0.005, purity=0.7):
    rng = np.random.default_rng(seed)
    amounts = rng.dirichlet(np.full(3, purity), n)
    return amounts @ PURE + noise * rng.normal(size=(n, 50)), amounts


def _runs(noise=0.01, seed=0):
    time = np.arange(40.0)[:, None]
    amounts = np.concatenate([np.exp(-((time - np.array([12, 18, 26]) - late) ** 2) / 30) for late in (0, 3)])
    noise = noise * np.random.default_rng(seed).normal(size=(80, 50))
    return amounts @ PURE + noise, amounts, np.repeat([0, 1], 40)


def _cosines(components):
    return matched_spectra(components, PURE)["cosine"]


THERE = (
    np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]]) == 1
)  # which of three components are in which of four runs
ALLOWED = np.random.default_rng(8).random((30, 3)) < 0.7
ALLOWED[~ALLOWED.any(1)] = True
HOLES = np.random.default_rng(9).random((30, 50)) < 0.15
OPTIONS = {
    "plain": {},
    "closure": {"closure": True},
    "known": {"known": PURE[1:2]},
    "min_volume": {"min_volume": 1.0},
    "closed volume": {"min_volume": 1.0, "closure": True},
    "poisson": {"loss": "poisson"},
    "closed poisson": {"loss": "poisson", "closure": True},
    "robust": {"robust": True},
    "weights": {"weights": np.where(HOLES, 0.0, 1.0)},
    "runs": {"runs": np.repeat([0, 1], 15)},
    "poisson runs": {"runs": np.repeat([0, 1], 15), "loss": "poisson"},
    "zeros": {"allowed": ALLOWED},
    "closed zeros": {"allowed": ALLOWED, "closure": True},
    "poisson zeros": {"allowed": ALLOWED, "loss": "poisson"},
    "closed poisson zeros": {"allowed": ALLOWED, "loss": "poisson", "closure": True},
    "zeros in runs": {"allowed": ALLOWED, "runs": np.repeat([0, 1], 15)},
    "alike": {"alike": np.repeat([0, 1, 2], 10)},
    "alike, one maximum": {"alike": np.repeat([0, 1, 2], 10), "runs": np.repeat([0, 1, 2], 10)},
    "alike, zeros, weights": {
        "alike": np.repeat([0, 1, 2], 10),
        "allowed": np.repeat(THERE[:3], 10, axis=0),
        "weights": np.where(HOLES, 0.0, 1.0),
    },
    "all": {"closure": True, "known": PURE[:1], "robust": True, "weights": np.where(HOLES, 0.0, 2.0)},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_objective_never_rises_and_nothing_is_negative(name):
    X, _ = _mixtures()
    found = constrain(np.maximum(X, 0), 3, most=60, **OPTIONS[name])
    assert (np.diff(found.objective) <= 0).all()
    assert len(found.objective) > 3
    assert (found.components >= 0).all()
    assert (found.concentrations >= 0).all()
    assert (found.concentrations[~OPTIONS[name].get("allowed", np.ones((30, 3), bool))] == 0).all()
    if OPTIONS[name].get("closure"):
        np.testing.assert_allclose(found.concentrations.sum(1), 1, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"loss": "poisson"}, {"min_volume": 1.0}, {"known": PURE[:2]}])
def test_closure_sums_to_one(options):
    X, amounts = _mixtures()
    found = constrain(np.maximum(X, 0), 3, closure=True, **options)
    np.testing.assert_allclose(found.concentrations.sum(1), 1, atol=1e-15 * 8, rtol=0)
    order = matched_spectra(found.components, PURE)["matching"]
    assert np.abs(found.concentrations[:, order] - amounts).max() < 0.1


@pytest.mark.parametrize("loss", ["gaussian", "poisson"])
def test_unimodal_profiles_have_one_maximum_per_run(loss):
    X, _, runs = _runs()
    found = constrain(np.maximum(X, 0), 3, runs=runs, loss=loss, most=60)
    for run in (0, 1):
        assert [n_maxima(p) for p in found.concentrations[runs == run].T] == [1, 1, 1]
    plain = constrain(np.maximum(X, 0), 3, loss=loss, most=60)
    assert max(n_maxima(p) for p in plain.concentrations.T) > 2
    assert min(_cosines(found.components)) > 0.999


def _alike(seed, heights, late=0.0):
    """Four runs of three peaks that overlap so much that one maximum each leaves the spectra open."""
    rng = np.random.default_rng(seed)
    time = np.arange(40.0)[:, None]
    shapes = [np.exp(-((time - np.array([15, 19, 23]) - shift) ** 2) / 50) for shift in late * rng.uniform(-1, 1, 4)]
    amounts = np.concatenate([shape * high for shape, high in zip(shapes, heights, strict=True)])
    return amounts @ PURE + 0.005 * rng.normal(size=(160, 50)), np.repeat(np.arange(4), 40)


def _angles(components, order=None):
    one, two = (s / np.linalg.norm(s, axis=1, keepdims=True) for s in (components, PURE))
    return np.arccos(np.clip((one * two).sum(1), -1, 1)) if order else np.arccos(np.clip(_cosines(components), -1, 1))


@pytest.mark.parametrize("seed", range(3))
def test_runs_that_are_alike_leave_one_answer(seed):
    heights = np.random.default_rng(seed + 50).uniform(0.2, 1, (4, 3))
    X, runs = _alike(seed, heights)
    found = constrain(X, 3, alike=runs)
    for profile in found.concentrations.T:
        values = np.linalg.svd(profile.reshape(4, 40), compute_uv=False)
        assert values[1] < 1e-12 * values[0]
    assert _angles(found.components).max() < 0.03
    assert _angles(constrain(X, 3, runs=runs).components).max() > 2 * _angles(found.components).max()


@pytest.mark.parametrize("seed", range(3))
def test_known_zeros_are_kept_and_name_the_components(seed):
    """Three of four runs lack a component each; columns come back in the order in which they were given."""
    X, runs = _alike(seed, THERE * np.random.default_rng(seed + 50).uniform(0.3, 1, (4, 3)), late=2.0)
    for order in ([0, 1, 2], [2, 0, 1]):
        allowed = THERE[runs][:, order]
        found = constrain(X, 3, allowed=allowed)
        assert (found.concentrations[~allowed] == 0).all()
        assert _angles(found.components[np.argsort(order)], order=True).max() < 0.03


def test_one_maximum_of_runs_that_are_alike():
    X, runs = _alike(0, np.random.default_rng(50).uniform(0.2, 1, (4, 3)))
    X = X + 0.1 * np.random.default_rng(1).random(X.shape)
    found = constrain(X, 3, alike=runs, runs=runs, most=60)
    assert [n_maxima(p) for run in range(4) for p in found.concentrations[runs == run].T] == [1] * 12
    assert max(n_maxima(p) for p in constrain(X, 3, alike=runs, most=60).concentrations[:40].T) > 1


def test_every_start_is_put_in_the_order_of_the_zeros():
    X, runs = _alike(0, THERE * np.array([[1, 0.7, 0.5]]), late=2.0)
    for order in ([0, 1, 2], [2, 0, 1]):
        begun = guesses(X, np.ones(160, bool), 3, Begin(allowed=THERE[runs][:, order]))
        assert len(begun) > 3
        for c, s in begun:
            assert matched_spectra(s, PURE)["matching"] == np.argsort(order).tolist()
            assert (c[~THERE[runs][:, order]] == 0).all()


def test_a_shape_in_several_runs_costs_less_than_any_other():
    rng = np.random.default_rng(0)
    rows, rank_one = in_runs(np.repeat([0, 1, 2], 4)), np.outer(rng.random(3), rng.random(4)).ravel()
    a, b = rng.normal(size=12) + 1, rng.uniform(0.2, 2, 12)
    b[:2] = a[:2] = 0
    y = rank_one
    costs = []
    for _ in range(30):
        y = alike_in_runs(a, b, y, rows, one_maximum=False)
        costs.append((0.5 * b * y**2 - a * y).sum())
    assert (np.diff(costs) <= 1e-12).all()
    for _ in range(300):
        other = np.outer(rng.random(3), 2 * rng.random(4)).ravel() if rng.random() < 0.3 else None
        heights, shape = y.reshape(3, 4)[:, 2], y.reshape(3, 4)[1]
        if other is None:  # near by
            other = np.outer(
                heights * rng.uniform(0.9, 1.1, 3), shape / max(shape[2], 1e-9) * rng.uniform(0.9, 1.1, 4)
            ).ravel()
        other = np.where(b > 0, other, 0)
        assert costs[-1] <= (0.5 * b * other**2 - a * other).sum() + 1e-9


def _profile_cost(y, a, b, counts):
    return (b * y - a * np.log(np.maximum(y, 1e-300)) if counts else 0.5 * b * y**2 - a * y).sum()


@pytest.mark.parametrize("counts", [False, True])
def test_the_best_unimodal_profile_is_found(counts):
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.random(7), rng.uniform(0.2, 2, 7)
        y = unimodal(a, b, counts=counts)
        assert n_maxima(y) == 1
        for _ in range(200):  # no other profile with one maximum costs less
            other = np.sort(rng.uniform(0, 2, 7) if rng.random() < 0.5 else y + 0.1 * rng.random(7))
            top = rng.integers(0, 8)
            other = np.append(other[:top], other[top:][::-1])
            assert _profile_cost(y, a, b, counts) <= _profile_cost(other, a, b, counts) + 1e-12


def test_known_spectra_stay_to_the_bit():
    X, _ = _mixtures()
    known = 7.3 * PURE[[2, 0]]
    for options in ({}, {"loss": "poisson"}, {"robust": True}, {"most": 3}):
        found = constrain(np.maximum(X, 0), 3, known=known, **options)
        assert np.array_equal(found.components[:2], known)
    assert sum(_cosines(constrain(X, 3, known=known).components)) > sum(_cosines(constrain(X, 3).components))


@pytest.mark.parametrize("options", [{}, {"closure": True}, {"loss": "poisson"}, {"robust": True}, {"min_volume": 1.0}])
def test_what_stands_under_no_weight_is_no_matter(options):
    X = np.maximum(_mixtures()[0], 0)
    holes = np.where(HOLES, np.nan, X)
    wrong = np.where(HOLES, 1e6, X)
    one = constrain(holes, 3, most=30, **options)
    two = constrain(wrong, 3, most=30, weights=np.where(HOLES, 0.0, 1.0), **options)
    assert np.array_equal(one.components, two.components)
    assert np.array_equal(one.concentrations, two.concentrations)
    full = constrain(X, 3, **options)
    assert min(matched_spectra(one.components, full.components)["cosine"]) > 0.998


def test_weights_tell_what_is_noisy():
    rng = np.random.default_rng(1)
    X, _ = _mixtures(noise=0.0)
    sigma = np.where(np.arange(50) < 25, 0.001, 0.2)
    X = X + sigma * rng.normal(size=X.shape)
    even, weighted = (constrain(X, 3, weights=w).components for w in (None, sigma**-2))
    seen = slice(0, 25)  # where the first two components have their signal
    error = [matched_spectra(found[:, seen], PURE[:2, seen])["mean_angle"] for found in (even, weighted)]
    assert error[1] < 0.5 * error[0]


def test_counts_want_their_own_loss():
    rng = np.random.default_rng(3)
    better = 0
    for seed in range(5):
        rates = _mixtures(seed, n=60, noise=0.0)[1] @ (4 * PURE)
        X = rng.poisson(rates).astype(float)
        least, kl = (np.mean(_cosines(constrain(X, 3, loss=loss).components)) for loss in ("gaussian", "poisson"))
        better += kl > least
    assert better >= 4


def test_junk_does_not_count_and_is_named():
    X, _ = _mixtures(n=60)
    junk = [3, 17, 40]
    X[junk] = np.random.default_rng(5).random((3, 50)) * 2
    found = constrain(X, 3, robust=True)
    assert np.nonzero(found.sample_weights == 0)[0].tolist() == junk
    assert min(_cosines(found.components)) > 0.998
    assert min(_cosines(constrain(X, 3).components)) < 0.99
    clean = np.delete(X, junk, axis=0)
    assert (sample_trust(clean, 3) > 0).all()


def test_a_small_volume_finds_what_no_sample_holds_alone():
    rng = np.random.default_rng(2)
    amounts = rng.dirichlet(np.ones(3), 400)
    X = amounts[amounts.max(1) < 0.8][:150] @ (PURE + 0.5) + 0.002 * rng.normal(size=(150, 50))
    plain = np.mean(matched_spectra(constrain(X, 3, closure=True).components, PURE + 0.5)["angle"])
    small = np.mean(matched_spectra(constrain(X, 3, closure=True, min_volume=1.0).components, PURE + 0.5)["angle"])
    assert small < 0.7 * plain


@pytest.mark.parametrize("options", [{}, {"closure": True}, {"loss": "poisson"}])
def test_the_order_of_samples_is_no_matter_where_no_run_gives_it_one(options):
    X = np.maximum(_mixtures()[0], 0)
    order = np.random.default_rng(0).permutation(len(X))
    one, two = constrain(X, 3, **options), constrain(X[order], 3, **options)
    np.testing.assert_allclose(two.components, one.components, atol=1e-6)
    np.testing.assert_allclose(two.concentrations, one.concentrations[order], atol=1e-6)


def test_signed_components():
    rng = np.random.default_rng(0)
    pure = rng.normal(size=(3, 50))
    amounts = np.vstack([np.eye(3), rng.dirichlet(np.full(3, 0.3), 57)])
    X = amounts @ pure + 0.01 * rng.normal(size=(60, 50))
    found = constrain(X, 3, signed=True)
    assert (found.components < 0).any()
    assert min(matched_spectra(found.components, pure)["cosine"]) > 0.97
    assert (found.concentrations >= 0).all()


def test_same_seed_same_bits_and_input_is_not_touched():
    X, _ = _mixtures()
    before = X.copy()
    one, two = constrain(X, 3, robust=True), constrain(X, 3, robust=True)
    assert np.array_equal(one.components, two.components)
    assert np.array_equal(X, before)


def test_odd_tables():
    X, _ = _mixtures()
    assert constrain(X[:1], 1).concentrations.shape == (1, 1)
    assert constrain(X[:, :1], 1).components.tolist() == [[1.0]]
    assert constrain(np.round(100 * X).astype(">i4"), 2).components.shape == (2, 50)
    constant = constrain(np.ones((5, 8)), 2)
    np.testing.assert_allclose(constant.concentrations @ constant.components, 1, atol=1e-6)
    empty = X.copy()
    empty[2], empty[4] = 0, np.nan
    found = constrain(empty, 3)
    assert np.isnan(found.concentrations[4]).all()
    assert (found.concentrations[2] == 0).all()


@pytest.mark.parametrize(
    ("wrong", "options", "error", "message"),
    [
        (lambda X: X * np.nan, {}, CubeError, "no known value"),
        (lambda X: X * 0, {}, CubeError, "zero"),
        (lambda X: np.where(X.max() == X, np.inf, X), {}, CubeError, "infinite"),
        (lambda X: X, {"weights": -1.0}, CubeError, "negative"),
        (lambda X: X, {"weights": np.ones(3)}, CubeError, "shape"),
        (lambda X: X, {"n_components": 31}, ParameterError, "from 1 to 30"),
        (lambda X: X - 1, {"loss": "poisson"}, ParameterError, "counts"),
        (lambda X: X, {"loss": "huber"}, ParameterError, "loss"),
        (lambda X: X, {"known": np.ones((1, 4))}, ParameterError, "axis of the data"),
        (lambda X: X, {"known": np.ones((4, 50))}, ParameterError, "larger n_components"),
        (lambda X: X, {"runs": np.zeros(30), "closure": True}, ParameterError, "does not go with"),
        (lambda X: X, {"runs": np.zeros(4)}, ParameterError, "runs has shape"),
        (lambda X: X, {"min_volume": 1.0, "loss": "poisson"}, ParameterError, "does not go with"),
        (lambda X: X, {"min_volume": -1.0}, ParameterError, "min_volume"),
        (lambda X: X, {"allowed": np.ones((30, 2), bool)}, ParameterError, "samples by components"),
        (
            lambda X: X,
            {"allowed": np.ones((30, 3), bool) & [1, 1, 0]},
            ParameterError,
            "no sample to these components: 2",
        ),
        (lambda X: X, {"allowed": np.arange(30)[:, None] > [0, 0, 0], "closure": True}, ParameterError, "cannot be 1"),
        (lambda X: X, {"alike": np.zeros(30)}, ParameterError, "two runs or more"),
        (lambda X: X, {"alike": np.arange(30) > 9}, ParameterError, "have 10, 20 spectra"),
        (lambda X: X, {"alike": np.arange(30) > 14, "closure": True}, ParameterError, "does not go with"),
        (lambda X: X, {"alike": np.zeros(4)}, ParameterError, "runs have shape"),
        (lambda X: X, {"alike": np.arange(30) > 14, "allowed": ALLOWED}, ParameterError, "of whole runs"),
    ],
)
def test_wrong_input_is_explained(wrong, options, error, message):
    X = np.maximum(_mixtures()[0], 0.0)
    with pytest.raises(error, match=message):
        constrain(wrong(X), **({"n_components": 3} | options))


def test_holes_are_filled_as_the_rest_says_with_noise_where_it_is_counted():
    X, _ = _mixtures(noise=0.01)
    holes = np.where(HOLES, np.nan, X)
    x, w = known_entries(holes)
    full = filled(x, w, 3)
    assert np.array_equal(full[~HOLES], X[~HOLES])
    assert np.abs(full - X)[HOLES].std() < 0.02
    noisy = filled_with_noise(holes, 3)
    assert (noisy - full)[HOLES].std() == pytest.approx(0.01, rel=0.25)


def test_a_pedestal_is_what_all_stand_on():
    X, _ = _mixtures(noise=0.01)
    low = pedestal(X)
    assert pedestal(X + 2) == pytest.approx(low + 2)
    assert low == pytest.approx(0.02, abs=0.02)
