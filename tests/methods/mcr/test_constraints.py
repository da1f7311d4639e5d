import csv
import warnings

import numpy as np
import pytest
import xarray as xr
from scipy.signal import find_peaks

from spaxel.cube import make_cube
from spaxel.errors import CubeError, ParameterError
from spaxel.methods.contract import parse_parameters
from spaxel.methods.mcr.estimator import MCR
from spaxel.methods.registry import load
from spaxel.metrics import matched_spectra
from spaxel.reporting import render
from spaxel.results.convention import given_names
from spaxel.store.run_folder import read_result

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what is not unique is said; single tests look at it

AXIS = np.linspace(400, 700, 40)
PURE = np.exp(-((AXIS - np.array([[460.0], [550], [630]])) ** 2) / 1500) + 0.03


def n_maxima(y):
    """Local maxima of a profile >= 0, a plateau counts once, an end of the run may be one."""
    return len(find_peaks(np.pad(y, 1, constant_values=-1))[0])


def _table(seed=0, n=40, noise=0.004):
    rng = np.random.default_rng(seed)
    amounts = np.vstack([np.eye(3), rng.dirichlet(np.full(3, 0.7), n - 3)])
    return np.maximum(amounts @ PURE + noise * rng.normal(size=(n, 40)), 0), amounts


def _runs():
    time = np.arange(30.0)[:, None]
    profiles = [np.exp(-((time - np.array([8, 14, 21]) - late) ** 2) / 10) for late in (0, 2)]
    rng = np.random.default_rng(0)
    return [make_cube((p @ PURE + 0.01 * rng.normal(size=(30, 40)))[:, None], AXIS, "nm") for p in profiles]


def _cosines(model):
    return matched_spectra(model.components_, PURE)["cosine"]


def test_without_a_constraint_nothing_changes():
    X, _ = _table()
    one, two = MCR(n_components=3).fit(X), MCR(n_components=3, missing="weights").fit(X)
    assert np.array_equal(one.components_, two.components_)
    assert np.array_equal(one.transform(X), two.transform(X))
    assert not two.info_["constrained"]


@pytest.mark.parametrize(
    "parameters",
    [
        {"closure": True}, {"loss": "poisson"}, {"min_volume": 1.0}, {"robust": True}, {"pedestal": True},
        {"known": PURE[:1]}, {"known": PURE[:1].tolist(), "closure": True}, {"missing": "weights", "closure": True},
        {"closure": True, "loss": "poisson"},
    ],
)  # fmt: skip
def test_every_constraint_finds_the_spectra_and_keeps_the_contract(parameters, tmp_path):
    X, _ = _table()
    model = MCR(n_components=3, **parameters).fit(X)
    assert min(_cosines(model)) > 0.99
    state = {k: v.copy() for k, v in model.state_.items()}
    found = model.transform(X)
    assert all(np.array_equal(state[k], model.state_[k]) for k in state)
    assert (found >= 0).all()
    assert np.array_equal(model.transform(X[7:8])[0], found[7])
    loaded = load(model.save(tmp_path / "model"))
    assert np.array_equal(loaded.transform(X), found)
    if parameters.get("closure"):
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
    if "known" in parameters:
        assert np.array_equal(model.components_[0], PURE[0])


THERE = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])


def _three_runs(folder=None, late=0.0):
    """Three runs of overlapping peaks, each without one component; as tables in a folder, if there is one. late : by run"""
    time, rng = np.arange(30.0)[:, None], np.random.default_rng(0)
    shapes = [np.exp(-((time - np.array([11, 14, 17]) - n * late) ** 2) / 30) for n in range(3)]
    heights = THERE * [1, 0.7, 0.5]
    tables = [(s * row) @ PURE + 0.004 * rng.normal(size=(30, 40)) for s, row in zip(shapes, heights, strict=True)]
    if folder is None:
        return [make_cube(table[:, None], AXIS, "nm") for table in tables]
    paths = [folder / f"run{n}.csv" for n in range(3)]
    for path, table in zip(paths, tables, strict=True):
        np.savetxt(path, np.vstack([AXIS, table]), delimiter=",", fmt="%.8g")
    return paths


