"""Where k-means could as well be otherwise, the vote is shared; where it could not, nothing changes."""

import numpy as np
import pytest

from spaxel.methods.consensus.members import linear, rand_indices
from spaxel.methods.consensus.ties import shared, unlike


def corners(n=4000, tall=1.0, seed=0):
    """Scores (n, 3) at the corners of a rectangle: two components are left and right, or up and down; and both labelings."""
    rng = np.random.default_rng(seed)
    side = rng.integers(0, 2, (n, 2))
    z = np.column_stack([10 * side[:, 0], 10 * tall * side[:, 1], np.zeros(n)]) + rng.normal(size=(n, 3))
    return z, side[:, 0], side[:, 1]


def member(z, labels):
    return linear(np.eye(3), np.stack([z[labels == j].mean(0) for j in np.unique(labels)]))


@pytest.mark.parametrize("seed", range(3))
def test_two_optima_that_are_nearly_as_good_share_a_vote_whichever_was_found(seed):
    z, across, up = corners(seed=seed)
    found = [shared(z, [np.eye(3)], [member(z, own)], [other], seed)[0] for own, other in ((across, up), (up, across))]
    for members in found:
        assert len(members) == 2
        assert sum(one.share for one in members) == pytest.approx(1)
        assert min(one.share for one in members) > 0.4
    shares = [
        sorted((max(rand_indices([one.labels(z)], [across]).item(), 0) > 0.5, one.share) for one in members)
        for members in found
    ]
    assert [on for on, _ in shares[0]] == [on for on, _ in shares[1]] == [False, True]
    assert [share for _, share in shares[0]] == pytest.approx([share for _, share in shares[1]], abs=1e-6)


def test_an_optimum_that_is_far_worse_has_no_vote_and_a_better_one_takes_it():
    z, across, up = corners(tall=1.5)
    (kept,) = shared(z, [np.eye(3)], [member(z, up)], [across], 0)
    assert len(kept) == 1
    assert np.array_equal(kept[0].labels(z), member(z, up).labels(z))
    ((taken,),) = shared(z, [np.eye(3)], [member(z, across)], [up], 0)
    assert taken.share == 1
    assert abs(rand_indices([taken.labels(z)], [up]).item()) > 0.99


def test_without_another_optimum_and_beyond_kmeans_members_stay_what_they_are():
    rng = np.random.default_rng(0)
    own = rng.integers(0, 3, 3000)
    z = rng.normal(size=(3000, 3)) + 12 * np.eye(3)[own]
    members = [member(z, own), member(z, own)]
    others = [own, rng.integers(0, 3, 3000), np.zeros(3000, int)]
    found = shared(z, [np.eye(3)], members, others, 0)
    assert len(found) == 2
    assert all(one is other for (one,), other in zip(found, members, strict=True))


def test_of_labelings_that_are_alike_the_first_is_kept():
    _, across, up = corners()
    nearly = np.where(np.arange(4000) < 10, 1 - across, across)
    kept = unlike([across, nearly, up, 1 - up], 0)
    assert [any(one is other for other in kept) for one in (across, nearly, up)] == [True, False, True]
    assert len(kept) == 2
