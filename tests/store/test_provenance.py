import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.methods.registry import METHODS, method_class
from spaxel.store import provenance
from spaxel.store.provenance import about, signature
from spaxel.store.run_folder import read_json


def test_versions_of_what_the_method_worked_with(scan_run):
    versions = about("spaxel segment", 0, ("torch", "lightning-fabric"))["versions"]
    assert versions["torch"] == version("torch")
    assert versions["lightning-fabric"] == version("lightning-fabric")
    assert "torch" not in read_json(scan_run)["versions"]


@pytest.mark.parametrize("name", METHODS)
def test_methods_with_a_net_say_so(name):
    cls = method_class(name)
    has_net = find_spec(f"{cls.__module__.rpartition('.')[0]}.net") is not None
    trains = has_net and name != "learned"  # whose net is trained beforehand, by train-metric
    assert ("torch" in getattr(cls, "libraries", ())) is trains


def content(folder, size, where):
    data = bytearray(size)
    data[5], data[where] = 1, 2
    (folder / "a.bin").write_bytes(data)
    return signature(folder / "a.bin", make_cube(np.ones((1, 1, 1))))


@pytest.mark.parametrize("where", [0, 2**16 - 1, 2**16, 2**20, 3 * 2**20 - 1])
def test_the_whole_file_counts_where_whole_is_said(tmp_path, where):
    before = content(tmp_path, 3 * 2**20, 2**18)  # equal in the first 64 KiB
    after = content(tmp_path, 3 * 2**20, where)
    assert after["hashed"] == before["hashed"] == "whole"
    assert after["sha256"] != before["sha256"]


def test_a_part_counts_where_a_part_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "WHOLE", 2**20)
    before, after, early = (content(tmp_path, 2**20 + 1, where) for where in (2**16, 2**16 + 1, 2**16 - 1))
    assert after["hashed"] == "the first 64 KiB of each file"
    assert after["sha256"] == before["sha256"] != early["sha256"]


@pytest.mark.parametrize(("system", "unit"), [("linux", 1024), ("darwin", 1)])
def test_peak_memory_is_told_in_bytes_though_systems_count_otherwise(monkeypatch, system, unit):
    monkeypatch.setitem(
        sys.modules, "resource", SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda _: SimpleNamespace(ru_maxrss=5000))
    )
    monkeypatch.setattr(provenance.sys, "platform", system)
    monkeypatch.setattr(provenance, "STATUS", Path("nowhere"))
    assert provenance.peak_memory() == 5000 * unit


def known(path, **attrs):
    cube = make_cube(np.ones((1, 1, 1))).assign_attrs(attrs)
    return provenance.told(path, signature(path, cube), cube)


def later(file):
    """Change a file: as long as it was, and the same in its first bytes."""
    state = file.stat()
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1000))


@pytest.mark.parametrize("large", [True, False])
@pytest.mark.parametrize("touched", ["scan.hdr", "scan.img", "white.hdr", "white.RAW"])
def test_an_input_is_another_once_one_of_its_files_has_changed(tmp_path, monkeypatch, large, touched):
    monkeypatch.setattr(provenance, "WHOLE", 2 if large else 2**30)
    for name in ("scan.hdr", "scan.img", "white.hdr", "white.RAW", "other.img"):
        (tmp_path / name).write_text("some bytes")
    both = [str(tmp_path / name) for name in ("scan.hdr", "scan.img")]
    about_it = {"reader": "envi", "files": both, "references": [str(tmp_path / "white.hdr")]}
    before = known(tmp_path / "scan.img", **about_it)
    later(tmp_path / "other.img")
    assert known(tmp_path / "scan.img", **about_it) == before
    if large or touched.startswith("white"):
        later(tmp_path / touched)
    else:
        (tmp_path / touched).write_text("same bytes")
    assert known(tmp_path / "scan.img", **about_it) != before


def test_a_store_is_another_once_a_chunk_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "WHOLE", 2)
    (tmp_path / "a.zarr" / "c").mkdir(parents=True)
    for name in ("zarr.json", "c/0", "c/1"):
        (tmp_path / "a.zarr" / name).write_text("some bytes")
    before = known(tmp_path / "a.zarr")
    assert known(tmp_path / "a.zarr") == before
    later(tmp_path / "a.zarr" / "c" / "1")
    assert known(tmp_path / "a.zarr") != before


def test_files_that_options_name_count_by_what_is_in_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mask.png").write_text("mask")
    (tmp_path / "paper.zarr").mkdir()
    (tmp_path / "paper.zarr" / "zarr.json").write_text("paper")
    (tmp_path / "counts").mkdir()  # a word that is a folder too
    asked = {
        "mask": ["none", "mask.png"],
        "library": "paper.zarr",
        "scaling": "counts",
        "number": 3,
        "no": "",
        "dot": ".",
    }
    before = provenance.contents(asked)
    assert set(before) == {"content of mask", "content of library"}
    (tmp_path / "mask.png").write_text("mist")
    later(tmp_path / "paper.zarr" / "zarr.json")
    after = provenance.contents(asked)
    assert all(after[name] != before[name] for name in before)
