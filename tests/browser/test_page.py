"""The report in a real browser: the slider moves all at once, a click isolates, the pointer tells the truth, nothing is cut."""

import math

import numpy as np
import pytest

import spaxel
from spaxel.cube.picture import SOFT
from spaxel.reporting import render
from spaxel.results.convention import with_names

EVIL = "<img src=x onerror=alert(1)> \u202eiron $$x$$"
TOP = 40.0  # of the wide picture, as a multiple of what burns out
READY = "document.documentElement.dataset.ready == 'yes'"


@pytest.fixture(scope="module")
def result():
    """A small painting on a map, with a burnt-out picture and a name that nobody should have given."""
    cube = spaxel.simulate("maxrf", height=40, width=56, channels=64)
    found = (
        spaxel.KMeans(n_clusters=5, linkage="centroid", n_micro=14, max_clusters=9, scaling="counts")
        .fit(cube)
        .predict(cube)
    )
    wide = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    found["picture_wide"] = (("y", "x", "rgb"), wide, {"top": [TOP] * 3, "soft": SOFT})
    attrs = {"transform": [500000.0, 2.0, 0.0, 5800000.0, 0.0, -2.0], "crs": "EPSG:32633", "source": EVIL}
    return with_names(found.assign_attrs(attrs), ["", EVIL, "", "", ""])


@pytest.fixture(scope="module")
def report(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(result, {"command": "spaxel segment 'a b.h5' -o 'runs/a b'", "name": EVIL}), "utf-8")
    return path


@pytest.fixture
def opened(page, visit, report):
    visit(page, report)
    page.wait_for_function(READY)
    return page


def move(page, level):
    """The slider, by its keys."""
    slider = page.locator("#level")
    slider.focus()
    for _ in range(abs(level - int(slider.input_value()))):
        page.keyboard.press("ArrowRight" if level > int(slider.input_value()) else "ArrowLeft")
    page.wait_for_function(f"document.documentElement.dataset.level == '{level}'")


def shown(page, read_source, read_model):
    """The colour and the name of each pixel of the map, (y, x)."""
    image = np.array(read_source(page, "labels")["image"][0])
    return (
        np.array(read_model(page, "label colors", "palette"))[image],
        np.array(read_source(page, "parts")["name"])[image],
    )


def test_the_slider_moves_map_names_table_and_confidence_together(opened, result, read_source, read_model):
    before = None
    for level in (9, 5, 3, 1):
        move(opened, level)
        there = spaxel.cut(result, level)
        colors, names = shown(opened, read_source, read_model)
        numbers = np.unique(colors, return_inverse=True)[1].reshape(colors.shape)
        assert len(np.unique(numbers)) == len(np.unique(names)) == level
        for k in range(level):  # one colour and one name for each component of spaxel.cut
            assert len(np.unique(numbers[there["labels"].values == k])) == 1
        if before is not None:  # a finer component lies within one of the coarser
            assert all(len(np.unique(numbers[before == n])) == 1 for n in np.unique(before))
        before = numbers
        sizes = opened.locator("tbody[data-nodes] tr:visible td:nth-child(3)").all_inner_texts()
        assert [int(s.replace(",", "")) for s in sizes] == there["component_size"].values.tolist()
        sure = np.array(read_source(opened, "confidence")["image"][0])
        exact = (
            100 * (result if level == 5 else there)["confidence"].values
        )  # that of other levels is kept in 255 steps
        assert (sure <= exact + 1e-3).all()
        assert (sure >= exact - 1.5).all()
        assert opened.locator("#cut-command").text_content() == f"spaxel cut 'runs/a b' {level}"
        assert opened.locator(".legend button:visible").count() == level
    opened.locator("#back").click()
    assert opened.locator(".legend button:visible").count() == 5


def test_a_click_on_a_name_isolates_and_a_second_one_takes_that_back(opened, read_source, read_model, result):
    colors, _ = shown(opened, read_source, read_model)
    entry = opened.locator(".legend button:visible").nth(2)
    entry.click()
    alone, _ = shown(opened, read_source, read_model)
    mine = result["labels"].values == 2
    assert (alone[mine] == colors[mine]).all()
    assert (alone[~mine] != colors[~mine]).all()
    assert entry.get_attribute("aria-pressed") == "true"
    entry.click()
    assert (shown(opened, read_source, read_model)[0] == colors).all()


