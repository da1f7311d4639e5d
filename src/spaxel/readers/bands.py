"""A folder of one picture per band (TIFF, GeoTIFF or PNG), as multispectral cameras and satellites deliver them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note, note_guess
from spaxel.errors import ReadError
from spaxel.readers.parts.axis import Axis
from spaxel.readers.parts.band_names import axis_of_files, natural_key
from spaxel.readers.parts.file_array import FileArray
from spaxel.readers.parts.lazy import FOREIGN, lazy_array
from spaxel.readers.parts.limits import check_believable
from spaxel.readers.parts.raster_bands import band_axis, declared, opened, place
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.side import as_axis, axis_files, settle_axis
from spaxel.readers.parts.stored import Stored
from spaxel.readers.parts.zarrays import is_zarr

_KINDS = ((".tif", ".tiff"), (".png",))  # of the first kind of which a folder holds two files or more
_SHOWN = 8  # files of a message


class Band(NamedTuple):
    """One picture: its file, sides, and type of numbers; where its numbers lie, if they are not compressed."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    plain: FileArray | None = None


@dataclass(frozen=True)
class BandFiles:
    """Pictures of one size as (y, x, band); each slice opens the files that it needs."""

    bands: tuple[Band, ...]
    shape: tuple[int, int, int]
    dtype: np.dtype
    ndim: int = 3

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        rows, columns, wanted = key
        parts = [_part(band, rows, columns).astype(self.dtype, copy=False) for band in self.bands[wanted]]
        return np.stack(parts, -1)


def open_bands(
    path: str | Path, *, channel: str | Sequence[float] | None = None, units: str | None = None
) -> xr.Dataset:
    """The cube of a folder that holds one picture per band, lazily; the bands in the natural order of their names.

    channel : axis values, a file with them, or "index" to number the channels; else the wavelengths that the files hold or
              that stand in their names ("img_550nm.tif"), else those of a file of wavelengths in the folder
    units   : of the axis, if the names do not say it
    crs, transform, pixel_size, no-data values, scales and offsets are those of the pictures, if rasterio is installed.
    Raises ReadError that lists the files if their sizes, places or types differ, or one of them holds several bands.
    """
    path = Path(path)
    bands = [_look(file) for file in band_files(path)]
    _check_alike(path, bands)
    height, width = bands[0].shape
    check_believable(path, "the image", (height, width))
    source = BandFiles(tuple(bands), (height, width, len(bands)), np.result_type(*(b.dtype for b in bands)))
    spectra = lazy_array(source, path=path, part=_state(bands))
    axis, attrs, marks = _described(path, [band.path for band in bands])
    axis = axis or axis_of_files([band.path.stem for band in bands], path.name) or _beside(bands[0].path)
    values, told, doubt = settle_axis(path, axis, len(bands), channel, units)
    cube = make_cube(spectra, values, told, beside=marks.beside(), source=str(path), **attrs)
    first, last = bands[0].path.name, bands[-1].path.name
    cube = note(cube, f"{len(bands)} files of one band each, from {first} to {last}, in the order of their names")
    for sentence in doubt:
        cube = note_guess(cube, sentence)
    return cube


def band_files(path: Path) -> list[Path]:
    """The pictures of a folder, in natural order: its TIFF files if there are two or more, else its PNG files; else []."""
    files = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".") and entry.is_file()]
    for kind in _KINDS:
        found = [file for file in files if file.suffix.lower() in kind]
        if len(found) > 1:
            return sorted(found, key=lambda file: natural_key(file.stem))
    return []


def _look(path: Path) -> Band:
    """The size and type of one picture. ReadError if it is damaged."""
    try:
        if path.suffix.lower() == ".png":
            from PIL import Image

            with Image.open(path) as picture:
                sample = np.asarray(picture)
            return Band(path, sample.shape, sample.dtype)
        import tifffile

        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            shape, dtype = tuple(n for n in series.shape if n > 1) or (1, 1), np.dtype(series.dtype)
            shape = tuple(series.shape) if len(series.shape) == 2 else shape
            plain = None
            if series.dataoffset is not None and len(shape) == 2:
                order = dtype.newbyteorder(tiff.byteorder)
                plain = FileArray(path, order, shape, series.dataoffset).check_size()
            return Band(path, shape, dtype, plain)
    except ReadError:
        raise
    except FOREIGN as error:
        raise ReadError(f"{path} is a damaged picture: {error}. Try to copy it again, or to take it out.") from error


