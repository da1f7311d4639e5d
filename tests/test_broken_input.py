"""Broken and odd files through `spaxel segment`: exit 2 with one clear line and nothing on the disk, or it works."""

import io
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile

from spaxel.readers.native import write_cube
from spaxel.store.run_folder import read_result
from spaxel.testing import tiny_cube

CUBE = tiny_cube(20, 17)
SPECTRA = CUBE["spectra"].values
HEADER = (
    "ENVI\nsamples = {}\nlines = {}\nbands = {}\nheader offset = 0\ndata type = 12\ninterleave = bip\nbyte order = 0\n"
)


def write_mat(path):
    scipy.io.savemat(path, {"cube": SPECTRA})


def write_mat_compressed(path):
    scipy.io.savemat(path, {"cube": SPECTRA}, do_compression=True)


def write_mat73(path):
    with h5py.File(path, "w", userblock_size=512) as file:
        file["cube"] = SPECTRA.T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def write_h5(path):
    with h5py.File(path, "w") as file:
        file["data/cube"] = SPECTRA


def write_h5_compressed(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("cube", data=SPECTRA, chunks=(10, 10, 11), compression="gzip")


def write_fits(path):
    fits = pytest.importorskip("astropy.io.fits")
    fits.PrimaryHDU(np.moveaxis(SPECTRA, -1, 0).astype("i4")).writeto(path)


def write_envi(path):
    path.with_suffix(".hdr").write_text(HEADER.format(17, 20, 11))
    path.write_bytes(SPECTRA.tobytes())


def write_tiff_tiled(path):
    tifffile.imwrite(path, np.moveaxis(SPECTRA, -1, 0), tile=(16, 16), compression="zlib")


FORMATS = {
    "v5.mat": write_mat,
    "compressed.mat": write_mat_compressed,
    "v73.mat": write_mat73,
    "a.npy": lambda path: np.save(path, SPECTRA),
    "a.npz": lambda path: np.savez(path, spectra=SPECTRA),
    "compressed.npz": lambda path: np.savez_compressed(path, spectra=SPECTRA),
    "a.h5": write_h5,
    "compressed.h5": write_h5_compressed,
    "a.img": write_envi,
    "a.fits": write_fits,
    "a.tif": lambda path: tifffile.imwrite(path, np.moveaxis(SPECTRA, -1, 0)),
    "tiled.tif": write_tiff_tiled,
}


@pytest.fixture
def refused(cli, tmp_path):
    """Segment a file that cannot be: checks exit code, message and disk, and gives the last line of stderr."""

    def check(path, *options):
        code, out, err = cli("segment", path, "-o", tmp_path / "new" / "run", "--n-clusters", 2, *options)
        *guesses, message = err.splitlines()
        assert (code, out) == (2, "")
        assert message.startswith("spaxel: ")
        assert Path(path).stem in message
        assert all("decides" in line for line in guesses)
        assert "Traceback" not in err
        assert not (tmp_path / "new").exists()
        assert not [found for found in tmp_path.rglob("*") if "partial" in found.name]
        return message

    return check


@pytest.fixture
def segmented(cli, tmp_path):
    """Segment a file that must work: the labels."""

    def check(path, *options):
        code, out, err = cli("segment", path, "-o", tmp_path / "run", "--n-clusters", 3, *options)
        assert code == 0, err
        assert "report: " in out
        return read_result(tmp_path / "run")["labels"].values

    return check


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
@pytest.mark.parametrize("name", FORMATS)
def test_truncated(refused, tmp_path, name, share):
    FORMATS[name](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])
    message = refused(tmp_path / name)
    assert re.search("truncated|cannot be read|complete", message)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name",
    ["eds_bruker/bcf_v2_50x50px.bcf", "eds_bruker/test_TEM.bcf", "raman_renishaw/renishaw_test_streamline.wdf",
     "muse_dryrun/CUBE.fits", "samson/Samson.mat"],
)  # fmt: skip
def test_truncated_real_files(refused, real, tmp_path, name):
    whole = (real / name).read_bytes()
    path = tmp_path / Path(name).name
    path.write_bytes(whole[: len(whole) // 2])
    refused(path)


@pytest.mark.parametrize("name", ["compressed.mat", "compressed.npz", "compressed.h5", "tiled.tif"])
def test_damaged_in_the_middle(refused, tmp_path, name):
    FORMATS[name](tmp_path / name)
    damaged = bytearray((tmp_path / name).read_bytes())
    middle = len(damaged) * 6 // 10
    damaged[middle : middle + 200] = bytes(200)
    (tmp_path / name).write_bytes(damaged)
    refused(tmp_path / name)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("spectra/c/0/0/0", None), ("channel/c/0", None), ("spectra/zarr.json", None), ("truth_labels/c/0/0", None),
        ("spectra/c/0/0/0", b""), ("spectra/c/0/0/0", b"short"), ("channel/c/0", b"xx"), ("truth_labels/c/0/0", b"xx"),
        ("zarr.json", b"{"), ("zarr.json", b"[]"), ("spectra/zarr.json", b"{"), ("spectra/zarr.json", b"{}"),
    ],
)  # fmt: skip
def test_damaged_zarr(refused, tmp_path, part, content):
    path = write_cube(CUBE, tmp_path / "a.zarr")
    if content is None:
        (path / part).unlink()
    else:
        (path / part).write_bytes(content)
    refused(path)


