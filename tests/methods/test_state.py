from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from spaxel.errors import ReadError
from spaxel.methods.registry import load
from spaxel.methods.state import SegmentingInfo, UnmixingInfo, pack, read_info, unpack
from spaxel.testing import tiny_cube

OLD = (
    Path(__file__).parent / "old_runs"
)  # models as they were saved on 28 November 2026, of tiny_cube(30, 19), with labels


class Pair(NamedTuple):
    first: np.ndarray
    second: np.ndarray


def test_what_is_packed_is_unpacked():
    pair = Pair(np.arange(3.0), np.zeros((2, 0), np.uint8))
    state = pack("one_", pair) | pack("two.", {"a.b": np.ones(2), "first": np.zeros(1)})
    assert sorted(state) == ["one_first", "one_second", "two.a.b", "two.first"]
    for own, back in zip(pair, unpack(Pair, state, "one_"), strict=True):
        np.testing.assert_array_equal(own, back, strict=True)
    assert sorted(unpack(dict, state, "two.")) == ["a.b", "first"]
    assert unpack(dict, state, "none.") == {}
    with pytest.raises(KeyError, match=r"two\.second"):
        unpack(Pair, state, "two.")


@pytest.mark.parametrize("method", ["kmeans", "dsc", "dgc"])
def test_models_of_before_still_load_and_give_the_same_labels(method):
    labels = load(OLD / method).predict(tiny_cube(30, 19))["labels"].values
    assert np.array_equal(labels, np.loadtxt(OLD / method / "labels.txt"))


def plain(**more):
    always = {"steps": [], "units": "keV", "n_sampled": 9, "method": "kmeans", "n_components": 2, "sentence": "Two."}
    found = {"scaling": "unit", "scaling_scores": {}, "scaling_sentence": "", "votes": {"elbow": 2}, "valid_share": 1.0}
    return always | {"counts": True} | found | more


def test_a_record_keeps_what_it_does_not_declare():
    assert read_info(SegmentingInfo, plain(own=[1]))["own"] == [1]
    assert read_info(UnmixingInfo, plain(warnings=[]))["warnings"] == []


def test_a_record_that_is_not_whole_is_explained():
    short = plain()
    del short["votes"], short["units"]
    with pytest.raises(ReadError, match="lacks units, votes"):
        read_info(SegmentingInfo, short)
    with pytest.raises(ReadError, match="n_components of the model is 'many'"):
        read_info(SegmentingInfo, plain(n_components="many"))
    with pytest.raises(ReadError, match="lacks warnings"):
        read_info(UnmixingInfo, plain())
