"""Pages, figures and windows of a large run: the same with overviews and without, and nobody holds a whole map."""

import re
import shutil
from types import SimpleNamespace

import bokeh.util.serialization
import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from spaxel.cube.smaller import whole_step
from spaxel.errors import MemoryBudgetError
from spaxel.figures import reduce
from spaxel.figures.compared import named_map
from spaxel.figures.reduce import reduce_labels, small_map, step_for
from spaxel.figures.reduce import reduced as small_strips
from spaxel.methods.registry import apply, method_class
from spaxel.metrics.agreement import differs
from spaxel.plot.scene import open_scene, small_labels, small_values
from spaxel.readers.native import write_cube
from spaxel.reporting import comparing, render, report
from spaxel.results.line_maps import line_maps
from spaxel.results.series import block_counts
from spaxel.results.walk import bounded
from spaxel.store.overviews import KINDS, OVERVIEWS, reduced
from spaxel.store.run_folder import read_run, write_json, write_result
from spaxel.synth import simulate
from spaxel.viewer import series_pane
from spaxel.viewer.layers import result_layer
from spaxel.viewer.reading import Reading
from spaxel.viewer.screen import Window
from spaxel.workflow.comparing import compare
from spaxel.workflow.lines import add_lines

SHAPE = (70, 75)  # nine chunks
METHODS = {"kmeans": {"n_clusters": 4}, "nmf": {"n_components": 3}}


@pytest.fixture(scope="module", params=list(METHODS))
def run(request, tmp_path_factory, small_is_large):
    folder = tmp_path_factory.mktemp("run")
    cube = simulate("maxrf", height=SHAPE[0], width=SHAPE[1], channels=96, seed=1).load()
    spectra = cube["spectra"].values.astype(np.float32)
    spectra[20:30, 3:40] = np.nan
    cube = cube.assign(spectra=(cube["spectra"].dims, spectra, cube["spectra"].attrs))
    model = method_class(request.param)(**METHODS[request.param]).fit(cube)
    write_result(folder, apply(model, cube))
    write_json(folder, {"name": "large", "method": request.param})
    return folder


def page(folder):
    about, result = read_run(folder)
    bokeh.util.serialization._simple_id = 999
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", render(result, about))