def test_csv_cut_in_the_middle_of_a_line(refused, segmented, tmp_path):
    rows = [400 + 10 * np.arange(11), *SPECTRA.reshape(-1, 11)[::6]]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    (tmp_path / "a.csv").write_text(text[: len(text) * 6 // 10])
    message = refused(tmp_path / "a.csv")
    assert re.search(r"line \d+ has \d+ cells, the others have 11", message)
    (tmp_path / "b.csv").write_text(text[: text.rindex("\n")])  # cut between two lines: nothing shows it
    assert segmented(tmp_path / "b.csv").shape == (len(rows) - 2, 1)


def test_what_is_no_cube(refused, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("a letter")
    assert "is a folder" in refused(tmp_path / "folder")
    (tmp_path / "empty.mat").touch()
    assert "is empty (0 bytes)" in refused(tmp_path / "empty.mat")
    (tmp_path / "junk.tif").write_bytes(np.random.default_rng(0).bytes(4000))
    assert "no reader knows" in refused(tmp_path / "junk.tif")
    assert "There is no file" in refused(tmp_path / "missing.npy")


def test_missing_dataset(refused, tmp_path):
    write_h5(tmp_path / "a.h5")
    message = refused(tmp_path / "a.h5", "--dataset", "data/cub")
    assert "no dataset 'data/cub'" in message
    assert "data/cube (20, 17, 11) uint16" in message


@pytest.mark.parametrize(
    ("spectra", "message"),
    [
        (np.full((6, 5, 4), np.nan), "no pixel holds data"),
        (np.zeros((6, 5, 4)), "no pixel holds data"),
        (np.zeros((6, 5, 4), np.uint16), "no pixel holds data"),
        (SPECTRA.astype(complex), "complex128"),
        (np.array([[[1, "a"]]], dtype=object), "Python objects"),
        (np.array([[["a", "b"]]]), "no array that can be spectra"),
        (np.zeros((3, 3), dtype=[("a", "f4")]), "compound"),
        (np.zeros((2, 3, 4, 5)), "no pixel holds data"),
        (np.zeros((0, 3, 4)), "empty"),
        (np.full((6, 5, 4), 3.0), "no information"),
        (SPECTRA * 1e305, "marks for no data"),
        (SPECTRA * 1e-300, "cannot be computed with"),
    ],
)
def test_arrays_that_are_no_spectra(refused, tmp_path, spectra, message):
    np.save(tmp_path / "a.npy", spectra, allow_pickle=True)
    assert message in refused(tmp_path / "a.npy")


@pytest.mark.parametrize("axis", [[1.0, 0, 1, 1, 0], [1.0, 2, np.nan, 4, 5]])
def test_axes_that_order_nothing(cli, refused, tmp_path, axis):
    """A list of the file is left out, aloud, and the channels are numbered; one that the user gives is refused."""
    np.savez(tmp_path / "a.npz", spectra=SPECTRA[:, :, :5], wavelength=np.array(axis))
    code, _, err = cli("info", tmp_path / "a.npz")
    assert code == 0
    assert "its 5 channels are numbered. Option channel decides" in err
    (tmp_path / "axis.txt").write_text(" ".join(map(str, axis)))
    assert "axis holds" in refused(tmp_path / "a.npz", "--channel", "axis.txt")


def test_headers_that_claim_petabytes(refused, tmp_path):
    (tmp_path / "envi.hdr").write_text(HEADER.format(10**9, 10**9, 1000))
    (tmp_path / "envi.img").write_bytes(b"0" * 1000)
    assert "truncated: it has 1000 bytes" in refused(tmp_path / "envi.hdr")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6, 1000)})
    (tmp_path / "a.npy").write_bytes(head.getvalue() + bytes(800))
    assert "truncated" in refused(tmp_path / "a.npy")
    cards = ["SIMPLE  =                    T", "BITPIX  =                  -64", "NAXIS   =                    3"]
    cards += [f"NAXIS{i}  = {n:20d}" for i, n in ((1, 10**6), (2, 10**6), (3, 1000))] + ["END"]
    (tmp_path / "a.fits").write_bytes("".join(c.ljust(80) for c in cards).ljust(2880).encode() + bytes(2880))
    refused(tmp_path / "a.fits")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("cube", shape=(10**5, 10**5, 10**4), chunks=(64, 64, 100), dtype="f8")
    assert "truncated or never written" in refused(tmp_path / "a.h5")


def test_content_decides_and_not_the_suffix(segmented, tmp_path):
    np.save(tmp_path / "a.npy", SPECTRA)
    (tmp_path / "a.npy").rename(tmp_path / "wrong.tif")
    assert segmented(tmp_path / "wrong.tif").shape == (20, 17)
