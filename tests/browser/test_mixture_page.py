"""The page of an unmixed cube in a real browser: maps first, profiles of a chromatogram by run."""

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.methods.mcr.estimator import MCR
from spaxel.reporting import render

pytestmark = pytest.mark.filterwarnings("ignore")
AXIS = np.linspace(200, 400, 40)
PURE = np.stack([np.exp(-(((AXIS - at) / 25) ** 2)) for at in (240, 300, 360)])


def unmixed(cube) -> str:
    model = MCR(n_components=3).fit(cube)
    return render(model.transform(cube), {"learned": model.info_, "method": "mcr"})


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A page of an image of three substances."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:30, 0:40] / 30
    parts = np.stack([1 - x / 1.4, x / 1.4 * y, x / 1.4 * (1 - y)], -1)
    cube = make_cube(parts @ PURE + 0.002 * rng.normal(size=(30, 40, 40)), AXIS, "nm")
    path = tmp_path_factory.mktemp("scene") / "report.html"
    path.write_text(unmixed(cube), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def chromatogram(tmp_path_factory):
    """A page of two runs of 30 scans, whose times start again."""
    times = np.linspace(0, 5, 30)
    peaks = np.stack([np.exp(-(((times - at) / 0.5) ** 2)) for at in (1.2, 2.4, 3.6)], -1)
    spectra = np.concatenate([peaks, peaks * [0.5, 1.5, 1.0]]) @ PURE + 1e-3 * np.random.default_rng(1).random((60, 40))
    names = [f"{t:.4f} min" for t in (*times, *times)]
    cube = make_cube(spectra[:, None], AXIS, "nm").assign_coords(sample=("y", names))
    path = tmp_path_factory.mktemp("chromatogram") / "report.html"
    path.write_text(unmixed(cube), encoding="utf-8")
    return path


def test_maps_come_first_and_large_each_beside_its_spectrum(page, visit, screens, scene):
    visit(page, scene)
    page.screenshot(path=screens / "mixture.png", full_page=True)
    heads = [head.inner_text() for head in page.locator("h2").all()]
    assert heads.index("How much of each?") < heads.index("What are the components?")
    cards = page.locator(".card").all()
    assert len(cards) == 3
    for card in cards:
        image, beside = card.locator(".map").bounding_box(), card.locator(".beside").bounding_box()
        assert image["width"] > 380
        assert beside["x"] >= image["x"] + image["width"]
        assert beside["width"] > 500
    moved = """() => { const of = n => Bokeh.documents.map(d => d.get_model_by_name(n)).find(m => m != null);
      of('abundance 0').x_range.start = 5; return [of('abundance 2').x_range.start, of('residual').x_range.start] }"""
    assert page.evaluate(moved) == [5, 5]


def test_a_phone_shows_maps_and_spectra_one_below_the_other(page, visit, screens, scene):
    visit(page, scene, size=(390, 844))
    page.screenshot(path=screens / "mixture_phone.png", full_page=True)
    card = page.locator(".card").first
    image, beside = card.locator(".map").bounding_box(), card.locator(".beside").bounding_box()
    assert beside["y"] >= image["y"] + image["height"] - 1
    assert beside["x"] + beside["width"] <= 391


def test_a_chromatogram_has_a_profile_for_each_run_against_time(
    page, visit, read_source, read_model, screens, chromatogram
):
    visit(page, chromatogram)
    page.screenshot(path=screens / "chromatogram.png", full_page=True)
    captions = page.locator(".profiles figcaption").all_inner_texts()
    assert [caption.split(",")[0] for caption in captions[:2]] == ["run 1", "run 2"]
    first, second = (read_source(page, f"profile run {i} 0") for i in (1, 2))
    assert first["x"] == second["x"]
    assert max(first["x"]) == pytest.approx(5)
    ratio = np.array(second["y"])[np.argmax(first["y"])] / max(first["y"])
    assert min(abs(ratio - wanted) for wanted in (0.5, 1.5, 1.0)) < 0.1
    height = page.locator(".profiles figure").first.bounding_box()["height"]
    assert height > 200  # a plot, no stripe
    title = """() => { const of = n => Bokeh.documents.map(d => d.get_model_by_name(n)).find(m => m != null);
      return of('profile run 1').below[0].axis_label.text }"""
    assert page.evaluate(title) == "time (min)"
