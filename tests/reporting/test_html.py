"""Templates escape every value, and say when a name in them is unknown."""

import html
import re
from importlib.resources import files

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from spaxel.reporting.html import fill, pairs, percent, show, sized, swatch

EVIL = "<script>alert(1)</script>&\"'{{ 7 * 7 }}"


def test_every_value_is_escaped_and_markup_is_not():
    made = fill("done", steps=[EVIL], guesses=[EVIL], notes=[EVIL], command=EVIL, groups=[(EVIL, [(EVIL, EVIL)])])
    assert isinstance(made, Markup)
    assert "<script" not in made
    assert made.count(html.escape("<script>")) == 7
    assert made.count("{{ 7 * 7 }}") == 7
    line = {"node": 0, "color": "red", "name": EVIL, "full": EVIL, "share": 0.5, "hidden": False}
    key = {"lines": [line], "two": False, "missing": None}
    told = dict.fromkeys(("title", "facts", "plain", "why", "hint"), EVIL)
    figures = [(Markup("<b>map</b>"), EVIL, False)]
    what = fill("what", kind="maps", slider="", figures=figures, wide=False, key=key, **told)
    assert "<script" not in what
    assert "<b>map</b>" in what
    assert 'title="&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#34;&#39;' in what
    assert swatch('"><b>') == '<span class="swatch" style="background:&#34;&gt;&lt;b&gt;"></span>'


def test_no_template_switches_escaping_off():
    templates = list(files("spaxel.reporting").joinpath("templates").iterdir())
    assert len(templates) > 9
    for path in templates:
        assert path.name.endswith(".html.j2")
        assert not re.search(r"\|\s*safe|autoescape", path.read_text("utf-8")), path.name


def test_an_unknown_name_is_an_error_and_no_empty_place():
    with pytest.raises(UndefinedError, match="'guesses' is undefined"):
        fill("done", steps=[], notes=[], command="", groups=[])


def test_values_are_shown_as_people_read_them():
    made = fill("done", steps=[12345, 0.123456, True, None, [1, 2.5]], guesses=(), notes=(), command="", groups=[])
    assert re.findall(r"<li>(.*?)</li>", made) == ["12,345", "0.1235", "yes", "none", "1, 2.5"]
    assert show({"a": 1}) == '{"a": 1}'
    assert [percent(share) for share in (0.123, 0.0001, 0.0, float("nan"))] == ["12.3 %", "< 0.1 %", "0.0 %", "–"]
    assert pairs({"a": 1, "b": {"c": 2}}) == [("a", 1), ("b: c", 2)]
    assert sized(b"", "", (50, 100)).style == "width:218px;height:109px"
    assert sized(b"", "", (1, 1000)).style == "width:218px;height:1px"
