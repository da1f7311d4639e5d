"""What is opened, what is missing, and what the panes of a window hear, without a browser."""

import json

import numpy as np
import pytest
from bokeh.document import Document

import spaxel
from spaxel.store.run_folder import read_result
from spaxel.viewer import overviews
from spaxel.viewer.application import window
from spaxel.viewer.layers import channel_layer, choices, component_of, labels_layer, line_weights, ratio_layer
from spaxel.viewer.reading import Reading
from spaxel.viewer.regions import box_region, pixel_region
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.screen import Window
from spaxel.viewer.stretches import palette_of, stretched


@pytest.fixture
def moved(own_run):
    """A run whose cube is not where it was."""
    place = own_run / "run.json"
    run = json.loads(place.read_text("utf-8"))
    run["input"]["path"] = str(own_run / "gone.zarr")
    place.write_text(json.dumps(run), "utf-8")
    return own_run


def _named(document, name):
    return document.get_model_by_name(name)


def test_a_run_finds_its_cube_with_the_steps_of_the_fit(scan_run):
    (scene,) = open_scenes([scan_run])
    assert scene.missing == ""
    np.testing.assert_array_equal(scene.cube["channel"], scene.result["channel"])
    assert choices(scene, scene.result)[:4] == ["picture", "channel", "ratio", "line"]


def test_without_its_cube_a_run_is_shown_and_says_what_is_missing(moved, scan):
    (scene,) = open_scenes([moved])
    assert scene.cube is None
    assert "not at its place" in scene.missing
    assert "--cube" in scene.missing
    document = Document()
    state = window(document, [scene])
    assert len(_named(document, "component spectra").data["ys"]) == 3
    assert "not at its place" in _named(document, "spectrum words").text
    state.select(pixel_region(4, 4))
    assert "Belongs to: component" in _named(document, "spectrum words").text
    assert open_scenes([moved], cube=scan)[0].missing == ""


def test_another_cube_is_refused_in_words(moved, tmp_path):
    from spaxel.readers.native import write_cube
    from spaxel.testing import tiny_cube

    other = write_cube(tiny_cube(9, 8), tmp_path / "other.zarr")
    (scene,) = open_scenes([moved], cube=other)
    assert "9 x 8 pixels, the run 20 x 17" in scene.missing


def test_a_result_in_memory_and_an_array_are_scenes(scan, scan_run):
    result = read_result(scan_run)
    with_cube, alone = open_scenes([result], cube=spaxel.open_cube(scan))[0], open_scenes([np.ones((5, 4, 3))])[0]
    assert with_cube.cube is not None
    assert alone.result is None
    assert alone.shape == (5, 4)


def test_another_cut_changes_the_map_without_reading(scan_run):
    (scene,) = open_scenes([scan_run])
    document = Document()
    state = window(document, [scene])
    heard = []
    state.on("result", lambda: heard.append(state.result.sizes["component"]))
    before = np.array(_named(document, "map labels").data["image"][0])
    state.show(spaxel.cut(state.result, 2))
    after = np.array(_named(document, "map labels").data["image"][0])
    assert heard == [2]
    np.testing.assert_array_equal(after, state.result["labels"].values)
    np.testing.assert_array_equal(before, scene.result["labels"].values)
    assert len(_named(document, "component spectra").data["ys"]) == 2
    assert "2 components" in _named(document, "title").text
    assert scene.result.sizes["component"] == 3  # what was opened stays


def test_layers_are_the_numbers_they_say(scan_run):
    (scene,) = open_scenes([scan_run])
    spectra = scene.cube["spectra"].values.astype(np.float32)
    whole = Window(0, 20, 0, 17, 1)

    def read(layer):
        reading = Reading(layer.array, whole, layer.channels, layer.combine)
        reading.read(60)
        return reading.image()

    np.testing.assert_array_equal(read(channel_layer(scene, 5)), spectra[..., 5])
    for i, j in ((7, 3), (3, 7), (4, 4)):
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = np.where(spectra[..., j] != 0, spectra[..., i] / spectra[..., j], np.nan)
        np.testing.assert_allclose(read(ratio_layer(scene, i, j)), expected, rtol=1e-6)
    labels = component_of(scene.result, read(labels_layer(scene.result)))
    np.testing.assert_array_equal(labels, scene.result["labels"].values)


def test_a_line_is_what_stands_above_its_neighbours():
    axis = np.linspace(0, 10, 101)
    held, weights = line_weights(axis, 5.0, 0.3)
    slope = (3 + 2 * axis)[held] @ weights
    assert slope == pytest.approx(0, abs=1e-4)
    peak = np.exp(-(((axis - 5) / 0.1) ** 2))
    assert peak[held] @ weights == pytest.approx(peak.sum(), rel=0.01)


def test_stretches_rise_from_nothing_to_all():
    for how in ("linear", "sqrt", "asinh", "log"):
        values = stretched(np.linspace(0, 1, 50), how)
        assert values[0] == 0
        assert values[-1] == pytest.approx(1)
        assert (np.diff(values) > 0).all()
    assert palette_of("linear")[0] == "#440154"


def test_scenes_change_and_a_region_stays_where_it_can(scan, scan_run):
    scenes = [*open_scenes([scan_run]), *open_scenes([scan]), *open_scenes([np.ones((5, 4, 3))])]
    document = Document()
    state = window(document, scenes)
    state.select(box_region(1, 1, 6, 6))
    state.go(1)
    assert state.region is not None
    assert len(_named(document, "selected spectrum").data["x"]) > 0
    state.go(2)
    assert state.region is None
    assert "5 × 4 pixels" in _named(document, "title").text
    state.paint(dark=True)
    assert _named(document, "map").background_fill_color == "#1B1C1E"


def test_overviews_on_disk_are_bounded_and_damage_does_not_matter(tmp_path, monkeypatch, scan):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (scene,) = open_scenes([scan])
    place = overviews.overview_file(scene, ("channel", 1), Window(0, 16, 0, 16, 2))
    assert place.is_relative_to(tmp_path)
    values = np.arange(64, dtype=np.float32).reshape(8, 8)
    overviews.keep(place, values)
    np.testing.assert_array_equal(overviews.recalled(place, (8, 8)), values)
    assert overviews.recalled(place, (9, 8)) is None
    place.write_bytes(b"\x93NUMPY damaged")
    assert overviews.recalled(place, (8, 8)) is None
    for i in range(12):
        overviews.keep(place.with_name(f"{i}.npy"), values, limit=4 * 400)
    assert sum(file.stat().st_size for file in place.parent.iterdir()) <= 4 * 400
    assert overviews.overview_file(open_scenes([np.ones((5, 4, 3))])[0], (), Window(0, 5, 0, 4, 1)) is None
