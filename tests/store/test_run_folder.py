import json
import os

import dask
import numpy as np
import pytest
import xarray as xr

from spaxel.errors import Exists, NotFound, ReadError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.store.run_folder import (
    new_run,
    read_arrays,
    read_json,
    read_result,
    read_run,
    write_arrays,
    write_history,
    write_json,
    write_result,
)
from spaxel.testing import tiny_cube


@pytest.fixture(scope="module")
def result():
    cube = tiny_cube(20, 17)
    return KMeans().fit(cube).predict(cube)


def test_what_is_written_is_read(tmp_path, result):
    with new_run(tmp_path / "run") as folder:
        write_json(folder, {"method": "kmeans", "seed": np.int64(3), "curve": np.arange(2.0)})
        write_arrays(folder, {"a": np.arange(6).reshape(2, 3).T, "b": np.array(True)})
        write_result(folder, result)
    run, again = read_run(tmp_path / "run")
    assert run["seed"] == 3
    assert run["curve"] == [0, 1]
    assert np.array_equal(read_arrays(tmp_path / "run")["a"], [[0, 3], [1, 4], [2, 5]])
    xr.testing.assert_identical(again.load(), result)


def test_a_lazy_result_is_written_by_this_process_whoever_computes(tmp_path, result):
    def cluster(*_, **__):
        raise AssertionError("a cluster was asked")

    with dask.config.set(scheduler=cluster), new_run(tmp_path / "run") as folder:
        write_json(folder, {})
        write_result(folder, result.chunk(y=16))
    assert np.array_equal(read_result(tmp_path / "run")["labels"], result["labels"])


def test_nothing_is_pickled(tmp_path, result):
    with new_run(tmp_path / "run") as folder:
        write_json(folder, {})
        write_result(folder, result)
    json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert not [p for p in tmp_path.rglob("*") if p.suffix in (".pkl", ".pickle", ".pt", ".npy")]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_run_leaves_nothing_and_the_old_one_stands(tmp_path, error):
    def fail():
        with new_run(tmp_path / "run", overwrite=True) as folder:
            write_json(folder, {"seed": 2})
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == []
    with new_run(tmp_path / "run") as folder:
        write_json(folder, {"seed": 1})
    with pytest.raises(error):
        fail()
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert read_json(tmp_path / "run")["seed"] == 1


def test_what_is_no_run_is_never_overwritten(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(Exists, match="not written by spaxel"), new_run(tmp_path / "thesis", overwrite=True):
        pass
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_damage_is_explained(tmp_path):
    with pytest.raises(NotFound, match="is no run"):
        read_json(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "other"}')
    with pytest.raises(ReadError, match="not written by spaxel"):
        read_json(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "spaxel-run", "version": 99}')
    with pytest.raises(ReadError, match="Try to update"):
        read_json(tmp_path)
    with pytest.raises(NotFound, match=r"result\.zarr"):
        read_result(tmp_path)
    (tmp_path / "result.zarr").mkdir()
    (tmp_path / "result.zarr" / "zarr.json").write_text("{")
    with pytest.raises(ReadError, match="damaged"):
        read_result(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_files_have_the_mode_that_umask_gives(tmp_path, result):
    old = os.umask(0o027)
    try:
        with new_run(tmp_path / "run") as folder:
            write_json(folder, {})
            write_arrays(folder, {"a": np.arange(3)})
            write_history(folder, [])
            write_result(folder, result)
    finally:
        os.umask(old)
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert modes == {"0o640"}
    assert (tmp_path / "run" / "result.zarr").stat().st_mode & 0o777 == 0o750
