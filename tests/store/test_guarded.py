"""A damaged chunk, a lost one and one with numbers of nobody are errors where they are read, in words."""

import json
import shutil

import numpy as np
import pytest
import xarray as xr

from spaxel.cube.stored import is_lazy
from spaxel.errors import ReadError
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.store.guarded import SMALL, checksum
from spaxel.store.run_folder import read_arrays, read_result, write_arrays, write_result
from spaxel.testing import tiny_cube


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    cube = tiny_cube(20, 17)
    write_result(folder, KMeans(n_clusters=3).fit(cube).predict(cube))
    return folder


@pytest.fixture
def run(written, tmp_path):
    return shutil.copytree(written, tmp_path / "run")


def chunks(run, array):
    return sorted(
        path for path in (run / "result.zarr" / array).rglob("*") if path.is_file() and path.name != "zarr.json"
    )


@pytest.mark.parametrize("small", [0, SMALL])
def test_small_arrays_are_read_without_dask_and_are_the_same(written, monkeypatch, small):
    expected = read_result(written).load()
    monkeypatch.setattr("spaxel.store.guarded.SMALL", small)
    result = read_result(written)
    assert is_lazy(result["labels"].data) == (small == 0)
    assert is_lazy(result["level_confidence"].data)  # a chunk for each level
    xr.testing.assert_identical(result.load(), expected)


@pytest.mark.parametrize("small", [0, SMALL])
@pytest.mark.parametrize("array", ["labels", "confidence", "picture", "micro_labels"])
def test_every_flipped_bit_is_seen(run, monkeypatch, array, small):
    monkeypatch.setattr("spaxel.store.guarded.SMALL", small)
    (chunk,) = chunks(run, array)
    whole = chunk.read_bytes()
    before = read_result(run)[array].values
    for place in np.linspace(0, len(whole) - 1, 12).astype(int):
        content = bytearray(whole)
        content[place] ^= 1 << int(place) % 8
        chunk.write_bytes(bytes(content))
        result = read_result(run)
        try:
            after = result[array].values
        except ReadError as error:
            assert str(run / "result.zarr" / array) in str(error)  # noqa: PT017
        else:  # a bit that nothing depends on
            np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("array", ["labels", "confidence", "level_confidence"])
def test_a_lost_chunk_is_an_error_and_no_zero(run, array):
    for chunk in chunks(run, array):
        chunk.unlink()
    with pytest.raises(ReadError, match=f"{array}.*is missing, so .* is damaged"):
        read_result(run)[array].load()


def test_chunks_of_one_value_are_written(tmp_path):
    cube = tiny_cube(20, 17)
    result = KMeans(n_clusters=1).fit(cube).predict(cube)
    write_result(tmp_path, result.assign(labels=result["labels"] * 0))
    assert (read_result(tmp_path)["labels"].values == 0).all()


def test_a_run_of_an_older_version_may_lack_chunks(run):
    about = run / "result.zarr" / "zarr.json"
    plain = json.loads(about.read_text("utf-8"))
    del plain["attributes"]["every_chunk"]
    about.write_text(json.dumps(plain))
    chunks(run, "confidence")[0].unlink()
    assert read_result(run)["confidence"].isnull().all()


@pytest.mark.parametrize("array", ["labels", "micro_labels"])
def test_a_label_of_nobody_is_damage(written, tmp_path, array):
    result = read_result(written).load()
    result[array][3, 4] = 1000
    write_result(tmp_path, result)
    with pytest.raises(ReadError, match=f"{array} is damaged: it holds numbers that no component has"):
        read_result(tmp_path)[array].load()


def test_learned_numbers_carry_a_checksum(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2], np.int16)}
    write_arrays(tmp_path, arrays)
    for name, held in read_arrays(tmp_path).items():
        np.testing.assert_array_equal(held, arrays[name])
    file = tmp_path / "arrays.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 4
    file.write_bytes(bytes(content))
    with pytest.raises(ReadError, match="not those that were written"):
        read_arrays(tmp_path)


def test_the_checksum_knows_names_kinds_and_shapes_and_no_order():
    a = {"a": np.arange(6, dtype=np.int32), "b": np.zeros(2)}
    assert checksum(a) == checksum(dict(reversed(a.items())))
    turned = np.arange(6, dtype=np.int32).reshape(2, 3)
    others = [
        a | {"a": np.arange(6, dtype=np.uint32)},
        a | {"a": turned},
        {"a": a["a"], "c": a["b"]},
    ]
    assert len({checksum(one) for one in (a, *others)}) == 4
