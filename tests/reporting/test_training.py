"""How a training is told."""

import re

import pytest

from spaxel.figures.latent import PHASES, history_figures
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.reporting import render
from spaxel.testing import tiny_cube

FIRST = [{"phase": 1.0, "epoch": i, "total": 2.0, "denoising": 2 / i, "held_out": 2.1 / i} for i in (1, 2)]
SECOND = [{"phase": 2.0, "epoch": i, "swapped": 2 / i, "agreement": 0.5, "kept": float(i == 2)} for i in (1, 2, 3)]
PAPER = [{"phase": 1.0, "epoch": 1, "total": 3.0, "information": 0.1}]


@pytest.fixture(scope="module")
def result():
    cube = tiny_cube(20, 17)
    return KMeans(n_clusters=3).fit(cube).predict(cube)


def told(result, history):
    page = render(result, {"learned": {"history": history, "deep": {"sentence": "What came out."}}})
    return re.sub(r"\s+", " ", page)


def test_two_phases_are_told_as_such(result):
    page = told(result, FIRST + SECOND)
    assert "How was it trained?" in page
    assert "What came out. First, spectra are denoised" in page
    assert "negative log likelihood" not in page
    for title in ("distance to other noise", "share with one label", "cross-entropy of views"):
        assert title in page
    assert "The dashed line is the epoch that was kept." in page
    unkept = told(result, FIRST + [line | {"kept": 0.0} for line in SECOND])
    assert "Then two views" in unkept
    assert "dashed line" not in unkept
    assert not re.search("share with one label|Then two views", told(result, FIRST))


@pytest.mark.parametrize("history", [[], PAPER])
def test_nothing_is_told_where_nothing_is_known(result, history):
    assert "How was it trained?" not in told(result, history)


def test_each_panel_draws_what_the_epochs_hold():
    first, second = history_figures(FIRST, None, PHASES[0]), history_figures(SECOND, 2, PHASES[1])
    assert [len(plots) for plots in (first, second)] == [1, 2]
    assert [label.label.value for label in first[0].legend[0].items] == ["training", "held out"]
    assert second[0].yaxis.axis_label.text == "share with one label"
