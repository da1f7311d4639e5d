"""Do the helpers of the browser tests notice what they are for?"""

import asyncio
from pathlib import Path

import pytest
from bokeh.embed import file_html
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from bokeh.resources import INLINE

GOOD = "<p style='font: 16px sans-serif'>first line</p><p>second line <b>bold</b></p>"
FAULTS = {
    "overlap": "<div style='height:0'>lower text</div><div>upper text</div>",
    "is cut": "<div style='width:40px;overflow:hidden;white-space:nowrap'>a name that is far too long</div>",
    "the screen 390": "<div style='width:700px'>wide</div>",
    "outside the page": "<div style='position:absolute;left:-300px'>lost at the left</div>",
}


def write(folder: Path, body: str) -> Path:
    path = folder / "page.html"
    path.write_text(f"<!DOCTYPE html><title>t</title><body>{body}</body>", encoding="utf-8")
    return path


def test_text_that_is_cut_or_overlaps_is_found(page, visit, assert_no_overlap, tmp_path):
    assert_no_overlap(visit(page, write(tmp_path, GOOD), size=(390, 844)))
    for words, body in FAULTS.items():
        visit(page, write(tmp_path, GOOD + body))
        with pytest.raises(AssertionError, match=words):
            assert_no_overlap(page, size=(390, 844))


def test_text_in_a_shadow_root_is_looked_at_and_hidden_text_is_not(page, visit, assert_no_overlap, tmp_path):
    hidden = "<details><summary>more</summary><p>folded</p></details><p style='display:none'>none</p>"
    scrolled = "<div style='overflow:auto;height:30px'><p>one</p><p>two</p><p>three</p></div><p>below</p>"
    assert_no_overlap(visit(page, write(tmp_path, hidden + scrolled)))
    script = f"h.attachShadow({{mode: 'open'}}).innerHTML = `{FAULTS['overlap']}`"
    shadow = f"<div id=h></div><script>{script}</script>"
    with pytest.raises(AssertionError, match=r"lower text.*upper text"):
        assert_no_overlap(visit(page, write(tmp_path, shadow)))


def test_errors_and_requests_are_complaints(page, visit, complaints, tmp_path):
    visit(page, write(tmp_path, "<img src='https://example.org/a.png'><script>nothing.at_all()</script>"))
    assert any("example.org" in said for said in complaints)
    assert any("nothing is not defined" in said for said in complaints)
    complaints.clear()


def test_a_bokeh_source_is_read_by_its_name(page, visit, read_source, read_model, screens, tmp_path):
    plot = figure(name="plot", width=300, height=200)
    plot.line("x", "y", source=ColumnDataSource({"x": [1, 2], "y": [3.5, 4.0]}, name="spectrum"))
    path = tmp_path / "plot.html"
    path.write_text(file_html(plot, INLINE), encoding="utf-8")
    visit(page, path).screenshot(path=screens / "conftest.png")
    assert read_source(page, "spectrum") == {"x": [1, 2], "y": [3.5, 4.0]}
    assert read_model(page, "plot", "width") == 300
    with pytest.raises(AssertionError, match="no Bokeh model named 'other'"):
        read_source(page, "other")


def test_other_loops_run_after_a_page():
    async def answer() -> int:
        return 1

    assert asyncio.run(answer()) == 1
