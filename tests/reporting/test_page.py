"""The report: whole in one file, safe with any text, in words where there is nothing to draw."""

import html
import json
import re

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.errors import CubeError, Exists
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.reporting import render, whole_page
from spaxel.reporting.joined import _Pool
from spaxel.store.run_folder import read_result, write_json, write_result
from spaxel.testing import tiny_cube
from spaxel.workflow.beside import write_joined

EVIL = "<script>alert(1)</script>&\"'$$x^2$$</script>"


def make_scene(labels, axis, units, *, levels=(), counts=100.0, seed=0, **attrs):
    """A full result for a label map: smooth spectra of its own for each component, confidence, picture, tree."""
    rng = np.random.default_rng(seed)
    n = int(labels.max()) + 1
    sizes = np.bincount(labels[labels >= 0], minlength=n)
    place = np.linspace(0, 1, len(axis))
    centers, widths = rng.uniform(0, 1, (n, 6)), rng.uniform(0.004, 0.03, (n, 6))
    peaks = np.exp(-(((place[None, None] - centers[..., None]) / widths[..., None]) ** 2) / 2)
    spectra = counts * ((peaks * rng.uniform(0.1, 1, (n, 6, 1))).sum(1) + 0.05)
    confidence = np.where(labels < 0, np.nan, rng.beta(5, 2, labels.shape)).astype(np.float32)
    rgb = rng.integers(40, 220, (n + 1, 3))[labels] + rng.normal(0, 12, (*labels.shape, 3))
    data = {
        "labels": (("y", "x"), labels.astype(np.int32)),
        "confidence": (("y", "x"), confidence),
        "component_spectra": (("component", "channel"), spectra),
        "component_spread": (("component", "channel"), np.sqrt(spectra)),
        "component_size": ("component", sizes),
        "component_color": ("component", np.arange(n)),
        "picture": (
            ("y", "x", "rgb"),
            np.clip(rgb, 0, 255).astype(np.uint8),
            {"caption": f"red 6.4, green 8.0 {units}"},
        ),
    }
    coords = {"channel": ("channel", axis, {"units": units, "long_name": attrs.pop("long_name", "energy")})}
    if levels:
        data |= make_tree(labels, spectra, sizes, levels, rng)
        coords |= {"level": np.asarray(levels), "criterion": ["gap", "silhouette", "broken stick"]}
        coords |= {"scaling": ["counts", "unit"]}
    settings = {"sentence": "Three criteria agree.", "n_components": n, "history": ["cropped to 1.5-18 keV"]}
    return xr.Dataset(
        data, coords, attrs=settings | {"source": "/data/scan_7.h5", "guesses": [], "origin": "upper"} | attrs
    )


