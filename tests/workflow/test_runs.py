import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from spaxel.cube import make_cube
from spaxel.errors import CubeError, Exists, NotFound, ParameterError
from spaxel.methods.registry import load
from spaxel.pace import progress
from spaxel.readers.native import write_cube
from spaxel.results.cut import cut
from spaxel.store.run_folder import read_json, read_result
from spaxel.synth import simulate
from spaxel.testing import tiny_cube
from spaxel.workflow.runs import RunPlan, carry_out, predict, recut, segment


def test_stages_and_progress_are_told(scan, tmp_path):
    told = []
    with progress(lambda *now: told.append(now[:3]), every=0):
        out = segment([scan], tmp_path / "run", parameters={"n_clusters": "3"}, method="kmeans")
    assert out == tmp_path / "run"
    stages = [stage for stage, _, _ in told if ":" not in stage]
    assert stages == ["open", "fit", "predict", "lines", "write", "tables", "report"]
    assert {("fit: restarts", 10, 10), ("predict: pixels", 340, 340)} <= set(told)
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines] == stages[:-1]
    assert all(line["seconds"] >= 0 for line in lines)
    run = read_json(out)
    assert run["seconds"] == {line["stage"]: line["seconds"] for line in lines}
    assert run["peak_memory_bytes"] > 2**20


def test_the_run_is_the_model_and_its_answer(scan_run):
    model = load(scan_run)
    xr.testing.assert_equal(model.predict(tiny_cube(20, 17))["labels"], read_result(scan_run)["labels"])


def test_channels_that_say_nothing_are_left_out_and_so_in_predict(tmp_path):
    cube = tiny_cube(20, 17)
    spectra = cube["spectra"].values.copy()
    spectra[:, :, 4] = 0
    path = write_cube(make_cube(spectra, cube["channel"].values, "keV"), tmp_path / "a.zarr")
    run = segment([path], tmp_path / "run", parameters={"n_clusters": 3}, method="kmeans")
    kept = segment([path], tmp_path / "kept", parameters={"n_clusters": 3}, drop_channels=False, method="kmeans")
    assert read_result(run).sizes["channel"] == 10
    assert read_result(kept).sizes["channel"] == 11
    again = predict(run, path, tmp_path / "again")
    xr.testing.assert_equal(read_result(again)["labels"], read_result(run)["labels"])


def test_abundances_are_a_truth_too(tmp_path):
    cube = tiny_cube(20, 17)
    truth = cube["truth_labels"].values
    shares = np.eye(3)[truth] * 0.8 + 0.1
    bare = cube.drop_vars("truth_labels").assign(truth_abundances=(("y", "x", "truth_component"), shares))
    run = segment(
        [write_cube(bare, tmp_path / "a.zarr")], tmp_path / "run", parameters={"n_clusters": 3}, method="kmeans"
    )
    assert read_json(run)["score"]["accuracy"] == 1
    assert read_result(run)["truth_labels"].dtype == np.int32


