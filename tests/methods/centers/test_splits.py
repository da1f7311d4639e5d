"""What a split of a tree looks like, on images whose halves are known."""

import numpy as np
import pytest

from spaxel.methods.centers.linkage import Parts, by_centroid
from spaxel.methods.centers.splits import look_at_splits


def parts(image, noise, seed=0):
    """Two axes of scores of a small image (h, w), with noise; the parts are sixteen slices of the first axis."""
    rng = np.random.default_rng(seed)
    scores = np.stack([image, np.zeros_like(image)], axis=2) + rng.normal(0, noise, (*image.shape, 2))
    edges = np.quantile(scores[..., 0], np.linspace(0, 1, 17)[1:-1])
    micro = np.searchsorted(edges, scores[..., 0])
    flat = scores.reshape(-1, 2)
    centers = np.stack([flat[micro.ravel() == i].mean(0) for i in range(16)])
    pairs = np.stack([scores[:, :-1], scores[:, 1:]], axis=2).reshape(-1, 2, 2)
    beside = np.stack([micro[:, :-1], micro[:, 1:]], axis=2).reshape(-1, 2)
    windows = scores.reshape(4, 16, 4, 16, 2).swapaxes(1, 2).reshape(16, 16, 16, 2)
    return Parts(flat, micro.ravel(), centers, beside, pairs, windows, np.ones((16, 16, 16), bool))


def first_split(image, noise=1.0):
    some = parts(image, noise)
    return look_at_splits(some, by_centroid(some), np.arange(2, 6))


Y, X = np.mgrid[:64, :64]


def test_two_materials_have_a_gap_an_interior_and_a_border():
    found = first_split(np.where(np.where(Y > 31, 27, 35) < X, 12.0, 0.0))
    assert found.excess[0] > 0.25
    assert found.apart[0] == pytest.approx(np.log(12), abs=0.3)
    assert found.inside[0] > 0.8
    assert found.height[0] > 0.8
    assert found.left[0] > 2
    assert found.left[1] == pytest.approx(0, abs=0.15)
    assert found.alike == 1


def test_noise_has_no_gap_and_no_interior():
    found = first_split(np.zeros((64, 64)))
    assert found.excess[0] < 0.1
    assert found.inside[0] < 0.2
    assert found.alike == 0


def test_a_gradient_has_interiors_and_no_border():
    found = first_split(X / 4.0, noise=0.5)
    assert found.inside[0] > 0.6
    assert found.height[0] < 0.35


def test_without_windows_the_pairs_tell_of_interiors_and_a_table_of_none():
    whole = parts(np.where(X > 30, 12.0, 0.0), 1.0)
    none = {"windows": np.zeros((0, 0, 0, 2)), "good": np.zeros((0, 0, 0), bool)}
    beside = look_at_splits(whole._replace(**none), by_centroid(whole), np.arange(2, 6))
    assert beside.inside[0] > 0.9
    assert np.isnan(beside.height).all()
    table = whole._replace(**none, pairs=np.zeros((0, 2, 2)), neighbours=np.zeros((0, 2), int))
    alone = look_at_splits(table, by_centroid(whole), np.arange(2, 6))
    assert alone.alike == -1
    assert np.isnan(alone.inside).all()
    assert alone.excess[0] > 0.25
