import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.sparse.codes import Model, code, make_problem, residual_chi2, update_spectra, valued
from spaxel.linear.sparse.factorise import encode, factorise, transform
from spaxel.linear.sparse.moves import give_back, join, prune, without
from spaxel.synth import simulate


def parts(**options):
    cube = simulate("mixture", **options)
    return cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values


def matched(found, S):
    """Cosine of each true spectrum with its partner, and the partner."""
    cosine = S @ (found / np.linalg.norm(found, axis=1, keepdims=True)).T
    rows, columns = linear_sum_assignment(-cosine)
    return cosine[rows, columns], columns


def oracle(X, C):
    w = 1 / np.linalg.norm(X, axis=1, keepdims=True)
    return np.maximum(np.linalg.lstsq(C * w, X * w, rcond=None)[0], 0)


@pytest.fixture(scope="module")
def easy():
    return parts(seed=7)


@pytest.mark.parametrize(
    ("k", "times", "most", "snr_db"),
    [(16, 4, 4, 20), (16, 4, 8, 30), (16, 8, 4, 30), (16, 8, 8, 20), (32, 4, 4, 30), (32, 4, 8, 20), (32, 8, 8, 30)],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_benchmark_is_solved_to_the_oracle(k, times, most, snr_db, seed):
    X, C, S = parts(n_components=k, per_component=times, most_mixed=most, snr_db=snr_db, seed=seed)
    found = factorise(X)
    assert found.n == found.n_confirmed == k
    best = matched(oracle(X, C), S)[0].mean()
    assert matched(found.components, S)[0].mean() > best - 5e-4
    assert found.warnings == ()
    assert found.r2 < found.r2_expected + 0.005


def test_the_objective_is_below_that_of_the_truth(easy):
    X, C, S = easy
    found = factorise(X)
    Y = found.weights.apply(X)
    sigma = np.nanmedian(found.noise * found.weights.row)
    truth = valued(make_problem(Y, sigma, found.n_edge), C * found.weights.row[:, None], S)
    assert found.objective < truth.objective


def test_concentrations_and_supports(easy):
    X, C, S = easy
    found = factorise(X)
    C_found = found.concentrations[:, matched(found.components, S)[1]]
    assert 1 - ((C_found - C) ** 2).sum() / ((C - C.mean(0)) ** 2).sum() > 0.995
    both = ((C_found > 0) & (C > 0)).sum()
    assert 2 * both / ((C_found > 0).sum() + (C > 0).sum()) > 0.95
    clean = C @ S
    np.testing.assert_allclose(found.noise, 0.1 * np.sqrt((clean**2).mean(1)), rtol=0.1)
    errors = (found.components[matched(found.components, S)[1]] - S).std(1)
    np.testing.assert_allclose(found.errors[matched(found.components, S)[1]], errors, rtol=0.35)


def test_same_seed_same_bits(easy):
    one, two = factorise(easy[0], seed=3), factorise(easy[0], seed=3)
    np.testing.assert_array_equal(one.components, two.components)
    np.testing.assert_array_equal(one.concentrations, two.concentrations)


def test_order_and_scale_of_samples_and_units(easy):
    X = easy[0]
    found = factorise(X)
    order = np.random.default_rng(0).permutation(len(X))
    moved = factorise(X[order])
    np.testing.assert_allclose(moved.concentrations, found.concentrations[order], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(moved.components, found.components, atol=1e-6)
    larger = X.copy()
    larger[5] *= 7
    scaled = factorise(larger, power=1.0)
    partner = matched(scaled.components, found.components)[1]
    np.testing.assert_allclose(scaled.concentrations[5, partner], 7 * found.concentrations[5], rtol=1e-4, atol=1e-4)
    units = factorise(1e4 * X)
    np.testing.assert_allclose(units.concentrations, 1e4 * found.concentrations, rtol=1e-4, atol=1)


def test_zero_samples_get_zero_concentrations(easy):
    X = easy[0]
    found = factorise(np.vstack([X[:10], np.zeros((2, 512)), X[10:]]))
    assert found.n == 16
    assert (found.concentrations[10:12] == 0).all()
    assert np.isnan(found.noise[10:12]).all()


def test_new_samples_are_decoded_to_the_noise():
    X, C, _ = parts(height=328, per_component=8, seed=4)
    found = factorise(X[:128])
    new = transform(X[128:], found)
    w = (X[128:] ** 2).sum(1)
    S = oracle(X[:128], C[:128])
    on_truth = np.array(
        [np.linalg.lstsq(S[c > 0].T, x, rcond=None)[0] @ S[c > 0] for x, c in zip(X[128:], C[128:], strict=True)]
    )
    ours = (((X[128:] - new @ found.components) ** 2).sum(1) / w).sum()
    best = (((X[128:] - on_truth) ** 2).sum(1) / w).sum()
    assert ours < 1.05 * best
    again = transform(X[:128], found)
    assert ((again > 0) == (found.concentrations > 0)).mean() > 0.98


def test_encode_without_noise_is_exact():
    rng = np.random.default_rng(0)
    S = rng.uniform(0, 1, (5, 40))
    C = rng.uniform(1, 2, (30, 5)) * (rng.random((30, 5)) < 0.4)
    np.testing.assert_allclose(encode(C @ S, S, 1e-6), C, atol=1e-3)


def test_a_fixed_number_is_kept(easy):
    for k in (1, 12, 18):
        found = factorise(easy[0], k)
        assert found.n == k
        assert np.isfinite(found.components).all()
    assert found.n_edge == 16


def test_a_component_in_one_sample_is_not_confirmed():
    X, _, _ = parts(outliers=0.05, per_component=8, seed=2)
    found = factorise(X)
    assert found.n == 16 + 6
    assert found.n_confirmed == 16
    assert any("single sample" in w for w in found.warnings)


def test_dense_mixtures_and_few_samples_are_warned():
    dense = factorise(parts(n_components=6, fewest_mixed=6, most_mixed=6, height=60, seed=1)[0], n_starts=1)
    assert any("rotational ambiguity" in w for w in dense.warnings)
    few = factorise(parts(height=20, seed=1)[0], n_starts=1)
    assert any(w.startswith(f"There are 20 samples for {few.n} components") for w in few.warnings)


def test_strong_noise_and_overlap_are_warned():
    noisy = factorise(parts(snr_db=8, seed=1)[0])
    assert any("uncertain" in w for w in noisy.warnings)
    broad = factorise(parts(spectra="peaks", peak_width=0.06, seed=1)[0])
    assert any("hide" in w for w in broad.warnings)


def test_signed_components():
    rng = np.random.default_rng(5)
    S = rng.standard_normal((8, 120))
    S /= np.linalg.norm(S, axis=1, keepdims=True)
    C = rng.uniform(1, 5, (120, 8)) * (rng.random((120, 8)) < 0.3)
    X = C @ S + 0.01 * rng.standard_normal((120, 120))
    X = X[C.any(1)]
    found = factorise(X, signed=True)
    assert found.n == 8
    assert matched(found.components, S)[0].min() > 0.99


def test_counts():
    X, _, S = parts(noise="poisson", counts=100, seed=3)
    found = factorise(X, power="counts")
    assert found.n == 16
    assert matched(found.components, S)[0].mean() > 0.99


def test_degenerate_tables():
    one = factorise(np.abs(np.random.default_rng(0).standard_normal((1, 30))) + 1)
    assert one.n == 1
    assert one.warnings
    channel = factorise(np.arange(1.0, 9)[:, None])
    assert channel.n == 1
    np.testing.assert_allclose(channel.concentrations @ channel.components, np.arange(1.0, 9)[:, None], rtol=0.05)
    same = factorise(np.ones((5, 4)))
    assert same.n == 1
    np.testing.assert_allclose(same.concentrations @ same.components, 1, rtol=1e-3)


def test_refused(easy):
    X = easy[0].copy()
    with pytest.raises(ParameterError, match="n_components is 0"):
        factorise(X, 0)
    with pytest.raises(ParameterError, match="n_components is 65"):
        factorise(X, 65)
    with pytest.raises(ParameterError, match="power"):
        factorise(X, power=3.0)
    with pytest.raises(ParameterError, match="n_starts"):
        factorise(X, n_starts=0)
    with pytest.raises(CubeError, match="zero"):
        factorise(np.zeros((3, 4)))
    with pytest.raises(CubeError, match="signed=True"):
        factorise(-X)
    with pytest.raises(CubeError, match="channels"):
        encode(X, np.ones((2, 3)), 1.0)
    with pytest.raises(ParameterError, match="noise"):
        encode(X, X[:2], 0.0)
    X[3, 3] = np.nan
    with pytest.raises(CubeError, match="NaN or infinite values in 1 rows"):
        factorise(X)


def test_codes_are_least_squares_on_their_support():
    rng = np.random.default_rng(1)
    y, s = rng.uniform(0, 1, (6, 30)), rng.uniform(0, 1, (4, 30))
    c = code(y, s, np.zeros((6, 4)), 500)
    gradient = (y - c @ s) @ s.T
    assert np.abs(gradient[c > 0]).max() < 1e-6
    assert gradient[c == 0].max(initial=0) < 1e-6


def test_spectra_never_make_the_fit_worse():
    rng = np.random.default_rng(2)
    y, c, s = rng.uniform(0, 1, (20, 30)), rng.uniform(0, 1, (20, 4)), rng.uniform(0, 1, (4, 30))
    before = ((y - c @ s) ** 2).sum()
    assert ((y - c @ update_spectra(y, c, s, 1, signed=False)) ** 2).sum() < before


def test_moves(easy):
    X, C, S = easy
    w = np.linalg.norm(X, axis=1, keepdims=True)
    problem = make_problem(X / w, 0.1 / np.sqrt(512), 16)
    truth = valued(problem, C / w, S)
    fewer = without(problem, truth, 3)
    assert fewer.objective == pytest.approx(valued(problem, fewer.c, fewer.s).objective, rel=1e-9)
    junk = np.abs(np.random.default_rng(0).standard_normal(512))
    more = Model(np.column_stack([truth.c, 1e-3 * (np.arange(64) < 3)]), np.vstack([S, junk / np.linalg.norm(junk)]))
    assert prune(problem, valued(problem, more.c, more.s)).k == 16
    share = np.linspace(0.01, 0.05, 15)
    lacking, codes = S[:15] - share[:, None] * S[15], truth.c.copy()
    codes[:, 15] += codes[:, :15] @ share
    mended = give_back(Model(codes, np.vstack([lacking, S[15]])))
    assert residual_chi2(problem, Model(*mended)).sum() < 1.5 * residual_chi2(problem, truth).sum()
    assert matched(mended[1], S)[0].min() > 0.9999


def test_two_spectra_that_always_come_in_one_ratio_are_one(easy):
    X, C, S = easy
    w = np.linalg.norm(X, axis=1, keepdims=True)
    problem = make_problem(X / w, 0.1 / np.sqrt(512), 16)
    truth = valued(problem, C / w, S)
    parts_of = np.vstack([np.where(np.arange(512) < 200, S[3], 0), np.where(np.arange(512) < 200, 0, S[3])])
    split = valued(
        problem, np.column_stack([truth.c, truth.c[:, 3]]), np.vstack([S[:3], parts_of[:1], S[4:], parts_of[1:]])
    )
    assert split.k == 17
    joined = join(problem, split)
    assert joined.k == 16
    assert joined.objective == pytest.approx(truth.objective, rel=1e-9)
    np.testing.assert_allclose(joined.c @ joined.s, truth.c @ truth.s, atol=1e-12)
    assert join(problem, truth) is truth