def make_tree(labels, spectra, sizes, levels, rng):
    """Two micro-clusters for each component, a tree over them, evidence."""
    n = len(sizes)
    half = (np.arange(labels.shape[1])[None] * 5 // labels.shape[1] % 2) + 0 * labels
    micro = np.where(labels < 0, -1, labels * 2 + half).astype(np.int32)
    m, tree, name = 2 * n, [], list(range(2 * n))
    parts = dict.fromkeys(range(m), 1)
    order = [(2 * i, 2 * i + 1) for i in range(n)]
    for step in range(m - 1):
        a, b = order[step] if step < n else (name[0], name[1])
        name = [x for x in name if x not in (a, b)] + [m + step]
        parts[m + step] = parts[a] + parts[b]
        tree.append((a, b, float(step), parts[m + step]))
    curves = rng.normal(0, 0.05, (3, len(levels))) - 0.02 * np.abs(np.asarray(levels) - n)
    votes = {"gap": n, "silhouette": n, "broken stick": levels[0]}
    return {
        "micro_labels": (("y", "x"), micro),
        "micro_spectra": (("micro", "channel"), np.repeat(spectra, 2, 0)),
        "micro_spread": (("micro", "channel"), np.sqrt(np.repeat(spectra, 2, 0))),
        "micro_size": ("micro", np.bincount(micro[micro >= 0], minlength=m)),
        "merge_tree": (("merge", "node"), np.array(tree)),
        "evidence": (
            ("criterion", "level"),
            curves,
            {"votes": votes, "sentence": "Two of three criteria vote for it."},
        ),
        "scaling_score": ("scaling", np.array([0.41, 0.32]), {"sentence": "Counts separate the parts better."}),
    }


def blobs(height, width, n, seed=0, no_data=False):
    """A label map of n regions around random seeds."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    seeds = rng.uniform(0, 1, (n * 3, 2)) * (height, width)
    labels = np.zeros((height, width), int)
    best = np.full((height, width), np.inf)
    for i, (a, b) in enumerate(seeds):
        far = (y - a) ** 2 + (x - b) ** 2
        labels, best = np.where(far < best, i % n, labels), np.minimum(far, best)
    order = np.argsort(-np.bincount(labels.ravel(), minlength=n), kind="stable")
    labels = np.argsort(order)[labels].astype(np.int32)
    if no_data:
        labels[(y - height) ** 2 + x**2 < (0.3 * min(height, width)) ** 2] = -1
    return labels


RUN = {
    "name": "altar, left wing",
    "method": "k-means",
    "parameters": {"n_clusters": "auto", "scaling": "counts"},
    "seed": 7,
    "command": "spaxel segment altar.h5 --method kmeans -o runs/altar",
    "versions": {"python": "3.12.1", "numpy": "2.1.0"},
    "created": "2026-11-21T05:00:00Z",
    "seconds": {"fit": 3.21, "predict": 1.0},
    "peak_memory_bytes": 412 * 2**20,
    "input": {"path": "altar.h5", "sha256": "ab12", "shape": [95, 95, 220], "dtype": "uint16", "bytes": 3971000},
    "spaxel_version": "0.1.0",
    "score": {"adjusted_rand": 0.87123, "n_components": {"found": 4, "true": 4}},
    "notes": ["The fit converged after 12 rounds."],
}


KEV, NM = np.linspace(0.1, 20.5, 2048), np.linspace(400, 2500, 220)
WAVES = {"axis": NM, "units": "nm", "long_name": "wavelength"}
NAMES = [f"iron oxide with a remarkably long description number {i} {EVIL}" for i in range(6)]
NONE = np.full((9, 9), -1, np.int32)
SCENES = {  # what the page is tried on: name -> what makes (result, run)
    "four": lambda: (make_scene(blobs(95, 95, 4, 1, True), levels=range(2, 9), **WAVES), RUN),
    "counts": lambda: (make_scene(blobs(64, 64, 5, 2), KEV, "keV", counts=0.02, levels=range(2, 10)), {}),
    "large": lambda: (make_scene(blobs(1000, 1000, 24, 4), KEV, "keV", origin="lower", levels=range(2, 33)), RUN),
    "one": lambda: (make_scene(blobs(30, 50, 1), **WAVES), RUN),
    "alone": lambda: (make_scene(blobs(30, 50, 1), levels=range(1, 3), **WAVES), RUN),
    "table": lambda: (
        make_scene((np.arange(21) * 3 // 21)[:, None], np.linspace(200.0, 3400, 1000), "1/cm", long_name="wavenumber"),
        {},
    ),
    "strip": lambda: (make_scene(np.repeat(np.arange(4), 100)[:, None], **WAVES), {}),
    "long": lambda: (
        make_scene(blobs(40, 60, 6, 3), source="/a/" + "very_long_name_" * 12 + ".hdr", **WAVES).assign_coords(
            component=NAMES
        ),
        {"name": "x" * 300},
    ),
    "wide": lambda: (make_scene(blobs(60, 400, 7, 5, True), **WAVES), RUN),
    "huge": lambda: (make_scene(blobs(2100, 1300, 12, 6, True), **WAVES), RUN),
    "empty": lambda: (make_scene(blobs(9, 9, 2), NM, "nm").assign(labels=(("y", "x"), NONE)), {}),
    "bare": lambda: (xr.Dataset({"labels": (("y", "x"), blobs(13, 7, 3))}), {}),
}


@pytest.fixture(scope="module")
def pages():
    return {name: render(*make()) for name, make in SCENES.items()}


def words(page):
    """What a reader reads: the page without scripts, styles and marks."""
    text = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


@pytest.mark.parametrize("name", SCENES)
def test_one_file_small_and_without_network(pages, name):
    page = pages[name]
    assert len(page.encode()) <= 5_000_000
    assert page.startswith("<!DOCTYPE html>")
    marks = re.sub(r"<(script|style)\b[^>]*>.*?</\1>", r"<\1>", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=[\"'](?!data:)", marks)
    assert not re.search(r"<script[^>]*\ssrc=", page)
    assert "<!--figure" not in page
    assert '""' not in html.unescape(words(page))
    assert "nan" not in words(page).lower().replace("nano", "")


def test_sections_come_in_the_order_of_the_questions(pages):
    text = words(pages["four"])
    heads = ["altar, left wing", "What are the components?", "How sure is it?", "What was done?"]
    places = [text.index(head) for head in heads]
    assert places == sorted(places)


def test_page_tells_what_was_done(pages):
    text = words(pages["four"])
    for part in (
        "95 × 95 pixels", "wavelength (nm) 400 to 2500", "640 of 9,025 pixels hold no data", "k-means", "37.0 %",
        "row 0 of the data is on top", "cropped to 1.5-18 keV", "spaxel segment altar.h5", "3.2 s", "412.00 MiB", "ab12",
        "0.8712", "n_clusters", "3.12.1", "k-means: 4 components. Three criteria agree.", "Two of three criteria", "silhouette",
        "red 6.4, green 8.0 nm", "The fit converged after 12 rounds.", "4 components, that is, groups of pixels",
    ):  # fmt: skip
        assert part in text, part


def told(page):
    """What the slider knows."""
    return json.loads(re.search(r'<script type="application/json" id="told">(.*?)</script>', page)[1])


def test_the_slider_holds_all_levels_each_within_the_one_before(pages):
    found = told(pages["four"])
    assert [state["level"] for state in found["states"]] == list(range(1, 9))
    assert found["cut"] == "spaxel cut runs/altar"
    assert found["same"]
    coarse = [set(range(found["parts"]))]
    for state in found["states"]:
        sets = [set(found["nodes"][node]["members"]) for node in state["nodes"]]
        assert sorted(p for one in sets for p in one) == list(range(found["parts"]))
        assert all(any(one <= other for other in coarse) for one in sets)
        coarse = sets
    assert "told" in pages["bare"]
    assert 'id="level"' not in pages["bare"]


def test_levels_cost_no_models():
    """The spectra of all levels are plain numbers: a report with 8 levels has as many Bokeh models as one with 3."""
    seen = {}
    for most in (4, 6, 9):
        result = make_scene(blobs(64, 64, 4, 1), KEV, "keV", levels=range(2, most))
        page = render(result, {})
        assert len(told(page)["nodes"]) >= most
        seen[most] = len(re.findall(r'"type":"object","name":"\w+","id":', page))
    assert len(set(seen.values())) == 1, seen
    assert seen[4] > 100


def test_guesses_stand_in_the_page():
    result = make_scene(blobs(9, 11, 2), np.arange(5.0), "nm", guesses=["Axis guessed as nm; --axis decides."])
    assert "--axis decides" in words(render(result, {}))


def test_reduced_maps_say_so(pages):
    assert "drawn at 1/4 of its size, each point is the majority of 4 × 4 pixels" in words(pages["huge"])
    assert "smallest and largest of each of 1,000 bins" in words(pages["large"])
    assert "row 0 of the data is at the bottom" in words(pages["large"])


def test_list_of_spectra_is_a_table(pages):
    text = words(pages["table"])
    assert "A list of 21 spectra" in text
    assert re.search(r"spectrum component confidence 0 component 0 0\.\d\d", text)
    assert "stretched" in words(pages["strip"])


def test_degenerate_results_say_so_in_words(pages):
    assert "There is one component only" in words(pages["one"])
    assert "No pixel holds data" in words(pages["empty"])
    bare = words(pages["bare"])
    for part in ("keeps no false-colour picture", "keeps no spectra", "keeps no confidence"):
        assert part in bare


def test_text_of_files_and_people_is_escaped():
    result = make_scene(
        blobs(9, 11, 3), np.arange(5.0), EVIL, levels=range(2, 5), long_name=EVIL, history=[EVIL], guesses=[EVIL],
        sentence=EVIL, instrument=EVIL, source=EVIL,
    )  # fmt: skip
    result["picture"].attrs["caption"] = EVIL
    result["component_spectra"].attrs["units"] = EVIL
    result["evidence"].attrs |= {"sentence": EVIL, "votes": {EVIL: 2}}
    result["scaling_score"].attrs["sentence"] = EVIL
    result = result.assign_coords(
        component=[EVIL + str(i) for i in range(3)], criterion=[EVIL, "a", "b"], scaling=[EVIL, "u"]
    )
    keys = ("name", "method", "command", "created", "spaxel_version", "seed")
    run = dict.fromkeys(keys, EVIL) | {"notes": [EVIL], "parameters": {EVIL: EVIL}, "versions": {EVIL: EVIL}}
    run |= {"input": {EVIL: EVIL}, "score": {EVIL: {EVIL: EVIL}}, "seconds": {EVIL: 1.0}}
    page = render(result, run)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script>") == render(SCENES["four"]()[0], {}).count("<script")


def test_truth_is_shown_beside_what_was_found():
    result = make_scene(blobs(9, 11, 3), np.arange(5.0), "nm")
    assert "compare with the truth" not in words(render(result, {}))
    truth = result.assign(truth_labels=result["labels"])
    assert "compare with the truth" in words(render(truth, {}))


def test_wrong_result_is_refused():
    with pytest.raises(CubeError, match="Expected a result"):
        render(xr.Dataset(), {})


def test_render_does_not_change_its_input():
    result, run = SCENES["four"]()
    before = result.copy(deep=True)
    assert render(result, run)
    xr.testing.assert_identical(result, before)


def test_report_is_written_beside_and_renamed(tmp_path, monkeypatch):
    result, run = SCENES["bare"]()
    monkeypatch.setattr(whole_page, "read_json", lambda path: run)
    monkeypatch.setattr(whole_page, "read_result", lambda path: result)
    for _ in range(2):
        assert spaxel.report(tmp_path) == tmp_path / "report.html"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    old = (tmp_path / "report.html").read_bytes()
    with pytest.raises(Exists, match="overwrite"):
        spaxel.report(tmp_path, overwrite=False)
    monkeypatch.setattr(whole_page, "render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        spaxel.report(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_bytes() == old


@pytest.mark.parametrize(("missing", "said"), [(5, "25.0 %"), (15, "75.0 %")])
def test_the_legend_says_which_share_holds_no_data(missing, said):
    labels = np.repeat(np.arange(20) % 2, 30).reshape(20, 30)
    labels[:missing] = -1
    page = words(render(make_scene(labels, np.arange(8.0), "nm")))
    assert re.search(rf"no data\s*{said} of all", page)
    assert f"{missing * 30:,} of 600 pixels hold no data" in page


def joined(folder, names, components=None, reference=()):
    """A run of several cubes on disk, the first without the last component; results only, no model."""
    inputs = {}
    for i, name in enumerate(names):
        labels = blobs(20, 30, 4, 7)
        labels[labels == 3] = 3 if i else 0
        result = make_scene(np.append(labels, [[3] * 30], 0), np.arange(5.0), "nm", source=f"{name}.zarr")
        result["labels"][20] = -1 if i == 0 else 3
        result["component_size"][:] = np.bincount(result["labels"].values[result["labels"].values >= 0], minlength=4)
        if components:
            result = result.assign_coords(component=components)
        (folder / name).mkdir(parents=True)
        write_json(folder / name, {"model": ".."})
        write_result(folder / name, result)
        inputs[name] = f"{name}.zarr"
    write_json(
        folder, {"inputs": inputs, "method": "kmeans", "reference": list(reference), "command": "spaxel segment …"}
    )
    write_joined(folder, names, reference)
    return spaxel.report(folder).read_text("utf-8")


def test_several_cubes_have_a_page_together(tmp_path):
    page = joined(tmp_path, ["day 1", "day2", EVIL.replace("/", "")], [EVIL, "leaf", "soil", "lesion"], ["day 1"])
    text = words(page)
    for part in (
        "3 cubes together", "day 1 (reference)", "lesion", "Which components are in which cube?", "3 of 4", "4 of 4",
        "What are the components?", "What was done?", "spaxel segment …", "none of the reference (day 1)",
    ):  # fmt: skip
        assert part in text, part
    assert text.count("new ") == 2
    assert "<script>alert" not in page
    assert 'href="day%201/report.html"' in page
    assert len(page.encode()) <= 5_000_000
    links = re.findall(r"(?:src|href)=\"([^\"]*)", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL))
    assert all(link.startswith("data:") or link.endswith("/report.html") for link in links)
    assert page.count('class="nodata fit"') == 3


def test_the_components_of_several_cubes_are_those_of_all_their_pixels(tmp_path):
    """Sizes are summed and mean spectra weighted by them; a component may be missing in the first cube, or be rare there."""
    pool, spectra = _Pool(), np.array([[[1.0, 2], [3, 4], [np.nan] * 2], [[5.0, 6], [9, 8], [7, 7]]])
    for size, mean in zip(([30, 10, 0], [10, 30, 5]), spectra, strict=True):
        names = {"component_spectra": mean, "component_spread": np.zeros((3, 2))}
        pool.add(
            xr.Dataset(
                {name: (("component", "channel"), value) for name, value in names.items()}
                | {"component_size": ("component", size), "labels": (("y", "x"), np.zeros((2, 2), np.int32))},
                {"channel": [1.0, 2]},
            )
        )
    whole = pool.result()
    assert whole["component_size"].values.tolist() == [40, 40, 5]
    np.testing.assert_allclose(whole["component_spectra"], [[2, 3], [7.5, 7], [7, 7]])
    np.testing.assert_allclose(whole["component_spread"], [[np.sqrt(3)] * 2, [np.sqrt(27 / 4), np.sqrt(3)], [0, 0]])

    page = joined(tmp_path, ["a", "b", "c"])
    sizes = sum(read_result(tmp_path / name)["component_size"].values for name in "abc")
    for size in sizes:
        assert re.search(rf'<td class="n">{size:,}</td>', page) or re.search(rf'<td class="n">{size}</td>', page)
    shares = re.findall(r"(\d+\.\d) %", words(page).split("What are the components?")[1])[:4]
    assert shares == [f"{100 * size / sizes.sum():.1f}" for size in sizes]


def test_many_cubes_have_a_table_of_all_and_maps_of_some(tmp_path, monkeypatch):
    monkeypatch.setattr("spaxel.reporting.joined.MOST_MAPS", 2)
    page = joined(tmp_path, ["a", "b", "c"])
    assert page.count('class="nodata fit"') == 2
    assert "The first 2 maps; 1 more cubes are in the table." in words(page)
    assert all(f"<td>{name}</td>" in page for name in "abc")


def test_what_is_here_for_sure(tmp_path):
    cube = tiny_cube(20, 17)
    result = KMeans(n_clusters=3).fit(cube).predict(cube)
    assert "none of the" not in words(render(result, {}))
    text = words(render(result, {"presence": {"new": [1], "compared_with": 4}}))
    for part in (
        "Which components are present?",
        "none of the 4 cubes",
        "Is there anything unlike what was fitted?",
        "unlike anything fitted",
    ):
        assert part in text, part


@pytest.mark.parametrize(("usual", "said"), [(2.0, False), (1.6, False), (1.4, True), (0.8, True)])
def test_a_cube_that_lies_far_as_a_whole_is_said_to(usual, said):
    cube = tiny_cube(20, 17)
    result = KMeans(n_clusters=3).fit(cube).predict(cube)
    result["unlike"][:] = 20
    result["unlike"].attrs["seen"] = [340, 0, 10 * usual]
    assert (f"The whole cube lies {2 / usual:.1f} times as far" in words(render(result, {}))) is said


def test_what_is_new_is_said_of_the_component_that_is():
    cube = tiny_cube(20, 17)
    result = KMeans(n_clusters=3).fit(cube).predict(cube)
    found = words(render(result, {"presence": {"new": [1], "compared_with": 4}}))
    rows = re.findall(
        r"component (\d) [\d.]+ % (?:&lt; )?[\d.]+ % (\w+) (\w+)", found.split("Which components are present?")[1]
    )
    assert rows == [("0", "yes", "no"), ("1", "yes", "yes"), ("2", "yes", "no")]