def _part(band: Band, rows: slice, columns: slice) -> np.ndarray:
    if band.plain is not None:
        return band.plain[rows, columns]
    if band.path.suffix.lower() == ".png":
        from PIL import Image

        with Image.open(band.path) as picture:
            return np.asarray(picture)[rows, columns]
    import tifffile

    return tifffile.imread(band.path).reshape(band.shape)[rows, columns]


def _check_alike(path: Path, bands: list[Band]) -> None:
    """ReadError with a list if the pictures cannot be bands of one image."""
    kinds = {(band.shape, band.dtype.kind) for band in bands}
    if len(kinds) == 1 and len(bands[0].shape) == 2:
        return
    several = [band for band in bands if len(band.shape) != 2]
    if len(kinds) == 1:
        why = f"holds {len(bands)} pictures of {several[0].shape}, each a cube or a photograph of its own"
        raise ReadError(f"{path} {why}. Try one of them: {_listed(bands)}.")
    common = max(kinds, key=lambda kind: sum((b.shape, b.dtype.kind) == kind for b in bands))
    odd = [band for band in bands if (band.shape, band.dtype.kind) != common]
    raise ReadError(
        f"{path} holds pictures that differ, so they are no bands of one image: most are {common[0]}, and there are "
        f"{_listed(odd)}. Try to move these elsewhere, or to give each size a folder of its own."
    )


def _listed(bands: list[Band]) -> str:
    shown = ", ".join(f"{band.path.name} {band.shape} {band.dtype}" for band in bands[:_SHOWN])
    return shown + (f" and {len(bands) - _SHOWN} more" if len(bands) > _SHOWN else "")


def _described(path: Path, files: list[Path]) -> tuple[Axis | None, dict[str, Any], Stored]:
    """The axis, the place on the Earth and the marks of GeoTIFF bands; nothing without rasterio, or for other pictures."""
    try:
        import rasterio  # noqa: F401
    except ImportError:
        return None, {}, Stored()
    if files[0].suffix.lower() == ".png":
        return None, {}, Stored()
    axes, places, marks = [], [], []
    for file in files:
        with opened(file) as raster:
            axes.append(band_axis(file, raster))
            places.append(place(raster))
            marks.append(declared(raster))
    wrong = [file.name for file, found in zip(files, places, strict=True) if found != places[0]]
    if wrong:
        raise ReadError(f"{path} holds bands of different places: {files[0].name} and {', '.join(wrong[:_SHOWN])}.")
    values = [axis.values[0] if axis is not None else np.nan for axis in axes]
    named = np.isfinite(values).all() and len({axis.units for axis in axes if axis}) == 1
    axis = axes[0]._replace(values=np.array(values)) if named and axes[0] is not None else None
    return axis, places[0], _joined(marks)


def _joined(marks: list[Stored]) -> Stored:
    """The marks of all bands as those of one cube."""
    if not any(each.beside() for each in marks):
        return Stored()
    no_data = [each.no_data[0] if each.no_data else np.nan for each in marks]
    scale = [1.0 if each.scale is None else float(np.ravel(each.scale)[0]) for each in marks]
    offset = [0.0 if each.offset is None else float(np.ravel(each.offset)[0]) for each in marks]
    scaled = any(value != 1 for value in scale) or any(value != 0 for value in offset)
    origin = next(each.origin for each in marks if each.origin)
    same = len({str(value) for value in no_data}) == 1
    marked = () if not same or np.isnan(no_data[0]) else (no_data[0],)
    by_band = None if same else np.array(no_data)
    return Stored(
        marked, by_band, np.array(scale) if scaled else None, np.array(offset) if scaled else None, None, origin
    )


def _beside(first: Path) -> Axis | None:
    """The axis in a file of wavelengths that lies in the folder."""
    held = (as_axis(n, v, f"{n} in {file.name}") for file, found in axis_files(first) for n, v in found.items())
    return next((axis for axis in held if axis), None)


def _state(bands: list[Band]) -> str:
    """What changes when one of the files does."""
    return " ".join(f"{b.path.name} {(s := os.stat(b.path)).st_mtime_ns} {s.st_size}" for b in bands)


def _sniff(path: Path, head: bytes) -> bool:
    try:
        return path.is_dir() and not is_zarr(path) and bool(band_files(path))
    except OSError:
        return False


reader = Reader(
    "bands",
    "a folder of one picture per band",
    (".tif", ".tiff", ".png"),
    _sniff,
    open_bands,
    formats=(
        Format(
            "folder of one TIFF, GeoTIFF or PNG per band",
            "a folder",
            "yes",
            "wavelengths in names, tags, or a file beside",
            "nodata of GeoTIFF",
        ),
    ),
)
