"""What the page of an unmixed cube says, beside numbers taken from the result itself: counts, Raman, tables, signed, masks."""

import html
import json
import re
import sys

import numpy as np
import pytest

from spaxel.cube import make_cube
from spaxel.figures.maps import Frame
from spaxel.figures.quantity import quantity_map, stretch_switch
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.mixtures.baselines import NMF
from spaxel.reporting import render
from spaxel.results.convention import shares

pytestmark = pytest.mark.filterwarnings("ignore:Samples hold")  # small tables are not unique; said and tested elsewhere


def peaks(k: int, channels: int) -> np.ndarray:
    """k smooth spectra."""
    axis = np.linspace(0, 1, channels)
    return 0.05 + np.exp(-((axis - (np.arange(k)[:, None] + 0.5) / k) ** 2) / 0.004)


def counts(border: float = np.nan) -> object:
    """An image of photon counts: three materials with soft borders, two rows and a column without data."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:40, 0:50]
    fields = np.stack([-((y - a) ** 2 + (x - b) ** 2) / 60 for a, b in ((10, 10), (30, 15), (20, 40))], axis=-1)
    shares = np.exp(fields - fields.max(-1, keepdims=True))
    spectra = rng.poisson(400 * (shares / shares.sum(-1, keepdims=True)) @ peaks(3, 30)).astype(float)
    spectra[:2], spectra[:, -1] = border, border
    return make_cube(spectra, np.linspace(1, 10, 30), "keV")


def table(units: str, *, signed: bool = False, k: int = 3, n: int = 40) -> object:
    """A list of spectra, each of one to three substances."""
    rng = np.random.default_rng(1)
    pure = np.gradient(peaks(k, 40), axis=1) if signed else peaks(k, 40)
    amounts = rng.uniform(0.2, 1, (n, k)) * (rng.random((n, k)) < 0.15)
    amounts[np.arange(n), rng.integers(0, k, n)] += 0.5
    clean = amounts @ pure
    spectra = clean + 0.003 * np.abs(clean).max() * rng.normal(size=clean.shape)
    return make_cube(spectra[:, None, :] if not signed else spectra[None], np.linspace(300, 1800, 40), units)


@pytest.fixture(scope="module")
def scene():
    model = MCR(kind="scene").fit(counts())
    return model.transform(counts()), {"learned": model.info_, "method": "mcr"}


def raman():
    model = MCR(n_components=3).fit(table("1/cm"))
    return model.transform(table("1/cm")), {"learned": model.info_, "method": "mcr"}


def words(page: str) -> str:
    text = re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL))
    return html.unescape(re.sub(r"\s+", " ", text))


def section(page: str, head: str) -> str:
    """The words between a heading and the next."""
    found = re.search(rf"<h[23]>{re.escape(head)}</h[23]>(.*?)(?=<h[23]>|<script)", page, re.DOTALL)
    return words(found[1]) if found else ""


def figures(page: str, name: str) -> list[dict]:
    """The data of sources of figures whose name begins so, as they stand in the page."""
    found = []
    for text in re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL):
        if match := re.search(r"docs_json = ['\"]?(\{.*?\})['\"]?;\n", text, re.DOTALL):
            found += list(_sources(json.loads(match[1].replace("\\'", "'")), name))
    return found


def _sources(node, name: str):
    if isinstance(node, dict):
        attributes = node.get("attributes", {})
        if node.get("name") == "ColumnDataSource" and str(attributes.get("name", "")).startswith(name):
            yield dict(attributes["data"]["entries"])
        for value in node.values():
            yield from _sources(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _sources(value, name)


def test_maps_of_abundances_come_first_with_one_scale_and_their_spectra(scene):
    result, run = scene
    page, abundances = render(*scene), scene[0]["abundances"].values
    top = np.nanquantile(abundances.max(-1), 0.99)
    drawn = figures(page, "abundance ")
    assert [entry["ends"] for entry in drawn] == [[[0.0, pytest.approx(top)]]] * abundances.shape[-1]
    assert len(figures(page, "spectrum of ")) == len(drawn) == run["learned"]["n_components"] == 3
    assert page.index("<h2>How much of each?</h2>") < page.index("<h2>What are the components?</h2>")
    text = section(page, "How much of each?")
    assert "all maps have the same scale" in text
    for i, share in enumerate(shares(result)):
        assert f"component {i} , share {100 * share:.1f} %" in text


def test_a_map_shows_its_values_and_no_colour_without_data(scene):
    values = scene[0]["abundances"].values[..., 0]
    frame = Frame(values.shape, origin="upper", width=300, height=300)
    plot = quantity_map(values, frame, (0.0, 2.0), unit="%", name="one")
    image = plot.select_one({"name": "one values"}).data["image"][0]
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image == 255, ~np.isfinite(values))
    held = np.isfinite(values)
    back = 2.0 * (image[held] / 254) ** 2
    np.testing.assert_allclose(back, np.clip(values[held], 0, 2), atol=0.01)
    bar = plot.right[0]
    assert (bar.color_mapper.low, bar.color_mapper.high, bar.title.text) == (0.0, 2.0, "%")
    switch = stretch_switch([plot])
    assert switch.labels == ["linear", "square root"]


def test_what_is_left_is_said_and_drawn(scene):
    result, page = scene[0], render(*scene)
    left = result["residual"].values
    text = section(page, "What is left?")
    assert f"{np.nanmedian(left):.1%} of its norm in the median" in text
    assert f"{np.nanquantile(left, 0.99):.1%} at the worst hundredth" in text
    (drawn,) = figures(page, "residual values")
    assert drawn["ends"] == [[0.0, pytest.approx(100 * np.nanquantile(left, 0.99))]]
    assert section(render(result.drop_vars("residual"), scene[1]), "What is left?") == ""


def test_the_number_of_a_scene_has_its_reasons(scene):
    result, run = scene
    page, rows = render(result, run), run["learned"]["evidence"]["counts"]
    text = section(page, "Why this number of components?")
    assert rows
    for row in rows:
        cells = (
            f"{row['needed']:.2f} x {row['apart']:.2f} {100 * row['support']:.1f} % {'holds' if row['holds'] else 'no'}"
        )
        assert cells in text
    assert max(row["n_components"] for row in rows if row["holds"]) == result.sizes["component"]
    assert section(page, "Are the components unique?") == ""


def test_a_table_has_profiles_and_says_how_unique_they_are():
    result, run = raman()
    page = render(result, run)
    assert figures(page, "abundance ") == []
    assert (len(figures(page, "profile ")), len(figures(page, "left"))) == (3, 1)
    assert "Abundance of each component in each spectrum" in section(page, "How much of each?")
    text, ambiguity = section(page, "Are the components unique?"), run["learned"]["bands"]["ambiguity"]
    assert "0 is unique" in text
    for i, value in enumerate(ambiguity):
        assert f"component {i} {value:.3f}" in text
    named = render(result.assign_coords(component=["<b>quartz</b>", "calcite", "rust"]), run)
    assert f"<b>quartz</b> {ambiguity[0]:.3f}" in section(named, "Are the components unique?")
    assert "<b>quartz" not in named
    assert "Raman" in page or "cm" in words(page)


def test_where_bands_are_not_computed_the_reason_stands_there():
    result, run = raman()
    run["learned"]["bands"] = {"sentence": "More than four components: not computed."}
    assert (
        section(render(result, run), "Are the components unique?").strip() == "More than four components: not computed."
    )


def test_other_counts_of_a_table_are_for_comparison():
    cube = table("1/cm", k=4, n=60)
    model = NMF().fit(cube)
    text = section(render(model.transform(cube), {"learned": model.info_}), "What do other ways to count say?")
    estimates = model.info_["evidence"]["estimates"]
    assert estimates
    for name, number in estimates.items():
        assert f"{name} {number}" in text


def test_signed_components_keep_their_sign():
    cube = table("1/cm", signed=True)
    model = MCR(n_components=3).fit(cube)
    result = model.transform(cube)
    assert (result["component_spectra"].values < 0).mean() > 0.1
    page = render(result, {"learned": model.info_})
    assert "Abundance of each component" in section(page, "How much of each?")
    assert f"{np.nanmedian(result['residual'].values):.1%} of its norm" in section(page, "What is left?")


def test_warnings_come_before_the_numbers(scene):
    result, run = scene
    page = render(result.assign_attrs(notes=["The rotation is <free>.", "Few samples."]), run)
    text = section(page, "How much of each?")
    assert text.index("Read this before you trust the numbers:") < text.index("The rotation is <free>.")
    assert text.index("Few samples.") < text.index("Dark is none")
    assert "Read this" not in words(render(result.assign_attrs(notes=[]), run))


def test_no_data_and_no_abundances_say_so(scene):
    result, run = scene
    empty = result.assign(labels=result["labels"] * 0 - 1, abundances=result["abundances"] * np.nan)
    assert section(render(empty, run), "How much of each?").strip() == "No pixel holds data, so nothing was unmixed."
    assert section(render(result.drop_vars("abundances"), run), "How much of each?") == ""


def test_only_the_first_of_many_components_are_drawn(scene, monkeypatch):
    monkeypatch.setattr(sys.modules["spaxel.reporting.mixture"], "MOST", 2)
    page = render(*scene)
    assert len(figures(page, "abundance ")) == 2
    assert "The first 2 of 3 are drawn." in section(page, "How much of each?")
