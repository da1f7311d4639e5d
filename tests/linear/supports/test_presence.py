"""What sets say of groups of spectra: the short way, where each group holds one spectrum of a set, is the long way."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spaxel.linear.supports.presence import Groups, _of_groups


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.integers(0, 9))
def test_amounts_and_variances_are_summed_by_group(of, seed):
    rng = np.random.default_rng(seed)
    k = len(of)
    groups = Groups(np.array([0, *of]), 6, rng.uniform(0.5, 2, k + 1))
    amounts, root = rng.normal(size=k), rng.normal(size=(k, k))
    inverse, at = root @ root.T, list(range(1, k + 1))
    into = (np.array(of) == np.arange(6)[:, None]) * groups.unit[at]
    total, spread = np.zeros(6), np.zeros(6)
    where, total_there, spread_there = _of_groups(groups, at, amounts, inverse)
    total[where], spread[where] = total_there, spread_there
    same = np.array_equal if len(set(of)) == k else np.allclose  # one term: no bit differs
    assert same(total, into @ amounts)
    assert same(spread, np.einsum("gi,ij,gj->g", into, inverse, into))
