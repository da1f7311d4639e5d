"""The verb and the function: where files go, what is refused, what an earlier export leaves."""

import sys

import numpy as np
import pytest
import tifffile
from astropy.io import fits

import spaxel
from spaxel.errors import Exists, MissingExtra, ParameterError
from spaxel.results.convention import with_names
from spaxel.store.run_folder import read_result

from .conftest import a_result


def test_every_format_of_a_run_by_the_command(scan_run, tmp_path, cli):
    before = {file: file.stat().st_mtime_ns for file in scan_run.rglob("*")}
    code, out, _ = cli(
        "export", scan_run, "--to", "fits,geotiff,envi", "--to", "hspy,netcdf,tiff,csv,qml", "-o", tmp_path / "out"
    )
    assert code == 0
    assert "labels.tif.aux.xml" in out
    assert {
        file: file.stat().st_mtime_ns for file in scan_run.rglob("*")
    } == before  # a run is not changed by looking at it
    assert not list(tmp_path.glob(".*"))


def test_another_level(scan_run, tmp_path, cli):
    assert cli("export", scan_run, "--level", 2, "-o", tmp_path / "two.fits")[0] == 0
    with fits.open(tmp_path / "two.fits") as hdus:
        np.testing.assert_array_equal(hdus["LABELS"].data, spaxel.cut(read_result(scan_run), 2)["labels"])
    code, _, err = cli("export", scan_run, "--level", 10**6, "-o", tmp_path / "more.fits")
    assert (code, "level" in err) == (2, True)


def test_a_kept_cut(own_run, tmp_path, cli):
    assert cli("cut", own_run, 2, "--name", "0=gold", "--save-as", "gilded")[0] == 0
    assert cli("export", own_run, "--cut", "gilded", "--to", "csv", "-o", tmp_path / "out")[0] == 0
    lines = (tmp_path / "out" / "components.csv").read_text("utf-8").splitlines()
    assert (len(lines), "gold" in lines[1]) == (3, True)
    code, _, err = cli("export", own_run, "--cut", "other", "--to", "csv", "-o", tmp_path / "more")
    assert (code, "gilded" in err) == (2, True)


def test_a_second_export_adds_and_replaces_only_when_told(tmp_path, plain):
    folder = spaxel.export(plain, tmp_path / "out", to="csv")
    (folder / "project.qgz").write_text("of the user")
    spaxel.export(plain, folder, to="netcdf")
    assert {"result.nc", "components.csv", "project.qgz"} <= {file.name for file in folder.iterdir()}
    (folder / "spectra.csv").write_text("old")
    with pytest.raises(Exists, match="exists already"):
        spaxel.export(plain, folder, to="csv")
    assert (folder / "spectra.csv").read_text() == "old"
    spaxel.export(plain, folder, to="csv", overwrite=True)
    assert (folder / "spectra.csv").read_text() != "old"
    assert (folder / "project.qgz").read_text() == "of the user"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("")
    with pytest.raises(Exists, match="not written by spaxel"):
        spaxel.export(plain, tmp_path / "mine", to="csv", overwrite=True)


def test_a_file_with_what_belongs_beside_it(tmp_path, plain):
    spaxel.export(plain, tmp_path / "map.tif")
    assert {file.name for file in tmp_path.iterdir()} == {"map.tif", "map.tif.aux.xml", "map.qml"}
    spaxel.export(plain, tmp_path / "sure.img", what="confidence")
    assert (tmp_path / "sure.hdr").is_file()
    spaxel.export(plain, tmp_path / "j.tif", to="tiff")
    assert (tmp_path / "j.tif").is_file()
    with pytest.raises(Exists, match="overwrite"):
        spaxel.export(plain, tmp_path / "map.tif")
    spaxel.export(plain, tmp_path / "map.tif", overwrite=True)


def test_names_that_steer_and_break(tmp_path):
    """NUL, escapes, markup and what is no Unicode, in names and in what the file says of itself."""
    result = a_result(source="/x/../ev\x1b[31mil\udce9.csv", instrument="a\x00b\n}")
    result = with_names(result, ["\x1b[2J=cmd|x", "}\nclasses = 99", "&<>\"' \u202e"]).assign_attrs(sentence="x}\x00\n")
    folder = spaxel.export(result, tmp_path / "out", to="fits,geotiff,envi,hspy,netcdf,tiff,csv,qml")
    text = "".join((folder / name).read_text("utf-8") for name in ("labels.hdr", "labels.qml", "components.csv"))
    assert not any(letter in text for letter in "\x00\x1b\u202e")
    assert "classes = 4" in text
    assert "classes = 99\n" not in text
    assert all(file.name.isprintable() for file in folder.iterdir())


