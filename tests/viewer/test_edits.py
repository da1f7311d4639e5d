"""Changes by hand in the viewer, without a browser: state, table, tree, what is kept on the disk."""

import shlex

import numpy as np
import pytest
import xarray as xr

from spaxel.errors import ParameterError
from spaxel.readers.native import write_cube
from spaxel.results.convention import given_names
from spaxel.results.cut import cut, forest_of
from spaxel.results.editing import Move
from spaxel.results.regrouping import regrouped, regrouped_lazily
from spaxel.store import guarded
from spaxel.store.cuts import list_cuts, open_cut
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube
from spaxel.viewer import edits as module
from spaxel.viewer.dendrogram import dendrogram, members
from spaxel.viewer.edit_pane import EditPane
from spaxel.viewer.edits import Edits
from spaxel.viewer.look import Looks
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.state import State
from spaxel.workflow.runs import segment


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two cubes of one model, with 12 finest parts."""
    folder = tmp_path_factory.mktemp("viewed")
    paths = [write_cube(tiny_cube(20, 17, seed=s), folder / f"{n}.zarr") for n, s in (("a", 0), ("b", 4))]
    return segment(
        paths, folder / "run", parameters={"n_clusters": 4, "n_micro": 12, "linkage": "contact"}, method="kmeans"
    )


def opened(run, **options):
    return State(open_scenes([run]), **options)


def test_moves_undo_redo_and_the_other_cube_of_the_run(run):
    state = opened(run)
    edits, before = Edits(state), state.result
    edits.do(Move("merge", (1, 2), "both"))
    assert given_names(state.result).count("both") == 1
    assert state.result.sizes["component"] == 3
    state.go(1)
    assert given_names(state.result).count("both") == 1
    assert edits.command() == f"spaxel cut {run} 4 --merge 1,2 --name 1=both"
    edits.undo()
    assert state.result.sizes["component"] == 4
    state.go(0)
    assert state.result is before
    edits.redo()
    assert state.result.sizes["component"] == 3
    with pytest.raises(ParameterError, match="no component 9"):
        edits.do(Move("split", (9,)))
    assert state.result.sizes["component"] == 3
    assert not (run / "cuts").exists()


def test_what_is_kept_and_the_command_that_repeats_it(run, cli):
    state = opened(run, editable=True)
    edits = Edits(state)
    for move in (Move("level", value=3), Move("split", (0,)), Move("color", (1,), "#336699"), Move("background", (2,))):
        edits.do(move)
    folder = edits.save("mine")
    assert list_cuts(run) == edits.names_of_cuts() == ["mine"]
    assert folder == (run / "cuts" / "mine")
    for at, cube in enumerate("ab"):
        state.go(at)
        xr.testing.assert_equal(open_cut(run / cube, "mine")[1]["labels"].load(), state.result["labels"])
    words = shlex.split(edits.command("again"))[1:]
    assert cli(*words)[0] == 0
    assert open_cut(run / "b", "again")[1].identical(open_cut(run / "b", "mine")[1])
    quiet = Edits(opened(run))
    with pytest.raises(ParameterError, match="--edit"):
        quiet.save("no")
    with pytest.raises(ParameterError, match="in no run"):
        Edits(State(open_scenes([read_result(run / "a").load()]), editable=True)).save("no")


def test_a_large_result_is_changed_without_laying_it_out(run, monkeypatch):
    eager = Edits(opened(run))
    monkeypatch.setattr(guarded, "SMALL", 0)
    state = opened(run)
    monkeypatch.setattr(module, "EAGER", 10)
    lazy = Edits(state)
    for one in (eager, lazy):
        one.do(Move("split", (1,)))
    assert state.result["labels"].chunks is not None
    xr.testing.assert_equal(state.result["labels"].load(), eager._state.result["labels"])
    assert regrouped_lazily.__doc__ != regrouped.__doc__


def test_a_line_across_the_tree_meets_as_many_components_as_it_says(run):
    result = read_result(run / "a").load()
    for level in (1, 4, 7):
        at = cut(result, level)
        found = dendrogram(forest_of(at), at["micro_component"].values, [f"c{i}" for i in range(level)], level, "ink")
        for k in range(2, found.lowest + 1):
            assert sum(min(y) < k < max(y) for y in found.ys) == k
        assert members(forest_of(at), at["micro_component"].values, found.node[0]) == list(range(level))
        crossing = [c for y, c in zip(found.ys, found.color, strict=True) if min(y) < level < max(y)]
        assert level == 1 or sorted(crossing) == [f"c{i}" for i in range(level)]


def test_the_pane_selects_changes_and_refuses(run):
    state = opened(run)
    pane = EditPane(state, Looks(state))
    assert pane.save.disabled
    assert "Nothing is written" in pane.saved.text
    pane.which.value = "0, 2"
    assert pane.table.picked == [0, 2]
    assert state.component is None
    pane.which.value = "1"
    assert state.component == 1
    pane.name.value = "<b>sky</b>"
    pane._change("name", 1, most=1, value=pane.name.value)
    assert pane.table.source.data["name"][1] == "<b>sky</b>"
    assert pane.command.text.endswith("--name '1=<b>sky</b>'")
    assert pane.table.picked == []
    pane._change("merge", 2)
    assert "at least 2 components" in pane.error.text
    pane.which.value = "99"
    assert "from 0 to 3" in pane.error.text
    pane.table.pick([0, 1])
    pane._mark()
    assert pane.table.source.data["name"][1] == "<b>sky</b> (background)"
    assert np.isnan(pane.table.source.data["share"][0])
    pane.tree.nodes.selected.indices = [0]
    assert pane.table.picked == [0, 1, 2, 3]
    pane._change("merge", 2)
    assert state.result.sizes["component"] == 1
    pane._try(pane.edits.undo)
    assert (state.result.sizes["component"], pane.redo.disabled) == (4, False)
    pane._do(Move("level", value=99))
    assert "level is 99" in pane.error.text
    assert pane.level.value == 4
