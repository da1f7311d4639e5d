"""The plugin of napari without napari: its manifest, the tuples of its reader, and what the widget says of a pixel."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spaxel.partners.napari as room
from spaxel.errors import MissingExtra
from spaxel.figures.palette import run_colors
from spaxel.partners.napari.layers import cube_layers, place
from spaxel.partners.napari.reader import get_reader
from spaxel.partners.napari.spectra import Cubes, spectra_widget, spectrum_at, under
from spaxel.readers import open_cube
from spaxel.store.run_folder import read_run
from spaxel.testing import tiny_cube

MANIFEST = Path(room.__file__).with_name("napari.yaml")


def test_the_manifest_is_valid_and_what_it_names_is_there():
    code = f"""
from npe2 import PluginManager, PluginManifest
manifest = PluginManifest.from_file({str(MANIFEST)!r})
manifest.validate_imports()
manager = PluginManager(disable=[])
manager.register(manifest)
for path in ({str(MANIFEST.parent)!r}, "a/run.json", "a/map.BCF", "cube.zarr"):
    assert [r.command for r in manager.iter_compatible_readers([path])] == ["spaxel.read"], path
assert not list(manager.iter_compatible_readers(["picture.png"]))
assert [w.display_name for w in manager.iter_widgets()] == ["Spectra"]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_is_picture_maps_and_labels(scan_run):
    layers = get_reader(str(scan_run / "run.json"))(str(scan_run / "run.json"))
    run, result = read_run(scan_run)
    assert [kind for _, _, kind in layers] == ["image", "image", "labels"]
    picture, confidence, (labels, shown, _) = layers
    assert picture[1]["rgb"]
    assert not confidence[1]["visible"]
    assert np.array_equal(labels, result["labels"].values + 1)
    table, colors = shown["features"], run_colors(result, run)
    assert table["index"] == [1, 2, 3]
    assert table["pixels"] == [int((labels == i).sum()) for i in table["index"]]
    assert table["name"] == ["component 0", "component 1", "component 2"]
    assert sum(table["share"]) == pytest.approx(1, abs=1e-3)
    assert [shown["colormap"][i] for i in table["index"]] == table["color"] == colors
    assert get_reader(str(scan_run)) is not None


def test_a_cube_is_lazy_with_its_channels_first(scan):
    ((data, shown, kind),) = get_reader(str(scan))(str(scan))
    cube = open_cube(scan)
    assert kind == "image"
    assert data.shape == (11, 20, 17)
    assert hasattr(data, "dask")
    assert np.array_equal(np.asarray(data[4]), cube["spectra"].values[:, :, 4])
    assert shown["axis_labels"] == ("channel", "y", "x")


def test_others_are_left_to_napari(tmp_path, scan):
    (tmp_path / "note.txt").write_text("1,2")
    (tmp_path / "none.h5").write_bytes(b"no")
    for path in (
        str(tmp_path / "note.txt"),
        str(tmp_path / "none.h5"),
        str(tmp_path / "gone"),
        str(tmp_path),
        [str(scan)],
    ):
        assert get_reader(path) is None


def test_pixels_have_their_size_and_row_0_may_be_the_lowest():
    cube = tiny_cube(20, 17).assign_attrs(pixel_size=[2e-6, 3e-6], pixel_units="m", origin="lower")
    found = place(cube, 20, channels=True)
    assert found["scale"] == (1.0, 2.0, 3.0)
    assert found["units"] == ("pixel", "um", "um")
    assert (found["affine"] @ [0, 0, 0, 1]).tolist() == [0, 38, 0, 1]
    assert (found["affine"] @ [5, 38, 3, 1]).tolist() == [5, 0, 3, 1]
    assert "affine" not in place(tiny_cube(20, 17), 20)


class FakeLayer:
    def __init__(self, data, metadata, visible=True):
        self.data, self.metadata, self.visible = data, metadata, visible

    def world_to_data(self, position):
        return position


def test_the_spectrum_under_the_pointer(scan_run, scan):
    labels, shown, _ = get_reader(str(scan_run))(str(scan_run))[-1]
    about, cubes = shown["metadata"]["spaxel"], Cubes()
    found = spectrum_at(about, labels, 3, 2, cubes)
    assert np.array_equal(found["own"], open_cube(scan)["spectra"].values[3, 2])
    assert np.array_equal(found["mean"], about["mean"][labels[3, 2] - 1])
    assert found["title"] == f"x 2, y 3: component {labels[3, 2] - 1}"
    layer = FakeLayer(labels, shown["metadata"])
    assert under([layer, FakeLayer(labels, {})], (2.7, 2.2), cubes)["title"] == found["title"]
    assert under([FakeLayer(labels, shown["metadata"], visible=False)], (3, 2), cubes) is None
    assert under([layer], (25, 2), cubes) is None
    gone = about | {"cube": str(scan) + ".gone"}
    assert "own" not in spectrum_at(gone, labels, 3, 2, Cubes())
    assert spectrum_at(about, np.zeros_like(labels), 3, 2, cubes)["title"].endswith("no data")
    data, options, _ = cube_layers(scan)[0]
    assert np.array_equal(spectrum_at(options["metadata"]["spaxel"], data, 3, 2, cubes)["own"], found["own"])


def test_without_napari_the_widget_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "napari", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spaxel\[napari,plot\]'"):
        spectra_widget()
