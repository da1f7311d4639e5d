"""Results leave for other programs: netCDF takes their attributes, and gives them back."""

import json
import warnings

import numpy as np
import pytest
import xarray as xr

import spaxel
from spaxel.figures.evidence import votes
from spaxel.results.convention import check_result, make_result, sentences, shares
from spaxel.store.run_folder import read_result, write_result
from spaxel.testing import tiny_cube


@pytest.fixture(scope="module")
def results():
    cube = tiny_cube(20, 17).pipe(spaxel.crop, 1, 5).assign_attrs(transform=[1.0, 0, 0, 0, -1, 0], redshift=0.1)
    segmented = spaxel.KMeans(n_clusters="auto").fit(cube).predict(cube)
    unmixed = spaxel.MCR(n_components=3).fit(cube).transform(cube)
    return {
        "segmented": segmented,
        "cut": spaxel.cut(segmented, 3, merge=[(0, 1)], names={0: "lesion"}),
        "named": spaxel.cut(unmixed, names={1: "water"}),
        "unmixed": unmixed,
    }


KINDS = ["segmented", "cut", "unmixed", "named"]
pytestmark = pytest.mark.filterwarnings("ignore:.*(samples are explained|components are not unique|spikes):UserWarning")


def owners(result):
    return [result, *(result[name] for name in sorted(map(str, result.variables)))]


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_are_such_as_netcdf_holds(results, kind):
    for owner in owners(results[kind]):
        for name, value in owner.attrs.items():
            within = value if isinstance(value, list) else [value]
            assert all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in within), (
                name,
                value,
            )


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(results, kind, tmp_path):
    pytest.importorskip("h5netcdf")
    result = results[kind]
    result.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as held:
        again = check_result(held.load())
    for name in result.variables:
        np.testing.assert_array_equal(again[name].values, result[name].values)
        assert again[name].dtype.kind == result[name].dtype.kind
    for before, after in zip(owners(result), owners(again), strict=True):
        for name, value in before.attrs.items():
            same = sentences(before.attrs, name) == sentences(after.attrs, name) if isinstance(value, list) else None
            assert same or np.array_equal(after.attrs[name], value), name
    if kind == "segmented":
        xr.testing.assert_equal(spaxel.cut(again, 3)["labels"], spaxel.cut(result, 3)["labels"])
    if kind == "cut":
        assert spaxel.cut(again, names={1: "leaf"}).attrs["by_hand"][:3] == result.attrs["by_hand"]


def test_what_is_json_can_be_had_back(results):
    assert json.loads(results["segmented"].attrs["steps"])[0]["name"] == "crop"
    found = votes(results["segmented"])
    assert set(found) == set(results["segmented"]["criterion"].values)
    old = results["segmented"].copy()
    old["evidence"].attrs = {"votes": found}  # as runs of before hold it
    assert votes(old) == found


def test_nothing_and_nested_lists_are_text_too():
    cube = tiny_cube().assign_attrs(crs=None, transform=[[1.0, 0], [0, 1]])
    attrs = make_result(cube, labels=np.zeros((13, 7), np.int32)).attrs
    assert (attrs["crs"], attrs["transform"]) == ("null", "[[1.0, 0], [0, 1]]")


def test_sentences():
    assert sentences({"a": "One."}, "a") == ["One."]
    assert sentences({"a": np.array(["One.", "Two."])}, "a") == ["One.", "Two."]
    assert sentences({"a": ["One."]}, "a") == ["One."]
    assert sentences({}, "a") == []


@pytest.mark.parametrize("kind", KINDS)
def test_xarray_opens_the_result_of_a_run_without_a_warning(results, kind, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_result(tmp_path, results[kind])
        plain = xr.open_zarr(tmp_path / "result.zarr").load()
    xr.testing.assert_equal(plain["labels"], results[kind]["labels"])
    xr.testing.assert_identical(read_result(tmp_path).load(), results[kind])


def test_a_background_is_no_part_of_the_shares():
    labels = np.array([[0, 0, 1], [2, -1, 0]], np.int32)
    result = xr.Dataset({"labels": (("y", "x"), labels), "component_size": ("component", [3, 1, 1])})
    assert shares(result) == pytest.approx([0.6, 0.2, 0.2])
    assert shares(result.drop_vars("component_size")) == pytest.approx([0.6, 0.2, 0.2])
    marked = result.assign(component_background=("component", [True, False, False]))
    assert shares(marked) == pytest.approx([np.nan, 0.5, 0.5], nan_ok=True)
    nothing = result.assign(component_background=("component", [True] * 3))
    assert np.isnan(shares(nothing)).all()


def test_the_share_of_an_abundance_is_its_mean_part_of_what_a_pixel_holds():
    amounts = np.array([[[2.0, 0.0], [1.0, 3.0], [np.nan, np.nan]]])
    result = xr.Dataset(
        {"labels": (("y", "x"), np.array([[0, 1, -1]])), "abundances": (("y", "x", "component"), amounts)}
    )
    assert shares(result) == pytest.approx([(1 + 0.25) / 2, (0 + 0.75) / 2])
