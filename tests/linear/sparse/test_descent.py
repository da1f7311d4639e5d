import numpy as np
import pytest

from spaxel.linear.sparse.descent import BLOCK, COLUMNS, descend
from spaxel.linear.sparse.starts import farthest


def problem(k, m, seed=0):
    rng = np.random.default_rng(seed)
    s, y = rng.uniform(0, 1, (k, 3 * k)), rng.uniform(-0.5, 1, (m, 3 * k))
    return np.where(rng.random((k, m)) < 0.2, rng.random((k, m)), 0.0), s @ y.T, s @ s.T


def one_by_one(x, target, gram, n_sweeps, cut):
    x = x.copy()
    for _ in range(n_sweeps):
        for j in range(len(x)):
            x[j] = cut(x[j] + (target[j] - gram[j] @ x) / gram[j, j], j)
    return x


@pytest.mark.parametrize("k", [1, BLOCK, BLOCK + 9, 3 * BLOCK + 1])
def test_blocks_do_what_one_unknown_after_the_other_does(k):
    x, target, gram = problem(k, 50, seed=k)
    least = np.random.default_rng(1).uniform(0, 0.3, k)
    cuts = [
        (None, lambda v, j: v),
        (0, lambda v, j: np.maximum(v, 0)),
        (least, lambda v, j: np.where(v > least[j], v, 0)),
    ]
    for given, cut in cuts:
        found = x.copy()
        descend(found, target, gram, 3, given)
        np.testing.assert_allclose(found, one_by_one(x, target, gram, 3, cut), atol=1e-9)


def test_columns_are_solved_on_their_own():
    x, target, gram = problem(5, COLUMNS + 7)
    whole, part = x.copy(), x[:, -9:].copy()
    descend(whole, target, gram, 4, 0)
    descend(part, target[:, -9:], gram, 4, 0)
    np.testing.assert_allclose(whole[:, -9:], part, atol=1e-12)


def test_units_and_unknowns_without_weight():
    x, target, gram = problem(6, 10)
    small = 1e-12 * x
    descend(small, 1e-24 * 1e-12 * target, 1e-24 * gram, 5, 0)
    descend(x, target, gram, 5, 0)
    np.testing.assert_allclose(1e12 * small, x, atol=1e-9)
    gram[2] = gram[:, 2] = target[2] = 0
    descend(x, target, gram, 1, None)
    assert (x[2] == 0).all()


def test_the_farthest_rows_are_those_of_explicit_projection():
    rng = np.random.default_rng(3)
    points = rng.random((60, 12))
    rest, chosen = points.copy(), []
    for _ in range(8):
        j = int((rest**2).sum(1).argmax())
        chosen.append(j)
        direction = rest[j] / np.linalg.norm(rest[j])
        rest -= np.outer(rest @ direction, direction)
    assert farthest(points, 8) == chosen
    flat = points[:, :3] @ rng.random((3, 12))
    assert len(farthest(flat, 8)) == 3
    assert farthest(np.zeros((4, 5)), 3) == []
