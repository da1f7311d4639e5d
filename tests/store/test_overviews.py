"""Overviews of large maps: what they hold, that OME-NGFF describes them, that a lost or damaged one is spoken of."""

import json
import shutil

import numpy as np
import pytest
import zarr

from spaxel.cube.smaller import majority
from spaxel.errors import ReadError
from spaxel.methods.registry import apply, method_class
from spaxel.results.cut import cut
from spaxel.store.overviews import KINDS, OVERVIEWS, overview, reduced, steps_of, write_overviews
from spaxel.store.run_folder import RESULT, read_result, write_result
from spaxel.testing import tiny_cube

SHAPE = (70, 45)  # of four to six chunks


def holed():
    cube = tiny_cube(*SHAPE).load()
    spectra = cube["spectra"].values.astype(np.float32)
    spectra[3:9, 2:40] = np.nan
    return cube.assign(spectra=(cube["spectra"].dims, spectra, cube["spectra"].attrs))


@pytest.fixture(scope="module", params=["kmeans", "nmf"])
def written(request, tmp_path_factory, small_is_large):
    folder = tmp_path_factory.mktemp("run")
    cube = holed()
    parameters = {"n_clusters": 3} if request.param == "kmeans" else {"n_components": 3}
    write_result(folder, apply(method_class(request.param)(**parameters).fit(cube), cube))
    return folder


@pytest.fixture
def run(written, tmp_path):
    return shutil.copytree(written, tmp_path / "run")


def names(result):
    return [name for name in KINDS if name in result]


def plainly(result, name, step):
    """The overview of a map, computed from the whole map at once, its planes last."""
    kind, held = KINDS[name], result[name].transpose("y", "x", ...)
    return reduced(kind, held.values, result["labels"].values, [step])[step]


def test_each_overview_is_what_the_whole_map_gives(written):
    result = read_result(written)
    assert len(names(result)) >= 5
    for name in names(result):
        steps = steps_of(SHAPE, KINDS[name])
        assert steps[-1] == 16
        for step in steps:
            found, expected = overview(result[name], step), plainly(result, name, step)
            if result[name].dims[0] != "y":
                found = np.moveaxis(found, 0, -1)
            if found.dtype.kind in "iu":
                expected = np.rint(expected).astype(found.dtype)
            np.testing.assert_array_equal(found.compute(), expected)
        assert overview(result[name], 64) is None


def test_labels_of_an_overview_are_there_below(written):
    result = read_result(written)
    for name in ("labels", "micro_labels", "truth_labels"):
        if name not in result:
            continue
        whole = result[name].values
        for step in (2, 4, 8, 16):
            small = overview(result[name], step).compute()
            for y, x in np.ndindex(small.shape):
                assert small[y, x] in whole[y * step : (y + 1) * step, x * step : (x + 1) * step]


def test_parts_are_nested_in_labels(written):
    result = read_result(written)
    if "micro_labels" in result:
        component = np.append(result["micro_component"].values, -1)
        parts, labels = (overview(result[name], 4).compute() for name in ("micro_labels", "labels"))
        np.testing.assert_array_equal(component[parts], labels)


def test_plain_zarr_reads_them_as_ome_ngff_says(written):
    result = read_result(written)
    for name in names(result):
        group = zarr.open_group(written / OVERVIEWS / name, mode="r")
        ome = group.attrs["ome"]
        assert ome["version"] == "0.5"
        (image,) = ome["multiscales"]
        kinds = [axis["type"] for axis in image["axes"]]
        assert kinds in (["space", "space"], ["channel", "space", "space"])
        assert [axis["name"] for axis in image["axes"]][-2:] == ["y", "x"]
        sides = []
        for dataset in image["datasets"]:
            array = group[dataset["path"]]
            assert list(array.metadata.dimension_names) == [axis["name"] for axis in image["axes"]]
            scale, translation = dataset["coordinateTransformations"]
            assert [scale["type"], translation["type"]] == ["scale", "translation"]
            assert len(scale["scale"]) == len(translation["translation"]) == array.ndim
            step = int(scale["scale"][-1])
            assert array.shape[-2:] == tuple(-(-n // step) for n in SHAPE)
            assert translation["translation"][-1] == (step - 1) / 2  # the centre of the first point
            sides.append(array.shape[-1])
        assert sides == sorted(sides, reverse=True)
        assert ("image-label" in ome) == (array.dtype.kind == "i")


def test_a_changed_map_has_no_old_overview(written):
    result = read_result(written)
    assert overview(result["labels"], 2) is not None
    assert overview(result["labels"] + 1, 2) is None
    assert overview(result["labels"][1:], 2) is None
    assert overview(result["labels"].load(), 2) is None


def test_without_them_a_result_is_the_same(run):
    before = read_result(run).load()
    shutil.rmtree(run / OVERVIEWS)
    assert read_result(run).load().identical(before)
    assert overview(read_result(run)["labels"], 2) is None


def test_a_result_that_is_written_again_has_its_own(run):
    result = read_result(run).load()
    if "micro_labels" in result:
        write_result(run, cut(result, 2))
        again = read_result(run)
        np.testing.assert_array_equal(overview(again["labels"], 4), majority(again["labels"].values, 4))


def test_only_what_changed_is_written_anew(run):
    result = read_result(run).load()
    files = {path: path.stat().st_mtime_ns for path in (run / OVERVIEWS).rglob("*") if path.is_file()}
    changed = result.assign(labels=result["labels"].where(result["labels"] < 1, 0))
    write_overviews(run, changed, ["labels"])
    again = read_result(run)
    np.testing.assert_array_equal(overview(again["labels"], 4), majority(changed["labels"].values, 4))
    after = {path: path.stat().st_mtime_ns for path in (run / OVERVIEWS).rglob("*") if path.is_file()}
    new = {path.relative_to(run / OVERVIEWS).parts[0] for path in after if after[path] != files.get(path)}
    assert new == {"labels", "micro_labels"} & set(names(result))


def test_small_maps_have_none(tmp_path):
    cube = tiny_cube(20, 17)
    write_result(tmp_path, apply(method_class("kmeans")(n_clusters=3).fit(cube), cube))
    assert [path.name for path in tmp_path.iterdir()] == [RESULT]


@pytest.mark.parametrize("what", ["flip", "lose", "path", "shape", "number"])
def test_damage_is_said(run, what):
    place = run / OVERVIEWS / "labels"
    chunk = next(path for path in sorted((place / "2" / "c").rglob("*")) if path.is_file())
    if what == "flip":
        content = bytearray(chunk.read_bytes())
        content[-1] ^= 1
        chunk.write_bytes(bytes(content))
    elif what == "lose":
        chunk.unlink()
    elif what == "path":
        said = (place / "zarr.json").read_text()
        (place / "zarr.json").write_text(said.replace('"path": "2"', '"path": "../../../result.zarr/labels"'))
    elif what == "shape":
        said = json.loads((place / "2" / "zarr.json").read_text())
        (place / "2" / "zarr.json").write_text(json.dumps(said | {"shape": [3, 3]}))
    else:
        array = zarr.open_array(place / "2")
        array[0, 0] = 77
    with pytest.raises(ReadError, match=r"labels.*(damaged|missing)"):
        overview(read_result(run)["labels"], 4).compute()
