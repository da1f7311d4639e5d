"""--lines and --redshift as people give them: at the fit, and later for a run that lies on disk."""

import pytest

from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_json, read_result
from spaxel.synth.ifu.world import ifu
from spaxel.synth.maxrf.world import maxrf


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """A painting of two pigments on disk, and a run of it with the lines that were asked for."""
    from spaxel.cli import main

    folder = tmp_path_factory.mktemp("lines")
    file = write_cube(maxrf(24, 24, channels=380, pigments=["azurite", "vermilion"], seed=1), folder / "painting.zarr")
    main(
        ["segment", "--method=kmeans", str(file), "-o", str(folder / "run"), "--n-clusters", "2", "--lines", "Cu,Hg La"]
    )
    return file, folder / "run"


def names(run):
    result = read_result(run)
    return [str(name) for name in result["line"].values] if "line_maps" in result else []


def test_lines_are_mapped_as_asked_and_shown(painted, cli, tmp_path):
    file, run = painted
    assert names(run) == ["Cu Kα", "Hg Lα"]
    page = (run / "report.html").read_text("utf-8")
    assert "Where are the elements?" in page
    assert cli("report", run, "--lines", "auto")[0] == 0
    assert "Cu Kα" in names(run)
    assert cli("report", run, "--lines", "none")[0] == 0
    assert names(run) == []
    assert "Where are the elements?" not in (run / "report.html").read_text("utf-8")
    moved = file.rename(file.parent / "moved.zarr")
    code, _, err = cli("report", run, "--lines", "Cu")
    assert code == 2
    assert "Try --cube FILE" in err
    assert cli("report", run, "--lines", "Cu", "--cube", moved)[0] == 0
    assert names(run) == ["Cu Kα"]
    assert cli("cut", run, "--name", "0=blue")[0] == 0
    assert names(run) == ["Cu Kα"]
    moved.rename(file)


def test_a_line_that_is_none_is_refused_before_anything_is_fitted(painted, cli, tmp_path):
    for wrong, words in (("Unobtainium", "There is no element"), (",", "names no line")):
        code, _, err = cli("segment", "--method=kmeans", painted[0], "-o", tmp_path / "run", "--lines", wrong)
        assert code == 2
        assert words in err
        assert not (tmp_path / "run").exists()


def test_a_redshift_at_the_fit_or_later_brings_maps_of_gas(cli, tmp_path):
    cube = ifu(16, 16, seed=2, n_regions=8).compute()
    del cube.attrs["redshift"]
    file, run = write_cube(cube, tmp_path / "galaxy.zarr"), tmp_path / "run"
    assert cli("segment", "--method=kmeans", file, "-o", run, "--n-clusters", "3")[0] == 0
    assert names(run) == []
    assert cli("report", run, "--redshift", "0.01")[0] == 0
    assert {"Hα", "[N II] 6583"} <= set(names(run))
    again = tmp_path / "again"
    options = ("--n-clusters", "3", "--redshift", "0.01", "--medium", "air", "--lines", "Ha")
    assert cli("segment", "--method=kmeans", file, "-o", again, *options)[0] == 0
    assert names(again) == ["Hα"]
    assert {"redshift": 0.01, "medium": "air"}.items() <= read_json(again).items()
    assert "Where are the lines?" in (again / "report.html").read_text("utf-8")
