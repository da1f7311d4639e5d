"""Gaps are told whatever the sizes of groups, and parts of one cloud are merged before groups are."""

import numpy as np
import pytest

from spaxel.methods.consensus.gaps import LEAST, gap, joined


@pytest.mark.parametrize("few", [400, 40])
def test_a_gap_is_wide_however_few_are_on_one_side(few):
    rng = np.random.default_rng(7)
    assert gap(rng.normal(size=(few, 3)), rng.normal([20, 0, 0], size=(800, 3))) > 0.9


def test_two_halves_of_one_cloud_have_none():
    z = np.random.default_rng(8).normal(size=(2000, 3))
    assert abs(gap(z[z[:, 0] > 0], z[z[:, 0] <= 0])) < 0.1
    assert gap(z[z[:, 0] > 1.5], z[z[:, 0] <= 1.5]) < 0.2


def test_of_a_few_nothing_is_known():
    z = np.random.default_rng(9).normal(size=(2000, 2))
    assert gap(z[: LEAST - 1] + 100, z) == 0


def test_parts_of_one_cloud_are_merged_before_a_small_group_that_lies_apart():
    rng = np.random.default_rng(10)
    z = np.concatenate([rng.normal(size=(3000, 2)) * [3, 1], rng.normal([0, 6], 0.3, size=(60, 2))])
    part = np.where(np.arange(3060) < 3000, np.digitize(z[:, 0], [-2, 0, 2]), 4)
    levels = joined(z, part, 5, 2, 3, 0)
    assert [len(np.unique(owner)) for owner in levels] == [3, 2]
    assert len(np.unique(levels[-1][:4])) == 1
    assert levels[-1][4] != levels[-1][0]
