"""Scatter, compare and series without a browser: their numbers follow what is shown and changed."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from spaxel.figures.palette import matched_colors
from spaxel.metrics.agreement import agreement
from spaxel.readers.native import write_cube
from spaxel.results.editing import Move
from spaxel.store.run_folder import read_json, read_result, write_json
from spaxel.testing import tiny_cube
from spaxel.viewer.compare_pane import ComparePane, compare_pane
from spaxel.viewer.edits import Edits
from spaxel.viewer.look import Looks
from spaxel.viewer.panes import PANES
from spaxel.viewer.regions import box_region
from spaxel.viewer.scatter_pane import ScatterPane, ends_of
from spaxel.viewer.scene import open_scenes, titles_of
from spaxel.viewer.scores import labels_at, scores
from spaxel.viewer.series_pane import SeriesPane, series_pane
from spaxel.viewer.state import State
from spaxel.workflow.recut import recut
from spaxel.workflow.runs import segment


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A series of two cubes with 12 finest parts; a run of one cube, and the same cut otherwise."""
    folder = tmp_path_factory.mktemp("panes")
    paths = [write_cube(tiny_cube(20, 17, seed=s), folder / f"day{n}.zarr") for n, s in ((3, 0), (10, 4))]
    how = {"n_clusters": 4, "n_micro": 12, "linkage": "contact"}
    series = segment(paths, folder / "series", parameters=how, method="kmeans")
    one = Path(shutil.copytree(series / "day3", folder / "one"))
    write_json(one, {key: value for key, value in read_json(one).items() if key not in ("model", "format", "version")})
    shutil.copytree(one, folder / "two")
    recut(folder / "two", 3)
    return series, one, folder / "two"


def made(pane, *paths):
    state = State(open_scenes(paths))
    return state, pane(state, Looks(state))


def test_shares_against_time_follow_what_is_changed(runs):
    state, pane = made(SeriesPane, runs[0])
    assert [state.scenes[i].name for i in pane.order()] == ["day3", "day10"]
    points, times = pane.points()
    assert (times.axis, sorted(times.time)) == ("day", [3, 10])
    for row in csv.DictReader((runs[0] / "shares.csv").read_text("utf-8").splitlines()):
        here = next(point for point in points if point.cube == row["cube"])
        assert here.share[int(row["component"])] == pytest.approx(float(row["share"]), abs=1e-5)
        assert here.error[int(row["component"])] == pytest.approx(float(row["standard_error"]), abs=1e-5)
    pane._go(1)
    assert (state.scene.name, pane.slider.value) == ("day10", 1)
    Edits(state).do(Move("merge", (0, 1)))
    assert len(pane.points()[0][0].share) == 3
    assert series_pane(*_only(runs[1])) is None


def _only(*paths):
    state = State(open_scenes(paths))
    return state, Looks(state)


def test_two_runs_beside_each_other(runs):
    state, pane = made(ComparePane, runs[1], runs[2])
    assert titles_of(state.scenes) == ["one", "two"]
    assert pane.other.options == [("1", "two")]
    a, b = (read_result(run)["labels"].values for run in runs[1:])
    found = agreement(a, b, (4, 3))
    assert pane.found.ari == found.ari
    assert "one is the finer one" in pane.sentence.text
    assert len(pane.table.columns) == 1 + 3
    assert sum(sum(v) for k, v in pane.cross.data.items() if k != "name") == pytest.approx(1)
    same = np.array(pane.same.data["image"][0])
    assert same.sum() == round(found.agreed * found.n_pixels)
    assert matched_colors(state.colors, found.matching, 3) == [
        state.colors[{j: i for i, j in found.matching}[k]] for k in range(3)
    ]
    state.go(1)
    assert pane.other.options == [("0", "one")]
    assert compare_pane(*_only(runs[0])) is None  # two cubes of one run are two images


def test_scores_of_a_sample_and_what_is_marked(runs):
    state, pane = made(ScatterPane, runs[1])
    assert len(pane.points.data["x"]) == 0
    pane.compute()
    found = scores(state.scene)
    assert len(np.unique(found.at @ (1000, 1))) == len(found.at) == 340
    labels = read_result(runs[1])["labels"].values
    assert np.array_equal(labels_at(state.result, found.at, {}), labels[found.at[:, 0], found.at[:, 1]])
    assert set(pane.points.data["color"]) == set(state.colors)
    pane.points.selected.indices = [0, 5]
    assert pane.marked.data["x"].tolist() == (found.at[[0, 5], 1] + 0.5).tolist()
    assert "2 of 340 pixels" in pane.words.text
    state.select(box_region(2, 3, 6, 8))
    held = found.at[pane.points.selected.indices]
    assert {tuple(p) for p in held.tolist()} == {(y, x) for y in range(3, 8) for x in range(2, 6)}
    Edits(state).do(Move("color", (0,), "#123456"))
    assert "#123456" in pane.points.data["color"]
    low, high = ends_of(np.append(np.linspace(0, 1, 1000), 1e6))
    assert -0.5 < low < high < 2


def test_every_pane_is_named_once():
    assert list(PANES)[-1] == "About"
    assert {"Components", "Scatter", "Compare", "Series"} <= set(PANES)
