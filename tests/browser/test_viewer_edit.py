"""Changes by hand in the real viewer: merged, undone, kept; levels are nested; two runs side by side."""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from spaxel.metrics.agreement import agreement
from spaxel.readers.native import write_cube
from spaxel.store.cuts import list_cuts, open_cut
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.shown import started
from spaxel.workflow.recut import recut
from spaxel.workflow.runs import segment

READY = "() => window.Bokeh?.documents.length > 0 && Bokeh.documents[0].is_idle"
K = "(k) => Bokeh.documents[0].get_model_by_name('components').data.number.length == k"
NAME = "<img src=x>"
RANGES = """(name) => {
  const plot = Bokeh.documents[0].get_model_by_name(name);
  return [plot.x_range.start, plot.x_range.end, plot.y_range.start, plot.y_range.end];
}"""
DRAWN = """() => {
  const drawn = Bokeh.documents[0].get_model_by_name('map').renderers.map((r) => r.data_source?.data.image?.[0]);
  return Array.from(drawn.find((image) => image?.dtype?.startsWith('int')));
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edited")
    scan = write_cube(tiny_cube(40, 34), folder / "scan.zarr")
    return segment(
        [scan], folder / "run", parameters={"n_clusters": 4, "n_micro": 12, "linkage": "contact"}, method="kmeans"
    )


def _open(visit, page, shown, tab, size=(1280, 800)):
    visit(page, shown.url, size=size)
    page.wait_for_function(READY)
    page.get_by_role("tab", name=tab).or_(page.locator(".bk-tab", has_text=tab)).first.click()
    page.wait_for_timeout(600)
    return page


def _pick(page, *numbers):
    field = page.get_by_label("selected (numbers, as 3, 7)")
    field.fill(", ".join(map(str, numbers)))
    field.press("Enter")
    page.wait_for_function(
        "(n) => Bokeh.documents[0].get_model_by_name('components').selected.indices.length == n", arg=len(numbers)
    )


def test_merged_and_undone_then_kept_as_a_cut(page, visit, read_source, read_model, assert_no_overlap, run, screens):
    shown = started(open_scenes([run]), editable=True, patience=None)
    try:
        _open(visit, page, shown, "Components")
        page.wait_for_function(K, arg=4)
        before = read_source(page, "components")
        _pick(page, 1, 2)
        page.get_by_role("button", name="merge").click()
        page.wait_for_function(K, arg=3)
        merged = read_source(page, "components")
        assert sum(merged["size"]) == sum(before["size"])
        assert sorted(merged["size"]) == sorted(
            [before["size"][0], before["size"][1] + before["size"][2], before["size"][3]]
        )
        page.screenshot(path=screens / "viewer-merged.png")
        assert_no_overlap(page)
        page.get_by_role("button", name="undo").click()
        page.wait_for_function(K, arg=4)
        assert read_source(page, "components") == before
        page.get_by_role("button", name="redo").click()
        page.wait_for_function(K, arg=3)
        page.get_by_label("name of the cut").fill("mine")
        page.get_by_label("name of the cut").press("Enter")
        page.get_by_role("button", name="save as").click()
        page.wait_for_function("() => Bokeh.documents[0].get_model_by_name('saved').text.startsWith('Saved in')")
        assert list_cuts(run) == ["mine"]
        assert open_cut(run, "mine")[1]["component_size"].values.tolist() == merged["size"]
        assert read_model(page, "edit command", "text").endswith("4 --merge 1,2 --save-as mine")
        assert read_result(run).sizes["component"] == 4
    finally:
        shown.stop()


def test_levels_are_nested_and_nothing_is_written_without_edit(
    page, visit, read_model, assert_no_overlap, run, screens
):
    shown = started(open_scenes([run]), patience=None)
    try:
        _open(visit, page, shown, "Components")
        handle, maps, level = page.locator(".noUi-handle:visible").last, [], 4
        for wanted in (2, 3, 6):
            for _ in range(abs(wanted - level)):
                handle.press("ArrowRight" if wanted > level else "ArrowLeft")
            page.wait_for_function(K, arg=wanted)
            page.wait_for_timeout(400)
            level = wanted
            maps.append(np.array(page.evaluate(DRAWN)))
        for coarse, fine in pairwise(maps):
            assert all(len(np.unique(coarse[fine == k])) == 1 for k in np.unique(fine))
        assert [len(np.unique(image)) for image in maps] == [2, 3, 6]
        assert read_model(page, "save as", "disabled")
        page.screenshot(path=screens / "viewer-levels.png")
        assert_no_overlap(page)
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=screens / "viewer-components-phone.png", full_page=True)
    finally:
        shown.stop()


def test_two_runs_beside_each_other_zoom_together(page, visit, read_source, assert_no_overlap, run, tmp_path, screens):
    recut(Path(shutil.copytree(run, tmp_path / "two")), 2, names={0: NAME})
    shown = started(open_scenes([run, tmp_path / "two"]), patience=None)
    try:
        _open(visit, page, shown, "Compare")
        page.wait_for_function("() => Bokeh.documents[0].get_model_by_name('other map')?.inner_width > 0")
        page.wait_for_function(READY)
        cross = read_source(page, "cross table")
        found = agreement(read_result(run)["labels"].values, read_result(tmp_path / "two")["labels"].values, (4, 2))
        np.testing.assert_allclose([cross["c0"], cross["c1"]], (found.table / found.n_pixels).T)
        page.get_by_role("button", name="+", exact=True).click()
        page.wait_for_timeout(500)
        x, y, other = (page.evaluate(RANGES, name) for name in ("map", "map", "other map"))
        assert np.mean(x[:2]) == pytest.approx(np.mean(other[:2]), abs=0.01)
        assert np.mean(y[2:]) == pytest.approx(np.mean(other[2:]), abs=0.01)
        assert abs(other[1] - other[0]) < 60 * 34 / 40
        page.get_by_role("button", name="where they differ").click()
        page.wait_for_timeout(300)
        page.screenshot(path=screens / "viewer-compare.png")
        assert_no_overlap(page)
        page.get_by_text("Scatter", exact=True).first.click()
        page.get_by_role("button", name="draw").click()
        page.wait_for_function("() => Bokeh.documents[0].get_model_by_name('scores').data.x.length > 100")
        page.wait_for_timeout(300)
        page.screenshot(path=screens / "viewer-scatter.png")
        assert_no_overlap(page)
        page.locator("select").first.select_option(index=1)  # while the table is hidden
        page.wait_for_function(
            "(name) => Bokeh.documents[0].get_model_by_name('components').data.name[0] == name", arg=NAME
        )
        page.get_by_text("Components", exact=True).first.click()
        page.locator(".slick-cell:visible", has_text=NAME).first.wait_for()
        assert page.locator("img").count() == 0
    finally:
        shown.stop()
