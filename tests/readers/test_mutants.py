"""300 mutants of each kind of file that names its arrays and axes, bits flipped or the end cut: only our errors."""

from contextlib import suppress

import h5py
import numpy as np
import pytest
import scipy.io

from spaxel import open_cube
from spaxel.errors import SpaxelError

H, W, C = 5, 4, 9
CUBE = np.random.default_rng(0).random((H, W, C)).astype("f4")
AXIS = 400.0 + 10 * np.arange(C)


def nexus(path):
    with h5py.File(path, "w") as file:
        group = file.create_group("entry/scan")
        file.attrs["default"], file["entry"].attrs["default"] = "entry", "scan"
        group.attrs["NX_class"], group.attrs["signal"], group.attrs["axes"] = "NXdata", "data", ["y", "x", "energy"]
        group["data"], group["energy"], group["errors"] = CUBE, AXIS, CUBE
        group["energy"].attrs["axis"] = 3


def prisma(path):
    with h5py.File(path, "w") as file:
        file.attrs["List_Cw_Vnir"], file.attrs["List_Cw_Swir"] = AXIS[::-1], AXIS
        file["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/VNIR_Cube"] = np.moveaxis(CUBE, 2, 1)
        file["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields/SWIR_Cube"] = np.moveaxis(CUBE, 2, 1)


def netcdf(path):
    with h5py.File(path, "w") as file:
        file["reflectance"] = CUBE
        for axis, (name, n) in enumerate((("y", H), ("x", W), ("bands", C))):
            file[name] = np.arange(n)
            file[name].make_scale(name)
            file["reflectance"].dims[axis].attach_scale(file[name])
        file["sensor_band_parameters/wavelengths"], file["sensor_band_parameters/good_wavelengths"] = AXIS, AXIS > 440
        file["reflectance"].attrs["_FillValue"] = np.float32([-9999])


def struct5(path):
    cells = np.empty((2, 2), object)
    cells[...] = "name"
    cells[1, 0] = AXIS
    held = {"data": CUBE[0], "axisscale": cells, "label": {"deep": {"deeper": [1, 2]}}}
    scipy.io.savemat(path, {"X": held, "cube": {"DataCube": CUBE, "Wavelength": AXIS}})


def version4(path):
    scipy.io.savemat(path, {"X": CUBE.reshape(-1, C).astype(float), "wavelength": AXIS}, format="4")


def fits_table(path):
    fits = pytest.importorskip("astropy.io.fits")
    table = fits.BinTableHDU.from_columns([fits.Column("Energy", "D", unit="keV", array=AXIS)], name="ENERGIES")
    wave = fits.ImageHDU(AXIS, name="WAVE")
    fits.HDUList([fits.PrimaryHDU(np.moveaxis(CUBE, 2, 0)), wave, table]).writeto(path)


def envi(path):
    path.with_suffix(".img").write_bytes(np.moveaxis(CUBE, 2, 0).tobytes())
    names = ", ".join(f"Band {k} ({v:g} nm)" for k, v in enumerate(AXIS))
    lists = "; ".join(f"{v:.2f}".replace(".", ",") for v in AXIS)
    path.write_text(
        f"ENVI\nsamples = {W}\nlines = {H}\nbands = {C}\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
        f"band names = {{{names}}}\nWavelengths = {{ {lists} }}\nbbl = {{1, 1, 0, 1, 1, 1, 1, 1, 1}}\n"
    )


KINDS = {
    "a.nxs": nexus, "a.he5": prisma, "a.nc": netcdf, "struct.mat": struct5, "v4.mat": version4, "a.fits": fits_table,
    "a.hdr": envi,
}  # fmt: skip


def mutant(whole, rng, number):
    bad = bytearray(whole)
    if number % 10 == 0:
        return bytes(bad[: rng.integers(1, len(bad))])
    for _ in range(1 + number % 3):
        bad[rng.integers(len(bad))] ^= 1 << rng.integers(8)
    return bytes(bad)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", KINDS)
def test_mutants_raise_only_our_errors(tmp_path, name):
    path, rng = tmp_path / name, np.random.default_rng(7)
    KINDS[name](path)
    assert open_cube(path)["spectra"].size in (CUBE.size, CUBE[0].size)
    whole, opened = path.read_bytes(), 0
    for number in range(300):
        path.write_bytes(mutant(whole, rng, number))
        with suppress(SpaxelError):
            open_cube(path)["spectra"].compute()
            opened += 1
    assert opened < 300
