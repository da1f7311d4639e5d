"""Near twins: two components of a table that are so alike that one spectrum stands for both."""

import numpy as np
import pytest

from spaxel.linear.sparse.codes import Model, make_problem, valued
from spaxel.linear.sparse.factorise import _rounds, choose_weights, halved
from spaxel.linear.sparse.moves import are_twins
from spaxel.linear.sparse.report import Counted, report


def nearest(found, S):
    """Cosine of each true spectrum with the one found that is most like it."""
    return (S @ found.T).max(1)


@pytest.fixture(scope="module")
def pair():
    """A problem of 8 components of which the last two are near twins, its truth, and the best model that takes them for one."""
    rng = np.random.default_rng(0)
    S = np.abs(rng.standard_normal((8, 200))) ** 3
    S /= np.linalg.norm(S, axis=1, keepdims=True)
    S[7] = S[6] + 0.1 * S[7]
    S[7] /= np.linalg.norm(S[7])
    C = np.where(rng.random((120, 8)) < 0.25, rng.uniform(1, 10, (120, 8)), 0)
    C[:, 7] *= C[:, 6] == 0
    problem = make_problem(C @ S + 0.05 * rng.standard_normal((120, 200)), 0.05, 8)
    one = np.column_stack([C[:, :6], C[:, 6] + C[:, 7]])
    return problem, valued(problem, C, S), valued(problem, *_rounds(problem, one, S[:7], 0.05, 4))


def test_one_spectrum_that_stands_for_two_near_twins_becomes_both(pair):
    problem, truth, one = pair
    assert (truth.s[6] @ truth.s[7]) > 0.99
    both = halved(problem, one, 8)
    assert both.k == 8
    assert both.objective < truth.objective < one.objective
    assert nearest(both.s, truth.s).min() > 0.999
    assert halved(problem, one, 7) is one  # no more than the edge counts
    assert halved(problem, both, 9).k == 8  # and no more than the objective wants


def test_twins_are_alike_and_both_in_several_samples(pair):
    _, truth, one = pair
    assert are_twins(truth)
    assert not are_twins(one)
    once = truth.c.copy()
    once[np.flatnonzero(once[:, 7])[3:], 7] = 0
    assert not are_twins(Model(once, truth.s))


def test_a_number_that_differs_by_one_from_that_of_the_edge_is_said(pair):
    problem, truth, one = pair
    weights, found = choose_weights(problem.y, 0.0)
    assert found.n == 8

    def said(model, **asked):
        return " ".join(report(problem.y, weights, problem, model, Counted(found, **asked)).doubts)

    assert "nearly alike" in said(one)
    assert "n_components=8" in said(one)
    more = valued(problem, np.column_stack([truth.c, truth.c[:, 0]]), np.vstack([truth.s, truth.s[1:2]]))
    assert "needs 9" in said(more)
    assert "alike" not in said(more).replace("as where spectra are alike", "")
    assert "the factorisation" not in said(truth)
    assert "the factorisation" not in said(one, asked=True)  # who gives a number is not told of one more
