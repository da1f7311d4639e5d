"""A series of small cubes is mapped several at a time: the same runs, and what one cube has to say is said."""

import json
import pickle
import warnings
from types import SimpleNamespace

import cloudpickle
import pytest
import xarray as xr

from spaxel.cube.executing import executing
from spaxel.cube.workers import Workers
from spaxel.errors import CubeError, LostWarning
from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_json, read_result
from spaxel.testing import tiny_cube
from spaxel.workflow import fanning
from spaxel.workflow.runs import segment

NAMES = ("leaf0", "leaf1", "leaf2")


class Apart(Workers):
    """Everything travels as bytes, as to other processes; the last comes first."""

    n, sharing, apart = 3, 1, True

    def each(self, function, items):
        """Answers."""
        sent = cloudpickle.dumps(function)
        for item in reversed(list(items)):
            yield item, pickle.loads(pickle.dumps(pickle.loads(sent)(pickle.loads(cloudpickle.dumps(item)))))


@pytest.fixture(autouse=True)
def no_pages(monkeypatch):
    """Nothing here looks at pages, which take most of the time."""
    monkeypatch.setattr("spaxel.workflow.runs.reporting", SimpleNamespace(report=lambda folder: folder))


@pytest.fixture(scope="module")
def leaves(tmp_path_factory):
    """Three cubes, a third of one without data."""
    folder, paths = tmp_path_factory.mktemp("leaves"), []
    for seed, name in enumerate(NAMES):
        cube = tiny_cube(11, 13, seed=seed).load()
        spectra = cube["spectra"].values.copy()
        spectra[:4] = spectra[:4] if seed else 0
        paths.append(write_cube(cube.assign(spectra=(cube["spectra"].dims, spectra)), folder / f"{name}.zarr"))
    return paths


@pytest.mark.filterwarnings("always::UserWarning")
def test_the_same_series_whoever_computes(leaves, tmp_path):
    lost = {}
    for name, workers in (("alone", "synchronous"), ("threads", "threads"), ("apart", Apart())):
        with executing(workers, 3 if name == "threads" else None), pytest.warns(LostWarning) as caught:
            segment(leaves, tmp_path / name, parameters={"n_clusters": 3}, method="kmeans")
        lost[name] = sorted({str(one.message) for one in caught if issubclass(one.category, LostWarning)})
    assert lost["alone"]
    assert lost["alone"] == lost["threads"] == lost["apart"]
    for name in ("threads", "apart"):
        for leaf in NAMES:
            one, other = (read_result(tmp_path / run / leaf).load() for run in ("alone", name))
            xr.testing.assert_identical(one, other)
            assert (
                read_json(tmp_path / name / leaf)["input"]["sha256"]
                == read_json(tmp_path / "alone" / leaf)["input"]["sha256"]
            )
        assert (tmp_path / name / "shares.csv").read_bytes() == (tmp_path / "alone" / "shares.csv").read_bytes()


def test_one_stage_is_told_for_each_cube_and_the_memory_is_that_of_the_model(leaves, tmp_path, monkeypatch):
    asked, small = [], fanning.small
    monkeypatch.setattr(
        "spaxel.workflow.runs.small", lambda files, memory: (asked.append(memory), small(files, memory))[1]
    )
    for name, memory in (("one", str(2**26)), ("two", str(2**22))):
        with executing("threads", 2), warnings.catch_warnings():
            warnings.simplefilter("ignore", LostWarning)
            segment(leaves, tmp_path / name, parameters={"n_clusters": 3, "memory": memory}, method="kmeans")
        lines = [json.loads(line) for line in (tmp_path / name / "history.jsonl").read_text().splitlines()]
        assert [line.get("stage") for line in lines].count("predict") == len(leaves)
        assert asked.pop() == int(memory)


def test_an_error_names_its_file(leaves, tmp_path, monkeypatch):
    def fail(model, cube):
        raise CubeError("No such luck.")

    monkeypatch.setattr(fanning, "apply", fail)
    with pytest.raises(CubeError, match=r"leaf\d.zarr: No such luck."), executing("threads", 2):
        segment(leaves, tmp_path / "run", parameters={"n_clusters": 3}, method="kmeans")
    assert list(tmp_path.iterdir()) == []


def test_large_cubes_are_not_mapped_whole(leaves, monkeypatch):
    class File:
        def __init__(self, side):
            self.cube = tiny_cube(side, 2)

    files = [("a", File(2)), ("b", File(3)), ("c", File(50))]
    with executing("threads", 2):
        assert [name for name, _ in fanning.small(files, None)] == ["a", "b", "c"]
        monkeypatch.setattr(fanning, "MOST_PIXELS", 20)
        assert [name for name, _ in fanning.small(files, None)] == ["a", "b"]
        assert fanning.small(files, 200) == []
        assert fanning.small(files[1:], None) == []
    with executing("synchronous"):
        assert fanning.small(files, None) == []
