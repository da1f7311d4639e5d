"""Large maps lie on the disk while they are made: the same run, bit by bit, and nobody holds them whole."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import spaxel.cube.stored
import spaxel.store.guarded
from spaxel.cube.kept import keeping
from spaxel.cube.stored import is_lazy
from spaxel.methods.registry import apply, method_class
from spaxel.readers.native import write_cube
from spaxel.readers.registry import open_cube
from spaxel.store.run_folder import read_result, write_result
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
        ("table", "mcr", {"n_components": 3}),
    ],
)
def test_the_same_result_bit_by_bit(cubes, tmp_path, monkeypatch, tiny_blocks, kind, method, parameters):
    cube = open_cube(cubes[kind])
    model = method_class(method)(memory=2**23, **parameters).fit(cube)
    for name in ("held", "stored"):
        (tmp_path / name).mkdir()
        with keeping(tmp_path / f"maps of {name}"):
            result = apply(model, cube)
            assert is_lazy(result["labels"].data) == (name == "stored")
            write_result(tmp_path / name, result)
        monkeypatch.setattr(spaxel.cube.stored, "LARGE", 0)
    assert (same(tmp_path / "held", tmp_path / "stored")["labels"] >= 0).any()
    runs = tmp_path / "held", tmp_path / "stored"
    files = [{p.relative_to(run): p.read_bytes() for p in run.rglob("*") if p.is_file()} for run in runs]
    assert files[0]
    assert files[0] == files[1]


def test_prediction_and_a_series(cubes, tmp_path, monkeypatch, tiny_blocks):
    both, few = [cubes["counts"], cubes["counts"]], {"n_clusters": 4, "n_init": 2, "n_micro": 8, "max_clusters": 5}
    monkeypatch.setattr("spaxel.workflow.runs.reporting", SimpleNamespace(report=lambda folder: folder))
    segment(both, tmp_path / "held", method="kmeans", parameters=few)
    predict(tmp_path / "held", cubes["counts"], tmp_path / "held-again")
    monkeypatch.setattr(spaxel.cube.stored, "LARGE", 0)
    segment(both, tmp_path / "stored", method="kmeans", parameters=few)
    predict(tmp_path / "held", cubes["counts"], tmp_path / "stored-again")
    for name in ("0-0", "0-1"):
        same(tmp_path / "held" / name, tmp_path / "stored" / name)
    same(tmp_path / "held-again", tmp_path / "stored-again")
    assert (tmp_path / "held" / "shares.csv").read_bytes() == (tmp_path / "stored" / "shares.csv").read_bytes()
