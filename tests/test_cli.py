"""Every verb of the command line, in this process; what it prints, and what lies on the disk afterwards."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from spaxel.cube import make_cube
from spaxel.readers import open_cube
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube

PARTS = {"run.json", "arrays.safetensors", "history.jsonl", "result.zarr", "report.html"}
PARTS |= {"activation.csv", "components.csv", "spectra.csv"}


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_segment_writes_a_run(cli, scan, tmp_path):
    code, out, err = cli("segment", scan, "--out", tmp_path / "run", "--n-clusters", 3, "--seed", 7)
    assert (code, err) == (0, "")
    assert "scan: 3 components, as asked." in out
    assert "accuracy 1.000 after matching" in out
    assert out.rstrip().endswith(f"report: {tmp_path / 'run' / 'report.html'}")
    assert left(tmp_path / "run") == PARTS
    assert left(tmp_path) == {"run"}


def test_run_json_says_how_to_repeat_it(scan_run, scan):
    run = json.loads((scan_run / "run.json").read_text("utf-8"))
    assert run["command"] == f"spaxel segment --method=kmeans {scan} -o {scan_run} --n-clusters 3 --seed 7"
    assert run["seed"] == run["parameters"]["random_state"] == 7
    assert run["parameters"]["n_clusters"] == 3
    assert run["parameters"]["memory"] == 2**30
    assert {"spaxel", "python", "numpy", "scikit-learn", "zarr"} <= set(run["versions"])
    assert run["input"]["path"] == str(scan)
    assert run["input"]["hashed"] == "whole"
    assert len(run["input"]["sha256"]) == 64
    assert run["input"]["shape"] == [20, 17, 11]
    assert run["score"]["accuracy"] == 1
    assert [json.loads(line)["stage"] for line in (scan_run / "history.jsonl").read_text().splitlines()][:2] == [
        "open",
        "fit",
    ]


def test_the_hash_knows_the_content(cli, tmp_path):
    hashes = []
    for change in (0, 0, 1):
        spectra = tiny_cube(20, 17)["spectra"].values.copy()
        spectra[0, 0, 0] += change
        spectra.tofile(tmp_path / "a.img")
        (tmp_path / "a.hdr").write_text(
            "ENVI\nsamples = 17\nlines = 20\nbands = 11\nheader offset = 0\ndata type = 12\ninterleave = bip\n"
            "byte order = 0\nwavelength units = nm\nwavelength = {1,2,3,4,5,6,7,8,9,10,11}\n"
        )
        code, _, _ = cli("segment", tmp_path / "a.hdr", "-o", tmp_path / "run", "--n-clusters", 2, "--overwrite")
        assert code == 0
        hashes.append(json.loads((tmp_path / "run" / "run.json").read_text())["input"]["sha256"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_seeds(cli, scan, scan_run, tmp_path):
    cli("segment", "--method=kmeans", scan, "-o", tmp_path / "again", "--n-clusters", 3, "--seed", 7)
    xr.testing.assert_identical(read_result(tmp_path / "again").load(), read_result(scan_run).load())
    cli("segment", "--method=kmeans", scan, "-o", tmp_path / "other", "--n-clusters", 3, "--seed", 8)
    assert json.loads((tmp_path / "other" / "run.json").read_text())["seed"] == 8


def test_overwrite_is_never_silent(cli, scan, scan_run, own_run):
    before = (own_run / "run.json").read_bytes()
    for arguments in (["segment", scan], ["predict", scan_run, scan]):
        code, out, err = cli(*arguments, "-o", own_run)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert f"{own_run} exists already. Try another name, or overwrite." in err
    assert (own_run / "run.json").read_bytes() == before
    assert cli("segment", "--method=kmeans", scan, "-o", own_run, "--n-clusters", 2, "--overwrite")[0] == 0
    assert read_result(own_run).sizes["component"] == 2
    assert left(own_run.parent) == {"run"}


def test_what_is_read_is_not_overwritten(cli, scan, own_run):
    before = (own_run / "run.json").read_bytes()
    code, _, err = cli("predict", own_run, scan, "-o", own_run, "--overwrite")
    assert code == 2
    assert "which is read, lies there" in err
    inside = Path(shutil.copytree(scan, own_run / "inside.zarr"))
    assert cli("segment", inside, "-o", own_run, "--overwrite")[0] == 2
    assert inside.is_dir()
    assert (own_run / "run.json").read_bytes() == before


def test_several_files_share_a_model(cli, scan, tmp_path):
    (tmp_path / "b").mkdir()
    other = write_cube(tiny_cube(20, 17, seed=5), tmp_path / "b" / "scan.zarr")
    third = write_cube(tiny_cube(9, 8, seed=6), tmp_path / "third.zarr")
    code, out, _ = cli("segment", "--method=kmeans", scan, other, third, "-o", tmp_path / "runs", "--n-clusters", 3)
    assert code == 0
    assert left(tmp_path / "runs") == {
        "run.json", "arrays.safetensors", "history.jsonl", "report.html", "activation.csv", "shares.csv", "scan-0",
        "scan-1", "third",
    }  # fmt: skip
    assert out.count("report: ") == 3
    assert f"3 cubes together: {tmp_path / 'runs' / 'report.html'}" in out
    child = json.loads((tmp_path / "runs" / "scan-1" / "run.json").read_text())
    assert child["model"] == ".."
    assert child["score"]["accuracy"] == 1
    assert set(json.loads((tmp_path / "runs" / "run.json").read_text())["inputs"]) == {"scan-0", "scan-1", "third"}
    code, _, err = cli("score", tmp_path / "runs")
    assert code == 2
    assert "scan-0, scan-1, third" in err
    code, _, err = cli("predict", tmp_path / "runs" / "third", scan, "-o", tmp_path / "no")
    assert code == 2
    assert f"Try {tmp_path / 'runs'}" in err
    assert cli("predict", tmp_path / "runs", scan, "-o", tmp_path / "new")[0] == 0


def test_names_of_children_never_meet():
    from spaxel.workflow.beside import folder_names

    assert folder_names(["a.mat", "x/a.mat", "b.mat"]) == ["a-0", "a-1", "b"]
    for paths in (["a.mat", "x/a.mat", "a-0.mat"], ["a-1.npy", "a.npy", "a.mat"]):
        names = folder_names(paths)
        assert len(set(names)) == 3
        assert Path(paths[0]).stem in names or Path(paths[2]).stem in names
    assert folder_names([".."])[0] not in ("", ".", "..")


def test_predict_means_the_same(cli, scan_run, tmp_path):
    other = write_cube(tiny_cube(11, 9, seed=5).isel(y=slice(None, None, -1)), tmp_path / "new.zarr")
    code, out, _ = cli("predict", scan_run, other, "-o", tmp_path / "new")
    assert code == 0
    assert out.startswith("new: ")
    assert left(tmp_path / "new") == PARTS - {"arrays.safetensors"}
    assert json.loads((tmp_path / "new" / "run.json").read_text())["model"] == str(scan_run)
    truth, labels = open_cube(other)["truth_labels"].values, read_result(tmp_path / "new")["labels"].values
    first = read_result(scan_run)
    for k in range(3):
        expected = first["labels"].values[first["truth_labels"].values == k][0]
        assert (labels[truth == k] == expected).all()


def test_predict_refuses_another_axis(cli, scan_run, tmp_path):
    other = write_cube(tiny_cube(11, 9, 12), tmp_path / "new.zarr")
    code, _, err = cli("predict", scan_run, other, "-o", tmp_path / "new")
    assert code == 2
    assert "new.zarr has 12 channels, the model 11" in err
    assert left(tmp_path) == {"new.zarr"}


@pytest.mark.parametrize("channels", [11, 12])
def test_another_unit_is_said_whatever_the_number_of_channels(cli, scan_run, tmp_path, channels):
    """A model in keV and a cube in nm: to crop or rebin would be no help."""
    other = write_cube(tiny_cube(11, 9, channels, counts=False), tmp_path / "new.zarr")
    code, _, err = cli("predict", scan_run, other, "-o", tmp_path / "new")
    assert code == 2
    assert "new.zarr has its axis in nm, the model in keV" in err


def test_guesses_are_printed_once_on_stderr(cli, tmp_path):
    np.save(tmp_path / "a.npy", tiny_cube(20, 17)["spectra"].values)
    for _ in range(2):
        code, out, err = cli("segment", tmp_path / "a.npy", "-o", tmp_path / "run", "--n-clusters", 2, "--overwrite")
        assert code == 0
        assert err.count("Option channel_axis decides.") == 1
        assert err.count("\n") == err.count("spaxel: a.npy")
        assert "decides" not in out.replace("Option scaling decides", "")


def test_names_with_brackets_stay_as_they_are(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = "[bold]x :smile:  1"
    write_cube(tiny_cube(9, 8), f"{name}.zarr")
    (tmp_path / "[1]  a.npy").write_bytes(b"\x93NUMPY")
    code, out, _ = cli("segment", f"{name}.zarr", "-o", f"{name}/run", "--n-clusters", 2)
    assert code == 0
    assert out.startswith(f"{name}: 2 components")
    assert f"report: {name}/run/report.html" in out
    assert f" {name}.zarr\n" in cli("info", f"{name}.zarr")[1]
    code, _, err = cli("info", "[1]  a.npy")
    assert code == 2
    assert err.startswith("spaxel: [1]  a.npy ")


def test_a_real_process(scan, tmp_path):
    program = "import sys; from spaxel.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program]
    done = subprocess.run([*command, "segment", scan, "-o", "run", "--n-clusters", "3"],
                          cwd=tmp_path, capture_output=True, text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert left(tmp_path / "run") == PARTS
    broken = subprocess.run([*command, "info", os.devnull], capture_output=True, text=True, check=False)
    assert (broken.returncode, broken.stdout) == (2, "")
    assert (
        broken.stderr
        == f"spaxel: {os.devnull} is a device, and only files and folders are read. Try to copy it to a file first.\n"
    )


def test_a_cube_without_data_has_a_run_folder_only_if_it_worked(cli, tmp_path):
    empty = write_cube(make_cube(np.zeros((3, 4, 5))), tmp_path / "zero.zarr")
    code, out, err = cli("segment", empty, "-o", tmp_path / "a" / "b" / "run")
    assert (code, out) == (2, "")
    assert "zero.zarr: no pixel holds data" in err
    assert left(tmp_path) == {"zero.zarr"}
