"""Known values through the door: the command, tables, page, and the prediction of new samples."""

import csv

import numpy as np
import pytest

import spaxel
from spaxel.errors import CubeError
from spaxel.store.run_folder import read_result
from spaxel.synth.mixture import add_noise, mixture

AXIS = np.linspace(900, 1700, 80)


def written(path, rows, amounts, spectra, unknown=()):
    """A text table with names, groups and a column of known values, some of which are empty."""
    lines = ["sample,class,sugar," + ",".join(f"{a:.2f}" for a in AXIS)]
    for i in rows:
        value = "" if i in unknown else f"{5 + 10 * amounts[i, 1]:.6g}"
        lines.append(f"s{i:02d},{'ab'[i % 2]},{value}," + ",".join(f"{v:.6g}" for v in spectra[i]))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory, call):
    folder = tmp_path_factory.mktemp("calibrated")
    cube = mixture(
        44, seed=3, n_components=3, n_channels=80, most_mixed=2, spectra="peaks", noise="none"
    )  # fmt: skip
    amounts, pure = cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values
    spectra = add_noise(np.random.default_rng(3), amounts @ pure, "even", 35)
    known = written(folder / "known.csv", range(36), amounts, spectra, unknown=(3, 4, 5))
    new = written(folder / "new.csv", range(36, 44), amounts, spectra)
    code, out, err = call("unmix", known, "-o", folder / "run", "--calibrate", "sugar", "--units", "nm")
    assert code == 0, err
    return folder, out, known, new, 5 + 10 * amounts[:, 1]


def test_too_few_known_values_are_refused_before_the_fit(call, tmp_path):
    amounts, spectra = np.zeros((9, 2)), np.random.default_rng(0).random((9, 80))
    table = written(tmp_path / "few.csv", range(9), amounts, spectra, unknown=range(3, 9))
    code, out, err = call("unmix", table, "-o", tmp_path / "run", "--calibrate", "sugar", "--units", "nm")
    assert (code, out) == (2, "")
    assert "3 samples have a value there; at least 4 are needed" in err
    assert not (tmp_path / "run").exists()


def rows(path):
    return list(csv.DictReader(path.read_text("utf-8").splitlines()))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_samples_without_a_known_value_are_predicted(runs):
    folder, out, _, _, truth = runs
    table = rows(folder / "run" / "calibration.csv")
    assert list(table[0]) == ["sample", "group", "y", "x", "known", "left_out", "predicted", "standard_error"]
    assert table[3]["sample"] == "s03"
    assert table[3]["known"] == table[3]["left_out"] == ""
    far = np.array([float(row["predicted"]) for row in table]) - truth[:36]
    assert np.abs(far[3:6]).max() < 1
    assert np.std(far) < 0.5
    assert "sugar, by component" in out
    assert "each of 33 known samples, left out, is off by" in out


def test_the_page_and_the_tables_of_components_say_it(runs):
    folder, *_ = runs
    page = (folder / "run" / "report.html").read_text("utf-8")
    assert "sugar: known and predicted" in page
    assert "value per abundance" in page
    assert ">s35<" in page
    components = rows(folder / "run" / "components.csv")
    assert all(float(row["detection_limit"]) > 0 for row in components)
    assert all(row["purest_sample"].startswith("s") for row in components)
    assert "ambiguity" in components[0]
    abundances = rows(folder / "run" / "abundances.csv")
    assert [abundances[0]["sample"], abundances[0]["group"]] == ["s00", "a"]
    assert float(abundances[0]["component 0 abundance error"]) > 0


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_predict_gives_the_value_of_new_samples(runs, call):
    folder, _, _, new, truth = runs
    code, _, err = call("predict", folder / "run", new, "-o", folder / "more", "--units", "nm")
    assert code == 0, err
    table = rows(folder / "more" / "calibration.csv")
    assert "known" not in table[0]
    np.testing.assert_allclose([float(row["predicted"]) for row in table], truth[36:], atol=1)
    assert "sugar: known and predicted" in (folder / "more" / "report.html").read_text("utf-8")
    again = read_result(folder / "more")
    assert again["predicted"].attrs["name"] == "sugar"


def test_a_column_that_is_not_there_is_refused_before_anything_is_fitted(runs, call):
    folder, _, known, new, _ = runs
    code, _, err = call("unmix", known, "-o", folder / "none", "--calibrate", "salt", "--units", "nm")
    assert code == 2
    assert "--calibrate is 'salt'" in err
    assert "It has: sugar" in err
    assert not (folder / "none").exists()
    code, _, err = call("unmix", known, new, "-o", folder / "none", "--calibrate", "sugar", "--units", "nm")
    assert code == 2
    assert "of one table" in err


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_in_python_values_may_lie_beside():
    table = spaxel.simulate("mixture", n_components=3, per_component=8, most_mixed=2, snr_db=30)
    result = spaxel.MCR().fit(table).transform(table)
    known = table["truth_abundances"].values[:, 0, 0].copy()
    known[:4] = np.nan
    found = spaxel.calibrate(result, known, name="amount")
    np.testing.assert_allclose(
        found["predicted"].values[:4, 0], table["truth_abundances"].values[:4, 0, 0], atol=0.2
    )  # fmt: skip
    assert found["predicted"].attrs["n_known"] == 20
    with pytest.raises(CubeError, match="24, 1"):
        spaxel.calibrate(result, known[:5])
    with pytest.raises(CubeError, match="no abundances"):
        spaxel.calibrate(result.drop_vars("abundances"), known)
