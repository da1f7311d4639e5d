"""A zip with spectra in it: the file that opens is taken, pairs and folders too; limits; nothing is written elsewhere."""

import zipfile

import numpy as np
import pytest

from spaxel.errors import GuessWarning, NotFound, ReadError, SpaxelError
from spaxel.readers import archive, open_cube, readers
from spaxel.readers.native import write_cube
from spaxel.testing import check_reader, tiny_cube

CUBE = tiny_cube(20, 17)
SPECTRA = CUBE["spectra"].values


def zipped(path, folder):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for each in sorted(folder.rglob("*")):
            if each.is_file():
                file.write(each, each.relative_to(folder))
    return path


def envi(folder, name="scan", spectra=SPECTRA):
    folder.mkdir(parents=True, exist_ok=True)
    height, width, channels = spectra.shape
    (folder / f"{name}.hdr").write_text(
        f"ENVI\nsamples = {width}\nlines = {height}\nbands = {channels}\ndata type = 12\ninterleave = bip\nbyte order = 0\n"
        f"wavelength units = nm\nwavelength = {{{', '.join(str(400 + k) for k in range(channels))}}}\n"
    )
    spectra.astype("<u2").tofile(folder / f"{name}.img")
    return folder


def test_a_pair_of_files(tmp_path):
    path = zipped(tmp_path / "a.zip", envi(tmp_path / "files" / "below"))
    cube = open_cube(path)
    np.testing.assert_array_equal(cube["spectra"], SPECTRA)
    assert (cube.attrs["reader"], cube.attrs["source"], cube.attrs["guesses"]) == ("archive", str(path), [])
    assert open_cube(path)["spectra"].chunks is not None


def test_a_folder_of_zarr(tmp_path):
    write_cube(CUBE, tmp_path / "files" / "scan.zarr")
    np.testing.assert_array_equal(open_cube(zipped(tmp_path / "a.zip", tmp_path / "files"))["spectra"], SPECTRA)


def test_the_largest_of_several_aloud(tmp_path):
    envi(tmp_path / "files", "small", SPECTRA[:5])
    envi(tmp_path / "files", "large")
    path = zipped(tmp_path / "a.zip", tmp_path / "files")
    with pytest.warns(GuessWarning, match=r"took large\.hdr, and not small\.hdr. Option dataset decides"):
        assert open_cube(path)["spectra"].shape == SPECTRA.shape
    assert open_cube(path, dataset="small.hdr")["spectra"].shape[0] == 5
    with pytest.raises(NotFound, match=r"It holds: .*small\.hdr"):
        open_cube(path, dataset="other.hdr")


def test_what_does_not_open_says_why(tmp_path):
    envi(tmp_path / "files")
    (tmp_path / "files" / "scan.img").write_bytes(b"short")
    with pytest.raises(ReadError, match=r"nothing opens \(scan\.hdr: .*truncated"):
        open_cube(zipped(tmp_path / "a.zip", tmp_path / "files"))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        file.writestr("letter.pdf", "%PDF")
    with pytest.raises(ReadError, match="no file that a reader knows"):
        open_cube(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "table.xlsx", "w") as file:
        file.writestr("[Content_Types].xml", "<x/>")
    with pytest.raises(ReadError, match="save the table as CSV"):
        open_cube(tmp_path / "table.xlsx")


def test_limits(tmp_path, monkeypatch):
    path = zipped(tmp_path / "a.zip", envi(tmp_path / "files"))
    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(ReadError, match="unpacks at most"):
        open_cube(path)


@pytest.mark.filterwarnings("ignore:outside.csv has no spectral axis")
def test_names_that_lead_outside_stay_inside(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("../../outside.csv", "400,410\n1,2\n3,4\n")
    open_cube(tmp_path / "a.zip", units="nm")
    assert not list(tmp_path.parent.glob("outside.csv"))


@pytest.mark.real_data
def test_a_zip_of_velox(real):
    pytest.importorskip("rsciio")
    with pytest.warns(GuessWarning, match="took Test SI 16x16 215 kx.emd"):
        cube = open_cube(real / "formats" / "velox_emd_version11.zip")
    assert cube["spectra"].shape == (16, 16, 4096)
    assert int(cube["spectra"].sum()) == 42_097  # of all four detectors
    assert cube["channel"].attrs["units"] == "keV"


@pytest.mark.filterwarnings("ignore")
def test_mutants_end_in_an_error_of_ours(tmp_path):
    path, rng = zipped(tmp_path / "a.zip", envi(tmp_path / "files")), np.random.default_rng(0)
    whole = path.read_bytes()
    for number in range(300):
        bad = bytearray(whole)
        bad[rng.integers(len(bad))] = rng.integers(256)
        path.write_bytes(bad[: rng.integers(4, len(bad))] if number % 5 == 0 else bad)
        try:
            open_cube(path)["spectra"].values.sum()
        except SpaxelError:
            continue


def test_promises_of_a_reader(tmp_path):
    check_reader(readers()["archive"], zipped(tmp_path / "a.zip", envi(tmp_path / "files")))
