"""Tiny valid files of every format that spaxel reads, to be damaged by fuzz.py; many as the tests of readers make them."""

from __future__ import annotations

import gzip
import shutil
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import h5py
import numpy as np
import scipy.io
import tifffile
import zarr

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
H, W, C = 5, 4, 9
CUBE = np.random.default_rng(0).integers(1, 999, (H, W, C)).astype("u2")
BANDS = np.moveaxis(CUBE, 2, 0)
AXIS = 400.0 + 10 * np.arange(C)
Make = Callable[[Path], Path]  # an empty folder -> the path in it that is opened


def of_tests(module: str, name: str) -> Callable:
    """A function of a test module that writes a file."""
    sys.path.insert(0, str(ROOT / "tests" / "readers"))
    try:
        return getattr(import_module(module), name)
    finally:
        sys.path.pop(0)


def written(name: str, module: str, function: str, **options: object) -> Make:
    """The file `name` as a function (path) of a test module writes it."""
    return lambda folder: (of_tests(module, function)(folder / name, **options), folder / name)[1]


def spectrometer(kind: str) -> Make:
    """A file of test_spectrum_files, by its kind there."""

    def make(folder: Path) -> Path:
        name, write = of_tests("test_spectrum_files", "FILES")[kind]
        write(folder / name)
        return folder / name

    return make


def by_rosetta(kind: str) -> Make:
    """A file by a writer of RosettaSciIO, by the name of its format."""
    return lambda folder: of_tests("test_instrument_formats", "write")(kind, folder)[0]


def real(name: str) -> Make:
    """A copy of a real file of ../shared/data; where these are not at hand, the format is left out."""
    return lambda folder: Path(shutil.copyfile(REAL / name, folder / Path(name).name))


