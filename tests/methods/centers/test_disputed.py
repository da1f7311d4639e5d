from itertools import pairwise

import numpy as np

import spaxel
from spaxel.methods.centers.disputed import disputes, together
from spaxel.methods.centers.groups import Rules, find_groups
from spaxel.methods.centers.sure import Sure, mistakes
from spaxel.results.trees import cut_tree
from spaxel.testing import tiny_cube

RNG = np.random.default_rng(8)
PURE = np.array([[1.0, 2, 3, 4], [4.0, 1, 1, 2], [1.0, 4, 1, 1]])
KIND = np.repeat([0, 1, 2], 200)
CLEAR = PURE[KIND] + RNG.normal(0, 0.05, (600, 4))
CLOUD = 5 + RNG.normal(0, 1, (600, 4))


def grouped(spectra, number, **rules):
    return find_groups(spectra, np.zeros((0, 2, 4)), number, Rules(None, **rules))


def dispute(spectra, groups, *, counts=False):
    found = disputes(spectra, groups, 0, counts=counts)
    return mistakes(found.astype(float), groups.component), found


def test_rows_are_the_spectra_of_a_part_and_one_label_for_all_shares_them_out():
    parts = RNG.integers(0, 4, 100)
    size = np.bincount(parts, minlength=5)
    mixed = together(parts, np.zeros(100, int), 5)
    np.testing.assert_allclose(mixed, np.outer(size, size) / 100)
    np.testing.assert_allclose(together(parts, RNG.integers(0, 7, 100), 5).sum(1), size)
    np.testing.assert_allclose(together(parts, parts, 5), np.diag(size))


def test_what_every_scaling_tells_apart_is_not_disputed_and_a_cloud_cut_in_two_is():
    assert dispute(CLEAR, grouped(CLEAR, 3))[0].max() < 0.02
    loud = CLOUD * [1.0, 20, 1, 1]  # cut along one loud channel, which the other scalings do not hear
    assert dispute(loud, grouped(loud, 2))[0].min() > 0.1


def test_joining_parts_never_makes_them_more_disputed():
    groups = grouped(CLOUD, None, n_micro=12, max_clusters=8)
    found = dispute(CLOUD, groups)[1].astype(float)
    sure = Sure(np.zeros(5), np.zeros(1), np.eye(12), found, np.array([0.3]))
    shares = [sure.dispute(cut_tree(groups.tree, k)) for k in (12, 8, 4, 2)]
    assert all((coarse <= fine + 1e-9).all() for fine, coarse in pairwise(shares))
    by_hand = np.where(cut_tree(groups.tree, 4) == 3, 0, cut_tree(groups.tree, 4))
    assert (sure.dispute(by_hand) <= shares[2] + 1e-9).all()
    assert sure.dispute(cut_tree(groups.tree, 1)).max() < 0.3


def test_the_more_disputed_the_less_sure_and_without_it_a_model_maps_as_it_did():
    mistaken, component = np.eye(2) * 100, np.arange(2)
    weights = np.array([-2.0, 0.6, 1.0, 3.0, 0.8])
    none = Sure(weights[:4], np.zeros(1), mistaken).against(component)
    odds = [
        Sure(weights, np.zeros(1), mistaken, np.array([[100 - n, n], [n, 100 - n]])).against(component)
        for n in (0.0, 20.0, 50.0)
    ]
    assert (odds[0] < odds[1]).all()
    assert (odds[1] < odds[2]).all()
    np.testing.assert_allclose(none, np.exp(2.0) * 0.02, rtol=1e-6)


def test_spectra_of_one_kind_and_few_of_them_are_no_fault():
    for spectra in (np.ones((30, 4)), CLEAR[::100]):
        groups = grouped(spectra + np.arange(len(spectra))[:, None] * 1e-3, 2)
        assert np.isfinite(dispute(spectra, groups)[0]).all()


def test_a_saved_model_says_the_same(tmp_path):
    cube = tiny_cube(20, 17)
    model = spaxel.KMeans(3).fit(cube)
    again = spaxel.load(model.save(tmp_path / "m"))
    assert model.state_["disputed"].shape == model.state_["mistaken"].shape
    np.testing.assert_array_equal(again.predict(cube)["confidence"], model.predict(cube)["confidence"])
    old = {name: array for name, array in model.state_.items() if name != "disputed"}
    again.state_ = old | {"sure_weights": model.state_["sure_weights"][:4]}
    assert np.nanmax(again.predict(cube)["confidence"]) <= 1
