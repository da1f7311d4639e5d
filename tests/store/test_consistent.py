import numpy as np
import pytest

from spaxel.errors import ReadError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.results.trees import centroid_tree
from spaxel.store.consistent import consistent, is_tree
from spaxel.testing import tiny_cube


@pytest.fixture(scope="module")
def result():
    cube = tiny_cube(20, 17)
    return KMeans(n_clusters=3).fit(cube).predict(cube)


def test_a_result_fits_together(result, tmp_path):
    assert consistent(result, tmp_path) is result


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: r.assign(labels=r["labels"].astype(float)), "labels is damaged: it holds float64"),
        (lambda r: r.assign(confidence=r["confidence"].astype(str)), "confidence is damaged"),
        (lambda r: r.assign(component_color=-r["component_color"] - 1), "negative"),
        (lambda r: r.assign(micro_component=r["micro_component"] + 3), "components that are not there"),
        (lambda r: r.assign(merge_tree=r["merge_tree"][::-1]), "no tree over"),
        (lambda r: r.assign(merge_tree=r["merge_tree"] * np.nan), "no tree over"),
        (lambda r: r.drop_vars("merge_tree"), "merge_tree is damaged: it is missing"),
        (lambda r: r.drop_vars("component_size"), "component_size is damaged: it is missing"),
        (lambda r: r.drop_vars("level"), "level is damaged: it is missing"),
        (lambda r: r.assign_coords(level=r["level"].values[::-1]), "no such levels"),
        (
            lambda r: r.drop_vars("component_spread"),
            "component_spread is damaged: it is missing, and micro_spectra needs it",
        ),
        (lambda r: r.drop_vars("channel"), "channel is damaged"),
        (lambda r: r.assign_coords(channel=r["channel"] * np.inf), "channel is damaged: it is no axis of finite"),
        (lambda r: r.isel(rgb=[0]), "there are 1, not 3"),
        (lambda r: r.assign_attrs(n_components="three"), "n_components is 'three'"),
        (lambda r: r.assign_attrs(steps="[" * 100_000), "steps is no JSON"),
        (lambda r: r.assign_attrs(history=[1]), "history"),
    ],
)
def test_what_does_not_fit_is_named(result, tmp_path, change, said):
    with pytest.raises(ReadError, match=said):
        consistent(change(result), tmp_path)


@pytest.mark.parametrize("m", [1, 2, 9])
def test_trees_are_trees_until_one_entry_is_another(m):
    rng = np.random.default_rng(m)
    tree = centroid_tree(rng.normal(size=(m, 3)), np.ones(m)) if m > 1 else np.zeros((0, 4))
    assert is_tree(tree, m)
    assert not is_tree(tree, m + 1)
    for i in range(m - 1):
        for j in (0, 1):
            other = tree.copy()
            other[i, j] += 1
            assert not is_tree(other, m)
