"""The spectra of the page at any level: a place for each component of the largest level that was looked at, filled anew.

What is drawn at a level must be what `spaxel.cut` gives, on every scale, and the same again after any way there.
"""

import numpy as np
import pytest

import spaxel
from spaxel.figures.bands import bands
from spaxel.figures.maps import component_rgb
from spaxel.figures.palette import component_colors
from spaxel.figures.small_spectrum import light_colors
from spaxel.reporting import render

READY = "document.documentElement.dataset.ready == 'yes'"
ENTRIES = """() => spaxel.named("spectra").right[0].items.map((item) => {
  const [line, ...below] = [...item.renderers].reverse(), source = line.data_source;
  const all = (data) => Object.fromEntries(Object.entries(data).map(([name, values]) => [name, Array.from(values, Number)]));
  const band = below.find((one) => one.name === "band");
  return { name: item.label.value, color: line.glyph.line_color.value, fill: band.glyph.fill_color.value, number: line.name,
           data: all(source.data), band: all(band.data_source.data), cased: below.some((one) => one.name === "casing"),
           order: item.renderers.map((one) => one.name), seen: item.renderers.map((one) => one.visible) };
})"""
DRAWN = 'spaxel.named("spectra").renderers.length'
MET = '() => spaxel.named("spectra").toolbar.tools.find((m) => m.type === "HoverTool").renderers.map((r) => r.name)'
CLICK = """(i) => { const legend = spaxel.named("spectra").right[0], Click = Bokeh.require("core/bokeh_events").LegendItemClick;
  legend.trigger_event(new Click(legend, legend.items[i])) }"""


@pytest.fixture(scope="module")
def result():
    cube = spaxel.simulate("maxrf", height=40, width=56, channels=64)
    model = spaxel.KMeans(n_clusters=3, linkage="centroid", n_micro=14, max_clusters=9, scaling="counts")
    return model.fit(cube).predict(cube)


