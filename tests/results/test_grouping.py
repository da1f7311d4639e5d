"""Merges and names by hand: what becomes what, and what makes no sense is refused with what to try."""

import pytest

from spaxel.errors import ParameterError
from spaxel.results.grouping import group

NONE = [""] * 5


def test_merges_join_and_the_rest_stays():
    made = group(NONE, [(3, 1), (0, 4)], {4: "edge"})
    assert made.into.tolist() == [0, 1, 2, 1, 0]
    assert made.names == ["edge", "", ""]
    assert made.words == ["Merged by hand: 1 + 3.", "Merged by hand: 0 + 4.", "Named by hand: 0 edge."]


def test_names_stand_for_numbers_and_survive_a_merge():
    known = ["", "lesion", "", "", "soil"]
    assert group(known, [("lesion", 2)]).names == ["", "lesion", "", "soil"]
    assert group(known, [("lesion", "soil")], {"soil": "both"}).names == ["", "both", "", ""]
    assert group(known, (), {1: "", 0: " a  leaf "}).names == ["a leaf", "", "", "", "soil"]
    assert group(known, (), {1: "soil", 4: "lesion"}).names == ["", "soil", "", "", "lesion"]


def test_nothing_asked_nothing_done():
    made = group(["", "a"])
    assert (made.into.tolist(), made.names, made.words) == ([0, 1], ["", "a"], [])


@pytest.mark.parametrize(
    ("known", "merge", "names", "message"),
    [
        (NONE, [(1,)], {}, "merge of 1 joins fewer than two.*Try two or more"),
        (NONE, [(2, 2)], {}, "joins fewer than two"),
        (NONE, [()], {}, "merge of nothing"),
        (NONE, [7], {}, "A merge is 7, expected several"),
        (NONE, ["37"], {}, "A merge is '37', expected several"),
        (NONE, [(1, 5)], {}, "no component 5. Try a number from 0 to 4"),
        (NONE, [(1, -1)], {}, "no component -1"),
        (["", "lesion"], [("x", 0)], {}, "no component x.*1 lesion"),
        (NONE, [(1, 2), (2, 3)], {}, "Component 2 is in two merges"),
        (NONE, [], {9: "a"}, "no component 9"),
        (NONE, [], {0: "a", 1: "a"}, "'a' is given to components 0 and 1.*merge them: 0,1"),
        (["a", "", ""], [], {2: "a"}, "'a' is given to components 0 and 2"),
        (NONE, [(1, 2)], {1: "a", 2: "b"}, "given two names, 'a' and 'b'"),
        (["a", "b"], [(0, 1)], {}, "joins 'a' and 'b'. Try to say what it is called"),
        (NONE, [], {0: "3"}, "'3' looks like the number"),
        (NONE, [], {0: "Component 3"}, "looks like the number"),
    ],
)
def test_what_makes_no_sense_is_refused(known, merge, names, message):
    with pytest.raises(ParameterError, match=message):
        group(known, merge, names)
