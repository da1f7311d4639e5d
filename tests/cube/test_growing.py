import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaxel.cube.growing import Growing
from spaxel.cube.sampling import Thinned


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6), st.floats(0, 1), st.integers(0, 9))
def test_rows_come_back_in_their_order_and_only_those_that_are_kept(lengths, share, seed):
    rng = np.random.default_rng(seed)
    parts, rows = [rng.random((n, 3)) for n in lengths], Growing()
    for part in parts:
        rows.add(part)
    whole = np.concatenate(parts)
    assert len(rows) == len(whole)
    chosen = np.flatnonzero(rng.random(len(whole)) < share)
    rows.keep(chosen)
    rows.add(parts[0])
    assert np.array_equal(rows.taken(), np.concatenate([whole[chosen], parts[0]]))


def test_what_is_taken_is_no_longer_than_its_rows():
    rows = Growing()
    rows.add(np.ones((100, 4)))
    rows.keep(np.arange(5))
    found = rows.taken()
    assert found.base is None
    assert found.shape == (5, 4)
    with pytest.raises(ValueError, match="no rows"):
        rows.taken()


@given(st.integers(1, 300), st.lists(st.integers(0, 400), min_size=1, max_size=12), st.integers(0, 9))
def test_a_sample_is_the_same_share_of_each_cell_and_never_holds_much_more(n, sizes, seed):
    rng, kept = np.random.default_rng(seed), Thinned(n)
    for i, size in enumerate(sizes):
        block = np.stack([np.full(size, i), np.arange(size)], axis=1)[None]
        kept.add(block, np.ones((1, size), bool), rng.permutation(size))
        assert len(kept._spectra) <= 4 / 3 * n + i + 1
    found, total = kept.drawn(rng), sum(sizes)
    assert len(found) == min(n, total)
    assert len(np.unique(found, axis=0)) == len(found)
    for i, size in enumerate(sizes):
        assert (found[:, 0] == i).sum() <= np.ceil(size * min(1, n / max(total, 1)))
