"""Small targets of an unmixed image: what its components leave of them, and those that become components."""

import csv
import warnings

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.errors import ParameterError
from spaxel.methods.rare.left import left_over
from spaxel.methods.rare.unexplained import targets_beside

SIDE, CHANNELS = 48, 24
PLACE = np.linspace(0, 1, CHANNELS)
BUMP = 0.9 * np.exp(-0.5 * ((PLACE - 0.4) / 0.08) ** 2)


def image(targets=((10, 8, 1), (30, 33, 2)), level=0.02, target=BUMP):
    """Two materials that blend, light that varies, and targets (y, x, height) of a third spectrum: cube, materials."""
    rng = np.random.default_rng(3)
    share = np.clip(np.linspace(-0.5, 1.5, SIDE), 0, 1)[None, :, None]
    pure = np.array([2 + PLACE, 3 - 2 * PLACE])
    light = 1 + 0.2 * np.sin(np.arange(SIDE) / 9)[:, None, None]
    spectra = light * (share * pure[0] + (1 - share) * pure[1]) + rng.normal(0, level, (SIDE, SIDE, CHANNELS))
    for y, x, size in targets:
        spectra[y : y + size, x] += target
    return spaxel.make_cube(spectra), pure


@pytest.fixture(scope="module")
def fitted():
    cube, pure = image()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cube, pure, spaxel.MCR(2, kind="scene", add_rare=True).fit(cube)


def test_what_mixtures_leave_is_the_part_off_them():
    pure = np.eye(3, 5)[:2]
    spectra = np.array([[1, 2, 0, 0, 0], [0, 0, 3, 0, 4], [3, 0, 4, 0, 0], [0, 0, 0, 0, 0], [np.nan] * 5])
    np.testing.assert_allclose(left_over(spectra, pure), [0, 1, 0.8, np.nan, np.nan], atol=1e-12)
    np.testing.assert_allclose(left_over(-spectra[:1], pure), [1])  # an abundance is never negative


def test_targets_that_the_components_leave_become_one_component(fitted):
    cube, _, model = fitted
    assert model.n_components_ == model.info_["n_components"] == 3  # two targets of one material are one
    assert [(one["y"], one["x"]) for one in model.info_["targets"]] in ([(30, 33)], [(31, 33)], [(10, 8)])
    assert "became components of their own: 2 (row" in model.info_["sentence"]
    result = model.transform(cube)
    own = result["abundances"].values[..., 2]
    assert own[10, 8] > 0.5
    assert own[30:32, 33].min() > 0.15  # it lies on the other material
    assert np.median(own) < 0.05


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_shares_of_area_are_those_without_the_target(fitted):
    """The new component is as bright as the others, so that it takes nothing from them where it is not."""
    cube = fitted[0]
    shares = []
    for rare in (False, True):
        found = (
            spaxel.MCR(2, kind="scene", normalise="even", add_rare=rare).fit(cube).transform(cube)["abundances"].values
        )
        shares.append(found / found.sum(2, keepdims=True))
    assert shares[1].shape[2] == 3
    assert np.median(shares[1][..., 2]) < 0.05
    assert np.abs(shares[1][..., :2] - shares[0]).mean() < 0.05


def test_a_bright_mixture_is_no_new_component():
    """It is rare, but the components explain it."""
    cube, pure = image(target=2 * pure_of(0.5))
    found = targets_beside(cube, pure)
    assert len(found.spectra) == 0
    blank = xr.Dataset({"labels": (("y", "x"), np.zeros((SIDE, SIDE), np.int32))}, {"channel": cube["channel"]})
    assert (spaxel.find_rare(cube, blank)["rare_expected"].values <= 1).any()


def pure_of(share):
    return share * (2 + PLACE) + (1 - share) * (3 - 2 * PLACE)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_is_added_where_nothing_is_rare():
    model = spaxel.MCR(2, kind="scene", add_rare=True).fit(image(targets=())[0])
    assert model.n_components_ == 2
    assert "none was added" in model.info_["sentence"]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tables_arrays_and_series_are_refused():
    cube, _ = image(targets=())
    spectra = cube["spectra"].values.reshape(-1, CHANNELS)
    for data in (spectra, [cube, cube]):
        with pytest.raises(ParameterError, match="of one image"):
            spaxel.MCR(2, kind="scene", add_rare=True).fit(data)
    with pytest.raises(ParameterError, match="as a scene"):
        spaxel.MCR(2, kind="table", add_rare=True).fit(cube)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_command_adds_them_and_lists_what_is_left(cli, tmp_path):
    spaxel.write_cube(image()[0], tmp_path / "scene.zarr")
    code, out, _ = cli(
        "unmix", tmp_path / "scene.zarr", "-o", tmp_path / "run", "--n-components", "2", "--kind", "scene", "--rare"
    )
    assert code == 0
    rows = list(csv.DictReader((tmp_path / "run" / "rare.csv").read_text("utf-8").splitlines()))
    assert {(row["y"], row["x"]) for row in rows[:2]} <= {("10", "8"), ("30", "33"), ("31", "33")}
    assert float(rows[0]["left"]) > 0.1
    assert ">left<" in (tmp_path / "run" / "report.html").read_text("utf-8")
    code, out, _ = cli(
        "unmix", tmp_path / "scene.zarr", "-o", tmp_path / "more", "--n-components", "2", "--kind", "scene",
        "--rare", "--add-rare",
    )  # fmt: skip
    assert code == 0
    assert "became components of their own" in out
    again = spaxel.load(tmp_path / "more")
    assert again.n_components_ == 3
    rows = list(csv.DictReader((tmp_path / "more" / "rare.csv").read_text("utf-8").splitlines()))
    assert float(rows[0]["left"]) < 0.1  # the new component explains it
