"""Changes by hand as a history: undone, done again, and repeated by one command."""

import shlex

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from spaxel.cube import make_cube
from spaxel.errors import ParameterError
from spaxel.figures.palette import run_colors
from spaxel.results.convention import component_names, given_names, is_background, make_result
from spaxel.results.cut import component_table, cut, recall, record
from spaxel.results.editing import History, Move, apply, command, done, edit_of, redone, undone
from spaxel.results.trees import centroid_tree

MICRO = 11


def made(seed=0, level=4):
    """A small result with a tree, without a fit: 11 finest parts on 13 x 7 pixels, of spectra with 3 channels."""
    rng = np.random.default_rng(seed)
    micro = rng.integers(0, MICRO, (13, 7)).astype(np.int32)
    micro.flat[:MICRO] = np.arange(MICRO)
    size = np.bincount(micro.ravel(), minlength=MICRO)
    spectra = rng.normal(size=(MICRO, 3))
    tree = centroid_tree(spectra, size)
    component, color = component_table(tree, size, level)
    start = make_result(
        make_cube(np.ones((13, 7, 3))),
        labels=component[micro].astype(np.int32), micro_labels=micro, micro_spectra=spectra, micro_size=size,
        micro_spread=np.ones((MICRO, 3)), merge_tree=tree, component_color=color, component_spectra=np.ones((level, 3)),
        component_spread=np.ones((level, 3)),
    ).assign_attrs(level=level)  # fmt: skip
    return cut(start, level)


def same(a, b):
    """Whether two results have the same labels, colours, names and backgrounds."""
    for one, other in (
        (a["labels"], b["labels"]),
        (run_colors(a), run_colors(b)),
        (is_background(a), is_background(b)),
    ):
        assert np.array_equal(one, other)
    assert component_names(a) == component_names(b)
    return True


def nested(fine, coarse):
    """Whether each part of one map lies in one part of the other."""
    return all(len(np.unique(coarse[fine == k])) == 1 for k in np.unique(fine))


@st.composite
def histories(draw, result):
    """Moves that make sense, one after the other, as a person makes them."""
    history = History()
    for _ in range(draw(st.integers(1, 7))):
        now = apply(result, history)
        k, micro = now.sizes["component"], np.bincount(now["micro_component"].values)
        a, b = (draw(st.integers(0, k - 1)) for _ in range(2))
        move = draw(
            st.sampled_from(
                [
                    Move("level", value=draw(st.integers(1, MICRO))),
                    Move("split", (int(micro.argmax()),)) if micro.max() > 1 else Move("name", (a,), ""),
                    Move("merge", (a, b), "both")
                    if a != b and "both" not in given_names(now)
                    else Move("name", (a,), "x"),
                    Move("color", (a,), "#123456"),
                    Move("background", (a,), draw(st.booleans())),
                ]
            )
        )
        if move.verb == "name" and move.value in given_names(now):
            move = move._replace(value="")
        history = done(history, move)
    return history


RESULT = made()


@settings(max_examples=25, deadline=None)
@given(histories(RESULT))
def test_undone_it_is_as_before_and_done_again_as_after(history):
    after = apply(RESULT, history)
    back = history
    for n in range(len(history.moves), 0, -1):
        back = undone(back)
        assert len(back.moves) == n - 1
    assert apply(RESULT, back) is RESULT
    for _ in history.moves:
        back = redone(back)
    assert back == history
    same(apply(RESULT, back), after)


@settings(max_examples=25, deadline=None)
@given(histories(RESULT))
def test_one_set_of_options_repeats_any_history_and_what_it_makes_is_its_own_history(history):
    after, edit = apply(RESULT, history), edit_of(RESULT, history)
    same(cut(RESULT, edit.level, **edit.changes._asdict()), after)
    same(cut(cut(RESULT, 2), edit.level, **edit.changes._asdict()), after)
    assert edit_of(after, History()) == edit
    same(recall(RESULT, record(after)), after)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5), st.integers(1, MICRO - 1), st.data())