@pytest.fixture
def held(monkeypatch):
    """Pixels of each array that is computed, in the order in which that happens, on a screen of few points."""
    monkeypatch.setattr("spaxel.figures.reduce.step_for", lambda shape, side: whole_step(shape, side // 16, 32))
    found = []

    def note(values):
        if isinstance(values, list | tuple):  # of several at once
            return type(values)(map(note, values))
        sides = sorted(values.shape)[-2:] if np.ndim(values) > 1 else [0]
        found.append(int(np.prod(sides)))
        return values

    computed, as_array = dask.compute, da.Array.__array__
    monkeypatch.setattr(dask, "compute", lambda *a, **k: tuple(map(note, computed(*a, **k))))
    monkeypatch.setattr(da.Array, "__array__", lambda self, *a, **k: note(as_array(self, *a, **k)))
    return found


def test_the_page_is_the_same_with_overviews_and_without(run, tmp_path):
    bare = shutil.copytree(run, tmp_path / "bare")
    shutil.rmtree(bare / OVERVIEWS)
    assert page(run) == page(bare)


def test_a_page_holds_no_whole_map(run, held):
    with bounded(2**15):
        report(run)
    assert held
    assert max(held) < SHAPE[0] * SHAPE[1] / 2


def test_too_little_memory_is_said(run):
    with pytest.raises(MemoryBudgetError, match="Try a larger --memory"), bounded(1000):
        report(run)


def test_a_small_map_is_made_of_the_whole_one(run):
    _, result = read_run(run)
    whole = result.compute()
    for name in (name for name in KINDS if name in result):
        for side in (40, 10):
            kind, step = KINDS[name], step_for(SHAPE, side)
            assert step in (2, 8)
            last = whole[name].transpose("y", "x", ...).values
            expected = reduced(kind, last, whole["labels"].values, [step])[step].astype(float)
            found = small_map(result, name, side).astype(float)
            found = found if result[name].dims[0] == "y" else np.moveaxis(found, 0, -1)
            np.testing.assert_allclose(found, expected, atol=0.5 if "picture" in name else 0)
            np.testing.assert_array_equal(small_map(whole, name, side), small_map(result, name, side))


def test_a_figure_holds_no_whole_map(run, held):
    with bounded(2**15):
        scene = open_scene(run)
        labels = small_labels(scene, 320)
        assert max(labels.shape) <= 20
        for name in ("abundances", "confidence"):
            if name in scene.result:
                assert small_values(scene, name, 320).shape[:2] == labels.shape
    assert max(held) < SHAPE[0] * SHAPE[1] / 2


def test_the_viewer_reads_the_overview_of_what_is_on_the_screen(run):
    _, result = read_run(run)
    layer = result_layer(result, "confidence")
    for window in (Window(0, 70, 0, 75, 4), Window(8, 70, 16, 64, 2)):
        reading = Reading(layer.array, window, layer.channels, layer.combine)
        reading.read(60)
        rows, columns = (slice(a // window.step, -(-b // window.step)) for a, b in (window[:2], window[2:4]))
        assert reading.overview
        assert reading.image().shape == window.shape
        values = result["confidence"].values
        expected = reduced(KINDS["confidence"], values, None, [window.step])[window.step]
        np.testing.assert_array_equal(reading.image(), expected[rows, columns])
    near = Reading(layer.array, Window(3, 20, 5, 25, 1), layer.channels, layer.combine)
    near.read(60)
    assert not near.overview
    np.testing.assert_array_equal(near.image(), result["confidence"].values[3:20, 5:25])


@pytest.mark.parametrize("side", [8, 20, 100])
def test_labels_made_smaller_strip_by_strip_are_those_of_the_whole_map(side):
    rng = np.random.default_rng(side)
    a, b = (rng.integers(-1, 4, SHAPE) for _ in range(2))
    lazy = [da.from_array(values, chunks=(19, 31)) for values in (a, b)]
    for maps in ([a, b], lazy, [a, lazy[1]]):
        with bounded(40_000):
            found = small_strips(maps, side, lambda a, b: (a, np.maximum(a, b)))
        for one, whole in zip(found, (a, np.maximum(a, b)), strict=True):
            np.testing.assert_array_equal(one, reduce_labels(whole, side))


def test_the_page_of_two_runs_holds_no_whole_map_and_shows_where_they_differ(run, held, tmp_path, monkeypatch):
    monkeypatch.setattr("spaxel.results.walk.USUAL", 2**15)
    _, result = read_run(run)
    drawn = []
    monkeypatch.setattr(comparing, "named_map", lambda *look: drawn.append(look) or named_map(*look))
    other = result.assign(labels=(result["labels"] + 1) % 3 - (result["labels"] < 0))
    other = other.assign(labels=other["labels"].where(result["labels"] >= 0, -1).astype("int32"))
    held.clear()
    compared = compare(result, other, out=tmp_path / "both.html")
    assert 0 < max(held) < np.prod(SHAPE)
    a, b = (np.asarray(one["labels"]) for one in (result, other))
    differ = differs(a, b, compared.agreement)
    pairs = np.where(differ, a * len(compared.names[1]) + b, -1)
    changed = np.where((a >= 0) & (b >= 0), 0, -1)
    changed[differ] = 1 + np.searchsorted(np.unique(pairs[differ]), pairs[differ])
    np.testing.assert_array_equal(drawn[2][0], reduce.reduce_labels(changed, comparing.SIDE))
    assert len(drawn[2][2]) == 1 + len(np.unique(pairs[differ]))
    for (labels, _, names, *_), (i, j) in zip(drawn[:2], ((0, a), (1, b)), strict=True):
        np.testing.assert_array_equal(labels, reduce.reduce_labels(j, comparing.SIDE))
        assert names == compared.names[i]


def test_lines_are_added_to_a_run_that_nobody_holds(run, held, tmp_path, monkeypatch):
    monkeypatch.setattr("spaxel.results.walk.USUAL", 2**15)
    cube = simulate("maxrf", height=SHAPE[0], width=SHAPE[1], channels=96, seed=1)
    file = write_cube(cube, tmp_path / "cube.zarr")
    own = shutil.copytree(run, tmp_path / "run")
    before = read_run(own)[1].load()
    held.clear()
    assert add_lines(own, ["Cu"], cube=file) == [own]
    assert max(held, default=0) < np.prod(SHAPE)
    after = read_run(own)[1].load()
    whole = line_maps(cube, before, ["Cu"])
    xr.testing.assert_identical(after["line_maps"].drop_vars("line"), whole["line_maps"].drop_vars("line"))
    for name in before.data_vars:
        np.testing.assert_array_equal(after[name], before[name])
    assert sorted(path.name for path in own.iterdir()) == sorted(path.name for path in run.iterdir())


def test_a_series_counts_its_blocks_piece_by_piece(run, held, monkeypatch):
    monkeypatch.setattr("spaxel.results.walk.USUAL", 2**15)
    _, result = read_run(run)
    if "micro_labels" not in result:
        pytest.skip("a mixture has no parts")
    m = result.sizes["micro"]
    scene = SimpleNamespace(kept={}, result=result)
    held.clear()
    found = series_pane._counted(scene, m)
    assert 0 < max(held) < np.prod(SHAPE)
    np.testing.assert_array_equal(found, block_counts(np.asarray(result["micro_labels"]), m))
