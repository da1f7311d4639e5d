"""imzML: images of mass spectrometry, an XML file beside one of numbers (.ibd). Headers are read by pyimzML (Apache 2.0)."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.errors import NotFound, ReadError, missing_extra
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.lazy import FOREIGN, lazy_array
from spaxel.readers.parts.listing import Spectra
from spaxel.readers.parts.masses import bin_width, check_bins, in_bins, mass_axis, said_of_bins
from spaxel.readers.parts.reader import Format, Reader

WIDTH = 0.1  # m/z of a bin, if not given: images resolve more than nominal masses
TYPES = {"f": "<f4", "d": "<f8", "i": "<i4", "l": "<i8"}
COMPRESSED = "zlib compression"
MOST_PIXELS = 2**28


class Places(NamedTuple):
    """Where the numbers of each pixel are: (pixel,) offsets and lengths of masses and of intensities; -1: not measured."""

    path: Path
    shape: tuple[int, int]
    row: np.ndarray
    masses: np.ndarray
    n_masses: np.ndarray
    values: np.ndarray
    n_values: np.ndarray
    mass_type: np.dtype
    value_type: np.dtype


def open_imzml(
    path: str | Path,
    *,
    bin: float | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
) -> xr.Dataset:
    """The image of an imzML file, lazily: each tile is read from the .ibd file beside it. The axis is m/z.

    bin     : width in m/z of the bins into which "processed" spectra are summed, which each have masses of their own; 0.1 if
              not given, and said aloud. "Continuous" spectra share their masses and are not binned
    channel : axis values, a file with them, or "index"     units : of the axis, m/z if not given
    Pixels that were not measured are NaN. Raises MissingExtra without pyimzML, NotFound without the .ibd file, ReadError:
    truncated, compressed (which is not read).
    """
    path = Path(path)
    width = bin_width(bin, WIDTH)
    places, continuous, size = _places(path)
    if continuous:
        n = int(places.n_masses[0])
        axis = Axis(_read(places, 0, masses=True), "m/z", f"the masses of {path.name}", "m/z")
        if (places.n_values != n).any():
            raise ReadError(f"{path} is damaged: it is continuous, but its spectra have unequal lengths.")
        source = Pixels(places, 0, n, None)
    else:
        low, high = _range(places)
        check_bins(path, low, high, width)
        first, last = int(np.floor(low / width + 0.5)), int(np.floor(high / width + 0.5))
        axis = mass_axis(path, first, last, width)
        source = Pixels(places, first, last - first + 1, width)
    found = Spectra(path, lazy_array(source, path=places.path, part=f"{path} {width}"), axis)
    found.attrs = {} if size is None else {"pixel_size": size, "pixel_units": "um"}
    if not continuous:
        found.guesses.append(said_of_bins(path, width))
    return found.cube(channel, units)


def _places(path: Path) -> tuple[Places, bool, list[float] | None]:
    """Everything that the header says of the numbers, whether all pixels share their masses, and their size [y, x] in um."""
    try:
        from pyimzml.ImzMLParser import ImzMLParser
    except ImportError as error:
        raise missing_extra(f"Reading {path.name}", "pyimzML", "formats") from error
    numbers = _beside(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of words that its vocabulary lacks
            parsed = ImzMLParser(str(path), parse_lib="ElementTree", ibd_file=None)
    except (*FOREIGN, SyntaxError) as error:  # SyntaxError: what the parsers of XML raise
        raise ReadError(f"{path} is truncated or damaged: {error}. Try to copy it again.") from error
    if COMPRESSED in path.read_text("latin-1"):
        raise ReadError(f"{path} is compressed, which is not read. Try to save it without compression.")
    places, continuous = _checked(path, numbers, parsed)
    size = [parsed.imzmldict.get(f"pixel size {axis}") for axis in "yx"]
    size = [size[1] if value is None else value for value in size]  # one number is that of both
    known = all(isinstance(value, int | float) and 0 < value < 1e9 for value in size)
    return places, continuous, [float(value) for value in size] if known else None


def _checked(path: Path, numbers: Path, parsed: Any) -> tuple[Places, bool]:
    coordinates = np.array(parsed.coordinates, np.int64).reshape(-1, 3)
    kinds = [TYPES.get(str(kind)) for kind in (parsed.mzPrecision, parsed.intensityPrecision)]
    if not len(coordinates) or None in kinds:
        raise ReadError(f"{path} is damaged: it names {len(coordinates)} spectra, and numbers of the types {kinds}.")
    x, y = (coordinates[:, i] - coordinates[:, i].min() for i in (0, 1))
    if len(np.unique(coordinates[:, 2])) > 1:
        raise ReadError(f"{path} holds several planes along z. Try to save each in a file of its own.")
    shape = int(y.max()) + 1, int(x.max()) + 1
    if shape[0] * shape[1] > min(MOST_PIXELS, 10_000 * len(x)):
        raise ReadError(f"{path} is damaged: {len(x)} spectra in an image of {shape[0]} x {shape[1]} pixels.")
    row = np.full(shape[0] * shape[1], -1)
    row[y * shape[1] + x] = np.arange(len(x))
    lists = [np.array(values, np.int64) for values in (parsed.mzOffsets, parsed.mzLengths, parsed.intensityOffsets,
                                                       parsed.intensityLengths)]  # fmt: skip
    mass_type, value_type = (np.dtype(kind) for kind in kinds if kind)
    size = numbers.stat().st_size
    if len({len(values) for values in lists} | {len(x)}) > 1 or not lists[1].any():
        raise ReadError(f"{path} is damaged: its spectra are not complete. Try to copy it again.")
    for offset, n, kind in ((lists[0], lists[1], mass_type), (lists[2], lists[3], value_type)):
        if (offset < 0).any() or (n < 0).any() or (n > size).any() or (offset > size - n * kind.itemsize).any():
            raise ReadError(
                f"{numbers} is truncated, or does not belong to {path.name}: it has {size} bytes. Try to copy it again."
            )
    masses, n_masses, values, n_values = lists
    places = Places(numbers, shape, row, masses, n_masses, values, n_values, mass_type, value_type)
    return places, len(np.unique(masses)) == 1 and len(np.unique(n_masses)) == 1


def _beside(path: Path) -> Path:
    """The file of numbers. Raises NotFound."""
    for name in sorted(os.listdir(path.parent)):
        if name.lower().endswith(".ibd") and Path(name).stem.lower() == path.stem.lower():
            return path.with_name(name)
    raise NotFound(f"{path} has no file {path.stem}.ibd beside it, which holds the numbers. Try to copy it there.")


def _read(places: Places, at: int, *, masses: bool) -> np.ndarray:
    """The masses or intensities of a spectrum, as float64."""
    offset, n = (places.masses, places.n_masses) if masses else (places.values, places.n_values)
    kind = places.mass_type if masses else places.value_type
    with places.path.open("rb") as file:
        file.seek(int(offset[at]))
        data = file.read(int(n[at]) * kind.itemsize)
    return np.frombuffer(data, kind).astype(np.float64)


def _range(places: Places) -> tuple[float, float]:
    """Lowest and highest mass of all spectra; the first and last of each are read, since masses increase."""
    low, high = np.inf, -np.inf
    size = places.mass_type.itemsize
    with places.path.open("rb") as file:
        for offset, n in zip(places.masses.tolist(), places.n_masses.tolist(), strict=True):
            if n:
                for at in (offset, offset + (n - 1) * size):
                    file.seek(at)
                    value = float(np.frombuffer(file.read(size), places.mass_type)[0])
                    low, high = min(low, value), max(high, value)
    if not np.isfinite([low, high]).all() or low < 0:
        raise ReadError(f"{places.path} is damaged: masses from {low} to {high}. Try to copy it again.")
    return low, high


class Pixels:
    """The spectra of an image as a lazy array (y, x, channel), in bins if a width is given; float32, NaN: not measured."""

    def __init__(self, places: Places, first: int, n: int, width: float | None):
        self.places, self.first, self.width = places, first, width
        self.shape, self.dtype, self.ndim = (*places.shape, n), np.dtype("f4"), 3

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        ny, nx, n = self.shape
        rows, columns = np.arange(ny)[key[0]], np.arange(nx)[key[1]]
        found = np.full((len(rows), len(columns), n), np.nan, self.dtype)
        for i, y in enumerate(rows):
            for j, x in enumerate(columns):
                if (at := int(self.places.row[y * nx + x])) >= 0:
                    found[i, j] = self._spectrum(at, n)
        return found[..., key[2]]

    def _spectrum(self, at: int, n: int) -> np.ndarray:
        values = _read(self.places, at, masses=False)
        if self.width is None:
            return values
        masses = _read(self.places, at, masses=True)
        if len(masses) != len(values):
            raise ReadError(
                f"{self.places.path}: spectrum {at} has {len(masses)} masses and {len(values)} intensities."
            )
        binned = in_bins(masses, values, self.width)
        spectrum, inside = np.zeros(n), (binned.bins >= self.first) & (binned.bins < self.first + n)
        spectrum[binned.bins[inside] - self.first] = binned.sums[inside]
        return spectrum


def _sniff(path: Path, head: bytes) -> bool:
    return b"<mzML" in head and (b"imagingMS" in head or b'"IMS"' in head or path.suffix.lower() == ".imzml")


reader = Reader(
    "imzml",
    "an image of mass spectra (imzML)",
    (".imzml",),
    _sniff,
    open_imzml,
    "formats",
    formats=(
        Format(
            "imzML, mass-spectrometry images",
            ".imzML with .ibd",
            "yes",
            "m/z of the spectra",
            "pixels that were not measured",
        ),
    ),
)