def fits(folder: Path, compression: str = "", packed: bool = False) -> Path:
    """An image with three axes, plain, as a compressed image (GZIP_1, RICE_1 …), or the whole file packed by gzip."""
    from astropy.io import fits as library

    path = folder / "a.fits"
    if compression:
        numbers = BANDS.astype("f4") if compression == "HCOMPRESS_1" else BANDS.astype("i2")
        image = library.CompImageHDU(numbers, compression_type=compression, tile_shape=(1, H, W))
        library.HDUList([library.PrimaryHDU(), image]).writeto(path)
    else:
        library.HDUList([library.PrimaryHDU(BANDS), library.ImageHDU(BANDS.astype("f4"), name="STAT")]).writeto(path)
    if packed:
        path = path.rename(folder / "plain.fits")
        (folder / "a.fits.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        return folder / "a.fits.gz"
    return path


def hdf5(folder: Path, **options: object) -> Path:
    """A cube and its axis; options : of create_dataset, as compression."""
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("data", data=CUBE, chunks=(3, 3, C), **options)
        file["wavelength"] = AXIS
        file["wavelength"].attrs["units"] = "nm"
    return folder / "a.h5"


def matlab(folder: Path, packed: bool = True) -> Path:
    """MATLAB 5, compressed as MATLAB itself does."""
    scipy.io.savemat(folder / "a.mat", {"cube": CUBE, "wavelength": AXIS}, do_compression=packed)
    return folder / "a.mat"


def matlab73(folder: Path) -> Path:
    """MATLAB 7.3: HDF5 behind a block of its own."""
    of_tests("test_matlab", "save73")(folder / "a.mat", cube=CUBE, wavelength=AXIS)
    return folder / "a.mat"


def numpy_file(folder: Path, kind: str) -> Path:
    """npy (one array) or npz (compressed)."""
    if kind == "npy":
        np.save(folder / "a.npy", CUBE)
    else:
        np.savez_compressed(folder / "a.npz", cube=CUBE, wavelength=AXIS)
    return folder / f"a.{kind}"


def table(folder: Path, kind: str = "rows") -> Path:
    """Spectra in rows, as a map with positions, or in the long format."""
    lines = [",".join(["x", "y", *(f"{v:g}" for v in AXIS)])]
    lines += [",".join(map(str, [x, y, *CUBE[y, x]])) for y in range(H) for x in range(W)]
    if kind == "rows":
        lines = [",".join(line.split(",")[2:]) for line in lines]
    if kind == "long":
        lines = [f"{x}\t{y}\t{AXIS[k]:g}\t{CUBE[y, x, k]}" for y in range(H) for x in range(W) for k in range(C)]
    path = folder / ("a.txt" if kind == "long" else "a.csv")
    path.write_text("\n".join(lines) + "\n")
    return path


def tiff(folder: Path, kind: str = "") -> Path:
    """A stack of pages (plain or deflated), OME-TIFF."""
    if kind == "ome":
        about = {"axes": "CYX", "Channel": {"Name": [f"{v:g} nm" for v in AXIS]}}
        tifffile.imwrite(folder / "a.ome.tif", BANDS, ome=True, metadata=about, photometric="minisblack")
        return folder / "a.ome.tif"
    tifffile.imwrite(folder / "a.tif", BANDS, photometric="minisblack", compression=kind or None)
    return folder / "a.tif"


def geotiff(folder: Path) -> Path:
    """A GeoTIFF with names of bands."""
    save = of_tests("test_raster", "save")
    return save(folder / "a.tif", CUBE, names=[f"{v:g} nm" for v in AXIS], compress="deflate")


def bands(folder: Path) -> Path:
    """A folder of pictures, one for each band."""
    for k, value in enumerate(AXIS):
        tifffile.imwrite(folder / f"img_{value:g}nm.tif", BANDS[k], compression="zlib")
    return folder


def zarr_folder(folder: Path, version: int, **options: object) -> Path:
    """Other people's Zarr, version 2 or 3."""
    group = zarr.open_group(str(folder / "a.zarr"), mode="w", zarr_format=version)
    group.create_array("data", shape=CUBE.shape, dtype="u2", chunks=(3, 3, C), **options)[:] = CUBE
    group.create_array("wavelength", shape=AXIS.shape, dtype="f8")[:] = AXIS
    return folder / "a.zarr"


def native(folder: Path) -> Path:
    """A cube that spaxel wrote."""
    import spaxel

    return spaxel.write_cube(spaxel.open_cube(CUBE, channel=AXIS, units="nm"), folder / "a.zarr")


def ome_zarr(folder: Path) -> Path:
    """OME-Zarr 0.4 with names of channels."""
    return of_tests("test_ome_zarr", "write")(folder / "a.ome.zarr")


def esri(folder: Path) -> Path:
    """An ESRI header and its numbers."""
    return of_tests("test_esri", "write")(folder)


def zipped(folder: Path) -> Path:
    """A zip that holds an ENVI pair."""
    pair = of_tests("test_archive", "envi")(folder / "files", spectra=CUBE)
    path = of_tests("test_archive", "zipped")(folder / "a.zip", pair)
    shutil.rmtree(folder / "files")
    return path


def zspy(folder: Path) -> Path:
    """HyperSpy's Zarr, a folder."""
    return of_tests("test_instrument_formats", "zspy")(folder / "a.zspy", data=CUBE)


FORMATS: dict[str, Make] = {
    "FITS": fits,
    "FITS with tables": written("a.fits", "test_mutants", "fits_table"),
    "FITS, gzip": partial(fits, packed=True),
    **{f"FITS, {kind}": partial(fits, compression=kind) for kind in ("RICE_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1")},
    "HDF5": hdf5,
    "HDF5, gzip": partial(hdf5, compression="gzip", shuffle=True, fletcher32=True),
    "HDF5, lzf": partial(hdf5, compression="lzf"),
    "NeXus": written("a.nxs", "test_mutants", "nexus"),
    "PRISMA": written("a.he5", "test_mutants", "prisma"),
    "netCDF 4": written("a.nc", "test_mutants", "netcdf"),
    "netCDF 3 (ANDI)": spectrometer("andi"),
    "MATLAB 4": written("a.mat", "test_mutants", "version4"),
    "MATLAB 5": partial(matlab, packed=False),
    "MATLAB 5, compressed": matlab,
    "MATLAB 5, structs": written("a.mat", "test_mutants", "struct5"),
    "MATLAB 7.3": matlab73,
    "npy": partial(numpy_file, kind="npy"),
    "npz": partial(numpy_file, kind="npz"),
    "ENVI": written("a.hdr", "test_mutants", "envi"),
    "ESRI": esri,
    "table of spectra": table,
    "table, a map": partial(table, kind="map"),
    "table, long": partial(table, kind="long"),
    "TIFF": tiff,
    "TIFF, deflate": partial(tiff, kind="zlib"),
    "TIFF, lzw": partial(tiff, kind="lzw"),
    "OME-TIFF": partial(tiff, kind="ome"),
    "GeoTIFF": geotiff,
    "folder of bands": bands,
    "Zarr 2": partial(zarr_folder, version=2),
    "Zarr 3": partial(zarr_folder, version=3),
    "Zarr 3, shards": partial(zarr_folder, version=3, shards=(6, 6, C)),
    "Zarr of spaxel": native,
    "OME-Zarr": ome_zarr,
    "zip": zipped,
    "SPC": spectrometer("spc"),
    "SPC, masses": spectrometer("spc masses"),
    "OMNIC": spectrometer("omnic"),
    "ASD": spectrometer("asd"),
    "Perkin Elmer": spectrometer("perkin"),
    "OPUS": spectrometer("opus"),
    "OPUS, a series": spectrometer("opus series"),
    "JCAMP-DX": spectrometer("jcamp"),
    "JCAMP-DX, linked": spectrometer("jcamp link"),
    "mzML": spectrometer("mzml"),
    "imzML": spectrometer("imzml"),
    "imzML, processed": spectrometer("imzml processed"),
    "Panta Rhei": written("a.prz", "test_instrument_formats", "prz"),
    "Ripple": by_rosetta("Ripple"),
    "Digital Surf": by_rosetta("DigitalSurf"),
    "EMSA": by_rosetta("MSA"),
    "Semper": by_rosetta("Semper"),
    "EMD": by_rosetta("EMD"),
    "HyperSpy": by_rosetta("HSPY"),
    "HyperSpy Zarr": zspy,
    "Bruker bcf": real("eds_bruker/test_TEM.bcf"),
    "Renishaw wdf": real("formats/renishaw_test_map.wdf"),
    "DigitalMicrograph": real("formats/EELS_SI.dm4"),
    "Delmic": real("formats/sparc-hyperspectral.h5"),
    "JobinYvon": real("formats/jobinyvon_test_map_x3-y2.xml"),
    "TriVista": real("formats/map.tvf"),
    "Phenom": real("formats/Elid2Version4.elid"),
}


def make(name: str, folder: Path) -> Path | None:
    """The valid file of a format in an empty folder; None for a real one that is not at hand."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return FORMATS[name](folder)
    except FileNotFoundError as error:
        if str(REAL) in str(error):
            return None
        raise
