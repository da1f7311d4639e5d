import csv

import numpy as np

from spaxel.results.presence import Presence, new_here
from spaxel.store.run_folder import read_result
from spaxel.workflow.recut import recut
from spaxel.workflow.runs import predict
from spaxel.workflow.tables import COLUMNS, write_activation


def cube(names, present):
    some, chance = np.array([9, 0, 0]), np.array([0.0, 1, 1])
    return Presence(names, 9, some, np.array([0.5, 0.5, 0.5]), chance, np.array(present, bool), 1.0)


def test_the_table_is_read_back(tmp_path):
    plain = ["component 0", "component 1"]
    found = {"a": cube(plain, [1, 0, 0]), "b": cube(["component 0", "lesion, dark"], [1, 1, 0])}
    path = write_activation(tmp_path, found, new_here(found, ["a"]))
    assert path == tmp_path / "activation.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [(r["cube"], r["component"], r["name"], r["present"], r["new"]) for r in rows[3:]] == [
        ("b", "0", "", "yes", "no"), ("b", "1", "lesion, dark", "yes", "yes"), ("b", "", "unlike anything fitted", "no", "no")
    ]  # fmt: skip
    assert float(rows[0]["share"]) == 1


def rows(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


def test_sizes_and_spectra_lie_beside_a_run_and_follow_its_cuts(own_run, scan, tmp_path):
    held = read_result(own_run)
    table = rows(own_run / "components.csv")
    assert [int(row["n_pixels"]) for row in table] == held["component_size"].values.tolist()
    assert abs(sum(float(row["share"]) for row in table) - 1) < 1e-6
    spectra = rows(own_run / "spectra.csv")
    assert next(iter(spectra[0])) == "energy (keV)"
    np.testing.assert_allclose(
        [float(row["component 1 mean (counts)"]) for row in spectra], held["component_spectra"][1], 1e-6
    )
    np.testing.assert_allclose(
        [float(row["component 1 spread (counts)"]) for row in spectra], held["component_spread"][1], 1e-6
    )
    recut(own_run, 2, names={1: "=lead"})
    assert [row["name"] for row in rows(own_run / "components.csv")] == ["component 0", "'=lead"]
    child = predict(own_run, scan, tmp_path / "child")
    assert [row["name"] for row in rows(child / "components.csv")] == ["component 0", "'=lead"]
    assert "'=lead mean (counts)" in rows(child / "spectra.csv")[0]