@pytest.mark.parametrize("rows", ["per file", "per spectrum", "of text"])
def test_zeros_name_components_that_are_absent(rows, tmp_path):
    zeros = {
        "per file": THERE,
        "per spectrum": np.repeat(THERE, 30, axis=0).tolist(),
        "of text": tmp_path / "zeros.csv",
    }[rows]
    (tmp_path / "zeros.csv").write_text("run,ester,acid,water\nrun0,1,1,0\nrun1,0,1,1\nrun2,1,0,1\n")
    model = MCR(zeros=zeros).fit(_three_runs())
    assert model.n_components_ == 3
    one, two = (s / np.linalg.norm(s, axis=1, keepdims=True) for s in (model.components_, PURE))
    assert ((one * two).sum(1) > 0.999).all()  # in the order of the columns
    profiles = model.state_["profiles"].reshape(3, 30, 3)
    assert np.array_equal(profiles.any(1), THERE == 1)
    assert "bands" not in model.info_
    loaded = load(model.save(tmp_path / "model"))
    assert np.array_equal(loaded.transform(PURE), model.transform(PURE))


def test_a_component_more_than_zeros_have_columns_may_be_anywhere():
    model = MCR(n_components=3, zeros=THERE[:, :2]).fit(_three_runs())
    profiles = model.state_["profiles"].reshape(3, 30, 3)
    assert np.array_equal(profiles[:, :, :2].any(1), THERE[:, :2] == 1)
    assert min(_cosines(model)) > 0.99


@pytest.mark.parametrize(
    ("zeros", "words"),
    [
        (THERE[:2], r"2 rows, expected one per spectrum \(90\) or per file \(3\)"),
        (THERE * 2, "other values than 0"),
        ([[1, 0], [1]], "one column per component"),
        ([], "one column per component"),
    ],
)
def test_zeros_that_are_none(zeros, words):
    with pytest.raises(ParameterError, match=words):
        MCR(zeros=zeros).fit(_three_runs())


def test_tables_of_zeros_that_cannot_be_read(cli, tmp_path):
    files = _three_runs(tmp_path)
    (tmp_path / "words.csv").write_text("run,a\nrun0,yes\n")
    for name, words in (("none.csv", "cannot be read"), ("words.csv", "other values than 0")):
        code, out, err = cli("unmix", *files, "-o", tmp_path / "run", "--zeros", tmp_path / name)
        assert (code, out) == (2, "")
        assert words in err.splitlines()[-1]
        assert not (tmp_path / "run").exists()
    with pytest.raises(ParameterError, match="zeros have 3 columns, and n_components is 2"):
        MCR(n_components=2, zeros=THERE).fit(_three_runs())


def test_zeros_and_runs_alike_through_the_command(cli, tmp_path):
    files = _three_runs(tmp_path)
    (tmp_path / "zeros.csv").write_text("run,ester,acid,water\nrun0,1,1,0\nrun1,0,1,1\nrun2,1,0,1\n")
    code, out, err = cli("unmix", *files, "-o", tmp_path / "run", "--zeros", tmp_path / "zeros.csv", "--trilinear")
    assert (code, "3 components, as asked" in out) == (0, True), err
    profiles = load(tmp_path / "run").state_["profiles"].reshape(3, 30, 3)
    assert np.array_equal(profiles.any(1), THERE == 1)
    for profile in np.moveaxis(profiles, 2, 0):
        values = np.linalg.svd(profile, compute_uv=False)
        assert values[1] < 1e-12 * values[0]


NAMED = "run,ester,acid,=water\nrun0,1,1,0\nrun1,0,1,1\nrun2,1,0,1\n"


