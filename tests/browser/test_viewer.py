"""The real viewer in a real browser: what a person clicks, and what comes back."""

import json

import numpy as np
import pytest

import spaxel
from spaxel import make_cube
from spaxel.readers.native import write_cube
from spaxel.viewer.scene import open_scenes
from spaxel.viewer.shown import started

CUBE = (23, 31, 120)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A cube of X-ray counts with two halves, its file, and a run whose name is markup."""
    from spaxel.cli import main

    folder = tmp_path_factory.mktemp("viewer")
    rng = np.random.default_rng(3)
    axis = np.linspace(1, 12, CUBE[2])
    iron = (np.arange(CUBE[1]) > 14)[None, :, None]  # the other half is copper
    lines = ((np.where(iron, 6.4, 8.05), 60), (np.where(iron, 7.06, 8.9), 9))
    mean = 4 + sum(height * np.exp(-(((axis - line) / 0.09) ** 2)) for line, height in lines)
    cube = make_cube(rng.poisson(np.broadcast_to(mean, CUBE)).astype("uint16"), axis, "keV")
    write_cube(cube, folder / "halves.zarr")
    main(["segment", "--method=kmeans", str(folder / "halves.zarr"), "-o", str(folder / "run"), "--n-clusters", "2"])
    run = json.loads((folder / "run" / "run.json").read_text("utf-8"))
    run["name"] = "<img src=x onerror=alert(1)>\u202e"
    (folder / "run" / "run.json").write_text(json.dumps(run), "utf-8")
    return cube, folder


@pytest.fixture(scope="module")
def on_run(made):
    shown = started(open_scenes([made[1] / "run"]), patience=None)
    yield shown
    shown.stop()


@pytest.fixture(scope="module")
def on_file(made):
    shown = started(open_scenes([made[1] / "halves.zarr"]), patience=None)
    yield shown
    shown.stop()


AT = """([x, y]) => {
  const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name('map'));
  const box = view.el.getBoundingClientRect();
  return [box.x + view.frame.x_scale.compute(x), box.y + view.frame.y_scale.compute(y)];
}"""
FILLED = "() => Bokeh.documents[0].get_model_by_name('selected spectrum').data.x.length > 0"


def _steady(page, x, y):
    """Where a point of the map is on the screen, once the page has stopped to move."""
    at = None
    for _ in range(50):
        before, at = at, page.evaluate(AT, [x, y])
        if at == before:
            break
        page.wait_for_timeout(150)
    return at


def _click(page, x, y):
    """Click a pixel until it is the one that is spoken of: what a first click shows may move the map."""
    from playwright.sync_api import TimeoutError as TooLate

    said = f"() => Bokeh.documents[0].get_model_by_name('spectrum words').text.includes('x {x}, y {y}')"
    for patience in (5_000, 5_000, 15_000):
        page.mouse.click(*_steady(page, x + 0.5, y + 0.5))
        try:
            page.wait_for_function(said, timeout=patience)
            break
        except TooLate:
            if patience == 15_000:
                raise
    page.wait_for_function(FILLED)


def _open(visit, page, shown, size=(1280, 800)):
    visit(page, shown.url, size=size)
    page.wait_for_function("() => window.Bokeh?.documents.length > 0 && Bokeh.documents[0].is_idle")
    page.wait_for_timeout(400)  # the map takes its size, and square pixels
    return page


def test_a_click_reads_the_spectrum_of_that_pixel(page, visit, read_source, read_model, on_run, made, screens):
    _open(visit, page, on_run)
    for x, y in ((3, 5), (27, 20)):
        _click(page, x, y)
        found = read_source(page, "selected spectrum")
        np.testing.assert_allclose(found["mean"], made[0]["spectra"].values[y, x], rtol=1e-6)
        np.testing.assert_allclose(found["x"], made[0]["channel"].values)
    means = read_source(page, "component spectra")
    assert len(means["ys"]) == 2
    page.get_by_role("button", name="what may it be?").click()
    page.wait_for_function("() => Bokeh.documents[0].get_model_by_name('candidates').text.includes('Fe')")
    page.screenshot(path=screens / "viewer_run.png")


def _button(page, title):
    return page.locator(f"[title='{title}']").first


def test_the_map_is_right_way_up_and_its_pixels_are_square(page, visit, read_source, on_run, made):
    _open(visit, page, on_run)
    (x0, y0), (x1, y1) = page.evaluate(AT, [0, 0]), page.evaluate(AT, [10, 10])
    assert y1 > y0
    assert x1 - x0 == pytest.approx(y1 - y0, rel=0.01)
    labels = np.array(read_source(page, "map labels")["image"][0])
    assert labels.shape == CUBE[:2]
    assert len(np.unique(labels[:, :14])) == len(np.unique(labels[:, 16:])) == 1
    assert labels[0, 0] != labels[0, 30]


def test_a_box_gives_mean_and_spread_and_files(page, visit, read_source, on_run, made, tmp_path):
    _open(visit, page, on_run)
    _button(page, "Box Select").click()
    page.mouse.move(*_steady(page, 2.1, 3.1))
    page.mouse.down()
    page.mouse.move(*page.evaluate(AT, [5, 6]), steps=3)
    page.mouse.move(*page.evaluate(AT, [8.9, 9.9]), steps=3)
    page.mouse.up()
    page.wait_for_function(FILLED)
    inside = made[0]["spectra"].values[3:10, 2:9].reshape(-1, CUBE[2]).astype(float)
    found = read_source(page, "selected spectrum")
    np.testing.assert_allclose(found["mean"], inside.mean(0), rtol=1e-6)
    np.testing.assert_allclose(np.subtract(found["high"], found["mean"]), inside.std(0), rtol=1e-5, atol=1e-9)
    assert "49 pixels" in page.evaluate("() => Bokeh.documents[0].get_model_by_name('spectrum words').text")

    def saved(name):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name).click()
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        return tmp_path / waiting.value.suggested_filename

    table = np.genfromtxt(saved("spectrum.csv"), delimiter=",", skip_header=1)
    np.testing.assert_allclose(table[:, 1:3], np.stack([inside.mean(0), inside.std(0)], 1), rtol=1e-6)
    cube = spaxel.open_cube(made[1] / "halves.zarr", mask=str(saved("mask.png")))
    assert int(cube["valid"].sum()) == 49
    again = spaxel.open_cube(made[1] / "halves.zarr", mask=str(saved("region.geojson")))
    np.testing.assert_array_equal(again["valid"], cube["valid"])


def test_markup_in_a_name_is_text(page, visit, on_run):
    _open(visit, page, on_run)
    assert page.locator("img[src='x']").count() == 0
    assert page.get_by_text("<img src=x onerror=alert(1)>\\u202e").count() > 0


def test_a_file_is_looked_at_before_any_run(page, visit, read_source, read_model, on_file, made, screens):
    _open(visit, page, on_file)
    picture = np.array(read_source(page, "map rgb")["image"][0])
    assert picture.shape == CUBE[:2]
    _click(page, 27, 20)
    np.testing.assert_allclose(
        read_source(page, "selected spectrum")["mean"], made[0]["spectra"].values[20, 27], rtol=1e-6
    )
    page.locator("select").first.select_option(label="one channel")
    page.wait_for_function("() => Bokeh.documents[0].get_model_by_name('map values').data.image[0].length > 1")
    i = int(np.abs(made[0]["channel"].values - read_model(page, "channel", "value")).argmin())
    np.testing.assert_array_equal(read_source(page, "map values")["image"][0], made[0]["spectra"].values[..., i])
    page.get_by_text("About", exact=True).click()
    page.get_by_role("button", name="segment").click()
    page.wait_for_function("() => Bokeh.documents[0].get_model_by_name('command').text.startsWith('spaxel segment')")
    page.screenshot(path=screens / "viewer_file.png")


def test_by_keyboard_a_pixel_is_chosen_and_the_map_zoomed(page, visit, read_source, on_file, made):
    _open(visit, page, on_file)
    page.get_by_label("x", exact=True).focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function(FILLED)
    np.testing.assert_allclose(
        read_source(page, "selected spectrum")["mean"], made[0]["spectra"].values[0, 1], rtol=1e-6
    )
    before = page.evaluate(AT, [10, 10])[0] - page.evaluate(AT, [0, 0])[0]
    page.get_by_role("button", name="+", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.evaluate(AT, [10, 10])[0] - page.evaluate(AT, [0, 0])[0] == pytest.approx(1.6 * before, rel=0.01)


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_no_text_is_cut_light_or_dark(page, visit, on_run, assert_no_overlap, screens, size):
    _open(visit, page, on_run, size)
    if size[0] > 1000:
        _click(page, 3, 5)
    assert_no_overlap(page)
    page.screenshot(path=screens / f"viewer_{size[0]}.png")
    page.get_by_role("button", name="dark").click()
    page.wait_for_timeout(400)
    assert_no_overlap(page)
    page.screenshot(path=screens / f"viewer_{size[0]}_dark.png")
