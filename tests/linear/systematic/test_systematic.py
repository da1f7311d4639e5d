"""Systematic errors beside components: laws, and tables whose error is known."""

import numpy as np
import pytest

from spaxel.linear.count.edge import edge
from spaxel.linear.noise import eigenvalues
from spaxel.linear.systematic import number
from spaxel.linear.systematic.colour import autocorrelation, residual, whitened, whitening
from spaxel.linear.systematic.diagnosis import systematic_error
from spaxel.linear.systematic.fitting import _solved, _solved_by_scores, beginning, taken_off, without_errors
from spaxel.linear.systematic.kinds import Kinds, distorted, polynomials, slopes
from spaxel.linear.systematic.number import MANY, least_number, white_number
from spaxel.linear.systematic.signs import kinds_of
from spaxel.synth.mixture import mixture
from spaxel.synth.systematic import ERRORS, coloured, twins

NAMED = {"drift": "drift", "scatter": "gain", "tilt": "gain", "jitter": "moves", "widths": "moves"}
NOISE = 0.03


def _clean(seed, k=5, n=60):
    cube = mixture(n, seed=seed, n_components=k, most_mixed=2, spectra="peaks", n_channels=256, noise="none")
    clean = cube["spectra"].values[:, 0]
    return clean / np.linalg.norm(clean, axis=1, keepdims=True) * 16, cube["truth_spectra"].values


def _noise(seed, shape):
    return NOISE * np.random.default_rng([seed, 5]).standard_normal(shape)


def _counted(Y):
    found = edge(eigenvalues(Y), *Y.shape)
    return found.n, found.noise


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("seed", range(2))
def test_an_error_is_named_with_the_number_that_is_left(error, seed):
    clean, _ = _clean(seed)
    Y = ERRORS[error](np.random.default_rng(seed), clean)
    Y = Y + _noise(seed, Y.shape)
    k, noise = _counted(Y)
    found = systematic_error(Y, k, noise)
    assert k > 5
    assert (found.name, found.number, found.counted, found.clear) == (NAMED[error], 5, k, True)


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_table_has_no_error(seed):
    clean, _ = _clean(seed)
    Y = clean + _noise(seed, clean.shape)
    assert systematic_error(Y, *_counted(Y)) is None


@pytest.mark.parametrize("memory", [0.6, 0.8])
def test_noise_that_channels_share_is_named_and_made_white(memory):
    clean, _ = _clean(3)
    Y = clean + NOISE * coloured(np.random.default_rng(3), clean.shape, memory)
    k, noise = _counted(Y)
    assert k > 10
    assert systematic_error(Y, k, noise)[:2] == ("coloured", 5)
    assert white_number(Y, k) == 5
    rest = whitened(Y, whitening(residual(Y, 5)))
    assert np.abs(autocorrelation(residual(rest, 5), 3)[1:]).max() < 0.1


def test_white_noise_is_left_as_it_is():
    noise = _noise(0, (80, 300))
    taps = whitening(noise)
    assert taps[0] == 1
    assert np.abs(taps[1:]).max() < 0.03
    assert whitened(noise, np.array([1.0])) == pytest.approx(noise)
    assert whitened(noise, np.array([1.0, -0.5])) == pytest.approx(noise[:, 1:] - 0.5 * noise[:, :-1])


def test_nothing_is_taken_off_where_no_error_is_looked_for():
    clean, _ = _clean(0)
    fit = without_errors(clean, 5, Kinds())
    assert np.array_equal(fit.table, clean)
    assert not fit.taken.any()


@pytest.mark.parametrize("error", ERRORS)
def test_what_is_taken_off_and_what_is_left_are_the_table(error):
    clean, _ = _clean(1)
    Y = ERRORS[error](np.random.default_rng(1), clean)
    fit = without_errors(Y, 5, kinds_of(NAMED[error]))
    assert fit.table + fit.taken == pytest.approx(Y)
    assert np.linalg.norm(fit.table - clean) < np.linalg.norm(Y - clean)
    left = np.linalg.svd(fit.table, compute_uv=False)[5:] ** 2
    assert left.sum() < 0.1 * (np.linalg.svd(Y, compute_uv=False)[5:] ** 2).sum()


def test_a_drift_leaves_what_components_share():
    """A constant that each sample has by its abundances is no drift."""
    rng = np.random.default_rng(0)
    pure = _clean(0)[1]
    amounts = rng.uniform(0, 1, (60, 5))
    Y = amounts @ (pure + 0.1)
    assert without_errors(Y, 5, Kinds(drift=True)).table == pytest.approx(Y, abs=1e-8)


