"""Peak memory and time of `spaxel info` on 2 GiB in each format that is read lazily: the command in a process of its own.

    python benchmarks/info_memory.py [FORMAT ...]

The files are sparse (they take little room on the disk), lie in a temporary folder, and are removed. Their first
16 MiB are noise.
Bar: below 600 MiB and 3 seconds of the processor.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np

from common import head, log, table, write_json, write_page

MIB = 2**20
MOST_MIB, MOST_SECONDS = 600, 3.0
SHAPE = (1024, 1024, 1024)  # lines, samples, bands; uint16
NOISE = np.random.default_rng(0).integers(1, 4000, 8 * MIB, dtype="<u2")
SIZES = f"{SHAPE[0]} {SHAPE[1]} {SHAPE[2]}".split()


def raw(path: Path, start: bytes = b"") -> Path:
    """A file of 2 GiB behind some bytes: noise, then a hole."""
    with path.open("wb") as file:
        file.write(start)
        file.write(NOISE.tobytes())
        file.truncate(len(start) + 2 * int(np.prod(SHAPE)))
    return path


def npy(folder: Path) -> Path:
    """NumPy, with its header."""
    text = f"{{'descr': '<u2', 'fortran_order': False, 'shape': {SHAPE}, }}".ljust(117) + "\n"
    return raw(folder / "a.npy", b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode())


def envi(folder: Path) -> Path:
    """ENVI, band by line."""
    raw(folder / "a.img")
    sizes = f"lines = {SIZES[0]}\nsamples = {SIZES[1]}\nbands = {SIZES[2]}\n"
    (folder / "a.hdr").write_text(f"ENVI\n{sizes}data type = 12\ninterleave = bil\nbyte order = 0\n")
    return folder / "a.hdr"


def esri(folder: Path) -> Path:
    """ESRI, band by line."""
    raw(folder / "a.bil")
    sizes = f"NROWS {SIZES[0]}\nNCOLS {SIZES[1]}\nNBANDS {SIZES[2]}\n"
    (folder / "a.hdr").write_text(f"{sizes}NBITS 16\nLAYOUT BIL\nBYTEORDER I\n")
    return folder / "a.bil"


def fits(folder: Path) -> Path:
    """FITS, wavelength first, as it is kept by custom."""
    sizes = [f"NAXIS{k + 1}  = {n:>20}" for k, n in enumerate((SHAPE[1], SHAPE[0], SHAPE[2]))]
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                   16",
        "NAXIS   =                    3",
        *sizes,
        "END",
    ]
    path = raw(folder / "a.fits", "".join(card.ljust(80) for card in cards).ljust(2880).encode())
    os.truncate(path, -(-path.stat().st_size // 2880) * 2880)
    return path


def hdf5(folder: Path) -> Path:
    """HDF5 in one piece. Storage is given early, so that the file is whole."""
    with h5py.File(folder / "a.h5", "w") as file:
        space = h5py.h5s.create_simple(SHAPE)
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        made = h5py.h5d.create(file.id, b"cube", h5py.h5t.STD_U16LE, space, plan)
        h5py.Dataset(made)[:8] = NOISE.reshape(8, SHAPE[1], SHAPE[2])
    return folder / "a.h5"


def hdf5_packed(folder: Path) -> Path:
    """HDF5 in packed chunks, most of which were never written."""
    with h5py.File(folder / "a.h5", "w") as file:
        cube = file.create_dataset("cube", SHAPE, "u2", chunks=(64, 64, 64), compression="gzip")
        cube[:8] = NOISE.reshape(8, SHAPE[1], SHAPE[2])
    return folder / "a.h5"


def netcdf(folder: Path) -> Path:
    """netCDF as EMIT lays it out: flags, coordinates, and bands last."""
    path = hdf5_packed(folder).rename(folder / "a.nc")
    with h5py.File(path, "a") as file:
        file.move("cube", "reflectance")
        file["sensor_band_parameters/wavelengths"] = np.linspace(380, 2500, SHAPE[2])
        file["sensor_band_parameters/good_wavelengths"] = np.ones(SHAPE[2], "u1")
        file["location/lon"] = np.zeros(SHAPE[:2])
    return path


def matlab(folder: Path) -> Path:
    """MATLAB 7.3."""
    path = folder / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        cube = file.create_dataset("cube", SHAPE[::-1], "u2", chunks=(64, 64, 64), compression="gzip")
        cube[:8] = NOISE.reshape(8, SHAPE[1], SHAPE[2])
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    return path


def tiff(folder: Path) -> Path:
    """TIFF of 1024 pages, as tifffile writes an array without a word about its axes."""
    import tifffile

    path = folder / "a.tif"
    pages = tifffile.memmap(path, shape=SHAPE, dtype="<u2", photometric="minisblack", bigtiff=True)
    pages[:8] = NOISE.reshape(8, SHAPE[1], SHAPE[2])
    pages.flush()
    return path


def zarr(folder: Path) -> Path:
    """Zarr of another program, most chunks of which are missing."""
    import zarr as library

    made = library.open_array(str(folder / "a.zarr"), mode="w", shape=SHAPE, chunks=(64, 64, 64), dtype="u2")
    made[:8] = NOISE.reshape(8, SHAPE[1], SHAPE[2])
    return folder / "a.zarr"


FORMATS: dict[str, Callable[[Path], Path]] = {
    "npy": npy, "ENVI": envi, "ESRI": esri, "FITS": fits, "HDF5": hdf5, "HDF5 packed": hdf5_packed, "netCDF": netcdf,
    "MATLAB 7.3": matlab, "TIFF": tiff, "Zarr": zarr,
}  # fmt: skip


LAST = ("npy", "HDF5", "HDF5 packed", "MATLAB 7.3", "Zarr")  # whose numbers, mostly zeros, would mislead a look at them


def measured(*arguments: str) -> tuple[float, float]:
    """Peak MiB and seconds of the processor of a command of spaxel. Raises CalledProcessError."""
    command = [str(Path(sys.executable).parent / "spaxel"), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaint = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=complaint)
    return used.ru_maxrss * 1024 / MIB, used.ru_utime + used.ru_stime


def main() -> None:
    """Measure, print and keep the table."""
    rows = []
    for name in sys.argv[1:] or FORMATS:
        with TemporaryDirectory() as folder:
            options = ("--channel-axis", "2") if name in LAST else ()
            peak, seconds = measured("info", str(FORMATS[name](Path(folder))), *options)
        kept = "kept" if peak < MOST_MIB and seconds < MOST_SECONDS else "MISSED"
        log(f"{name}: {peak:.0f} MiB, {seconds:.1f} s, {kept}")
        rows.append([name, f"{peak:.0f}", f"{seconds:.1f}", kept])
    if not sys.argv[1:]:
        about = head()
        words = f"`spaxel info` on 2 GiB, {' x '.join(SIZES)} uint16. Bar: {MOST_MIB} MiB, {MOST_SECONDS:g} seconds."
        write_json("info_memory", about, rows=rows)
        write_page(
            "info_memory", "Memory of info", about, [words, table(["format", "peak, MiB", "seconds", "bar"], rows)]
        )


if __name__ == "__main__":
    main()