def test_a_truth_without_labels_is_no_score(tmp_path):
    cube = tiny_cube(20, 17)
    empty = cube.assign(truth_labels=cube["truth_labels"] * 0 - 1)
    run = segment(
        [write_cube(empty, tmp_path / "a.zarr")], tmp_path / "run", parameters={"n_clusters": 3}, method="kmeans"
    )
    assert "score" not in read_json(run)
    recut(run, 2)
    assert "score" not in read_json(run)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"paths": []}, ParameterError, "no file to segment"),
        ({"method": "x"}, ParameterError, "no method 'x'"),
        ({"parameters": {"n_cluster": 3}}, ParameterError, "Did you mean n_clusters"),
        ({"parameters": {"n_clusters": "-1"}}, ParameterError, "n_clusters"),
        ({"steps": [{"name": "crop", "parameters": {"low": 90, "high": 99}}]}, CubeError, "scan.zarr: No channel lies"),
        ({"options": {"colour": 1}}, ParameterError, "has no option colour"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(scan, tmp_path, change, error, message):
    call = {"paths": [scan], "out": tmp_path / "a" / "run"} | change
    with pytest.raises(error, match=message):
        segment(**call)
    assert list(tmp_path.iterdir()) == []


def test_files_on_other_axes_are_refused(scan, tmp_path):
    other = write_cube(tiny_cube(5, 4, 12), tmp_path / "other.zarr")
    with pytest.raises(CubeError, match=r"other\.zarr has 12 channels, the first cube 11"):
        segment([scan, other], tmp_path / "run", method="kmeans")
    empty = write_cube(make_cube(np.zeros((3, 4, 11)), tiny_cube()["channel"].values, "keV"), tmp_path / "empty.zarr")
    with pytest.raises(CubeError, match=r"empty\.zarr: no pixel holds data"):
        segment([scan, empty], tmp_path / "run", drop_channels=False, method="kmeans")
    assert {path.name for path in tmp_path.iterdir()} == {"other.zarr", "empty.zarr"}


def test_predict_needs_a_model(scan, scan_run, tmp_path):
    child = predict(scan_run, scan, tmp_path / "child")
    with pytest.raises(NotFound, match=f"Try {scan_run}, which made it"):
        predict(child, scan, tmp_path / "grandchild")
    with pytest.raises(Exists):
        predict(scan_run, scan, child)
    with pytest.raises(ParameterError, match="which is read, lies there"):
        predict(scan_run, scan, scan_run.parent, overwrite=True)


def test_recut_keeps_the_model(own_run):
    before = read_result(own_run).load()
    recut(own_run, 2)
    assert read_result(own_run).sizes["component"] == 2
    assert read_json(own_run)["level"] == 2
    recut(own_run, 3)
    xr.testing.assert_equal(read_result(own_run)["labels"], before["labels"])
    assert len(read_json(own_run)["command"].splitlines()) == 2
    assert load(own_run).predict(tiny_cube(20, 17)).sizes["component"] == 3
    with pytest.raises(ParameterError, match="level is 99"):
        recut(own_run, 99)


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """Two cubes of one model, the second without one of the three materials."""
    folder = tmp_path_factory.mktemp("series")
    cubes = {"a": tiny_cube(20, 17), "b": tiny_cube(20, 17, seed=4).isel(y=slice(0, 12))}
    paths = [write_cube(cube, folder / f"{name}.zarr") for name, cube in cubes.items()]
    return segment(
        paths, folder / "run", parameters={"linkage": "contact", "n_clusters": 5, "n_micro": 12}, method="kmeans"
    )


def test_a_run_of_several_cubes_is_cut_as_a_whole(series, tmp_path):
    run = Path(shutil.copytree(series, tmp_path / "run"))
    recut(run, 5, merge=[(1, 3)], names={3: "lesion"})
    results = {name: read_result(run / name).load() for name in "ab"}
    for name, result in results.items():
        again = cut(read_result(series / name).load(), 5, merge=[(3, 1)], names={1: "lesion"})
        xr.testing.assert_equal(result["labels"], again["labels"])
        assert result["component_color"].values.tolist() == results["a"]["component_color"].values.tolist()
        assert result["component"].values.tolist().count("lesion") == 1
    rows = list(csv.DictReader((run / "activation.csv").read_text("utf-8").splitlines()))
    assert len([row for row in rows if row["name"] == "lesion"]) == 2
    assert "lesion" in (run / "report.html").read_text("utf-8")
    assert read_json(run)["colors"] == read_json(run / "b")["colors"] == read_json(series)["colors"]
    with pytest.raises(ParameterError, match="Try spaxel cut"):
        recut(run / "a", 2)
    (run / "a" / "mine.txt").write_text("kept")
    recut(run, 5)
    for name in "ab":
        xr.testing.assert_equal(read_result(run / name)["labels"], read_result(series / name)["labels"])
    assert (run / "a" / "mine.txt").read_text() == "kept"
    assert (run / "arrays.safetensors").read_bytes() == (series / "arrays.safetensors").read_bytes()


def test_shares_in_the_table_count_the_labels(series):
    for row in csv.DictReader((series / "activation.csv").read_text("utf-8").splitlines()):
        labels = read_result(series / row["cube"])["labels"].values
        if row["component"]:
            assert int(row["n_pixels"]) == (labels == int(row["component"])).sum()
            assert float(row["share"]) == pytest.approx((labels == int(row["component"])).mean(), abs=1e-6)


def test_predict_keeps_merges_and_names(own_run, tmp_path):
    recut(own_run, 3, merge=[(0, 2)], names={0: "paint"})
    here = read_result(own_run).load()
    other = write_cube(tiny_cube(20, 17, seed=5).isel(y=slice(None, None, -1)), tmp_path / "other.zarr")
    child = predict(own_run, other, tmp_path / "child")
    found, truth = read_result(child).load(), tiny_cube(20, 17)["truth_labels"].values
    assert found["component"].values.tolist() == here["component"].values.tolist()
    assert found["component_color"].values.tolist() == here["component_color"].values.tolist()
    assert (found["labels"].values[::-1] == here["labels"].values).mean() > 0.99
    assert len(np.unique(here["labels"].values[truth == 0])) == 1
    assert read_json(child)["cut"]["names"] == ["paint", ""]
    again = predict(own_run, own_run.parent / "other.zarr", tmp_path / "again")
    xr.testing.assert_identical(read_result(again).load(), found)
    recut(child, 3)
    assert read_result(child).sizes["component"] == 3


def test_predict_after_a_plain_cut_gives_that_level(own_run, scan, tmp_path):
    recut(own_run, 2)
    child = predict(own_run, scan, tmp_path / "child")
    xr.testing.assert_equal(read_result(child)["labels"], read_result(own_run)["labels"])


def test_what_is_new_is_said(tmp_path):
    healthy = tiny_cube(20, 17).isel(y=slice(0, 12))
    sick = tiny_cube(20, 17, seed=4)
    paths = [write_cube(c, tmp_path / f"{n}.zarr") for n, c in (("healthy", healthy), ("sick", sick))]
    run = segment(paths, tmp_path / "run", parameters={"n_clusters": 3}, reference=["healthy"], method="kmeans")
    assert read_json(run / "sick")["presence"]["new"] != []
    assert read_json(run / "healthy")["presence"] == {"new": [], "compared_with": 0}
    child = predict(run, paths[1], tmp_path / "child")
    assert read_json(child)["presence"] == {"new": read_json(run / "sick")["presence"]["new"], "compared_with": 1}


@pytest.mark.filterwarnings("ignore:NMF did not converge")
def test_components_of_a_mixture_can_be_named(tmp_path):
    table = write_cube(simulate("mixture", height=60, seed=1), tmp_path / "table.zarr")
    run = segment([table], tmp_path / "run", method="nmf", parameters={"n_components": 3})
    recut(run, names={1: "water"})
    assert "water mean" in (run / "spectra.csv").read_text("utf-8").splitlines()[0]
    assert ",water," in (run / "components.csv").read_text("utf-8").splitlines()[2]
    assert read_result(run)["component"].values[1] == "water"
    child = predict(run, table, tmp_path / "child")
    assert "water" in (child / "abundances.csv").read_text("utf-8").splitlines()[0]
    with pytest.raises(ParameterError, match="no merge tree"):
        recut(run, merge=[(0, 1)])


@pytest.fixture
def counted(monkeypatch):
    """How often presence is computed, and how often each run.json is written."""
    from spaxel.results import presence
    from spaxel.workflow import recut as cutting
    from spaxel.workflow import runs

    found, written = [], []
    exceedance, write = presence.exceedance, runs.write_json
    monkeypatch.setattr(presence, "exceedance", lambda *a: (found.append(1), exceedance(*a))[1])
    for module in (runs, cutting):
        monkeypatch.setattr(
            module, "write_json", lambda folder, run: (written.append(folder.name), write(folder, run))[1]
        )
    return found, written


def test_nothing_is_computed_or_written_twice(cli, scan, tmp_path, counted):
    found, written = counted
    other = write_cube(tiny_cube(20, 17, seed=4), tmp_path / "other.zarr")
    for command, computed, files in (
        (["segment", "--method=kmeans", scan, "-o", tmp_path / "one", "--n-clusters", 3], 1, 1),
        (["segment", "--method=kmeans", scan, other, "-o", tmp_path / "two", "--n-clusters", 3], 2, 3),
        (["report", tmp_path / "one"], 0, 0),
        (["report", tmp_path / "two"], 0, 0),
        (["predict", tmp_path / "two", other, "-o", tmp_path / "new"], 1, 1),
        (["cut", tmp_path / "one", 2], 1, 1),
        (["cut", tmp_path / "two", 2], 2, 3),
    ):
        found.clear(), written.clear()
        assert cli(*command)[0] == 0
        assert (len(found), len(written), len(set(written))) == (computed, files, files), command


def test_a_plan_is_carried_out_as_segment_does(scan, tmp_path):
    plan = RunPlan(paths=[scan], out=tmp_path / "plan", parameters={"n_clusters": 3, "random_state": 7})
    assert carry_out(plan) == tmp_path / "plan"
    segment([scan], tmp_path / "words", parameters={"n_clusters": 3, "random_state": 7})
    xr.testing.assert_identical(read_result(tmp_path / "plan").load(), read_result(tmp_path / "words").load())
    with pytest.raises(TypeError, match="methd"):
        segment([scan], tmp_path / "no", methd="kmeans")
