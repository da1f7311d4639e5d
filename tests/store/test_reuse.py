"""A run that takes over another: what has not changed is one file of two names, what has is as if all were written anew."""

import os
import shutil

import pytest
import xarray as xr

import spaxel.cube.stored
import spaxel.store.guarded
from spaxel.results.cut import cut
from spaxel.results.walk import bounded
from spaxel.store import reuse
from spaxel.store.reuse import link, rewrite_result, take_over
from spaxel.store.run_folder import RESULT, read_result, write_result
from spaxel.testing import tiny_cube


@pytest.fixture(scope="module")
def result():
    from spaxel.methods.registry import method_class

    cube = tiny_cube(40, 32)
    return method_class("kmeans")(n_clusters=5, n_micro=12, linkage="contact").fit(cube).predict(cube)


@pytest.fixture
def run(result, tmp_path, monkeypatch):
    """A run in chunks of 16 x 16 pixels."""
    for module in (spaxel.cube.stored, spaxel.store.guarded):
        monkeypatch.setattr(module, "CHUNK", 16)
    (tmp_path / "run").mkdir()
    write_result(tmp_path / "run", result)
    return tmp_path / "run"


def numbers(folder):
    """Which file each name is."""
    return {p.relative_to(folder).as_posix(): p.stat().st_ino for p in folder.rglob("*") if p.is_file()}


CHANGES = {
    "level": {"level": 1},
    "merge": {"merge": [(3, 4)]},
}


@pytest.mark.parametrize("kind", CHANGES)
def test_the_same_as_written_whole_and_the_rest_linked(run, tmp_path, result, kind):
    before = read_result(run)
    (tmp_path / "new").mkdir()
    (tmp_path / "whole").mkdir()
    with bounded(2**16):
        rewrite_result(tmp_path / "new", cut(before, **CHANGES[kind]), before, run)
    write_result(tmp_path / "whole", cut(result, **CHANGES[kind]))
    new, whole = tmp_path / "new", tmp_path / "whole"
    xr.testing.assert_identical(read_result(new).load(), read_result(whole).load())
    assert {name: (whole / name).read_bytes() for name in numbers(whole) if not name.endswith("/zarr.json")} == {
        name: (new / name).read_bytes() for name in numbers(new) if not name.endswith("/zarr.json")
    }
    xr.testing.assert_identical(xr.open_zarr(new / RESULT).load(), xr.open_zarr(whole / RESULT).load())
    old, now = numbers(run), numbers(new)
    kept = {name for name in now if now[name] == old.get(name)}
    for name in ("micro_labels", "picture", "level_confidence", "unlike"):
        assert {one for one in old if one.startswith(f"{RESULT}/{name}/")} <= kept
    same = {
        name
        for name in now
        if name.startswith((f"{RESULT}/labels/c/", f"{RESULT}/confidence/c/"))
        and (run / name).read_bytes() == (new / name).read_bytes()
    }
    assert same <= kept
    if kind != "level":
        assert 0 < len([name for name in same if "labels" in name]) <= 5


def test_what_is_linked_is_never_written_in_place(run, tmp_path, result):
    take_over(run, tmp_path / "new", [RESULT])
    assert not (tmp_path / "new" / RESULT).exists()
    before = read_result(run)
    rewrite_result(tmp_path / "new", cut(before, 3), before, run)
    shutil.copytree(run, tmp_path / "copy")
    again = read_result(tmp_path / "new")
    write_result(tmp_path / "new", again.assign(labels=again["labels"] * 0))
    assert (read_result(tmp_path / "new")["labels"].values == 0).all()
    xr.testing.assert_identical(read_result(run).load(), read_result(tmp_path / "copy").load())


def test_a_link_stays_a_link_and_where_there_are_none_files_are_copied(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").symlink_to("a")
    link(tmp_path / "b", tmp_path / "c")
    link(tmp_path / "a", tmp_path / "d")
    assert (tmp_path / "c").is_symlink()
    assert (tmp_path / "d").stat().st_ino == (tmp_path / "a").stat().st_ino

    def refused(*_, **__):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refused)
    link(tmp_path / "a", tmp_path / "e")
    assert (tmp_path / "e").read_text() == "a"
    assert (tmp_path / "e").stat().st_ino != (tmp_path / "a").stat().st_ino


def test_a_result_without_checksums_is_written_whole(run, tmp_path, monkeypatch):
    monkeypatch.setattr(reuse, "_is_whole", lambda home: False)
    before = read_result(run)
    (tmp_path / "new").mkdir()
    rewrite_result(tmp_path / "new", cut(before, 3), before, run)
    assert not set(numbers(run).values()) & set(numbers(tmp_path / "new").values())
    assert read_result(tmp_path / "new").sizes["component"] == 3


def test_a_chunk_of_the_same_values_in_another_order_is_written(run, tmp_path):
    before = read_result(run)
    turned = before.assign(labels=before["labels"].copy(data=before["labels"].data[::-1]))
    (tmp_path / "new").mkdir()
    rewrite_result(tmp_path / "new", turned, before, run)
    assert (read_result(tmp_path / "new")["labels"].values == before["labels"].values[::-1]).all()
