"""A chunk that is gone is an error where it is read, and one that was never written is empty."""

import pickle
import shutil

import numpy as np
import pytest
import zarr

import spaxel.store.chunks_there
import spaxel.workflow.runs
from spaxel import open_cube
from spaxel.cube.mapping import map_tiles
from spaxel.errors import GuessWarning, ReadError
from spaxel.readers.native import write_cube
from spaxel.store.codecs import CheckedStore
from spaxel.testing import tiny_cube
from spaxel.workflow.fitting import fit

SHAPE = (10, 8, 5)
VALUES = np.arange(1, 401, dtype="u2").reshape(SHAPE)
LAYOUTS = {
    "2": {"zarr_format": 2},
    "2 nested": {"zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}},
    "3": {"zarr_format": 3},
    "shards": {"zarr_format": 3, "shards": (4, 8, 5)},
}


def strange(path, layout="3", *, group=False, holes=False):
    """A Zarr array of somebody else with 6 chunks (3 in shards), the first of them unwritten with `holes`."""
    options = LAYOUTS[layout]
    if group:
        zarr.create_group(path, zarr_format=options["zarr_format"])
    array = zarr.create_array(
        path, name="spectra" if group else None, shape=SHAPE, dtype="u2", chunks=(4, 4, 5), **options
    )
    values = VALUES.copy()
    if holes:
        values[:4] = 0
    array[...] = values
    return path


def chunks(path):
    return sorted(p for p in path.rglob("*") if p.is_file() and p.name[-1].isdigit())


def total(cube):
    return map_tiles(lambda spectra, n: ({}, {"sum": spectra[:n].astype(float).sum()}), cube, {})[1]["sum"]


@pytest.mark.filterwarnings("ignore:.*has no spectral axis")  # and nothing is said of holes
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("group", [True, False])
def test_a_chunk_that_is_lost_after_opening(tmp_path, layout, group):
    cube = open_cube(strange(tmp_path / "a.zarr", layout, group=group), channel_axis=2)
    assert total(cube) == VALUES.sum()
    for chunk in chunks(tmp_path / "a.zarr"):
        content = chunk.read_bytes()
        chunk.unlink()
        with pytest.raises(ReadError, match=r"is damaged: its chunk .* is missing"):
            total(cube)
        chunk.write_bytes(content)
    assert total(cube) == VALUES.sum()


@pytest.mark.filterwarnings("ignore:.*has no spectral axis")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sparse_store_is_spoken_of_and_read(tmp_path, layout):
    path = strange(tmp_path / "a.zarr", layout, group=True, holes=True)
    (path / "spectra" / ".DS_Store").write_bytes(b"of another program")
    with pytest.warns(GuessWarning, match=r"of . chunks of spectra are not stored; took them as empty \(0\)"):
        cube = open_cube(path, channel_axis=2)
    assert total(cube) == VALUES[4:].sum()
    chunks(path)[-1].unlink()  # and the others are missed all the same
    with pytest.raises(ReadError, match="is missing"):
        total(cube)


@pytest.mark.filterwarnings("ignore:.*has no spectral axis")
def test_a_lost_chunk_of_ome_zarr(tmp_path):
    scales = [{"axes": [{"name": name} for name in "cyx"], "datasets": [{"path": "0"}]}]
    zarr.create_group(tmp_path / "a.zarr", attributes={"ome": {"version": "0.5", "multiscales": scales}})
    zarr.create_array(tmp_path / "a.zarr", name="0", data=VALUES.transpose(2, 0, 1), chunks=(5, 4, 8))
    cube = open_cube(tmp_path / "a.zarr")
    assert total(cube) == VALUES.sum()
    chunks(tmp_path / "a.zarr" / "0")[0].unlink()
    with pytest.raises(ReadError, match="its chunk 0/c/0/0/0 is missing"):
        total(cube)


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
@pytest.mark.parametrize("lost", ["store", "metadata"])
@pytest.mark.parametrize("kind", ["native", "strange", "sparse"])
def test_a_store_that_vanishes(tmp_path, kind, lost):
    path = tmp_path / "a.zarr"
    if kind == "native":
        write_cube(tiny_cube(), path)
    else:
        strange(path, group=True, holes=kind == "sparse")
    cube = open_cube(path, channel_axis=None if kind == "native" else 2)
    shutil.rmtree(path if lost == "store" else path / "spectra")
    with pytest.raises(ReadError, match="is gone, or its metadata are"):
        total(cube)


def test_a_chunk_of_a_cube_of_ours_is_never_empty(tmp_path):
    """Also one of zeros: all are written."""
    cube = tiny_cube(70, 9)
    path = write_cube(cube.assign(spectra=cube["spectra"] * 0), tmp_path / "a.zarr")
    read = open_cube(path)
    (path / "spectra" / "c" / "1" / "0" / "0").unlink()
    with pytest.raises(ReadError, match="its chunk spectra/c/1/0/0 is missing"):
        total(read)


def test_a_store_that_vanishes_ends_a_command(tmp_path, cli, monkeypatch):
    """Between the sample and the map."""
    path = write_cube(tiny_cube(20, 20), tmp_path / "a.zarr")

    def vanishing(*arguments, **options):
        found = fit(*arguments, **options)
        shutil.rmtree(path)
        return found

    monkeypatch.setattr(spaxel.workflow.runs, "fit", vanishing)
    code, _, err = cli("segment", path, "-o", tmp_path / "run", "--method", "kmeans")
    assert code == 2
    assert "a.zarr" in err
    assert "is gone" in err
    assert not (tmp_path / "run").exists()


def test_what_is_known_travels_to_other_processes(tmp_path):
    store = CheckedStore(strange(tmp_path / "a.zarr"))
    array = zarr.open_array(store, mode="r")
    store.chunks.look(array, store.stored)
    chunks(tmp_path / "a.zarr")[0].unlink()
    with pytest.raises(ReadError, match="is missing"):
        pickle.loads(pickle.dumps(array))[...]


@pytest.mark.filterwarnings("ignore::spaxel.errors.GuessWarning")
def test_names_of_very_many_chunks_are_not_held(tmp_path, monkeypatch):
    monkeypatch.setattr(spaxel.store.chunks_there, "MOST", 3)
    whole = open_cube(strange(tmp_path / "a.zarr"), channel_axis=2)
    chunks(tmp_path / "a.zarr")[0].unlink()
    with pytest.raises(ReadError, match="is missing"):
        total(whole)
    holed = open_cube(tmp_path / "a.zarr", channel_axis=2)
    chunks(tmp_path / "a.zarr")[0].unlink()
    assert total(holed) < VALUES.sum()  # not seen, but
    shutil.rmtree(tmp_path / "a.zarr")
    with pytest.raises(ReadError, match="is gone"):
        total(holed)
