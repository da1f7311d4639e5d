"""Wrong options and wrong places: exit 2, one plain line on stderr, nothing on the disk."""

import os

import pytest

from spaxel.commands.options import parse_memory, parse_pairs
from spaxel.errors import ParameterError
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_json
from spaxel.synth import simulate
from spaxel.testing import tiny_cube


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--n-clusters", "0"], "n_clusters of Segment is '0': input should be greater than or equal to 1"),
        (["--n-clusters", "many"], "n_clusters of Segment is 'many'"),
        (["--n-cluster", "3"], "Did you mean --n-clusters?"),
        (["--scaling", "foo"], "scaling of Segment is 'foo': input should be 'none', 'unit'"),
        (["--method", "kmeans", "--linkage", "ward"], "linkage of KMeans is 'ward'"),
        (["--memory", "nonsense"], "--memory is 'nonsense', which is no size. Try 512MiB"),
        (["--memory=-1GB"], "--memory is '-1GB'; it must be above zero"),
        (["--memory", "1KiB"], "Try a larger memory"),
        (["--device", "cuda"], "--device is 'cuda', but consensus runs on the cpu only"),
        (["--method", "dbscan"], "There is no method 'dbscan'. Known: kmeans"),
        (["--seed", "-1"], "--seed"),
        (["--seed", "x"], "--seed"),
        (
            ["--scheduler", "foo"],
            "--scheduler is 'foo'. Try threads, processes, slurm, or the address of a Dask scheduler",
        ),
        (["--scheduler", "tcp://127.0.0.1:9", "--workers", "2"], "a cluster has its own. Try without it"),
        (["--workers", "0"], "--workers is 0; there must be at least one"),
        (["--crop", "1"], "--crop is '1', expected LOW:HIGH"),
        (["--crop", "a:b"], "--crop is 'a:b', expected LOW:HIGH"),
        (["--crop", "1:2:3"], "--crop is '1:2:3', expected LOW:HIGH"),
        (["--crop", "90:100"], "No channel lies in 90..100"),
        (["--rebin", "0"], "factor is 0.0"),
        (["--smooth", "4"], "width is 4"),
        (["--derivative", "9"], "degree is 9"),
        (["--despike", "-1"], "threshold is -1.0"),
        (["--reader", "foo"], "There is no reader 'foo'. Known: instrument, native"),
        (["--option", "x"], "--option is 'x', expected name=value"),
        (["--option", "colour=red"], "has no option colour"),
        (["--units", "nm"], "Try without options"),
        (["another", "--out", "b"], "Parameter --out"),
    ],
)
def test_wrong_options(cli, scan, tmp_path, options, message):
    code, out, err = cli("segment", scan, "-o", tmp_path / "deep" / "run", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("spaxel: ")
    assert err.count("\n") == 1
    assert not set(err) & set("╭│╰\x1b")
    assert list(tmp_path.iterdir()) == []


def test_a_device_goes_to_methods_that_declare_one(cli, scan, tmp_path, monkeypatch):
    given = {}
    monkeypatch.setattr("spaxel.workflow.runs.segment", lambda *_, parameters, **__: given.update(parameters))
    monkeypatch.setattr("spaxel.commands.summary.print_all", lambda folder: None)
    assert (
        cli("unmix", scan, "-o", tmp_path / "run", "--method", "ebgmcr", "--device", "auto", "--mixing", "bilinear")[0]
        == 0
    )
    assert given["device"] == "auto"
    assert given["mixing"] == "bilinear"
    given.clear()
    assert cli("unmix", scan, "-o", tmp_path / "run")[0] == 0
    assert "device" not in given
    code, _, err = cli("unmix", scan, "-o", tmp_path / "run", "--device", "cuda")
    assert code == 2
    assert "--device is 'cuda', but mcr runs on the cpu only" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["segmnt"], 'Did you mean "segment"?'),
        (["segment"], "FILES requires an argument"),
        (["segment", "a.npy"], "--out requires an argument"),
        (["info"], "FILE requires an argument"),
        (["info", "a", "b"], "b"),
        (["simulate", "mars", "x.zarr"], "There is no world 'mars'"),
        (["simulate", "maxrf", "x.zarr", "--size", "8"], "--size is '8', expected HEIGHTxWIDTH"),
        (["simulate", "maxrf", "x.zarr", "--size", "0x5"], "height is 0"),
        (["simulate", "maxrf", "x.zarr", "--option", "colour=1"], "colour"),
        (["simulate", "maxrf", "x.zarr", "--option", "counts=-1"], "counts"),
        (["simulate", "maxrf", "x.zarr", "--seed", "-3"], "--seed"),
        (["convert", "no.npy", "x.zarr"], "There is no file no.npy"),
        (["score", "no"], "no is no run"),
        (["report", "no"], "no is no run"),
        (["cut", "no", "3"], "no is no run"),
        (["cut", "no", "three"], "three"),
        (["predict", "no", "a.npy", "-o", "x"], "no is no run"),
        (["info", "no.npy"], "There is no file no.npy"),
    ],
)
def test_wrong_calls(cli, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("spaxel: ")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_places_where_nothing_can_be_written(cli, scan, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "inside" / "run"):
        for overwrite in ([], ["--overwrite"]):
            code, _, err = cli("segment", "--method=kmeans", scan, "-o", out, *overwrite)
            assert code == 2
            assert "Try another" in err
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.tex").write_text("years")
    assert (
        "not written by spaxel" in cli("segment", "--method=kmeans", scan, "-o", tmp_path / "folder", "--overwrite")[2]
    )
    assert (tmp_path / "folder" / "thesis.tex").read_text() == "years"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc to fail in")
def test_a_folder_that_cannot_be_made(cli, scan):
    code, out, err = cli("segment", "--method=kmeans", scan, "-o", "/proc/spaxel/run")
    assert (code, out) == (2, "")
    assert err.startswith("spaxel: The folder /proc/spaxel cannot be made")


def test_a_disk_that_refuses(cli, scan, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("spaxel.workflow.runs.write_arrays", refuse)
    code, out, err = cli("segment", "--method=kmeans", scan, "-o", tmp_path / "a" / "run", "--n-clusters", 2)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert f"{tmp_path / 'a' / 'run'} cannot be written: the disk is full" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(cli, scan, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    code, _, err = cli("segment", "--method=kmeans", scan, "-o", tmp_path / "locked" / "run", "--n-clusters", 2)
    assert code == 2
    assert "PermissionError" in err


def test_help_names_every_parameter(cli):
    code, out, _ = cli("segment", "--help")
    assert code == 0
    for option in ("--n-clusters", "--scaling", "--n-micro", "--memory", "--truth", "--crop", "--overwrite", "-o"):
        assert option in out


def test_a_reader_takes_its_own_options(cli, tmp_path):
    write_cube(tiny_cube(5, 4), tmp_path / "a.zarr")
    code, _, err = cli("info", tmp_path / "a.zarr", "--reader", "fits")
    assert code == 2
    assert "a.zarr" in err


def test_texts_become_values():
    assert parse_memory("512MiB") == 2**29
    assert parse_memory("2e9") == 2_000_000_000
    assert parse_pairs(("a=1", "b = 2.5", "c=x=y", "d=")) == {"a": 1, "b": 2.5, "c": "x=y", "d": ""}
    for wrong in ("", "x", "0", "nan", "MiB", "1e999"):
        with pytest.raises(ParameterError, match="--memory"):
            parse_memory(wrong)


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_cold_start_is_reached_by_its_option(cli, tmp_path):
    table = write_cube(simulate("mixture", n_components=4, per_component=8, n_channels=32), tmp_path / "table.zarr")
    asked = ("--method", "ebgmcr", "--start", "cold", "--pool", 16, "--epochs", 20)
    code, out, _ = cli("unmix", table, "-o", tmp_path / "run", *asked)
    assert code == 0
    assert "of 16 random candidates are used" in out
    assert read_json(tmp_path / "run")["parameters"]["start"] == "cold"