def test_columns_of_zeros_name_the_components_through_the_command(cli, tmp_path):
    files, run = _three_runs(tmp_path), tmp_path / "run"
    (tmp_path / "zeros.csv").write_text(NAMED)
    code, _, err = cli("unmix", *files, "-o", run, "--zeros", tmp_path / "zeros.csv")
    assert code == 0, err
    assert list(load(run).info_["names"]) == ["ester", "acid", "=water"]
    beside = sorted(run.rglob("components.csv"))
    assert len(beside) == 3
    for path in beside:
        rows = list(csv.reader(path.open()))
        at = rows[0].index("name")
        assert [row[at].lstrip("'") for row in rows[1:]] == ["ester", "acid", "=water"]
    header = next(csv.reader(sorted(run.rglob("abundances.csv"))[0].open()))
    assert {"ester", "acid"} <= set(header)
    pages = sorted(run.rglob("report.html"))
    assert len(pages) == 3
    assert all("ester" in page.read_text() for page in pages)
    code, _, err = cli("predict", run, files[1], "-o", tmp_path / "later")
    assert code == 0, err
    assert list(read_result(tmp_path / "later")["component"].values) == ["ester", "acid", "=water"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ester,acid\nrun0,1,1\nrun1,0,1\nrun2,1,0\n", ["ester", "acid", "component 2"]),  # nothing above the runs
        ("ester,\n1,1\n0,1\n1,0\n", ["ester", "component 1", "component 2"]),
        ("1,1\n0,1\n1,0\n", None),
    ],
)
def test_components_without_a_column_or_a_name_keep_their_number(text, names, tmp_path):
    (tmp_path / "zeros.csv").write_text(text)
    runs = _three_runs()
    model = MCR(n_components=3, zeros=tmp_path / "zeros.csv").fit(runs)
    result = load(model.save(tmp_path / "model")).transform(runs[0])
    assert given_names(result) == ["" if name.startswith("component") else name for name in names or ["component"] * 3]
    assert ("component" in result.coords) == bool(names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run,acid,acid\nrun0,1,1\nrun1,0,1\nrun2,1,0\n", "name two components 'acid'"),
        ("run,a,b,c\nrun0,1,1\nrun1,0,1\nrun2,1,0\n", "has 4 cells, and the others say 0 or 1 of 2 components"),
    ],
)
def test_names_that_do_not_fit_the_columns_are_refused(text, words, tmp_path):
    (tmp_path / "zeros.csv").write_text(text)
    with pytest.raises(ParameterError, match=words):
        MCR(zeros=tmp_path / "zeros.csv").fit(_three_runs())


def test_what_does_not_hold_is_said():
    """Runs that are late are not alike, and a component that is there is not absent."""
    wrong = THERE.copy()
    wrong[0, 0] = 0
    for right, parameters in (
        (True, {"zeros": THERE}), (True, {"n_components": 3, "trilinear": True}), (True, {"zeros": THERE, "unimodal": True}),
        (False, {"zeros": wrong}),
    ):  # fmt: skip
        said = MCR(**parameters).fit(_three_runs()).info_["warnings"]
        assert any("do not keep to" in one for one in said) != right, (parameters, said)
    said = MCR(n_components=3, trilinear=True).fit(_three_runs(late=1.5)).info_["warnings"]
    (one,) = [one for one in said if one.startswith("These spectra do not keep to --trilinear: what is left is")]
    assert one.endswith("Try without it, or runs at the same retention times.")
    with_zeros = MCR(zeros=wrong, unimodal=True).fit(_three_runs()).info_["warnings"]
    (one,) = [one for one in with_zeros if "do not keep to --unimodal and --zeros" in one]
    assert one.endswith("Try without one of them, or fewer zeros.")


def test_runs_of_signed_spectra_may_be_alike_and_lack_components():
    """Derivatives: components are signed, their profiles are not."""
    slope = np.gradient(PURE, axis=1)
    runs = [make_cube(np.gradient(run["spectra"].values, axis=2), AXIS, "nm") for run in _three_runs()]
    model = MCR(zeros=THERE, trilinear=True).fit(runs)
    one, two = (s / np.linalg.norm(s, axis=1, keepdims=True) for s in (model.components_, slope))
    assert ((one * two).sum(1) > 0.99).all()
    assert (model.components_ < 0).any()
    assert np.array_equal(model.state_["profiles"].reshape(3, 30, 3).any(1), THERE == 1)


def test_a_scene_has_no_runs():
    scene = make_cube(np.random.default_rng(0).random((50, 50, 40)), AXIS, "nm")
    with pytest.raises(ParameterError, match="constraints of a table"):
        MCR(n_components=3, kind="scene", zeros=np.ones((1, 3))).fit(scene)


