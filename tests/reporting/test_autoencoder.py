"""The pages of runs with an autoencoder, as a person reads them."""

import re
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from bokeh.models import VSpan

from spaxel.errors import LostWarning
from spaxel.figures.latent import component_centers, component_decoded, history_figures, latent_figures, pair_svg
from spaxel.figures.palette import component_colors
from spaxel.methods.dsc.estimator import DeepSpectralClustering
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.readers.native import write_cube
from spaxel.reporting import render
from spaxel.results.cut import cut
from spaxel.store.run_folder import read_json, read_result
from spaxel.testing import tiny_cube
from spaxel.workflow.runs import segment

EVIL = "<script>alert(1)</script>&\"'"
CUBE = tiny_cube(20, 17)


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of dsc with a range of numbers."""
    place = tmp_path_factory.mktemp("dsc")
    file = write_cube(CUBE, place / "scan.zarr")
    asked = {"n_clusters": "2:5", "epochs": 3, "n_init": 2, "n_latent": 3}
    return segment([file], place / "run", method="dsc", parameters=asked)


def test_the_page_shows_what_is_kept_and_how_it_was_trained(run):
    page = (run / "report.html").read_text("utf-8")
    text = words(page)
    for part in (
        "What is kept of the spectra?", "decoded cube, same colours", "latent 3,", "Do the decoded components resemble",
        "differs by", "How far apart are they in the latent space?", "All 340 pixels", "What do the silhouettes say",
        "How was it trained?", "Reconstruction is a negative log likelihood",
    ):  # fmt: skip
        assert part in text, part
    assert len(page.encode()) <= 5_000_000
    assert page.count("input and decoded mean spectrum") == read_result(run).sizes["component"]


def test_the_page_needs_no_torch(run):
    code = f"import sys; from spaxel.reporting import report; report({str(run)!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_cut_changes_the_pictures_of_components_and_nothing_else_breaks(run):
    result, about = read_result(run).load(), read_json(run)
    model = DeepSpectralClustering(epochs=1, n_init=2, max_clusters=6).fit(CUBE)
    fine = model.predict(CUBE)
    coarse = cut(fine, 2)
    sizes = coarse["micro_size"].values
    whole = (fine["micro_decoded"].values * sizes[:, None]).sum(0)
    np.testing.assert_allclose(
        (component_decoded(coarse) * coarse["component_size"].values[:, None]).sum(0), whole, rtol=1e-5
    )
    assert component_centers(coarse).shape == (2, coarse.sizes["latent"])
    assert "What is kept" in words(render(coarse, {}))
    named = result.assign_coords(component=[EVIL, *(f"component {i}" for i in range(1, result.sizes["component"]))])
    assert "<script>alert" not in render(named, about)


def test_other_methods_and_empty_results_have_no_such_section():
    plain = KMeans(n_clusters=3).fit(CUBE).predict(CUBE)
    assert "What is kept" not in words(render(plain, {}))
    model = DeepSpectralClustering(3, epochs=0, n_init=2).fit(CUBE)
    with pytest.warns(LostWarning):
        empty = model.predict(CUBE.assign(spectra=CUBE["spectra"] * 0))
    assert "What is kept" not in words(render(empty, {}))
    text = words(render(model.predict(CUBE), {"learned": model.info_}))
    assert "What is kept" in text
    assert "How was it trained?" not in text


def test_a_table_has_spectra_and_latents_without_maps():
    table = tiny_cube(340, 1)
    result = DeepSpectralClustering(3, epochs=0, n_init=2).fit(table).predict(table)
    text = words(render(result, {}))
    assert "Do the decoded components resemble" in text
    assert "decoded cube" not in text


def test_a_component_that_is_absent_here_is_left_out():
    model = DeepSpectralClustering(3, epochs=0, n_init=2).fit(CUBE)
    labels = model.predict(CUBE)["labels"].values
    part = CUBE.assign(valid=(("y", "x"), labels != 2))
    with pytest.warns(LostWarning):
        result = model.predict(part)
    assert result["component_size"].values[2] == 0
    assert np.isnan(component_decoded(result)[2]).all()
    assert render(result, {}).count("input and decoded mean spectrum") == 2


def test_a_large_page_stays_small():
    """Noise in 16 latents of 600 x 600 pixels and 24 components: what compresses worst."""
    rng = np.random.default_rng(0)
    small = DeepSpectralClustering(3, epochs=0, n_init=2, n_latent=5).fit(CUBE).predict(CUBE)
    labels = rng.integers(0, 24, (600, 600)).astype(np.int32)
    channel = np.linspace(1, 20, 1024)
    spectra = rng.uniform(0, 9, (24, 1024))
    result = xr.Dataset(
        {
            "labels": (("y", "x"), labels),
            "component_spectra": (("component", "channel"), spectra),
            "component_size": ("component", np.bincount(labels.ravel())),
            "micro_component": ("micro", np.arange(24)),
            "micro_size": ("micro", np.bincount(labels.ravel())),
            "micro_decoded": (("micro", "channel"), spectra),
            "latents": (("y", "x", "latent"), rng.normal(size=(600, 600, 16)).astype(np.float32)),
            "latent_centers": (("micro", "latent"), rng.normal(size=(24, 16))),
            "picture": (("y", "x", "rgb"), rng.integers(0, 255, (600, 600, 3)).astype(np.uint8)),
            "decoded_picture": (("y", "x", "rgb"), rng.integers(0, 255, (600, 600, 3)).astype(np.uint8)),
        },
        {"channel": ("channel", channel, {"units": "keV", "long_name": "energy"})},
        small.attrs | {"n_components": 24},
    )
    assert len(render(result, {}).encode()) <= 5_000_000


def test_the_pair_plot_shows_pixels_and_centres():
    result = DeepSpectralClustering(3, epochs=0, n_init=2, n_latent=3).fit(CUBE).predict(CUBE)
    figures = latent_figures(result, component_colors(result))
    assert [(f.xaxis[0].axis_label, f.yaxis[0].axis_label) for f in figures] == [
        ("latent 1", "latent 2"), ("latent 1", "latent 3"), ("latent 2", "latent 3"),
    ]  # fmt: skip
    points, centers = (figures[0].renderers[i].data_source.data for i in (0, 1))
    flat = result["latents"].values.reshape(-1, 3)
    assert len(points["z0"]) == 340
    for k in range(3):
        own = flat[result["labels"].values.ravel() == k].mean(0)
        np.testing.assert_allclose([centers[f"z{i}"][k] for i in range(3)], own, atol=0.05 * np.abs(flat).max())


def test_history_marks_the_kept_epoch_and_skips_what_was_not_there():
    lines = [{"epoch": i, "reconstruction": 1 / i, "held_out": 1.1 / i, "criterion": float(i)} for i in (1, 2, 3)]
    figures = history_figures(lines, 2)
    assert [f.yaxis[0].axis_label.text for f in figures] == ["reconstruction loss", "criterion, higher is better"]
    kept = [[r.data_source.data["x"] for r in f.renderers if isinstance(r.glyph, VSpan)] for f in figures]
    assert kept == [[[2]], [[2]]]
    assert not any(isinstance(r.glyph, VSpan) for f in history_figures(lines, None) for r in f.renderers)
    assert len(history_figures([line | {"clustering": 0.1} for line in lines], None)) == 3


@pytest.mark.parametrize("flip", [False, True])
def test_the_drawing_of_two_spectra_has_axes_and_is_safe(flip):
    axis = np.linspace(400, 900, 4000)
    drawn = pair_svg(axis, np.sin(axis), np.cos(axis), "#0072B2", unit=EVIL, flip=flip)
    assert "<script>" not in drawn
    assert "nan" not in drawn
    assert (drawn.index(">400 ") > drawn.index(">900 ")) is flip
    assert len(drawn) < 40_000