@pytest.fixture(scope="module")
def report(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("levels") / "report.html"
    path.write_text(render(result, {}), "utf-8")
    return path


@pytest.fixture
def opened(page, visit, report):
    visit(page, report)
    page.wait_for_function(READY)
    return page


def move(page, level):
    to = "(to) => { const s = document.getElementById('level'); s.value = to; s.dispatchEvent(new Event('input')) }"
    page.evaluate(to, level)
    page.wait_for_function(f"document.documentElement.dataset.level == '{level}'")


def mean_at(result, level):
    """The mean spectra of a level, and where their bands end."""
    cut = spaxel.cut(result, level)
    means = cut["component_spectra"].values
    spread = cut["component_spread"].values
    return means, np.maximum(means - spread, 0), means + spread


@pytest.mark.parametrize("scale", ["linear", "square root", "log"])
def test_the_lines_of_a_level_are_its_means(opened, result, scale):
    first = opened.evaluate(ENTRIES)
    opened.get_by_role("button", name=scale).click()
    for level in (9, 1, 4, 9, 3, 7):
        move(opened, level)
        entries, (mean, low, high) = opened.evaluate(ENTRIES), mean_at(result, level)
        assert len(entries) == level
        assert [entry["name"] for entry in entries] == [f"component {i}" for i in range(level)]
        assert opened.evaluate(MET) == [str(i) for i in range(level)]
        assert opened.evaluate(DRAWN) == sum(len(entry["order"]) for entry in entries)
        colors = opened.eval_on_selector_all(
            ".legend button:not([hidden]) .swatch", "all => all.map((one) => one.getAttribute('style'))"
        )
        for i, entry in enumerate(entries):
            data = {name: np.array(values) for name, values in entry["data"].items()}
            if scale != "linear" or "raw_mean" in data:
                np.testing.assert_allclose(data["raw_mean"], mean[i], rtol=1e-5, atol=1e-6)
                np.testing.assert_allclose(data["raw_low"], low[i], rtol=1e-5, atol=1e-5)
                np.testing.assert_allclose(data["raw_high"], high[i], rtol=1e-5, atol=1e-5)
            with np.errstate(divide="ignore"):
                wanted = {"linear": mean[i], "square root": np.sqrt(mean[i]), "log": np.log10(mean[i])}[scale]
            there = np.isfinite(data["mean"])
            assert there.sum() >= np.isfinite(wanted).sum() > 0
            far = there & (wanted > np.nanmin(data["mean"]))  # below the smallest value of the scale all are one
            np.testing.assert_allclose(data["mean"][far], wanted[far], rtol=1e-4, atol=1e-5)
            assert np.nanmax(entry["band"]["y"]) == pytest.approx(
                data["high"][np.isfinite(data["low"])].max(), rel=1e-5
            )
            assert entry["color"] == entry["fill"]
            assert entry["color"].lower() in colors[i].lower()
            assert entry["seen"] == [True] * len(entry["seen"])
            assert entry["order"] == ["band", *(["casing"] if entry["cased"] else []), str(i)]
    opened.locator("#back").click()
    opened.wait_for_function("document.documentElement.dataset.level == '3'")
    opened.get_by_role("button", name="linear").click()
    again = opened.evaluate(ENTRIES)
    for one, other in zip(first, again, strict=True):
        assert {k: one[k] for k in ("name", "color", "fill", "number", "cased", "order", "seen")} == {
            k: other[k] for k in ("name", "color", "fill", "number", "cased", "order", "seen")
        }
        for name in ("mean", "low", "high", "x"):
            np.testing.assert_allclose(one["data"][name], other["data"][name], rtol=1e-6)
        np.testing.assert_allclose(one["band"]["y"], other["band"]["y"], rtol=1e-6)


def test_what_is_drawn_before_anything_moves_is_the_level_of_the_report(opened, result):
    shown = bands(result)
    for i, (entry, color) in enumerate(
        zip(opened.evaluate(ENTRIES), component_rgb(result, component_colors(result, 9)), strict=True)
    ):
        np.testing.assert_allclose(entry["data"]["mean"], shown.mean[i], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(entry["data"]["high"], shown.high[i], rtol=1e-5, atol=1e-5)
        assert entry["color"] == color


def test_light_lines_have_a_casing_at_every_level(opened):
    """Yellow is not seen on white; at nine components there is some."""
    found = 0
    for level in (9, 4, 9):
        move(opened, level)
        entries = opened.evaluate(ENTRIES)
        assert [entry["cased"] for entry in entries] == light_colors([entry["color"] for entry in entries]).tolist()
        found += sum(entry["cased"] for entry in entries)
    assert found > 0


def test_a_casing_does_not_stay_where_a_dark_line_follows_a_light_one(opened):
    show = """async (node) => { const figure = spaxel.named("show nodes"), color = told[node].color;
      await figure.execute(figure, { nodes: [node], names: ["one"], colors: [color], seen: [true] }); return color }"""
    told = "JSON.parse(document.getElementById('told').textContent).nodes"
    colors = opened.evaluate(f"{told}.map((node) => node.color)")
    light = light_colors(colors)
    pale, dark = int(np.flatnonzero(light)[0]), int(np.flatnonzero(~light)[0])
    for node in (pale, dark, pale, dark):
        assert opened.evaluate(show.replace("told[", f"{told}["), node) == colors[node]
        (entry,) = opened.evaluate(ENTRIES)
        assert entry["cased"] == light[node]
        assert opened.evaluate(DRAWN) == 2 + light[node]


def test_a_name_isolates_at_another_level_and_the_next_level_shows_all(opened):
    move(opened, 6)
    opened.evaluate(CLICK, 4)
    assert [all(entry["seen"]) for entry in opened.evaluate(ENTRIES)] == [i == 4 for i in range(6)]
    move(opened, 8)
    assert all(all(entry["seen"]) for entry in opened.evaluate(ENTRIES))
    opened.locator(".legend button:visible").nth(7).click()
    opened.wait_for_timeout(100)
    assert [all(entry["seen"]) for entry in opened.evaluate(ENTRIES)] == [i == 7 for i in range(8)]


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_pointer_reads_the_component_of_the_level(opened, result, scale):
    """The last component of a level, in a place that was not there when the page opened."""
    opened.get_by_role("button", name=scale).click() if scale != "linear" else None
    move(opened, 7)
    opened.evaluate(CLICK, 6)
    mean = mean_at(result, 7)[0][6]
    j = int(mean.argmax())
    x, y = float(result["channel"][j]), float(mean[j] if scale == "linear" else np.log10(mean[j]))
    figure = opened.locator(".bk-Column .bk-Figure").first
    figure.scroll_into_view_if_needed()
    opened.wait_for_timeout(200)
    place = """([x, y]) => {
      const view = [...Bokeh.index.roots].flatMap((v) => v.child_views ?? []).find((v) => v.model.name === "spectra");
      const box = view.el.getBoundingClientRect();
      return [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)];
    }"""
    opened.mouse.move(*opened.evaluate(place, [x, y]))
    opened.locator(".bk-tooltip-row-value:visible").first.wait_for()
    name, where, value = opened.locator(".bk-tooltip-row-value:visible").all_inner_texts()
    assert name == "component 6"
    assert float(where.split()[0]) == pytest.approx(x, rel=1e-5)
    assert float(value.split(" ± ")[0]) == pytest.approx(mean[j], rel=1e-3)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_level_looks_alike_whether_it_was_there_or_moved_to(page, visit, report, screens, scheme):
    """In both styles no name is cut and the colours of data stay."""
    page.emulate_media(color_scheme=scheme)
    visit(page, report)
    page.wait_for_function(READY)
    move(page, 9)
    before = [entry["color"] for entry in page.evaluate(ENTRIES)]
    page.locator("#theme").click()
    page.locator("#theme").click()
    assert [entry["color"] for entry in page.evaluate(ENTRIES)] == before
    page.locator(".bk-Column").first.screenshot(path=screens / f"spectra-level-{scheme}.png")


def test_the_continuum_is_taken_away_at_any_level(page, visit, tmp_path):
    cube = spaxel.simulate("ifu", height=13, width=11)
    result = spaxel.KMeans(n_clusters=2, linkage="centroid", n_micro=12, max_clusters=5).fit(cube).predict(cube)
    (tmp_path / "page.html").write_text(render(result, {}), "utf-8")
    visit(page, tmp_path / "page.html")
    page.wait_for_function(READY)
    page.get_by_role("button", name="without continuum").click()
    for level in (5, 3):
        move(page, level)
        entries = page.evaluate(ENTRIES)
        means = spaxel.cut(result, level)["component_spectra"].values
        assert len(entries) == level
        for i, entry in enumerate(entries):
            data = {name: np.array(values) for name, values in entry["data"].items()}
            np.testing.assert_allclose(data["mean"], data["raw_mean"] - data["base"], rtol=1e-5, atol=1e-6)
            assert np.nanmax(data["raw_mean"]) == pytest.approx(means[i].max(), rel=1e-5)
            assert abs(np.nanmedian(data["mean"])) < 0.1 * np.nanmedian(data["raw_mean"])
