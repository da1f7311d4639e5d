"""How micro-clusters are merged: what the linkages of k-means make of the same parts."""

import numpy as np

from spaxel.methods.centers.linkage import LINKAGES, Parts
from spaxel.results.cut import cut_tree

CENTERS = np.array([[0.0], [1.0], [2.5], [50.0]])
MICRO = np.repeat(np.arange(4), 20)
SCORES = CENTERS[MICRO] + np.linspace(-0.1, 0.1, 20).repeat(4).reshape(20, 4).T.reshape(-1, 1)
NEIGHBOURS = np.array([[1, 2]] * 20 + [[2, 3]] * 20)  # the third is the border between the second and the last


def together(tree, level):
    """Which parts share a component at a level."""
    label = cut_tree(tree, level)
    return {tuple(np.flatnonzero(label == k).tolist()) for k in np.unique(label)}


def test_spectra_merge_what_is_near_and_contact_what_is_a_border_also_once_refined():
    parts = Parts(SCORES, MICRO, CENTERS, NEIGHBOURS)
    for name, pair, other in (("centroid", (0, 1), (2,)), ("contact", (1, 2), (0,))):
        linkage = LINKAGES[name]
        tree = linkage.build(parts)
        assert together(tree, 3) == {pair, other, (3,)}
        refined = linkage.refine(parts, tree, 2, 0)
        assert together(refined, 2) == {(0, 1, 2), (3,)}
        assert together(refined, 3) == {pair, other, (3,)}
