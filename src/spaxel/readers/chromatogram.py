"""GC-MS and LC-MS: mass spectra along time, from ANDI netCDF (by SciPy) and mzML."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.errors import ReadError
from spaxel.readers.parts.listing import Spectra
from spaxel.readers.parts.masses import Binned, bin_width, in_bins, mass_table, minutes, said_of_bins
from spaxel.readers.parts.mzml import scans
from spaxel.readers.parts.reader import Format, Reader

ANDI = (b"CDF\x01", b"CDF\x02")
NEEDED = ("scan_index", "mass_values", "intensity_values")


def open_chromatogram(
    path: str | Path,
    *,
    bin: float | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The mass spectra of a GC-MS or LC-MS run as a list (scan, 1, m/z) of float64, loaded: for `spaxel unmix`.

    bin     : width in m/z of the bins into which masses are summed; 1 if not given, and said aloud
    channel : axis values, a file with them, or "index"     units : of the axis, m/z if not given
    Names (`sample`) are the times of the scans. Of mzML the scans of level 1 are taken.
    Raises ReadError: truncated, no mass spectra, packed by numpress.
    """
    path = Path(path)
    width = bin_width(bin)
    with path.open("rb") as file:
        runs, times, said = (_andi if file.read(4) in ANDI else _mzml)(path, width)
    table, axis = mass_table(path, runs, width)
    found = Spectra(path, table, axis)
    found.samples, found.notes = minutes(times), said
    found.guesses.append(said_of_bins(path, width))
    found.quantity = "intensity"
    return found.cube(channel, units)


def _andi(path: Path, width: float) -> tuple[list[Binned], np.ndarray, list[str]]:
    """Scans of an ANDI file (ASTM E2077): all peaks in a row, and where each scan begins."""
    from scipy.io import netcdf_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with netcdf_file(str(path), "r", mmap=False) as file:
            if missing := [name for name in NEEDED if name not in file.variables]:
                raise ReadError(f"{path} holds no mass spectra: it has no {', '.join(missing)}.")
            masses, values = (_scaled(file.variables[name]) for name in NEEDED[1:])
            begins = np.array(file.variables["scan_index"][:], np.int64)
            times = file.variables.get("scan_acquisition_time")
            seconds = np.arange(len(begins)) * 60.0 if times is None else np.array(times[:], float)
    ends = np.append(begins[1:], len(masses))
    if len(masses) != len(values) or len(seconds) != len(begins) or not len(begins) or (begins < 0).any():
        raise ReadError(f"{path} is truncated or damaged: {len(masses)} masses, {len(values)} intensities.")
    if (ends < begins).any() or ends.max() > len(masses):
        raise ReadError(f"{path} is damaged: its scans do not follow each other. Try to copy it again.")
    found = [in_bins(masses[a:b], values[a:b], width) for a, b in zip(begins.tolist(), ends.tolist(), strict=True)]
    return found, seconds, []


def _scaled(variable: Any) -> np.ndarray:
    """A variable of netCDF with its scale and offset applied."""
    scale, offset = (
        float(np.ravel(getattr(variable, name, d))[0]) for name, d in (("scale_factor", 1), ("add_offset", 0))
    )
    return np.array(variable[:], np.float64) * scale + offset


def _mzml(path: Path, width: float) -> tuple[list[Binned], np.ndarray, list[str]]:
    """Scans of level 1 of an mzML file, one at a time."""
    found: list[Binned] = []
    seconds: list[float] = []
    left = 0
    for scan in scans(path):
        if scan.level != 1 or not len(scan.masses):
            left += 1
            continue
        found.append(in_bins(scan.masses, scan.intensities, width))
        seconds.append(scan.seconds)
    said = [f"{left} spectra of other levels than 1, or without masses, are left out"] if left else []
    return found, np.array(seconds), said


def _sniff(path: Path, head: bytes) -> bool:
    if head[:4] in ANDI:
        return b"scan_number" in head and b"point_number" in head
    return b"<mzML" in head or (b"<indexedmzML" in head)


reader = Reader(
    "chromatogram",
    "a GC-MS or LC-MS run",
    (".cdf", ".mzml"),
    _sniff,
    open_chromatogram,
    formats=(Format("GC-MS and LC-MS: ANDI netCDF, mzML", ".cdf, .mzML", "no", "m/z, in bins", "-"),),
)
