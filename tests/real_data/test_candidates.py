"""Candidates on real maps whose elements are known."""

import warnings

import pytest

import spaxel
from spaxel.results.interpretation import interpret

pytest.importorskip("rsciio")


@pytest.mark.real_data
def test_elements_of_a_bruker_map(real):
    """Silver, aluminium and copper are in the header; carbon and oxygen are too soft."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cube = spaxel.open_cube(real / "eds_bruker" / "bcf_v2_50x50px.bcf")
        result = spaxel.KMeans(n_clusters=1).fit(cube).predict(cube)
    names = [c.name for c in interpret(result).candidates[0]]
    assert {"Al", "Ag", "Cu"} <= set(names)
    assert len(set(names) - {"Al", "Ag", "Cu"}) <= 1