def test_runs_that_are_alike_are_files_of_one_length():
    runs = _three_runs()
    with pytest.raises(ParameterError, match=r"30, 20 spectra\. Try to cut them"):
        MCR(n_components=3, trilinear=True).fit([runs[0], runs[1].isel(y=slice(20))])
    with pytest.raises(ParameterError, match="two runs or more"):
        MCR(n_components=3, trilinear=True).fit(runs[0])
    model = MCR(n_components=3, trilinear=True).fit(runs)
    assert min(_cosines(model)) > 0.999


def test_values_that_are_missing_are_used_where_they_are_not():
    X, amounts = _table()
    holes = np.random.default_rng(1).random(X.shape) < 0.1
    model = MCR(missing="weights").fit(np.where(holes, np.nan, X))
    assert model.n_components_ == 3
    order = matched_spectra(model.components_, PURE)["matching"]
    found = model.transform(np.where(holes, np.nan, X))[:, order] * np.linalg.norm(PURE, axis=1) ** -1
    assert np.abs(found - amounts).max() < 0.05
    with pytest.raises(ValueError, match="infinity"):
        MCR(n_components=3).fit(np.where(holes, np.inf, X))


def test_a_scene_with_dead_entries_is_unmixed_too():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:50, 0:50]
    fields = np.stack([-((y - a) ** 2 + (x - b) ** 2) / 60 for a, b in ((10, 10), (40, 15), (25, 42))], axis=-1)
    shares = np.exp(fields - fields.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    spectra = shares @ PURE + rng.normal(0, 0.005, (50, 50, 40))
    spectra[rng.random(spectra.shape) < 0.002] = np.nan
    spectra[:, 7, 3:6] = np.nan
    spectra[0, 0] = np.nan
    cube = make_cube(spectra, AXIS, "nm")
    model = MCR(n_components=3, missing="weights").fit(cube)
    assert model.info_["kind"] == "scene"
    result = model.transform(cube)
    assert np.isnan(result["abundances"].values).any(-1).sum() == 1
    assert np.isfinite(result["residual"].values).sum() == 2499
    order = matched_spectra(model.components_, PURE)["matching"]
    assert np.nanmean(np.abs(result["abundances"].values[..., order] - shares)) < 0.03
    dropped = MCR(n_components=3, missing="drop").fit(cube).transform(cube)
    assert np.isnan(dropped["abundances"].values).any(-1).sum() > 50
    completed = MCR(n_components=3).fit(cube).transform(cube)
    assert np.isnan(completed["abundances"].values).any(-1).sum() == 1
    order = matched_spectra(completed["component_spectra"].values, PURE)["matching"]
    assert np.nanmean(np.abs(completed["abundances"].values[..., order] - shares)) < 0.03
    model.memory = 2**20
    xr.testing.assert_identical(model.transform(cube.chunk(y=17, x=23)), result)


def test_runs_are_the_files_and_profiles_have_one_maximum_in_each():
    cubes = _runs()
    model = MCR(n_components=3, unimodal=True).fit(cubes)
    assert model.state_["runs"].tolist() == [0] * 30 + [1] * 30
    for run in (0, 1):
        assert [n_maxima(p) for p in model.state_["profiles"][model.state_["runs"] == run].T] == [1, 1, 1]
    assert min(_cosines(model)) > 0.99
    results = model.transform(cubes)
    assert [r.sizes["y"] for r in results] == [30, 30]


def test_junk_is_named():
    X, _ = _table()
    X[[5, 30]] = np.random.default_rng(3).random((2, 40)) * 2
    with pytest.warns(UserWarning, match="2 of 40 spectra lie far from all mixtures and did not count: 5, 30"):
        model = MCR(n_components=3, robust=True).fit(X)
    assert model.info_["junk"] == [5, 30]
    assert min(_cosines(model)) > 0.995


def test_a_pedestal_is_taken_off_and_given_back():
    X, amounts = _table()
    model = MCR(n_components=3, pedestal=True, closure=True).fit(X + 2)
    assert model.info_["pedestal"] == pytest.approx(2.06, abs=0.05)
    assert min(_cosines(model)) > 0.98
    assert min(_cosines(MCR(n_components=3, closure=True).fit(X + 2))) < 0.9
    order = matched_spectra(model.components_, PURE)["matching"]
    assert np.abs(model.transform(X + 2)[:, order] - amounts).mean() < 0.05


def test_known_spectra_come_from_a_run_or_a_file(tmp_path):
    X, _ = _table()
    np.save(tmp_path / "pure.npy", PURE[:2])
    model = MCR(n_components=3, known=str(tmp_path / "pure.npy")).fit(X)
    assert np.array_equal(model.components_[:2], PURE[:2])
    cube = make_cube(X[:, None], AXIS, "nm")
    from spaxel.workflow.runs import segment

    stored = tmp_path / "table.csv"
    np.savetxt(stored, np.vstack([AXIS, X]), delimiter=",", fmt="%.17g")
    options = {"units": "nm", "header": True, "orientation": "rows"}
    run = segment([stored], tmp_path / "run", method="mcr", parameters={"n_components": "3"}, options=options)
    again = MCR(n_components=3, known=str(run)).fit(cube)
    assert min(matched_spectra(again.components_, MCR(n_components=3).fit(X).components_)["cosine"]) > 1 - 1e-9
    with pytest.raises(CubeError, match="channels"):
        MCR(n_components=3, known=str(run)).fit(make_cube(X[:, None, 1:], AXIS[1:], "nm"))
    with pytest.raises(CubeError, match="axis in nm, the model in index"):
        MCR(n_components=3, known=str(run)).fit(X)


def test_bands_are_drawn_and_what_is_not_unique_is_said():
    rng = np.random.default_rng(0)
    dense = rng.uniform(0.3, 1, (30, 2)) @ (PURE[:2] + 0.3) + 1e-3 * rng.normal(size=(30, 40))
    cube = make_cube(dense[:, None], AXIS, "nm")
    with pytest.warns(UserWarning, match="not unique"):
        model = MCR(n_components=2).fit(cube)
    assert max(model.info_["bands"]["ambiguity"]) > 0.1
    result = model.transform(cube)
    assert (result["component_low"] <= result["component_spectra"] + 1e-9).all()
    assert (result["component_high"] >= result["component_spectra"] - 1e-9).all()
    text = render(result, {"learned": model.info_})
    assert "range of feasible solutions" in text
    assert "Are the components unique?" in text
    model = MCR(n_components=5).fit(_table()[0])
    assert "not computed for more than 4" in model.info_["bands"]["sentence"]
    assert "bands_lower" not in model.state_


def test_pure_samples_are_unique():
    axis = np.arange(60)
    pure = np.exp(-((axis - np.array([[12.0], [30], [48]])) ** 2) / 20)
    rng = np.random.default_rng(0)
    X = np.vstack([np.eye(3), rng.dirichlet(np.ones(3), 30)]) @ pure
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*not unique.*")
        assert max(MCR(n_components=3, closure=True).fit(X).info_["bands"]["ambiguity"]) < 0.05


def test_text_becomes_values():
    given = {"closure": "true", "min_volume": "0.5", "loss": "poisson", "known": "run", "missing": "weights"}
    parsed = parse_parameters(MCR, given)
    assert parsed == {"closure": True, "min_volume": 0.5, "loss": "poisson", "known": "run", "missing": "weights"}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "huber"}, "loss of MCR is 'huber'"),
        ({"min_volume": -1.0}, "min_volume of MCR"),
        ({"kind": "scene", "closure": True}, "Try kind='table'"),
        ({"unimodal": True, "closure": True}, "does not go with"),
        ({"known": np.ones((2, 7))}, "axis of the data"),
        ({"unimodal": True, "n_sample": 10}, "larger n_sample"),
    ],
)
def test_wrong_parameters_are_explained(parameters, message):
    with pytest.raises(ParameterError, match=message):
        MCR(n_components=3, **parameters).fit(_table()[0])


@pytest.mark.real_data
def test_carbs_on_their_pedestal(real):
    stored = np.load(real / "mcr_carbs" / "carbs.npz")
    model = MCR(closure=True, pedestal=True).fit(stored["D"])
    match = matched_spectra(model.components_, stored["S"].T)
    assert model.n_components_ == 3
    assert min(match["cosine"]) > 0.997
    error = model.transform(stored["D"])[:, match["matching"]] - stored["C"]
    assert np.sqrt((error**2).mean()) < 0.005
