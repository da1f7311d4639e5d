"""Named cuts: kept beside the fit, used in its place, without changing the run."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from spaxel.errors import Exists, NotFound, ParameterError, ReadError
from spaxel.figures.palette import run_colors
from spaxel.readers.native import write_cube
from spaxel.reporting.cuts import report_cut
from spaxel.results.convention import given_names
from spaxel.results.cut import cut
from spaxel.store.cuts import list_cuts, open_cut, save_cut
from spaxel.store.run_folder import read_json, read_result, read_run
from spaxel.testing import tiny_cube
from spaxel.workflow.describe_run import describe_run
from spaxel.workflow.recut import keep_cut, recut
from spaxel.workflow.runs import segment

BY_HAND = {"split": [0], "merge": [(1, "0b")], "names": {2: "ground"}, "colors": {2: "#336699"}, "background": [1]}


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A run with 12 finest parts. Not to be changed."""
    folder = tmp_path_factory.mktemp("fitted")
    scan = write_cube(tiny_cube(20, 17), folder / "scan.zarr")
    return segment(
        [scan], folder / "run", parameters={"n_clusters": 5, "n_micro": 12, "linkage": "contact"}, method="kmeans"
    )


@pytest.fixture
def own_run(fitted, tmp_path):
    """A copy of it, to be changed."""
    return Path(shutil.copytree(fitted, tmp_path / "run"))


def snapshot(run):
    """All that lies in a run, but for its cuts."""
    return {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and "cuts" not in p.relative_to(run).parts}


def test_a_kept_cut_changes_nothing_of_the_run_and_is_used_in_its_place(own_run):
    before, here = snapshot(own_run), read_result(own_run).load()
    folder = keep_cut(own_run, "fine", 3, **BY_HAND)
    assert snapshot(own_run) == before
    assert sum(p.stat().st_size for p in folder.rglob("*")) < 20_000
    assert list_cuts(own_run) == ["fine"]
    about, result = open_cut(own_run, "fine")
    wanted = cut(here, 3, **BY_HAND)
    for name in (
        "labels",
        "component_spectra",
        "component_size",
        "confidence",
        "component_paint",
        "component_background",
    ):
        xr.testing.assert_equal(result[name].load(), wanted[name])
    assert about["command"].splitlines()[-1].endswith("--save-as fine")
    assert not {"score", "activation", "presence"} & set(about)
    rows = list(csv.DictReader((folder / "components.csv").read_text("utf-8").splitlines()))
    assert [row["name"] for row in rows] == given_names(wanted)
    assert [row["color"] for row in rows] == run_colors(wanted, read_json(own_run))
    assert [int(row["n_pixels"]) for row in rows] == wanted["component_size"].values.tolist()
    assert [row["share"] for row in rows if row["background"] == "yes"] == [""]
    assert "cut fine" in describe_run(own_run)


def test_a_kept_cut_becomes_the_result_and_others_start_from_it(own_run):
    keep_cut(own_run, "fine", 3, **BY_HAND)
    wanted = open_cut(own_run, "fine")[1].load()
    recut(own_run, start="fine")
    found = read_result(own_run).load()
    xr.testing.assert_equal(found["labels"], wanted["labels"])
    assert (run_colors(found), given_names(found)) == (run_colors(wanted), given_names(wanted))
    assert list_cuts(own_run) == ["fine"]
    keep_cut(own_run, "one", start="fine", merge=[(0, 1)], names={0: "both"})
    assert open_cut(own_run, "one")[1].sizes["component"] == wanted.sizes["component"] - 1


def test_what_makes_no_sense_is_refused_and_nothing_is_written(own_run):
    keep_cut(own_run, "a", 2)
    (own_run / "cuts" / "a" / "mine.txt").write_text("mine")
    for name in ("../b", "", ".hidden", "run.json", "a/b"):
        with pytest.raises(ParameterError, match="cannot be the name of a cut"):
            keep_cut(own_run, name, 2)
    with pytest.raises(Exists):
        keep_cut(own_run, "a", 3)
    with pytest.raises(ParameterError, match=r"level is 99"):
        keep_cut(own_run, "b", 99)
    with pytest.raises(NotFound, match=r"no cut 'b'\. Try one of: a\."):
        open_cut(own_run, "b")
    with pytest.raises(ParameterError, match="everything starts anew, and with --from a"):
        recut(own_run, 3, start="a")
    assert list_cuts(own_run) == ["a"]
    assert (own_run / "cuts" / "a" / "mine.txt").is_file()
    keep_cut(own_run, "a", 3, overwrite=True)
    assert open_cut(own_run, "a")[1].sizes["component"] == 3
    (own_run / "cuts" / "a" / "cut.json").write_text("{")
    with pytest.raises(ReadError, match=r"cut\.json is damaged"):
        open_cut(own_run, "a")


