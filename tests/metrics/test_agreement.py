"""Two maps of one image: numbers against scikit-learn, the matching, what a person is told."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from spaxel.errors import CubeError
from spaxel.metrics import agreement as module
from spaxel.metrics.agreement import adjusted_information, agreement, agreement_sentence, differs


def maps(seed, rows=4, columns=3, noise=0.5):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-1, rows, (13, 7)), rng.integers(-1, columns, (13, 7))
    return a, np.where(rng.random((13, 7)) < noise, b, a % columns)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 5), st.integers(1, 5))
def test_numbers_are_those_of_scikit_learn_and_turn_round(seed, rows, columns):
    a, b = maps(seed, rows, columns)
    both = (a >= 0) & (b >= 0)
    if not both.any():
        return
    found, back = agreement(a, b), agreement(b, a)
    assert found.ari == pytest.approx(adjusted_rand_score(a[both], b[both]))
    assert found.ami == pytest.approx(adjusted_mutual_info_score(a[both], b[both]), abs=1e-9)
    assert (found.finer, found.coarser, found.only_a) == (back.coarser, back.finer, back.only_b)
    assert found.agreed == back.agreed == pytest.approx(1 - differs(a, b, found).sum() / both.sum())
    assert found.n_pixels == both.sum() == found.table.sum()


def test_chance_for_many_pixels_is_as_summed(monkeypatch):
    rng = np.random.default_rng(0)
    table = rng.integers(100, 3000, (6, 5))
    exact = adjusted_information(table)
    monkeypatch.setattr(module, "EXACT", 0)
    assert adjusted_information(table) == pytest.approx(exact, abs=1e-4)


def test_renumbered_is_the_same_and_a_level_below_is_finer():
    a = np.repeat([[0, 0, 1, 2]], 3, axis=0)
    same = agreement(a, np.array([2, 0, 1])[a])
    assert (same.ari, same.agreed, same.iou) == (1, 1, [1, 1, 1])
    fine = np.repeat([[0, 3, 1, 2]], 3, axis=0)
    found = agreement(a, fine)
    assert (found.finer, found.agreed) == (1, 0.75)
    text = agreement_sentence(found, (list("abc"), list("wxyz")), ("coarse", "fine"))
    assert "fine is the finer one" in text
    assert "25.0% of the pixels, is a in coarse and z in fine" in text
    assert "nearly everywhere" in agreement_sentence(same, (list("abc"), list("abc")), ("A", "B"))


def test_what_cannot_be_compared():
    with pytest.raises(CubeError, match=r"shapes \(2, 3\) and \(3, 2\)"):
        agreement(np.zeros((2, 3), int), np.zeros((3, 2), int))
    with pytest.raises(CubeError, match="No pixel has a label in both"):
        agreement(np.array([[0, -1]]), np.array([[-1, 0]]))
