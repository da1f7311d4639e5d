"""Cubes and runs at addresses: the same bits as on this computer, nothing half written, no secret shown."""

import functools
import json
import os
import pickle
import re
import shutil
import threading
import warnings
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.errors import Exists, GuessWarning, MissingExtra, NotFound, ParameterError, ReadError, WriteError, called
from spaxel.methods.registry import method_class
from spaxel.methods.saving import describe
from spaxel.readers.native import write_cube
from spaxel.store import copies
from spaxel.store.addresses import using
from spaxel.store.here import check_local
from spaxel.store.run_folder import new_run, read_json, read_result, write_json
from spaxel.store.uploads import changing, place_of
from spaxel.testing import tiny_cube
from spaxel.workflow.beside import folder_names
from spaxel.workflow.plan import Opened, RunPlan
from spaxel.workflow.resuming import key_of_run
from spaxel.workflow.runs import predict, recut, segment

THREE = {"n_clusters": 3, "random_state": 7}


@pytest.fixture
def memory():
    """The file system memory://, empty."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()


def sent(folder, address, **options):
    """A folder or a file at an address."""
    files, path = fsspec.core.url_to_fs(address, **options)
    files.put(str(folder), path, recursive=folder.is_dir())
    return address


def keys(address):
    files, path = fsspec.core.url_to_fs(address)
    files.invalidate_cache()
    return {name[len(path) :].lstrip("/") for name in files.find(path)}


def same(one, other):
    xr.testing.assert_identical(one.drop_attrs().compute(), other.drop_attrs().compute())


@pytest.fixture
def remote_run(memory, scan_run):
    return sent(scan_run, "memory://runs/one")


def test_s3_the_whole_way(cli, bucket, scan, scan_run):
    cube, run = sent(scan, f"{bucket}/scan.zarr"), f"{bucket}/runs/one"
    code, out, err = cli("segment", "--method=kmeans", cube, "-o", run, "--n-clusters", "3", "--seed", "7")
    assert (code, err) == (0, "")
    assert f"report: {run}/report.html" in out
    same(read_result(run), read_result(scan_run))
    assert {*keys(run)} == {file.relative_to(scan_run).as_posix() for file in scan_run.rglob("*") if file.is_file()}
    about = read_json(run)
    assert about["input"]["path"] == cube
    assert "secret-of-test" not in json.dumps(about)
    assert cli("cut", run, "2", "--save-as", "two")[0] == 0
    assert "cut two" in cli("info", run)[1]
    assert not place_of(run).parent.exists() or not list(place_of(run).parent.iterdir())


@pytest.mark.parametrize("command", [
    "info {run}", "score {run}", "compare {run} {run} --same-image", "export {run} --to csv -o {run}-csv",
    "export {run} -o {run}/labels.csv", "convert {cube} memory://new.zarr", "simulate leaf memory://leaf.zarr --size 8x9",
])  # fmt: skip
def test_every_verb_takes_addresses(cli, memory, remote_run, scan, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cube = sent(scan, "memory://scan.zarr")
    code, out, err = cli(*command.format(run=remote_run, cube=cube).split())
    assert code == 0, err
    assert "spaxel-" not in out + err
    assert list(tmp_path.iterdir()) == []


def test_where_an_address_makes_no_sense(cli, remote_run):
    for command, words in (
        ("export {run} --to csv", "Try --out FOLDER"),
        ("view {run} --edit", "edits are not saved"),
        ("report https://127.0.0.1:9/run", "cannot be written: https is only read"),
    ):
        code, _, err = cli(*command.format(run=remote_run).split())
        assert code == 2
        assert err.count("\n") == 1
        assert words in err


def test_what_is_changed_at_an_address(cli, memory, remote_run, monkeypatch):
    before, order = keys(remote_run), []
    put, rm = memory.put_file, memory._rm
    monkeypatch.setattr(type(memory), "put_file", lambda _, one, two, **o: (order.append(two), put(one, two, **o)))
    monkeypatch.setattr(type(memory), "_rm", lambda _, path: (order.append(f"- {path}"), rm(path)))
    assert cli("cut", remote_run, "2", "--save-as", "two")[0] == 0
    assert keys(remote_run) - before == {f"cuts/two/{name}" for name in ("cut.json", "components.csv")}
    assert len(order) == 2
    order.clear()
    with changing(remote_run) as place:
        (place / "history.jsonl").unlink()
        shutil.rmtree(place / "result.zarr" / "unlike")
        (place / "result.zarr" / "labels" / "zarr.json").write_text("{}")
    assert order[0].startswith("- ")
    assert order[0].endswith("one/run.json")
    assert order[-2].endswith("one/run.json")
    gone = before - keys(remote_run)
    assert "history.jsonl" in gone
    assert all(name.startswith("result.zarr/unlike/") for name in gone - {"history.jsonl"})
    order.clear()
    with changing(remote_run):
        pass
    assert order == []


def test_a_cut_says_the_address_in_its_command(remote_run):
    recut(remote_run, 2)
    assert read_json(remote_run)["cuts"] == [f"spaxel cut {remote_run} 2"]


def test_predict_from_an_address(memory, remote_run, scan):
    sent(scan, "memory://scan.zarr")
    there = predict(remote_run, "memory://scan.zarr", "memory://runs/two")
    same(read_result(there)[["labels", "confidence"]], read_result(remote_run)[["labels", "confidence"]])
    assert read_json(there)["model"] == remote_run


def test_names_of_several_cubes(memory, scan):
    paths = ["memory://a/scan.zarr", "s3://b/scan.zarr?versionId=1", scan]
    assert folder_names(paths) == ["scan-0", "scan-1", "scan-2"]
    sent(scan, "memory://a/scan.zarr")
    with pytest.raises(ParameterError, match="which is read, lies there"):
        segment(["memory://a/scan.zarr"], "memory://a", overwrite=True, method="kmeans")


def test_only_the_chunks_that_are_asked_for_travel(memory, tmp_path):
    cube = tiny_cube(130, 70)
    sent(write_cube(cube, tmp_path / "wide.zarr"), "memory://wide.zarr")
    opened = spaxel.open_cube("memory://wide.zarr")
    again = pickle.loads(pickle.dumps(opened["spectra"]))
    lost = [name for name in memory.store if "/spectra/c/" in name and not name.endswith("c/0/0/0")]
    for name in lost:
        del memory.store[name]
    assert np.array_equal(opened["spectra"][:64, :64].values, cube["spectra"][:64, :64].values)
    assert np.array_equal(again[:64, :64].values, cube["spectra"][:64, :64].values)
    with pytest.raises(ReadError, match=r"memory://wide.zarr is damaged: its chunk spectra/c/"):
        opened["spectra"].compute()


@pytest.mark.parametrize("holes", [False, True])
def test_a_chunk_of_strangers_that_is_lost(memory, tmp_path, holes):
    import zarr

    values = np.arange(400, dtype="u2").reshape(10, 8, 5) * (0 if holes else 1)
    array = zarr.create_array(tmp_path / "a.zarr", shape=(10, 8, 5), chunks=(4, 4, 5), dtype="u2")
    array[...] = values
    array[4:, 4:] = 1 + values[4:, 4:]
    sent(tmp_path / "a.zarr", "memory://a.zarr")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", GuessWarning)
        cube = spaxel.open_cube("memory://a.zarr", channel_axis=2, channel="index", no_data="none", saturated="none")
    assert any("chunks of a are not stored" in str(one.message) for one in said) == holes
    assert cube["spectra"].sum() == array[...].sum()
    del memory.store[next(name for name in memory.store if name.endswith("c/1/1/0"))]
    with pytest.raises(ReadError, match=r"chunk c/1/1/0 is missing"):
        cube["spectra"].compute()


def test_hostile_arrays(memory, tmp_path):
    sent(write_cube(tiny_cube(9, 8), tmp_path / "a.zarr"), "memory://a.zarr")
    metadata = json.loads(memory.cat("/a.zarr/spectra/zarr.json"))
    memory.pipe("/a.zarr/spectra/c/0/0/0", b"x" * 3 * 2**20)
    with pytest.raises(ReadError, match="which no such key has"):
        spaxel.open_cube("memory://a.zarr")["spectra"].compute()
    metadata["codecs"] = [{"name": "numcodecs.pickle"}]
    memory.pipe("/a.zarr/spectra/zarr.json", json.dumps(metadata).encode())
    with pytest.raises(ReadError, match="does not run"):
        spaxel.open_cube("memory://a.zarr")


def test_files_are_copied_with_what_lies_beside(memory, tmp_path):
    spectral = pytest.importorskip("spectral")
    cube = tiny_cube(9, 8)["spectra"].values.astype("f4")
    spectral.envi.save_image(
        str(tmp_path / "scan.hdr"), cube, dtype="f4", metadata={"wavelength": list(range(400, 411))}
    )
    for name in ("scan.hdr", "scan.img"):
        sent(tmp_path / name, f"memory://data/{name}")
    memory.pipe("/data/other.img", b"none of it")
    opened = spaxel.open_cube("memory://data/scan.hdr", units="nm")
    assert np.array_equal(opened["spectra"].values, cube)
    assert opened.attrs["source"] == "memory://data/scan.hdr"
    assert {file.name for file in check_local("memory://data/scan.hdr").parent.iterdir()} == {"scan.hdr", "scan.img"}
    memory.pipe("/data/scan.hdr", b"ENVI\nlines = x")
    with pytest.raises(ReadError, match=r"memory://data/scan.hdr"):
        spaxel.open_cube("memory://data/scan.hdr", units="nm")


def test_a_mask_and_a_truth_at_addresses(cli, memory, remote_run, scan):
    sent(scan, "memory://scan.zarr")
    mask = np.ones((20, 17), "u1")
    mask[:3] = 0
    with memory.open("/mask.npy", "wb") as file:
        np.save(file, mask)
    cube = spaxel.open_cube("memory://scan.zarr", mask="memory://mask.npy")
    assert not cube["valid"][:3].any()
    assert cube["valid"][3:].all()
    assert (
        cli("score", remote_run, "--truth", "memory://scan.zarr", "--json")[1] == cli("score", remote_run, "--json")[1]
    )


def test_what_lies_beside_is_opened_with_the_same_options(memory, scan, monkeypatch, tmp_path):
    seen, plain = [], fsspec.core.url_to_fs
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url, **options: (seen.append(options), plain(url))[1])
    with memory.open("/mask.npy", "wb") as file:
        np.save(file, np.ones((20, 17), "u1"))
    spaxel.open_cube(scan, mask="memory://mask.npy", storage={"anon": True})
    assert seen == [{"memory": {"anon": True}}]


def test_a_copy_that_does_not_fit(memory, monkeypatch, tmp_path):
    memory.pipe("/large.npy", b"x" * 1000)
    monkeypatch.setattr(copies, "SPARE", 2**62)
    with pytest.raises(ReadError, match=r"memory://large.npy has 0.0 GiB, and a copy of it does not fit"):
        spaxel.open_cube("memory://large.npy")
    memory.pipe("/bad/..\\up", b"x")
    with pytest.raises(ReadError):
        spaxel.open_cube("memory://bad")


def test_zip(scan, tmp_path):
    shutil.make_archive(tmp_path / "a", "zip", scan.parent, scan.name)
    cube = spaxel.open_cube(f"zip://scan.zarr::{tmp_path}/a.zip")
    assert np.array_equal(cube["spectra"].values, spaxel.open_cube(scan)["spectra"].values)
    with pytest.raises(ParameterError, match="zip is only read"):
        segment([scan], f"zip://run::{tmp_path}/b.zip", method="kmeans")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_https_and_its_passwords(cli, scan, tmp_path):
    pytest.importorskip("aiohttp")
    np.save(tmp_path / "cube.npy", tiny_cube(9, 8)["spectra"].values)
    shutil.copytree(scan, tmp_path / "scan.zarr")
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        cube = spaxel.open_cube(f"http://{host}/scan.zarr")
        assert np.array_equal(cube["spectra"].values, spaxel.open_cube(scan)["spectra"].values)
        typed = ["convert", f"http://me:pa55word@{host}/cube.npy?sig=pa55word", tmp_path / "run"]
        code, out, err = cli(*typed, "--channel", "index", "--channel-axis", "2")
        assert code == 0, err
        _, _, wrong = cli("info", f"http://me:pa55word@{host}/none.npy?sig=pa55word")
        assert "There is nothing at http://127" in wrong
        server.shutdown()
    held = (tmp_path / "run" / "zarr.json").read_text()
    assert f"http://{host}/cube.npy" in held
    assert "pa55word" not in out + err + wrong + held


def test_options_and_their_secrets(cli, memory, scan, monkeypatch):
    seen = []
    plain = fsspec.core.url_to_fs
    monkeypatch.setattr(fsspec.core, "url_to_fs", lambda url, **options: (seen.append(options), plain(url))[1])
    sent(scan, "memory://scan.zarr")
    seen.clear()
    words = ["--storage", "secret=abc123", "--storage=anon=true", "--storage", 'client_kwargs={"region_name": "x"}']
    code, _, err = cli("segment", "memory://scan.zarr", "-o", "memory://run", "--n-clusters", "3", *words)
    assert code == 0, err
    given = {"secret": "abc123", "anon": True, "client_kwargs": {"region_name": "x"}}
    assert all(options == {"memory": given} for options in seen)
    command = read_json("memory://run")["command"]
    assert "abc123" not in json.dumps(read_json("memory://run"))
    assert "--storage 'secret=…' --storage=anon=true" in command
    seen.clear()
    spaxel.open_cube("memory://scan.zarr", storage={"anon": False})
    spaxel.open_cube("memory://scan.zarr")
    assert seen[0] == {"memory": {"anon": False}}
    assert seen[-1] == {"memory": {}}
    code, _, err = cli("info", "memory://scan.zarr", "--storage", "anon")
    assert (code, err) == (2, "spaxel: --storage is 'anon', expected KEY=VALUE. Try --storage anon=true.\n")


def test_secrets_that_lie_deep_are_hidden_and_yes_and_no_are_shown(cli, memory, scan):
    sent(scan, "memory://scan.zarr")
    nested = {"client_kwargs": {"aws_secret": "dee9ly", "list": [{"token": "fa1-in"}]}, "asynchronous_": True}
    with using(nested | {"cache_options": {"password": "b3low"}, "other": "True"}):
        said = called("dee9ly fa1-in b3low True")
    assert said == "*** *** *** True"
    words = ["--storage", 'cache_options={"password": "b3low-too"}', "--storage", 'block_size={"key": 77665544}']
    code, out, err = cli("segment", "memory://scan.zarr", "-o", "memory://run", "--n-clusters", "3", *words)
    assert code == 0, err
    held = json.dumps(read_json("memory://run"))
    assert "b3low-too" not in out + err + held
    assert "77665544" not in out + err + held


def test_addresses_of_masks_and_axes_are_kept_without_their_secrets(memory, scan, tmp_path, monkeypatch):
    plain = fsspec.core.url_to_fs

    def logged_in(url, **options):
        return plain(url.partition("?")[0].replace("me:pa55word@", ""), **options)

    monkeypatch.setattr(fsspec.core, "url_to_fs", logged_in)
    mask, axis = np.ones((20, 17), "u1"), np.linspace(1, 6, 11)
    mask[0] = 0
    for name, values in (("mask", mask), ("axis", axis)):
        np.save(tmp_path / f"{name}.npy", values)
        sent(tmp_path / f"{name}.npy", f"memory://{name}.npy")
    np.save(tmp_path / "cube.npy", spaxel.open_cube(scan)["spectra"].values)
    secret = "me:pa55word@{}.npy?sig=pa55word"
    options = {
        "mask": f"memory://{secret.format('mask')}",
        "channel": f"memory://{secret.format('axis')}",
        "units": "keV",
    }
    run = segment(
        [tmp_path / "cube.npy"],
        tmp_path / "run",
        parameters=THREE,
        options=options | {"channel_axis": 2},
        method="kmeans",
    )
    held = [file for file in run.rglob("*") if file.is_file() and b"pa55word" in file.read_bytes()]
    assert held == []
    assert "mask.npy" in read_json(run)["reading"]["mask"]
    assert int((read_result(run)["labels"] < 0).sum()) == 17


def test_the_address_of_a_library_is_kept_without_its_secrets():
    model = method_class("library")(library="https://me:pa55word@host/usgs.csv?sig=pa55word", names=["a", "b"])
    model.info_ = {}
    held = describe(model)["parameters"]
    assert (held["library"], held["names"]) == ("https://host/usgs.csv?…", ["a", "b"])


def test_what_decides_that_a_large_file_is_the_same(memory, monkeypatch, tmp_path):
    monkeypatch.setattr("spaxel.store.provenance.WHOLE", 100)
    np.save(tmp_path / "a.npy", tiny_cube(9, 8)["spectra"].values)
    sent(tmp_path / "a.npy", "memory://a.npy")

    def key():
        copies.forget("memory://a.npy")
        cube = spaxel.open_cube("memory://a.npy", channel_axis=2, channel="index", no_data="none")
        return key_of_run(
            RunPlan(paths=["memory://a.npy"], out="x"), spaxel.KMeans(3), [Opened("memory://a.npy", cube, cube)]
        )

    first = key()
    assert first == key()
    sent(tmp_path / "a.npy", "memory://a.npy")
    assert first != key()


def test_what_cannot_be_opened_is_said(memory):
    for address, kind, words in (
        ("memory://none/a.zarr", NotFound, "There is nothing at memory://none/a.zarr"),
        ("nope://a/b", ParameterError, "Protocol not known: nope"),
        ("gs://a/b", MissingExtra, "gcsfs"),
        ("file:///a/b", ParameterError, "without file://"),
    ):
        with pytest.raises(kind, match=words):
            spaxel.open_cube(address)
    with pytest.raises(NotFound, match=r"There is nothing at memory://none"):
        read_json("memory://none")


def made(address, *, overwrite=False):
    """A small run at an address."""
    with new_run(address, overwrite=overwrite) as folder:
        for name in ("one", "two"):
            (folder / name).mkdir()
            write_json(folder / name, {"method": "none"})
            (folder / name / "data.csv").write_text(name)
        write_json(folder, {"method": "none"})


def test_nothing_is_replaced_unasked(memory):
    made("memory://run")
    with pytest.raises(Exists, match=r"memory://run exists already"):
        made("memory://run")
    memory.pipe("/mine/notes.txt", b"x")
    with pytest.raises(Exists, match="was not written by spaxel"):
        made("memory://mine", overwrite=True)
    memory.pipe("/run/left.csv", b"of an older run")
    made("memory://run", overwrite=True)
    assert keys("memory://run") == {"run.json", *(f"{n}/{f}" for n in ("one", "two") for f in ("run.json", "data.csv"))}


@pytest.mark.parametrize("after", range(5))
def test_sending_that_fails(memory, monkeypatch, after):
    made("memory://run")
    put, count = memory.put_file, []

    def failing(_, one, two, **options):
        count.append(two)
        if len(count) > after:
            raise OSError("the line is dead")
        put(one, two, **options)

    monkeypatch.setattr(type(memory), "put_file", failing)
    with pytest.raises(WriteError, match=r"memory://run cannot be written whole: the line is dead"):
        made("memory://run", overwrite=True)
    for name in ("run", "run/one", "run/two"):
        whole = memory.exists(f"/{name}/run.json")
        assert not whole or (name != "run" and memory.exists(f"/{name}/data.csv"))
    monkeypatch.undo()
    made("memory://run", overwrite=True)
    assert read_json("memory://run")["method"] == "none"


def dead(_, one, two, **options):
    raise OSError("the line is dead")


@pytest.mark.parametrize("error", [OSError("the line is dead"), KeyboardInterrupt()])
def test_a_change_that_cannot_be_sent_is_kept(memory, monkeypatch, error, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    made("memory://run")

    def failing(*_, **__):
        raise error

    monkeypatch.setattr(type(memory), "put_file", failing)
    with pytest.raises((WriteError, KeyboardInterrupt)) as raised, changing("memory://run") as place:
        (place / "one" / "data.csv").write_text("changed")
    kept = Path(re.search(r"is kept in (\S+):", str(raised.value))[1])
    assert kept.parent.name.startswith("spaxel-kept-")
    assert (kept / "one" / "data.csv").read_text() == "changed"
    assert read_json(kept)["method"] == "none"


def test_names_that_look_like_patterns(memory):
    with new_run("memory://run") as folder:
        for name in ("a[bc].csv", "d*.csv"):
            (folder / name).write_text("old")
        write_json(folder, {"method": "none"})
    with new_run("memory://run", overwrite=True) as folder:
        for name in ("ab.csv", "de.csv"):
            (folder / name).write_text("new")
        write_json(folder, {"method": "none"})
    assert keys("memory://run") == {"run.json", "ab.csv", "de.csv"}


def test_a_run_that_was_sent_in_part_is_gone_on_with(memory, monkeypatch, scan, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("spaxel.store.owner.WORTH", 0)
    with monkeypatch.context() as patched:
        patched.setattr(type(memory), "put_file", dead)
        with pytest.raises(WriteError, match=r"go on with --resume"):
            segment([scan], "memory://run", parameters=THREE, method="kmeans")
        assert memory.exists("/run/.spaxel-unfinished")
    with pytest.raises(Exists, match="exists already"):
        segment([scan], "memory://run", parameters=THREE, method="kmeans")
    fitted = []
    monkeypatch.setattr("spaxel.workflow.runs.fit", lambda *_, **__: fitted.append(1))
    segment([scan], "memory://run", parameters=THREE, resume=True, method="kmeans")
    assert not fitted
    assert not memory.exists("/run/.spaxel-unfinished")
    assert read_result("memory://run").attrs["n_components"] == 3


def test_two_commands_never_write_to_one_address(memory, scan):
    from spaxel.store.writing import replacing

    def write():
        with replacing("memory://a", owned=lambda _: True) as new:
            new.write_text("x")

    with replacing("memory://a", owned=lambda _: True) as new:
        new.write_text("y")
        with pytest.raises(Exists, match="another command"):
            write()
    assert memory.cat("/a") == b"y"
    with pytest.raises(Exists, match="exists already"):
        write()


def test_a_copy_follows_what_it_is_of(memory, tmp_path):
    write_cube(tiny_cube(9, 8), tmp_path / "a.zarr")
    sent(tmp_path / "a.zarr", "memory://a.zarr")
    first = check_local("memory://a.zarr")
    assert check_local("memory://a.zarr") == first
    sent(write_cube(tiny_cube(7, 8), tmp_path / "b.zarr"), "memory://c.zarr")
    memory.rm("/a.zarr", recursive=True)
    memory.mv("/c.zarr", "/a.zarr", recursive=True)
    assert spaxel.open_cube("memory://a.zarr").sizes["y"] == 7


def test_names_of_copies_and_secrets_in_words(tmp_path):
    assert called("s3:/a/b is https://u:p@h/x?sig=1 and https://h/y") == "s3://a/b is https://h/x?… and https://h/y"
    assert called("zip://a@b::C:/x, C:/y, at 12:/3") == "zip://a@b::C:/x, C:/y, at 12:/3"
    with pytest.raises(NotFound), changing(tmp_path / "none") as place:
        read_json(place)
    with using({"anon": True}), using(None):
        assert spaxel.store.addresses.storage() == {"anon": True}
    assert spaxel.store.addresses.storage() == {}


def test_what_is_sent_to_memory_is_of_this_process_alone(monkeypatch):
    """Two processes have a memory each: they need not wait for one another, as they do for a bucket."""
    places = [place_of(f"{kind}://runs/one") for kind in ("memory", "s3")]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    others = [place_of(f"{kind}://runs/one") for kind in ("memory", "s3")]
    assert [one == other for one, other in zip(places, others, strict=True)] == [False, True]
