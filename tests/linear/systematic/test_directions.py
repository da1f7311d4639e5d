"""Directions of a table that are turned from those of a near one: as good as computed anew, and found at once where small."""

import numpy as np
import pytest

from spaxel.linear.sparse.starts import subspace
from spaxel.linear.systematic import directions
from spaxel.linear.systematic.directions import EXACT, leading


def _table(n, channels, k, noise=0.05, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 1, (n, k)) @ rng.standard_normal((k, channels)) + noise * rng.standard_normal((n, channels))


def _angle(one, other):
    return np.sqrt(max(0.0, 1 - np.linalg.svd(one @ other.T, compute_uv=False)[-1] ** 2))


def test_turned_directions_are_those_of_the_table():
    Y = _table(300, 260, 5)
    near = leading(Y, 5).near
    moved = Y + 0.05 * np.sin(np.arange(300))[:, None] * np.roll(Y, 1, axis=1)
    found, right = leading(moved, 5, near), subspace(moved, 5)[2]
    assert _angle(leading(Y, 5).right, right) > 1e-2  # they had to be turned
    assert _angle(found.right, right) < 1e-4
    assert found.right @ found.right.T == pytest.approx(np.eye(5), abs=1e-12)
    assert found.left.T @ found.left == pytest.approx(np.eye(5), abs=1e-12)
    assert found.left @ (found.left.T @ moved) == pytest.approx(moved @ right.T @ right, abs=1e-3)


def test_a_large_table_is_turned_and_not_solved_anew(monkeypatch):
    Y = _table(EXACT + 50, EXACT + 20, 5)
    near = leading(Y, 5).near
    monkeypatch.setattr(directions, "subspace", None)
    assert leading(1.01 * Y, 5, near).right.shape == (5, EXACT + 20)


def test_weak_directions_explain_as_much_as_the_best():
    """Beyond the components only noise is left, in which no direction stands out."""
    Y = _table(300, 260, 3)
    found, right = leading(Y, 12, leading(_table(300, 260, 3, seed=1), 12).near), subspace(Y, 12)[2]
    rest, best = ((Y @ s.T @ s - Y) ** 2 for s in (found.right, right))
    assert rest.sum() < 1.01 * best.sum()


@pytest.mark.parametrize("shape", [(30, 500), (500, 30)])
def test_a_small_table_does_not_hang_on_what_was_near(shape):
    Y, other = _table(*shape, 4), _table(*shape, 4, seed=1)
    assert np.array_equal(leading(Y, 4).right, leading(Y, 4, leading(other, 4).near).right)
    assert np.array_equal(leading(Y, 4).left, subspace(Y, 12)[0][:, :4])