@pytest.mark.parametrize("kinds", [Kinds(drift=True), Kinds(gain=True), Kinds(moves=True), Kinds(True, True, True)])
def test_each_row_is_corrected_on_its_own(kinds):
    clean, pure = _clean(2)
    x = ERRORS["tilt"](np.random.default_rng(2), clean)
    together = taken_off(x, pure, kinds)
    assert taken_off(x[7:9], pure, kinds) == pytest.approx(together[7:9], abs=1e-9)


@pytest.mark.parametrize("error", ERRORS)
def test_errors_of_new_spectra_are_taken_off_by_known_components(error):
    clean, pure = _clean(4)
    x = ERRORS[error](np.random.default_rng(9), clean)
    taken = taken_off(x, pure, kinds_of(NAMED[error]))
    inside = np.linalg.svd(pure, full_matrices=False)[2]
    before, after = x - (x @ inside.T) @ inside, x - taken - ((x - taken) @ inside.T) @ inside
    assert np.linalg.norm(after) < 0.3 * np.linalg.norm(before)
    none = taken_off(clean, pure, kinds_of(NAMED[error]))
    assert np.abs(none).max() < 1e-6 * np.abs(clean).max()


@pytest.mark.parametrize("kinds", [Kinds(gain=True), Kinds(moves=True), Kinds(False, True, True)])
def test_numbers_solved_by_scores_are_those_solved_by_tangents(kinds):
    clean, pure = _clean(3)
    right = np.linalg.svd(pure, full_matrices=False)[2]
    scores, rest = clean @ right.T, np.random.default_rng(0).standard_normal(clean.shape)
    found = _solved_by_scores(slopes(right, kinds), scores, rest, right)
    assert found == pytest.approx(_solved(slopes(scores @ right, kinds), rest, right), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("kinds", [Kinds(drift=True), Kinds(gain=True), Kinds(True, True, True)])
def test_a_beginning_that_is_shared_changes_nothing(kinds):
    clean, _ = _clean(4, n=300)
    Y = ERRORS["tilt"](np.random.default_rng(4), clean) + _noise(4, clean.shape)
    begun = beginning(Y, 9, kinds)
    for k in (5, 9):
        alone, shared = without_errors(Y, k, kinds), without_errors(Y, k, kinds, begun=begun)
        assert np.linalg.norm(alone.taken - shared.taken) < 1e-2 * np.linalg.norm(alone.taken)


def test_the_smallest_number_of_a_large_table_is_looked_for_one_by_one():
    """With too many components moved bands hide in these: halving the numbers down finds 9 here."""
    clean, _ = _clean(1, n=700)
    Y = ERRORS["jitter"](np.random.default_rng(1), clean) + _noise(1, clean.shape)
    assert least_number(Y, _counted(Y)[0], Kinds(moves=True)) == 5


def test_numbers_that_are_too_small_for_a_part_are_not_tried_on_the_whole(monkeypatch):
    clean, _ = _clean(1, n=2 * MANY)
    Y = ERRORS["tilt"](np.random.default_rng(1), clean) + _noise(1, clean.shape)
    tried = []
    fit = number.without_errors
    monkeypatch.setattr(
        number, "without_errors", lambda Y, k, *more, **by: tried.append((len(Y), k)) or fit(Y, k, *more, **by)
    )
    assert least_number(Y, _counted(Y)[0], Kinds(gain=True)) == 5
    assert min(k for n, k in tried if n == MANY) < 5
    assert min(k for n, k in tried if n == 2 * MANY) == 5


@pytest.mark.parametrize("kinds", [Kinds(gain=True), Kinds(moves=True)])
def test_slopes_are_the_derivatives(kinds):
    m = _clean(0)[0][:3]
    slope = slopes(m, kinds)
    for q in range(len(slope)):
        step = np.zeros((3, len(slope)))
        step[:, q] = 1e-6
        assert (distorted(m, step, kinds) - m) / 1e-6 == pytest.approx(slope[q], abs=1e-4)


def test_the_number_never_exceeds_what_was_counted():
    clean, _ = _clean(0)
    Y = clean + _noise(0, clean.shape)
    for kinds in (Kinds(drift=True), Kinds(gain=True), Kinds(moves=True)):
        assert least_number(Y, 5, kinds) == 5


def test_polynomials_are_orthonormal():
    P = polynomials(50, 3)
    assert pytest.approx(np.eye(4)) == P @ P.T
    assert P[0] == pytest.approx(np.full(50, P[0, 0]))


def test_twins_have_the_cosine_that_is_asked():
    pure = _clean(0)[1]
    made = twins(np.random.default_rng(0), pure, 0.99)
    assert made[0] @ made[-1] == pytest.approx(0.99, abs=0.005)
    assert np.array_equal(made[:-1], pure[:-1])
