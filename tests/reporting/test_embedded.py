"""Figures as text: what Bokeh's own `components` writes, and without the faults that it looks for each time."""

import html
import json
import re
import warnings

import numpy as np
import pytest
import xarray as xr
from bokeh.core.validation.check import check_integrity
from bokeh.document import Document
from bokeh.embed import components

import spaxel
from spaxel.figures.spectra import spectra_figure
from spaxel.reporting import page, render
from spaxel.reporting.embedded import embedded


def held(script):
    """What a script holds of its figures."""
    text = re.search(r"const docs_json = '(.*?)';\n", script, flags=re.DOTALL)[1]
    (document,) = json.loads(html.unescape(text.replace("\\\\", "\\"))).values()
    return document


def figures_of(result, monkeypatch):
    """The figures of the page of a result."""
    found = []
    monkeypatch.setattr(page, "embedded", lambda figures: found.extend(figures) or embedded(figures))
    assert "data-root-id" in render(result, {})
    return found


@pytest.fixture(scope="module")
def results():
    painting = spaxel.simulate("maxrf", height=24, width=31, channels=64)
    galaxy = spaxel.simulate("ifu", height=13, width=11)
    with warnings.catch_warnings():  # what the fit thinks of a painting is not asked here
        warnings.simplefilter("ignore", UserWarning)
        unmixed = spaxel.MCR(n_components=3).fit(painting).transform(painting)
    return {
        "segmented": spaxel.KMeans(n_clusters=4, max_clusters=6).fit(painting).predict(painting),
        "with lines": spaxel.KMeans(n_clusters=3, max_clusters=5).fit(galaxy).predict(galaxy),
        "unmixed": unmixed,
    }


@pytest.mark.parametrize("name", ["segmented", "with lines", "unmixed"])
def test_no_figure_has_a_fault_that_bokeh_knows(results, name, monkeypatch):
    document = Document()
    for figure in figures_of(results[name], monkeypatch):
        document.add_root(figure)
    issues = check_integrity(document.models)
    assert not issues.error
    assert not issues.warning
    assert not any(model._callbacks or model._event_callbacks for model in document.models)  # nothing waits for Python


def test_the_script_is_that_of_bokeh():
    axis = np.linspace(1, 9, 30)
    spectra = np.random.default_rng(0).uniform(size=(3, 30))
    result = xr.Dataset(
        {
            "labels": (("y", "x"), np.array([[0, 1, 2, 2]], np.int32)),
            "component_spectra": (("component", "channel"), spectra, {"units": "<b>'\\counts\"&amp;"}),
            "component_spread": (("component", "channel"), 0.1 * spectra),
        },
        coords={"channel": ("channel", axis, {"units": "keV", "long_name": "energy"})},
    )
    figures = [spectra_figure(result, ["#E69F00", "#56B4E9", "#009E73"]) for _ in range(2)]
    ours, spots = embedded(figures)
    theirs, divs = components(figures)
    config = held(ours).keys() - {"roots"}
    assert held(ours)["roots"] == held(theirs)["roots"]
    assert held(theirs).keys() - {"roots"} == config
    assert held(ours)["version"] == held(theirs)["version"]
    assert [re.sub('id="[^"]*" data', 'id="" data', spot) for spot in spots] == [
        re.sub('id="[^"]*" data', 'id="" data', div.strip()) for div in divs
    ]
    for figure, spot in zip(figures, spots, strict=True):
        name = re.search('id="([^"]*)"', spot)[1]
        assert f'"{figure.id}":"{name}"' in ours
