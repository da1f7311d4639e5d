"""convert and export that were killed go on where they stood: the same files, nothing done twice, nothing left over."""

import contextlib
import hashlib
import shutil

import numpy as np
import pytest

import spaxel
from spaxel import exporting
from spaxel.cube import kept
from spaxel.errors import ParameterError
from spaxel.exporting import places
from spaxel.readers import native
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube
from spaxel.workflow import recut, runs

pytestmark = pytest.mark.filterwarnings("ignore:.*no spectral axis")
FORMATS = "csv,netcdf,envi"


@pytest.fixture
def early(monkeypatch):
    """What is finished is kept from the first piece on."""
    for name in ("EARLY", "OFTEN", "SELDOM"):
        monkeypatch.setattr(kept, name, 0)


@pytest.fixture
def scan(tmp_path, monkeypatch):
    """A file of six tiles, and how it is converted."""
    monkeypatch.setattr(native, "LARGE", 64 * 64 * 8 * 5)
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((140, 100, 5)))
    return tmp_path / "a.npy"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two cubes."""
    folder = tmp_path_factory.mktemp("run")
    files = [spaxel.write_cube(tiny_cube(11, 13, seed=seed), folder / f"leaf{seed}.zarr") for seed in range(2)]
    return runs.segment(files, folder / "run", parameters={"n_clusters": 3}, method="kmeans")


def killed(function, where, name, after, folder):
    """Call a function, and have in the folder what a kill leaves before another function is called for the `after`-th time."""
    real, calls, copy = getattr(where, name), [], folder.with_name(f"{folder.name} killed")

    def dying(*arguments, **options):
        calls.append(1)
        if len(calls) == after:
            shutil.copytree(folder, copy)
            raise KeyboardInterrupt
        return real(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(where, name, dying)
        function()
    assert len(calls) == after
    shutil.rmtree(folder)
    copy.rename(folder)


def counted(monkeypatch, where, name):
    real, calls = getattr(where, name), []
    monkeypatch.setattr(where, name, lambda *a, **o: calls.append(1) or real(*a, **o))
    return calls


def held(folder):
    """{file: hash} of all that lies in a folder, hidden or not, but for what holds times."""
    files = {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in files.items()
        if file.name != "export.json"
    }


@pytest.mark.parametrize("after", [1, 2, 4, 6])
def test_a_conversion_goes_on_with_the_tiles_that_are_left(scan, tmp_path, early, monkeypatch, after):
    spaxel.convert(scan, tmp_path / "whole" / "a.zarr", channel_axis=2)
    out = tmp_path / "out" / "a.zarr"
    out.parent.mkdir()
    killed(lambda: spaxel.convert(scan, out, channel_axis=2), native, "write_tile", after, out.parent)
    calls = counted(monkeypatch, native, "write_tile")
    words = pytest.warns(UserWarning, match="nothing to resume from") if after == 1 else contextlib.nullcontext()
    with words:
        spaxel.convert(scan, out, channel_axis=2, resume=True)
    assert len(calls) == 6 - (after - 1)
    assert held(out.parent) == held(tmp_path / "whole")


def test_a_conversion_of_another_file_or_with_other_options_is_refused(scan, tmp_path, early):
    out = tmp_path / "out" / "a.zarr"
    out.parent.mkdir()
    killed(lambda: spaxel.convert(scan, out, channel_axis=2), native, "write_tile", 4, out.parent)
    with pytest.raises(ParameterError, match="another run: options"):
        spaxel.convert(scan, out, channel_axis=2, units="nm", channel=[1, 2, 3, 4, 5], resume=True)
    content = np.load(scan)
    content[0, 0, 0] += 1
    np.save(scan, content)
    with pytest.raises(ParameterError, match="another run: input"):
        spaxel.convert(scan, out, channel_axis=2, resume=True)
    spaxel.convert(scan, out, channel_axis=2)
    assert [path.name for path in out.parent.iterdir()] == ["a.zarr"]
    assert (spaxel.open_cube(out)["spectra"].values == content).all()


def test_a_short_conversion_keeps_nothing(scan, tmp_path):
    out = tmp_path / "out" / "a.zarr"
    out.parent.mkdir()
    killed(lambda: spaxel.convert(scan, out, channel_axis=2), native, "write_tile", 4, out.parent)
    assert not list(out.parent.rglob("key.json"))


def test_a_table_cannot_be_gone_on_with(tmp_path):
    spaxel.write_cube(tiny_cube(9, 1), tmp_path / "a.zarr")
    with pytest.raises(ParameterError, match="is a table, which is written at once"):
        spaxel.convert(tmp_path / "a.zarr", tmp_path / "a.csv", resume=True)


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize(("where", "name", "after", "left"), [(exporting, "_write", 4, 3), (places, "_keep", 1, 0),
                                                              (places, "_move", 5, 0)])  # fmt: skip
def test_an_export_goes_on_with_the_formats_that_are_left(
    run, tmp_path, early, monkeypatch, where, name, after, left, older
):
    if name == "_keep" and not older:
        pytest.skip("nothing is kept of an export that is not there")
    out, whole = tmp_path / "out" / "all", tmp_path / "whole" / "all"
    out.parent.mkdir()
    for place in (out, whole) if older else ():
        spaxel.export(run, place, to="csv,envi", what="labels")
    spaxel.export(run, whole, to=FORMATS, overwrite=True)
    killed(lambda: spaxel.export(run, out, to=FORMATS, overwrite=True), where, name, after, out.parent)
    calls = counted(monkeypatch, exporting, "_write")
    spaxel.export(run, out, to=FORMATS, overwrite=True, resume=True)
    assert len(calls) == left
    assert set(held(out.parent)) == set(held(tmp_path / "whole"))
    same = [file for file in held(out.parent) if not file.endswith(".nc")]  # HDF5 keeps times
    assert all(held(out.parent)[file] == held(tmp_path / "whole")[file] for file in same)


def test_an_export_of_a_run_that_has_changed_is_refused(run, tmp_path, early):
    own, out = tmp_path / "run", tmp_path / "out" / "all"
    shutil.copytree(run, own)
    out.parent.mkdir()
    killed(lambda: spaxel.export(own, out, to=FORMATS), exporting, "_write", 3, out.parent)
    with pytest.raises(ParameterError, match="another run: formats"):
        spaxel.export(own, out, to="csv", resume=True)
    recut.recut(own, 2)
    with pytest.raises(ParameterError, match="another run: content"):
        spaxel.export(own, out, to=FORMATS, resume=True)
    with pytest.raises(ParameterError, match="is one file"):
        spaxel.export(own / "leaf0", tmp_path / "a.nc", resume=True)
    with pytest.raises(ParameterError, match="result in memory cannot be told"):
        spaxel.export(read_result(own / "leaf0"), out, to=FORMATS, resume=True)
