"""Changes by hand in the real viewer: merged, undone, kept; levels are nested; two runs side by side."""

from itertools import pairwise

import numpy as np
import pytest

from spaxel.readers.native import write_cube
from spaxel.store.cuts import list_cuts, open_cut
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.shown import started
from spaxel.workflow.runs import segment

READY = "() => window.Bokeh?.documents.length > 0 && Bokeh.documents[0].is_idle"
K = "(k) => Bokeh.documents[0].get_model_by_name('components').data.number.length == k"
DRAWN = """() => {
  const drawn = Bokeh.documents[0].get_model_by_name('map').renderers.map((r) => r.data_source?.data.image?.[0]);
  return Array.from(drawn.find((image) => image?.dtype?.startsWith('int')));
}"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edited")
    scan = write_cube(tiny_cube(40, 34), folder / "scan.zarr")
    return segment([scan], folder / "run", parameters={"n_clusters": 4, "n_micro": 12, "linkage": "contact"})


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
