"""Large maps lie on the disk while they are made: the same run, bit by bit, and nobody holds them whole."""

import numpy as np
import pytest
import xarray as xr

import spaxel.cube.stored
import spaxel.store.guarded
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_result
from spaxel.synth import simulate
from spaxel.testing import tiny_cube
from spaxel.workflow.runs import predict, segment


def holed():
    """Reflectance with values that were not measured, and pixels without any."""
    cube = tiny_cube(90, 75).load()
    spectra = cube["spectra"].values.astype(np.float32) / 100
    spectra[3:9, 2:40] = np.nan
    spectra[50, 50, 2] = np.nan
    return cube.assign(spectra=(cube["spectra"].dims, spectra, cube["spectra"].attrs))


CUBES = {
    "counts": lambda: simulate("maxrf", height=90, width=75, channels=96, seed=1),
    "holes": holed,
    "signed, variance": lambda: simulate("ifu", height=70, width=75, channels=90, seed=1),
    "table": lambda: simulate("mixture", height=150, n_channels=60, n_components=3, most_mixed=2, seed=1),
}


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cubes")
    return {name: write_cube(make(), folder / f"{i}.zarr") for i, (name, make) in enumerate(CUBES.items())}


@pytest.fixture
def tiny_blocks(monkeypatch):
    """Chunks of a map of 32 x 32 pixels, so that a small one has several."""
    monkeypatch.setattr(spaxel.cube.stored, "CHUNK", 32)
    monkeypatch.setattr(spaxel.store.guarded, "CHUNK", 32)


def same(a, b):
    a, b = read_result(a).load(), read_result(b).load()
    xr.testing.assert_identical(a, b)
    return a


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("kind", "method", "parameters"),
    [
        ("counts", "kmeans", {"n_clusters": 4}),
        ("counts", "dsc", {"epochs": 1, "smoothing": 1.5, "n_clusters": 4}),
        ("holes", "consensus", {"n_clusters": 4}),
        ("signed, variance", "kmeans", {"n_clusters": 3}),
        ("counts", "mcr", {"n_components": 3}),
        ("holes", "nmf", {"n_components": 3}),
        ("table", "mcr", {}),
    ],
)
def test_the_same_run_bit_by_bit(cubes, tmp_path, monkeypatch, tiny_blocks, kind, method, parameters):
    small = {"memory": 2**23} | parameters
    segment([cubes[kind]], tmp_path / "held", method=method, parameters=small)
    monkeypatch.setattr(spaxel.cube.stored, "LARGE", 0)
    monkeypatch.setattr(spaxel.cube.stored.Maps, "arrays", counted(spaxel.cube.stored.Maps.arrays, seen := []))
    segment([cubes[kind]], tmp_path / "stored", method=method, parameters=small)
    assert all(seen)
    result = same(tmp_path / "held", tmp_path / "stored")
    assert (result["labels"] >= 0).any()
    files = [
        sorted(str(p.relative_to(run)) for p in run.rglob("*")) for run in (tmp_path / "held", tmp_path / "stored")
    ]
    assert files[0] == files[1]
    for name in ("components.csv", "arrays.safetensors"):
        assert (tmp_path / "held" / name).read_bytes() == (tmp_path / "stored" / name).read_bytes()


def counted(arrays, seen):
    def wrapped(self):
        seen.append(self.on_disk)
        return arrays(self)

    return wrapped


def test_prediction_and_a_series(cubes, tmp_path, monkeypatch, tiny_blocks):
    both = [cubes["counts"], cubes["counts"]]
    segment(both, tmp_path / "held", method="kmeans", parameters={"n_clusters": 4})
    predict(tmp_path / "held", cubes["counts"], tmp_path / "held-again")
    monkeypatch.setattr(spaxel.cube.stored, "LARGE", 0)
    segment(both, tmp_path / "stored", method="kmeans", parameters={"n_clusters": 4})
    predict(tmp_path / "held", cubes["counts"], tmp_path / "stored-again")
    for name in ("0-0", "0-1"):
        same(tmp_path / "held" / name, tmp_path / "stored" / name)
    same(tmp_path / "held-again", tmp_path / "stored-again")
    assert (tmp_path / "held" / "shares.csv").read_bytes() == (tmp_path / "stored" / "shares.csv").read_bytes()
