"""What a run will take is said before it, and nothing is written; benchmarks/foreseen.py compares it with what runs take."""

import re
from collections import namedtuple

import fsspec
import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.errors import Exists, ParameterError
from spaxel.methods.registry import METHODS
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube
from spaxel.workflow import foreseen
from spaxel.workflow.expected import LEARNING
from spaxel.workflow.foreseen import fixed_memory, foresee
from spaxel.workflow.plan import RunPlan


@pytest.fixture(autouse=True)
def libraries(monkeypatch):
    monkeypatch.setattr(foreseen, "fixed_memory", lambda deep=False: (300 * 2**20, 500 * 2**20)[: 1 + deep])


def size_of(words):
    """'at most 3.00 MiB; …' -> bytes."""
    number, unit = re.search(r"([\d.]+) ([KMG]?i?B)", words).groups()
    return float(number) * {"B": 1, "kiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]


def test_every_method_is_foreseen():
    assert set(LEARNING) == set(METHODS)


@pytest.mark.parametrize("verb", ["segment", "unmix"])
def test_it_is_said_and_nothing_is_written(cli, scan, tmp_path, verb):
    code, out, err = cli(verb, scan, "-o", tmp_path / "made" / "run", "--dry-run")
    assert (code, err) == (0, "")
    said = {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in out.splitlines() if "  " in line}
    assert list(said) == ["files", "method", "learned from", "memory", "time", "disk"]
    assert said["files"].startswith("1 file, 340 pixels of 11 channels")
    assert said["learned from"] == "340 of 340 pixels"
    assert out.endswith("nothing was written\n")
    assert not (tmp_path / "made").exists()


def test_a_prediction_is_foreseen_too(cli, scan, tmp_path):
    cli("segment", "--method=kmeans", scan, "-o", tmp_path / "run", "--quiet")
    code, out, _ = cli("predict", tmp_path / "run", scan, "-o", tmp_path / "other", "--dry-run")
    assert code == 0
    assert f"kmeans, learned in {tmp_path / 'run'}" in out
    assert "learned from" not in out
    assert not (tmp_path / "other").exists()


def test_a_prediction_takes_the_memory_that_is_asked_for_or_that_of_the_run(cli, tmp_path):
    cube = write_cube(make_cube(np.random.default_rng(0).random((90, 90, 60), np.float32)), tmp_path / "cube.zarr")
    cli(
        "segment",
        "--method=kmeans",
        cube,
        "-o",
        tmp_path / "run",
        "--quiet",
        "--memory",
        "3MiB",
        "--n-clusters",
        "2",
        "--n-sample",
        "100",
    )
    for asked, said in (((), "3.00 MiB of data"), (("--memory", "2MiB"), "2.00 MiB of data")):
        code, out, err = cli("predict", tmp_path / "run", cube, "-o", tmp_path / "other", "--dry-run", *asked)
        assert code == 0, err
        assert said in out


def test_an_address_that_is_taken_and_the_disk_on_which_it_is_made(scan, tmp_path, monkeypatch):
    files = fsspec.filesystem("memory")
    files.store.clear()
    looked, usage = [], namedtuple("usage", "total used free")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(foreseen.shutil, "disk_usage", lambda place: (looked.append(place), usage(1, 1, 2**40))[1])
    foresee(RunPlan(paths=[scan], out="memory://new/run"))
    assert looked == [tmp_path.resolve()]
    assert list(tmp_path.iterdir()) == []
    assert files.store == {}
    files.pipe("/new/run/run.json", b"{}")
    for overwrite, words in ((False, "exists already"), (True, "was not written by spaxel")):
        with pytest.raises(Exists, match=words):
            foresee(RunPlan(paths=[scan], out="memory://new/run", overwrite=overwrite))
    files.store.clear()


def test_a_taken_place_and_a_wrong_parameter_are_refused_as_by_the_run(scan, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(Exists, match="exists already"):
        foresee(RunPlan(paths=[scan], out=tmp_path / "full", overwrite=True))
    with pytest.raises(ParameterError):
        foresee(RunPlan(paths=[scan], out=tmp_path / "run", parameters={"n_sample": 1}))


def test_several_files_a_small_sample_and_what_trains(scan, tmp_path):
    told = foresee(RunPlan(paths=[scan, scan], out=tmp_path / "run", parameters={"n_sample": 100}))
    assert told["files"].startswith("2 files, 680 pixels")
    assert told["learned from"] == "100 of 680 pixels, drawn over all of them"
    assert "300.00 MiB of libraries" in told["memory"]
    assert "500.00 MiB of libraries" in foresee(RunPlan(paths=[scan], out=tmp_path / "run", method="dgc"))["memory"]


def test_a_fit_that_does_not_fit_and_a_full_disk_are_said(tmp_path, monkeypatch):
    spectra = np.random.default_rng(0).random((70, 70, 60), np.float32)
    cube = write_cube(make_cube(spectra), tmp_path / "cube.zarr")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(foreseen.shutil, "disk_usage", lambda _: usage(1, 1, 2**20))
    told = foresee(RunPlan(paths=[cube], out=tmp_path / "run", parameters={"memory": 4 * 2**20}))
    assert "the fit alone holds more than --memory 4.00 MiB" in told["memory"]
    assert told["disk"].endswith("too little. Try another place.")


@pytest.mark.parametrize(("verb", "method"), [("segment", "kmeans"), ("unmix", "mcr")])
def test_a_result_takes_no_more_than_was_said(cli, tmp_path, verb, method):
    cube = write_cube(tiny_cube(64, 64), tmp_path / "cube.zarr")
    said = size_of(foresee(RunPlan(paths=[cube], out=tmp_path / "run", method=method))["disk"]) - foreseen.PAGE
    cli(verb, cube, "-o", tmp_path / "run", "--quiet")
    result = read_result(tmp_path / "run")
    maps = sum(values.nbytes for values in result.data_vars.values() if {"y", "x"} <= set(values.dims))
    assert maps <= said < 4 * maps


def test_what_the_libraries_take():
    (plain,) = fixed_memory()
    assert 2**27 < plain < 2**30
