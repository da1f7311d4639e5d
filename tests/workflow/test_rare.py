"""`--rare` through the door: tables, page and maps, the same for one method as for another, on counts and signed values."""

import csv
import shutil

import numpy as np
import pytest

import spaxel
from spaxel.store.run_folder import read_json, read_result
from spaxel.workflow.runs import predict, recut, segment

SMALL = {"n_clusters": 2, "n_init": 1, "n_micro": 6, "max_clusters": 4}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two cubes of counts with a target each, and one without."""
    folder, place = tmp_path_factory.mktemp("rare"), np.arange(20)
    paths = []
    for i in range(2):
        rng = np.random.default_rng(i)
        mean = np.where((np.arange(30) < 15)[None, :, None], 20 + place, 50 - place) * np.ones((26, 1, 1))
        mean[8, 6 + i] += 60 * (place == 12)
        cube = spaxel.make_cube(rng.poisson(mean), place, "keV", pixel_size=[2e-6, 2e-6], pixel_units="m")
        paths.append(spaxel.write_cube(cube, folder / f"{'ab'[i]}.zarr"))
    return folder, paths


@pytest.fixture(scope="module")
def run(files):
    folder, paths = files
    return segment(paths[:1], folder / "run", parameters=SMALL, rare=True, method="kmeans")


def rows(folder):
    return list(csv.DictReader((folder / "rare.csv").read_text("utf-8").splitlines()))


def test_a_run_holds_map_tables_and_a_section(run):
    result, first = read_result(run), rows(run)[0]
    assert (first["y"], first["x"], first["candidate"]) == ("8", "6", "1")
    assert float(first["y_um"]) == 17.0
    assert float(first["expected_false"]) < 0.1
    assert result["rare_labels"].values[8, 6] == 1
    assert "rare" in read_json(run)["seconds"]
    spectra = list(csv.reader((run / "rare_spectra.csv").read_text("utf-8").splitlines()))
    assert spectra[0][:3] == ["channel (keV)", "candidate 1", "candidate 1 around"]
    assert float(spectra[13][1]) > float(spectra[13][2]) + 30
    page = (run / "report.html").read_text("utf-8")
    assert "Is there anything small and rare?" in page


def test_a_cut_names_the_candidates_by_its_own_components(files, run):
    folder, _ = files
    cut = shutil.copytree(run, folder / "cut")
    recut(cut, 2, names={0: "sand", 1: "soot"})
    labels = read_result(cut)["labels"].values
    own = [labels[int(row["y"]), int(row["x"])] for row in rows(cut)]
    assert [row["component"] for row in rows(cut)] == [("sand", "soot")[label] for label in own]


def test_without_it_nothing_is_looked_for(files):
    folder, paths = files
    plain = segment(paths[:1], folder / "plain", parameters=SMALL, method="kmeans")
    assert "rarity" not in read_result(plain)
    assert not (plain / "rare.csv").exists()
    assert "small and rare" not in (plain / "report.html").read_text("utf-8")


def test_predict_finds_the_targets_of_its_own_cube(files, run):
    folder, paths = files
    other = predict(run, paths[1], folder / "other", rare=True)
    assert (rows(other)[0]["y"], rows(other)[0]["x"]) == ("8", "7")
    again = predict(run, paths[0], folder / "again", rare=True)
    assert (again / "rare.csv").read_bytes() == (run / "rare.csv").read_bytes()


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_several_cubes_and_unmixing(files):
    folder, paths = files
    both = segment(paths, folder / "both", method="mcr", parameters={"n_components": 2}, rare=True)
    assert [rows(both / name)[0]["x"] for name in "ab"] == ["6", "7"]
    assert "small and rare" in (both / "a" / "report.html").read_text("utf-8")