def test_the_pointer_tells_component_confidence_pixel_and_place(opened, result):
    labels, confidence = result["labels"].values, result["confidence"].values
    row, column = np.argwhere(labels == 1)[len(np.argwhere(labels == 1)) // 2]
    for frame in (0, 1):  # picture and map
        box = opened.locator(".bk-CartesianFrame").nth(frame).bounding_box()
        opened.mouse.move(box["x"] + (column + 0.75) * box["width"] / 56, box["y"] + (row + 0.25) * box["height"] / 40)
        values = opened.locator(".bk-tooltip-row-value:visible")
        values.first.wait_for()
        name, sure, pixel, place = values.all_inner_texts()
        assert name.startswith("<img src=x")
        assert sure == f"{math.floor(100 * confidence[row, column] + 1e-4) / 100:.2f}"
        assert pixel == f"{column}, {row}"
        east, north = (float(part) for part in place.removesuffix(" m").split(", "))
        assert east == pytest.approx(500000 + 2 * (column + 0.75), abs=0.3)
        assert north == pytest.approx(5800000 - 2 * (row + 0.25), abs=0.3)
        opened.mouse.move(5, 5)
    assert opened.locator("img[src=x]").count() == 0


def test_every_map_is_saved_and_set_back_by_a_button(opened, tmp_path):
    for name in ("picture", "labels"):
        figure = opened.locator(".bk-Figure", has=opened.locator(".bk-CartesianFrame")).nth(
            0 if name == "picture" else 1
        )
        with opened.expect_download() as saved:
            figure.locator(".bk-tool-icon-save").click()
        assert saved.value.suggested_filename == f"{name}.png"
        saved.value.save_as(tmp_path / name)
        assert (tmp_path / name).read_bytes()[:4] == b"\x89PNG"
    ends = "(() => { const r = spaxel.named('labels map').x_range; return [r.start, r.end] })()"
    for _ in range(2):
        figure.locator(".bk-tool-icon-zoom-in").click()
    assert opened.evaluate(ends) != [0, 56]
    assert opened.evaluate("spaxel.named('labels map').x_range === spaxel.named('confidence map').x_range")
    figure.locator(".bk-tool-icon-reset").click()
    assert opened.evaluate(ends) == [0, 56]


@pytest.mark.parametrize("how", ["log", "linear"])
def test_a_stretch_shows_what_is_burnt_out(opened, result, read_source, how):
    before = read_source(opened, "picture")["image"][0]
    opened.locator(f"[data-stretch={how}]").click()
    opened.wait_for_function(f"document.documentElement.dataset.stretch == '{how}'")
    pixel = np.array(read_source(opened, "picture")["image"][0], np.int64)[7, 11]
    wide = result["picture_wide"].values[7, 11].astype(float)
    t = np.sinh(wide / 255 * np.arcsinh(SOFT * TOP)) / SOFT / TOP
    wanted = 255 * (np.log1p(1000 * t) / np.log(1001) if how == "log" else t)
    np.testing.assert_allclose([pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255], wanted, atol=0.51)
    opened.locator("[data-stretch=plain]").click()
    assert read_source(opened, "picture")["image"][0] == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overlaps_on_a_screen_and_on_a_phone(page, visit, report, assert_no_overlap, screens, scheme):
    page.emulate_media(color_scheme=scheme)
    visit(page, report)
    page.wait_for_function(READY)
    for size in ((1280, 800), (390, 844)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_function(f"document.documentElement.dataset.fit == '{size[0]}'")
        assert_no_overlap(page, size)  # waits until all is drawn
        page.screenshot(path=screens / f"report-{scheme}-{size[0]}.png")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") is (scheme == "light")
    page.locator("#theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper


def test_on_paper_it_is_light_and_without_buttons(page, visit, report, screens):
    page.emulate_media(color_scheme="dark", media="print")
    visit(page, report)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#theme").is_visible()
    page.screenshot(path=screens / "report-print.png", full_page=True)
