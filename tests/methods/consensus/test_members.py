"""Members of a consensus and what they hear of their neighbours, on scores whose noise is known."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from spaxel.linear.silhouettes import distances
from spaxel.methods.consensus.members import Member, agreement, members_at_each, members_of, rand_indices
from spaxel.methods.consensus.surroundings import differences, nearby, wiener, within

RNG = np.random.default_rng(0)
CENTERS = np.array([[0.0, 0, 0], [6, 0, 0], [0, 6, 0]])
OWN = RNG.integers(0, 3, 1500)
Z = CENTERS[OWN] + RNG.normal(size=(1500, 3))


def test_a_member_is_the_nearest_centre():
    member = members_of(Z, {}, 3, 2, 0)[0]
    assert np.array_equal(member.labels(Z), distances(Z, member.weight.T).argmin(1))


def test_without_neighbours_there_are_two_members_and_with_them_five():
    assert len(members_of(Z, {}, 3, 1, 0)) == 2
    apart = RNG.normal(size=(500, 3))
    found = members_of(Z, {3: apart, 6: apart}, 3, 1, 0)
    assert len(found) == 5
    for member in found:
        assert all((member.labels(Z)[k == OWN] == member.labels(Z)[k == OWN][0]).mean() > 0.97 for k in range(3))


def test_more_components_than_different_spectra_is_no_error():
    few = np.repeat(np.eye(3)[:2], 20, axis=0)
    assert {len(np.unique(member.labels(few))) for member in members_of(few, {}, 5, 1, 0)} == {2}


def test_a_member_that_nobody_agrees_with_counts_nothing():
    labels = [OWN, OWN.copy(), (OWN + 1) % 3, RNG.integers(0, 3, 1500)]
    weight, mean = agreement(labels, np.ones(4), 0)
    assert weight[:3] == pytest.approx([4 / 3] * 3, abs=0.02)
    assert weight[3] < 0.01
    assert mean[0] == pytest.approx(2 / 3, abs=0.02)


def test_the_filter_takes_noise_off_and_leaves_what_has_none():
    clean = np.repeat(RNG.normal(0, 3, (400, 2)), 9, axis=0)
    noise = np.diag([4.0, 0.0])
    z = clean + RNG.normal(size=clean.shape) * [2, 0]
    around = clean + RNG.normal(size=clean.shape) * [2 / np.sqrt(8), 0]
    found = wiener(z, around, noise)(z, around)
    before, after = (((values - clean) ** 2).mean(0) for values in (z, found))
    assert after[0] < before[0] / 4
    assert after[1] < 1e-3
    none = wiener(z, around, np.zeros((2, 2)))
    assert np.array_equal(none(z, around), z)


def test_differences_keep_to_good_pixels():
    scores = np.arange(16.0).reshape(1, 4, 4, 1)
    good = np.ones((1, 4, 4), bool)
    assert sorted(np.unique(differences(scores, good, 1))) == [1, 4]
    assert len(differences(scores, good, 3)) == 8
    good[0, 0, 0] = False
    assert len(differences(scores, good, 3)) == 6


def test_the_near_by_metric_makes_light_of_what_varies_within():
    apart = RNG.normal(size=(5000, 2)) * [5, 1]
    metric = nearby(within(apart), 0.01)
    assert metric[0, 0] < metric[1, 1] / 2
    assert nearby(np.zeros((2, 2)), 0.5).tolist() == [[1, 0], [0, 1]]


def test_members_are_rules_of_plain_arrays():
    assert Member(np.eye(2), np.zeros(2)).labels(np.array([[1.0, 0], [0, 1]])).tolist() == [0, 1]


@pytest.mark.same_bits
@pytest.mark.parametrize("n", [2, 3, 40, 2500])
def test_rand_indices_have_the_bits_of_scikit_learn(n):
    rng = np.random.default_rng(n)
    some = [rng.integers(0, k, n) for k in (1, 2, 5, 9)]
    some += [some[2], np.where(rng.random(n) < 0.1, 0, some[3]), np.arange(n) % 60]
    expected = [[adjusted_rand_score(one, other) for other in some] for one in some]
    assert np.array_equal(rand_indices(some, some), expected)


@pytest.mark.parametrize("beside", [False, True])
def test_members_at_each_number_are_about_those_at_one(beside):
    apart = {3: RNG.normal(size=(500, 3)), 6: RNG.normal(size=(500, 3))} if beside else {}
    found = members_at_each(Z, apart, 4, 0, np.arange(0, 1500, 2))
    assert list(found) == [2, 3, 4]
    alone = members_of(Z, apart, 3, 3, 0)
    assert len(found[3]) == len(alone)
    for one, other in zip(found[3], alone, strict=True):
        assert adjusted_rand_score(one.labels(Z), other.labels(Z)) > 0.97
