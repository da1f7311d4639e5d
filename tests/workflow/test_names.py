"""Names and groups of the spectra of a table: through the result, the tables beside it, and the page."""

import csv

import numpy as np
import pytest

import spaxel
from spaxel.store.run_folder import read_result
from spaxel.workflow import runs

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def table(path, n=24, first=0, separator=","):
    """Two kinds of spectra, each with its name and group."""
    axis = np.linspace(400, 900, 30)
    rng = np.random.default_rng(first)
    shapes = np.exp(-(((axis - np.array([[500.0], [750.0]])) / 60) ** 2))
    lines = [["sample", "kind", *(f"{a:.1f} nm" for a in axis)]]
    for k in range(n):
        spectrum = shapes[k % 2] * rng.uniform(0.8, 1.2) + 0.1 + rng.normal(0, 0.01, 30)
        lines.append([f"leaf {first + k}", "oak" if k % 2 else "<ash>", *(f"{v:.4f}" for v in spectrum)])
    path.write_text("\n".join(separator.join(line) for line in lines) + "\n", "utf-8")
    return path


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("method", ["kmeans", "mcr", "nmf"])
def test_names_reach_result_tables_and_page(tmp_path, method):
    number = {"n_clusters": 2} if method == "kmeans" else {"n_components": 2}
    run = runs.segment([table(tmp_path / "a.csv")], tmp_path / "run", method=method, parameters=number)
    result = read_result(run)
    assert result["sample"].values.tolist() == [f"leaf {k}" for k in range(24)]
    assert result["group"].values.tolist() == ["<ash>", "oak"] * 12
    rows = read(run / "labels.csv")
    assert [row["sample"] for row in rows] == [f"leaf {k}" for k in range(24)]
    assert [int(row["label"]) for row in rows] == result["labels"].values[:, 0].tolist()
    assert [row["component"] for row in rows] == [f"component {k}" for k in result["labels"].values[:, 0]]
    if method != "kmeans":
        amounts = read(run / "abundances.csv")
        assert [row["sample"] for row in amounts] == [row["sample"] for row in rows]
        assert float(amounts[3]["component 0"]) == pytest.approx(float(result["abundances"][3, 0, 0]), rel=1e-5)
    page = (run / "report.html").read_text("utf-8")
    assert "leaf 7" in page
    assert "Which group is where?" in page
    assert "&lt;ash&gt;" in page
    assert "<ash>" not in page.split("<script")[0]


def test_names_survive_cut_and_predict_and_several_files(tmp_path):
    a, b = table(tmp_path / "a.csv", 80), table(tmp_path / "b.csv", 12, first=100)
    run = runs.segment([a, b], tmp_path / "run", method="kmeans")
    assert read_result(run / "b")["sample"].values[0] == "leaf 100"
    assert [row["sample"] for row in read(run / "b" / "labels.csv")] == [f"leaf {k}" for k in range(100, 112)]
    runs.recut(run, 2, names={0: "green"})
    assert read_result(run / "a")["sample"].values[3] == "leaf 3"
    assert {row["component"] for row in read(run / "a" / "labels.csv")} == {"green", "component 1"}
    one = runs.segment([a], tmp_path / "one", method="kmeans")
    other = runs.predict(one, b, tmp_path / "other")
    assert [row["group"] for row in read(other / "labels.csv")] == ["<ash>", "oak"] * 6


def test_an_image_and_a_table_without_names(tmp_path):
    np.save(tmp_path / "a.npy", spaxel.simulate("maxrf", height=12, width=9, channels=32)["spectra"].values)
    assert not (runs.segment([tmp_path / "a.npy"], tmp_path / "run", method="kmeans") / "labels.csv").exists()
    lines = table(tmp_path / "a.csv").read_text("utf-8").splitlines()
    (tmp_path / "b.csv").write_text("\n".join(line.split(",", 2)[2] for line in lines) + "\n")
    run = runs.segment([tmp_path / "b.csv"], tmp_path / "bare", parameters={"n_clusters": 2}, method="kmeans")
    assert list(read(run / "labels.csv")[0]) == ["y", "label", "component", "confidence"]
    assert not {"sample", "group"} & set(read_result(run).coords)


def test_info_names_them(cli, tmp_path):
    out = cli("info", table(tmp_path / "a.csv"))[1]
    assert "24 names: leaf 0, leaf 1" in out
    assert "2 names: <ash>, oak" in out


def test_names_survive_conversion(tmp_path):
    native = spaxel.convert(table(tmp_path / "a.csv"), tmp_path / "a.zarr")
    assert spaxel.open_cube(native)["sample"].values[2] == "leaf 2"
    again = spaxel.convert(native, tmp_path / "b.csv")
    assert spaxel.open_cube(again)["group"].values.tolist() == ["<ash>", "oak"] * 12