def test_a_split_is_nested_and_its_parts_merged_give_back_what_was(seed, level, data):
    before = cut(made(seed), level)
    micro = np.bincount(before["micro_component"].values)
    at = data.draw(st.sampled_from(np.flatnonzero(micro > 1).tolist()))
    after = apply(before, History((Move("split", (at,)),)))
    assert after.sizes["component"] == level + 1
    assert nested(after["labels"].values, before["labels"].values)
    parts = np.unique(after["labels"].values[before["labels"].values == at])
    assert len(set(run_colors(after))) == level + 1
    again = apply(after, History((Move("merge", tuple(parts.tolist())),)))
    same(again, before)
    same(cut(before, level, split=[at], merge=[(f"{at}a", f"{at}b")]), before)


def test_of_a_split_the_larger_part_keeps_colour_and_name_and_is_called_a():
    named = cut(RESULT, 4, names={1: "leaf"}, colors={1: "#112233"}, background=[1])
    after = cut(named, split=["leaf"])
    k = given_names(after).index("leaf")
    other = next(i for i in range(5) if i != k and is_background(after)[i])
    assert after["component_size"][k] >= after["component_size"][other]
    assert run_colors(after)[k] == "#112233"
    direct = cut(RESULT, 4, split=[1, "1a"], names={"1aa": "core", "1b": "rim"})
    assert sorted(filter(None, given_names(direct))) == ["core", "rim"]
    assert "Split by hand: 1a into 1aa and 1ab." in direct.attrs["by_hand"]


def test_splitting_to_the_finest_parts_ends_with_a_message():
    with pytest.raises(ParameterError, match=r"one of the finest parts.*cannot be split"):
        cut(RESULT, MICRO, split=[0])
    with pytest.raises(ParameterError, match=r"Component 1 was split\. Try one of its parts: 1a, 1b"):
        cut(RESULT, 4, split=[1, 1])
    with pytest.raises(ParameterError, match=r"There is no component 2a\. Try 0, 1a, 1b, 2, 3"):
        cut(RESULT, 4, split=[1], merge=[("2a", 0)])
    with pytest.raises(ParameterError, match=r"The colour 'red' cannot be read.*#D55E00"):
        cut(RESULT, 4, colors={0: "red"})


def test_colours_and_backgrounds_are_taken_back():
    marked = cut(RESULT, 4, colors={0: "#000000"}, background=[0, 2])
    assert run_colors(marked)[0] == "#000000"
    assert is_background(marked).tolist() == [True, False, True, False]
    same(cut(marked, colors={0: ""}, background={0: False, 2: False}), RESULT)
    merged = cut(marked, merge=[(0, 2), (1, 3)])
    assert sorted(is_background(merged).tolist()) == [False, True]
    assert not is_background(cut(marked, merge=[(0, 1)])).all()


def test_a_new_level_keeps_the_names_of_what_it_leaves_alone():
    history = done(History(), Move("name", (1,), "leaf"))
    for level in (5, 6):
        after = apply(RESULT, done(history, Move("level", value=level)))
        there = [np.array_equal(after["labels"] == k, RESULT["labels"] == 1) for k in range(level)]
        assert [name == "leaf" for name in given_names(after)] == there


def test_the_command_says_all_that_stands():
    history = History((Move("split", (2,)), Move("color", (0,), "#D55E00"), Move("background", (1,))))
    history = done(history, Move("name", (0,), "lead white"))
    words = shlex.split(command("runs/a b", edit_of(RESULT, history), "mine"))
    assert words[:6] == ["spaxel", "cut", "runs/a b", "4", "--split", "2"]
    assert words[6:] == ["--name", "0=lead white", "--color", "0=#D55E00", "--background", "1", "--save-as", "mine"]


def test_abundances_without_a_tree_are_named_and_coloured_but_not_cut():
    labels, amounts = np.array([[0, 1]], np.int32), np.eye(2)[None].astype(np.float32)
    result = xr.Dataset(
        {"labels": (("y", "x"), labels), "abundances": (("y", "x", "component"), amounts)}, attrs={"by_hand": []}
    )
    history = History((Move("color", (1,), "#00FF00"), Move("name", (1,), "salt"), Move("background", (0,))))
    after = apply(result, history)
    assert run_colors(after)[1] == "#00FF00"
    assert component_names(after) == ["component 0", "salt"]
    same(recall(result, record(after)), after)
    for verb in ("split", "merge", "level"):
        with pytest.raises(ParameterError, match="keeps no merge tree"):
            apply(result, History((Move(verb, (0, 1), 2),)))