def test_the_page_of_a_cut_lies_beside_it(own_run):
    before = (own_run / "report.html").read_bytes()
    keep_cut(own_run, "two", 2, names={0: "<i>sky</i>"})
    page = report_cut(own_run, "two")
    assert page == own_run / "cuts" / "two" / "report.html"
    assert "&lt;i&gt;sky" in page.read_text("utf-8")
    assert (own_run / "report.html").read_bytes() == before


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    cubes = {"cuts": tiny_cube(20, 17), "b": tiny_cube(20, 17, seed=4).isel(y=slice(0, 12))}
    paths = [write_cube(cube, folder / f"{name}.zarr") for name, cube in cubes.items()]
    return segment(paths, folder / "run", parameters={"n_clusters": 3}, method="kmeans")


def test_a_series_keeps_its_cuts_for_all_of_its_cubes(series, tmp_path):
    run = Path(shutil.copytree(series, tmp_path / "run"))
    assert list(read_json(run)["inputs"]) == ["cuts-", "b"]  # the name of the folder of cuts is taken
    rows = list(csv.DictReader((run / "shares.csv").read_text("utf-8").splitlines()))
    found = {(row["cube"], int(row["component"])): float(row["share"]) for row in rows}
    sizes = read_result(run / "b")["component_size"].values
    assert [found["b", k] for k in range(3)] == pytest.approx(sizes / sizes.sum(), abs=1e-6)
    assert all(float(row["standard_error"]) > 0 for row in rows if float(row["share"]) > 0)
    page = (run / "report.html").read_text("utf-8")
    assert "How do the shares change?" in page
    told = (
        found["b", 0],
        *(float(row["standard_error"]) for row in rows if (row["cube"], row["component"]) == ("b", "0")),
    )
    wrong = read_result(run / "b")["confidence"].values[read_result(run / "b")["labels"].values == 0]
    wrong = found["b", 0] * (1 - wrong.mean())
    assert [float(row["expected_wrong"]) for row in rows if (row["cube"], row["component"]) == ("b", "0")] == [
        pytest.approx(wrong, abs=1e-6)
    ]
    assert f"{100 * told[0]:.1f} ± {100 * told[1]:.1f} ({100 * wrong:.1f})" in page
    keep_cut(run / "b", "two", 2, names={0: "sky"})
    assert list_cuts(run) == list_cuts(run / "b") == ["two"]
    sizes = np.zeros(2, int)
    for cube in ("cuts-", "b"):
        about, result = open_cut(run / cube, "two")
        assert about["colors"] == read_run(run / cube)[0]["colors"]
        xr.testing.assert_equal(result["labels"].load(), cut(read_result(run / cube).load(), 2)["labels"])
        sizes += result["component_size"].values
    page = report_cut(run, "two")
    assert page == (run / "cuts" / "two" / "report.html").resolve()
    assert "sky" in page.read_text("utf-8")
    assert 'href="b/report.html"' in page.read_text("utf-8")
    assert (run / "cuts" / "two" / "b" / "report.html").is_file()
    keep_cut(run, "both", start="two")
    rows = list(csv.DictReader((run / "cuts" / "both" / "components.csv").read_text("utf-8").splitlines()))
    assert [int(row["n_pixels"]) for row in rows] == sizes.tolist()


def test_a_cut_of_another_fit_is_refused(own_run):
    keep_cut(own_run, "two", 2)
    file = own_run / "cuts" / "two" / "cut.json"
    about = json.loads(file.read_text("utf-8"))
    save_cut(own_run, "odd", about["made"] | {"component": [0, 1]})
    with pytest.raises(ParameterError, match="another model"):
        open_cut(own_run, "odd")