def test_nothing_but_no_data(tmp_path):
    result = a_result()
    nothing = {"labels": result["labels"] * 0 - 1, "component_size": result["component_size"] * 0}
    nothing |= {name: result[name] * np.nan for name in ("confidence", "component_spectra", "component_spread")}
    folder = spaxel.export(
        result.assign(nothing), tmp_path / "out", to="fits,geotiff,envi,hspy,netcdf,tiff,csv,qml,png"
    )
    with fits.open(folder / "result.fits") as hdus:
        assert np.isnan(hdus["LABELS"].data).all()


def test_a_picture(tmp_path, unmixed):
    from PIL import Image

    folder = spaxel.export(unmixed, tmp_path / "out", to="png,svg")
    with Image.open(folder / "result.png") as picture:
        assert abs(picture.width - 85 / 25.4 * 300) < 2
    assert "<svg" in (folder / "result.svg").read_text("utf-8")


def test_nothing_is_left_of_an_export_that_fails(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("torn cable")

    monkeypatch.setattr("spaxel.exporting.csv_files.write_components", fail)
    for path in (tmp_path / "out", tmp_path / "c.csv"):
        with pytest.raises(OSError, match="torn cable"):
            spaxel.export(a_result(), path, to="csv")
    assert not list(tmp_path.iterdir())


REFUSED = [
    ({"path": "out"}, "No format was named"),
    ({"path": "out", "to": "xls"}, "'xls' is no format"),
    ({"to": "fits"}, "no path"),
    (
        {"path": "out", "to": "csv", "what": "abundances"},
        "has no abundances. It has: labels, confidence, unlike, spectra",
    ),
    ({"path": "out", "to": "csv", "what": "colour"}, "no 'colour' to export"),
    ({"path": "map.tif", "to": "fits"}, "Try map.fits"),
    ({"path": "map.fits.gz", "to": "fits"}, "Try map.fits.fits"),
    ({"path": "map.tif", "to": "fits,geotiff"}, "one file, and fits, geotiff"),
    ({"path": "out", "to": "geotiff", "what": "spectra"}, "geotiff cannot hold spectra"),
    ({"path": "out", "to": "png", "what": "confidence"}, "picture cannot hold confidence"),
    ({"path": "map.tif", "what": "labels,confidence"}, "Try a folder"),
    ({"path": "https://example.org/out", "to": "csv"}, "cannot be written"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[said[:12] for _, said in REFUSED])
def test_what_is_refused_and_why(tmp_path, monkeypatch, plain, options, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=said):
        spaxel.export(plain, **options)
    assert not list(tmp_path.iterdir())


def test_a_list_of_spectra_is_no_map(tmp_path, listed):
    for name in ("geotiff", "tiff", "qml"):
        with pytest.raises(spaxel.SpaxelError, match="a list of 13 spectra and no image"):
            spaxel.export(listed, tmp_path / "out", to=name)
    assert not list(tmp_path.iterdir())
    assert not list(spaxel.export(listed, tmp_path / "out", to="envi").glob("labels*"))


@pytest.mark.parametrize(("library", "extra", "name"), [("astropy.io", "fits", "fits"), ("rasterio", "geo", "geotiff")])
def test_what_is_not_installed_is_named(tmp_path, monkeypatch, plain, library, extra, name):
    for loaded in [library, *(other for other in sys.modules if other.startswith(f"{library}."))]:
        monkeypatch.setitem(sys.modules, loaded, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'spaxel\[{extra}\]'"):
        spaxel.export(plain, tmp_path / "out", to=name)
    assert not list(tmp_path.iterdir())


def test_each_of_several_cubes_gets_a_folder(tmp_path, cli):
    for k, name in enumerate(("a", "b")):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(k).random((7, 13, 5)))
    run = tmp_path / "runs"
    assert (
        cli(
            "segment",
            "--method=kmeans",
            tmp_path / "a.npy",
            tmp_path / "b.npy",
            "-o",
            run,
            "--n-clusters",
            2,
            "--channel-axis",
            2,
        )[0]
        == 0
    )
    assert cli("export", run, "--to", "tiff,csv")[0] == 0
    for name in ("a", "b"):
        assert tifffile.imread(tmp_path / "runs-export" / name / "labels_imagej.tif").shape == (7, 13)
    code, _, err = cli("export", run, "-o", tmp_path / "map.fits")
    assert (code, "2 cubes" in err) == (2, True)
