"""Candidates on the page: elements for energies, lines for wavelengths with a redshift, nothing for anything else."""

import json
import re

import pytest

from spaxel.figures.marks import in_rows
from spaxel.methods.kmeans.estimator import KMeans
from spaxel.readers.native import write_cube
from spaxel.reporting import render
from spaxel.reporting.candidates import marks
from spaxel.results.interpretation import interpret
from spaxel.store.run_folder import read_json
from spaxel.synth.ifu.world import ifu
from spaxel.synth.maxrf.world import maxrf
from spaxel.testing import tiny_cube

EVIL = "<script>alert(1)</script>&\"'"


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)))


def fitted(cube, n):
    return KMeans(n_clusters=n).fit(cube).predict(cube)


@pytest.fixture(scope="module")
def painting():
    return fitted(maxrf(32, 32, seed=6, n_pigments=4, channels=512).compute(), 4)


def test_elements_stand_beside_components_and_over_the_spectra(painting):
    page = render(painting, {})
    text = words(page)
    for part in (
        "What may they be made of?",
        "Candidates, not proofs",
        "What speaks for each candidate",
        "Hg ×",
        "Kβ",
        "standard errors",
    ):
        assert part in text, part
    shown = [name for _, name in marks(interpret(painting))]
    assert {"Pb Lα", "Hg Lα", "Cu Kα", "Fe Kα"} <= set(shown)
    assert len(shown) == len(set(shown))
    assert all(name in page for name in ("Pb L", "Hg L", "Cu K"))


def test_names_of_components_are_safe(painting):
    named = painting.assign_coords(component=[EVIL, "b", "c", "d"])
    assert "<script>alert" not in render(named, {})


def test_a_page_without_peaks_says_so_and_other_axes_say_nothing(painting):
    flat = painting.copy(deep=True)
    flat["component_spectra"][:] = 5.0
    assert "No peak stands clearly above" in words(render(flat, {}))
    other = fitted(tiny_cube(20, 17), 3)
    text = words(render(other, {}))
    assert "made of?" not in text
    assert "Which lines" not in text


def test_marks_do_not_overlap_and_none_is_left_out():
    rows = in_rows([(1.0, "a"), (1.05, "b"), (2.0, "c"), (1.95, "d"), (-4.0, "e"), (0.98, "f")], 0.1)
    assert [[name for _, name in row] for row in rows] == [["a", "c", "e"], ["b", "d"], ["f"]]


def test_the_redshift_of_the_user_is_kept_in_the_run(cli, tmp_path):
    cube = ifu(32, 32, seed=2).compute()
    del cube.attrs["redshift"]
    file = write_cube(cube, tmp_path / "galaxy.zarr")
    assert cli("segment", "--method=kmeans", file, "-o", tmp_path / "run", "--n-clusters", "4")[0] == 0
    page = tmp_path / "run" / "report.html"
    assert "Which lines" not in words(page.read_text("utf-8"))
    assert cli("report", tmp_path / "run", "--redshift", "0.01", "--medium", "air")[0] == 0
    text = words(page.read_text("utf-8"))
    assert "Which lines do they show?" in text
    assert "redshift 0.01, wavelengths in air (as asked)" in text
    assert {"redshift": 0.01, "medium": "air"}.items() <= read_json(tmp_path / "run").items()
    assert cli("cut", tmp_path / "run", "--name", "0=sky")[0] == 0
    assert "Which lines do they show?" in words(page.read_text("utf-8"))
    before = json.dumps(read_json(tmp_path / "run"))
    for wrong in (["--redshift", "-7"], ["--medium", "water"]):
        code, _, err = cli("report", tmp_path / "run", *wrong)
        assert code == 2
        assert "expected" in err
    assert json.dumps(read_json(tmp_path / "run")) == before


def test_a_simulated_galaxy_brings_its_redshift(cli, tmp_path):
    assert cli("simulate", "ifu", tmp_path / "g.zarr", "--size", "32x32", "--seed", "2")[0] == 0
    assert cli("segment", "--method=kmeans", tmp_path / "g.zarr", "-o", tmp_path / "run", "--n-clusters", "4")[0] == 0
    text = words((tmp_path / "run" / "report.html").read_text("utf-8"))
    assert "Lines were looked for at redshift 0.01, wavelengths in air (a guess" in text
