import csv

import numpy as np

from spaxel.results.presence import Presence, new_here
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
