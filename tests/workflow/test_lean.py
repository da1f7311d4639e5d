"""--lean: labels, means and confidence of the whole run with the same bits; the rest is made later, and is then the same."""

import numpy as np
import pytest
import xarray as xr

from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_arrays, read_result
from spaxel.synth import simulate
from spaxel.workflow.runs import predict, segment

LEFT_OUT = ("unlike", "level_confidence", "picture", "picture_wide")
WORDS = ("segment", "--method=kmeans", "--n-clusters", "2", "--quiet")


@pytest.fixture(scope="module")
def painting(tmp_path_factory):
    """A painting whose lines are known."""
    folder = tmp_path_factory.mktemp("painting")
    cube = simulate("maxrf", height=20, width=24, channels=380, pigments=["azurite", "vermilion"])
    return write_cube(cube, folder / "cube.zarr")


@pytest.fixture(scope="module")
def whole(painting):
    """The run with all that belongs to it."""
    return segment([painting], painting.with_name("whole"), method="kmeans", parameters={"n_clusters": 2})


def test_a_lean_run_is_the_whole_one_but_for_page_lines_and_some_maps(painting, whole, cli, tmp_path):
    code, out, err = cli(*WORDS, painting, "-o", tmp_path / "run", "--lean")
    assert (code, err) == (0, "")
    assert f"no page yet: spaxel report {tmp_path / 'run'} writes it" in out
    assert not (tmp_path / "run" / "report.html").exists()
    assert {path.name for path in (tmp_path / "run").iterdir()} == {path.name for path in whole.iterdir()} - {
        "report.html"
    }
    result, known = (read_result(run).load() for run in (tmp_path / "run", whole))
    assert not {"line_maps", *LEFT_OUT} & set(result)
    assert {"unlike", "level_confidence", "picture"} <= set(known)
    few = known.drop_vars(LEFT_OUT, errors="ignore")
    xr.testing.assert_identical(result, few.drop_dims("line"))
    arrays, others = read_arrays(tmp_path / "run"), read_arrays(whole)
    assert all(np.array_equal(arrays[name], others[name], equal_nan=True) for name in others)
    code, out, err = cli("report", tmp_path / "run", "--lines", "auto")
    assert (code, err) == (0, "")
    assert (tmp_path / "run" / "report.html").exists()
    xr.testing.assert_identical(read_result(tmp_path / "run").load(), few)
    assert "report: " in cli("predict", tmp_path / "run", painting, "-o", tmp_path / "again", "--quiet")[1]
    again = read_result(tmp_path / "again").load()
    for name in ("labels", "confidence", "micro_labels", *{*LEFT_OUT, "line_maps"} & set(known)):
        xr.testing.assert_identical(again[name], known[name])
    cut = cli("cut", tmp_path / "run", "--name", "0=blue")
    assert (cut[0], cut[2]) == (0, "")


def test_lines_that_are_named_are_mapped_in_a_lean_run(painting, whole, tmp_path):
    words = {"method": "kmeans", "parameters": {"n_clusters": 2}, "lean": True}
    run = segment([painting], tmp_path / "run", lines=("Cu",), **words)
    assert [name.split()[0] for name in read_result(run)["line"].values.tolist()] == ["Cu"]


def reported(cli, run):
    code, out, err = cli("report", run)
    assert (code, err) == (0, "")
    pages = list(run.rglob("report.html"))
    assert all(f"report: {page}" in out for page in pages)
    return pages


def test_a_series_and_a_prediction_without_pages(painting, whole, cli, tmp_path):
    other = write_cube(
        simulate("maxrf", height=9, width=8, channels=380, pigments=["azurite", "smalt"]), tmp_path / "b.zarr"
    )
    words = {"method": "kmeans", "parameters": {"n_clusters": 2}, "lean": True}
    run = segment([painting, other], tmp_path / "run", **words)
    assert not list(run.rglob("*.html"))
    assert (run / "b" / "activation.csv").is_file()
    pages = {path.relative_to(run).as_posix() for path in reported(cli, run)}
    assert pages == {"cube/report.html", "b/report.html", "report.html"}
    mixed = segment([painting, other], tmp_path / "mixed", method="nmf", parameters={"n_components": 2}, lean=True)
    assert {path.parent.name for path in reported(cli, mixed)} == {"cube", "b"}  # together they have none
    answer = predict(whole, other, tmp_path / "answer", lean=True)
    assert not list(answer.rglob("*.html"))
