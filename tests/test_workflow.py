import json

import numpy as np
import pytest
import xarray as xr

from spaxel.cube import make_cube
from spaxel.errors import CubeError, Exists, NotFound, ParameterError
from spaxel.methods import load
from spaxel.readers.native import write_cube
from spaxel.store import read_json, read_result
from spaxel.testing import tiny_cube
from spaxel.workflow import predict, recut, segment


def test_stages_and_progress_are_told(scan, tmp_path):
    stages, done = [], []
    out = segment(
        [scan], tmp_path / "run", parameters={"n_clusters": "3"}, tell=stages.append,
        progress=lambda n, total: done.append((n, total)),
    )  # fmt: skip
    assert out == tmp_path / "run"
    assert stages == ["open", "fit", "predict", "write", "report"]
    assert done[-1] == (340, 340)
    lines = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in lines] == stages[:-1]
    assert all(line["seconds"] >= 0 for line in lines)
    run = read_json(out)
    assert set(run["seconds"]) == set(stages[:-1]) or isinstance(run["seconds"], dict | float)
    assert run["peak_memory_bytes"] > 2**20


def test_the_run_is_the_model_and_its_answer(scan_run):
    model = load(scan_run)
    xr.testing.assert_equal(model.predict(tiny_cube(20, 17))["labels"], read_result(scan_run)["labels"])


def test_channels_that_say_nothing_are_left_out_and_so_in_predict(tmp_path):
    cube = tiny_cube(20, 17)
    spectra = cube["spectra"].values.copy()
    spectra[:, :, 4] = 0
    path = write_cube(make_cube(spectra, cube["channel"].values, "keV"), tmp_path / "a.zarr")
    run = segment([path], tmp_path / "run", parameters={"n_clusters": 3})
    kept = segment([path], tmp_path / "kept", parameters={"n_clusters": 3}, drop_channels=False)
    assert read_result(run).sizes["channel"] == 10
    assert read_result(kept).sizes["channel"] == 11
    again = predict(run, path, tmp_path / "again")
    xr.testing.assert_equal(read_result(again)["labels"], read_result(run)["labels"])


def test_abundances_are_a_truth_too(tmp_path):
    cube = tiny_cube(20, 17)
    truth = cube["truth_labels"].values
    shares = np.eye(3)[truth] * 0.8 + 0.1
    bare = cube.drop_vars("truth_labels").assign(truth_abundances=(("y", "x", "truth_component"), shares))
    run = segment([write_cube(bare, tmp_path / "a.zarr")], tmp_path / "run", parameters={"n_clusters": 3})
    assert read_json(run)["score"]["accuracy"] == 1
    assert read_result(run)["truth_labels"].dtype == np.int32


def test_a_truth_without_labels_is_no_score(tmp_path):
    cube = tiny_cube(20, 17)
    empty = cube.assign(truth_labels=cube["truth_labels"] * 0 - 1)
    run = segment([write_cube(empty, tmp_path / "a.zarr")], tmp_path / "run", parameters={"n_clusters": 3})
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
    with pytest.raises(CubeError, match=r"other\.zarr has 12 channels, the model 11"):
        segment([scan, other], tmp_path / "run")
    empty = write_cube(make_cube(np.zeros((3, 4, 11)), tiny_cube()["channel"].values, "keV"), tmp_path / "empty.zarr")
    with pytest.raises(CubeError, match=r"empty\.zarr: no pixel holds data"):
        segment([scan, empty], tmp_path / "run", drop_channels=False)
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
