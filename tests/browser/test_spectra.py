"""The spectra of the page in a real browser: the pointer reads values, no grey block on a log scale, a name isolates."""

import math

import numpy as np
import pytest
import xarray as xr
from bokeh.embed import file_html
from bokeh.resources import INLINE

from spaxel.figures.palette import component_colors
from spaxel.figures.spectra import spectra_figure

AXIS = np.concatenate([np.linspace(1, 9, 81), np.linspace(12, 40, 281)])  # keV; nothing was measured from 9 to 12
FIND = "name => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m != null)"


def result() -> xr.Dataset:
    """Three components whose spread reaches below zero where there is little, as in a scan of few counts."""
    peaks = [20 * np.exp(-(((AXIS - at) / 0.4) ** 2)) for at in (3, 5, 7)]
    mean = np.stack(peaks) + 0.05
    return xr.Dataset(
        {
            "labels": (("y", "x"), np.array([[0, 1, 2, 2]], np.int32)),
            "component_spectra": (("component", "channel"), mean, {"units": "counts"}),
            "component_spread": (("component", "channel"), 0.3 + 0.2 * mean),
        },
        coords={"channel": ("channel", AXIS, {"units": "keV", "long_name": "energy"})},
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    found = result()
    marks = [(3.0, "Ca Kα"), (3.02, "K Kβ"), (5.0, "Ti Kα"), (30.0, "faint?")]
    path = tmp_path_factory.mktemp("spectra") / "page.html"
    made = file_html(spectra_figure(found, component_colors(found), marks=marks), INLINE)
    path.write_text(made, encoding="utf-8")
    return path


def at(page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the figure is on the screen."""
    place = """([x, y]) => {
      const view = [...Bokeh.index.roots].flatMap(v => v.child_views ?? [v]).find(v => v.model.name == 'spectra');
      const box = view.el.getBoundingClientRect(), frame = view.frame;
      return [box.left + frame.x_scale.compute(x), box.top + frame.y_scale.compute(y)];
    }"""
    return tuple(page.evaluate(place, [x, y]))


def test_the_pointer_reads_the_value_whatever_the_scale(page, visit, read_source, screens, drawn):
    visit(page, drawn)
    wanted = [f"{AXIS[40]:.6g} keV", "20.05 ± 4.31", "component 1"]  # channel 40 is 5 keV, the peak of component 1
    for scale, y in (("linear", 20.05), ("log", math.log10(20.05))):
        page.get_by_role("button", name=scale).click() if scale != "linear" else None
        page.wait_for_timeout(150)
        page.mouse.move(*at(page, 5.0, y))
        said = page.locator(".bk-tooltip-content, .bk-Tooltip, .bk-tooltip").first
        said.wait_for(timeout=5000)
        text = page.evaluate(
            "() => [...document.querySelectorAll('*')].map(e => e.shadowRoot?.textContent ?? '').join(' ')"
        )
        assert all(part in text for part in wanted), text[-400:]
    page.screenshot(path=screens / "spectra_log.png")


def test_a_log_scale_has_no_grey_block_and_gaps_stay_gaps(page, visit, read_source, drawn):
    visit(page, drawn)
    before = read_source(page, "spectrum 0")
    gap = [i for i, x in enumerate(before["x"]) if 9 < x < 12]
    assert len(gap) == 1
    assert math.isnan(before["mean"][gap[0]])
    page.get_by_role("button", name="log").click()
    data = read_source(page, "spectrum 0")
    raw_low, mean, low = (np.array(data[name], float) for name in ("raw_low", "mean", "low"))
    np.testing.assert_allclose(mean, np.log10(np.array(data["raw_mean"], float)), atol=1e-6)
    assert (raw_low <= 0).sum() > 200
    assert np.isnan(low[~(raw_low > 0)]).all()  # where the band reaches zero there is none: no block down to the floor
    page.get_by_role("button", name="linear").click()
    np.testing.assert_allclose(read_source(page, "spectrum 0")["mean"], before["mean"])


def test_the_axis_shows_where_something_is_and_all_of_it_on_request(page, visit, read_model, drawn):
    visit(page, drawn)
    shown = f"() => {{ const r = ({FIND})('spectra').x_range; return [r.start, r.end] }}"
    start, end = page.evaluate(shown)
    assert start == pytest.approx(1, abs=1.5)
    assert 30 < end < 40  # as far as the last line that is marked
    page.get_by_role("button", name="whole axis").click()
    assert page.evaluate(shown) == [1, 40]


def test_a_click_on_a_name_shows_it_alone_and_a_second_click_all(page, visit, drawn):
    visit(page, drawn)
    items = f"""() => ({FIND})('spectra').right[0].items.map(i => i.renderers.map(r => r.visible))"""
    click = f"""i => {{ const legend = ({FIND})('spectra').right[0];
      const Click = Bokeh.require('core/bokeh_events').LegendItemClick;
      legend.trigger_event(new Click(legend, legend.items[i]))}}"""
    page.evaluate(click, 1)
    assert [all(one) for one in page.evaluate(items)] == [False, True, False]
    page.evaluate(click, 1)
    assert all(all(one) for one in page.evaluate(items))
