"""TIFF and GeoTIFF: bands as channels, with CRS, transform and no-data mask by rasterio, or plainly by tifffile."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import warn

import numpy as np
import xarray as xr

from spaxel.cube import make_cube, note_guess
from spaxel.errors import ReadError
from spaxel.readers.parts.extra_axes import Index
from spaxel.readers.parts.lazy import lazy_array
from spaxel.readers.parts.limits import check_believable
from spaxel.readers.parts.product_metadata import product_axis
from spaxel.readers.parts.raster_bands import band_axis, declared, opened, own_mask, place
from spaxel.readers.parts.reader import Format, Reader
from spaxel.readers.parts.side import settle_axis
from spaxel.readers.parts.tiff_check import check_page, check_tables
from spaxel.readers.parts.tiff_stack import read_stack

if TYPE_CHECKING:
    from tifffile import TiffFile

_GEO = (33550, 33922, 34264, 34735)  # tags that place an image on the Earth


@dataclass(frozen=True)
class Bands:
    """The bands of a raster as (y, x, band); each slice opens the file anew, so that no handle is shared."""

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype
    ndim: int = 3

    def __getitem__(self, key: tuple[slice, slice, slice]) -> np.ndarray:
        (y0, y1, _), (x0, x1, _), bands = (part.indices(n) for part, n in zip(key, self.shape, strict=True))
        with opened(self.path) as file:
            block = file.read([band + 1 for band in range(*bands)], window=((y0, y1), (x0, x1)))
        return np.moveaxis(block, 0, -1).astype(self.dtype, copy=False)


def open_raster(
    path: str | Path,
    *,
    channel_axis: int | None = None,
    channel: str | Sequence[float] | None = None,
    units: str | None = None,
    index: Index = None,
) -> xr.Dataset:
    """The cube in a TIFF, lazily unless it is a compressed stack of pages of at most 256 MiB.

    channel_axis : 0, 1, 2 … of a stack of pages, if its own description is wrong
    channel      : axis values, a file with them, or "index" to number the channels; else the metadata of the bands
                   (wavelength, CENTRAL_WAVELENGTH_UM) or their names, if all are numbers, or the METADATA.XML of EnMAP
                   and DESIS beside the image; in OME-TIFF the emission wavelengths or names of the channels
    index        : of a stack with more axes (times, depths), the position to take, as "t=0"; else they are stacked along y
    units        : of the axis, if the file does not say it
    The no-data value, scale and offset of each band are declared for the door. attrs: crs (WKT) and transform (six numbers
    in GDAL's order: x of the corner, pixel width, row rotation, y of the corner, column rotation, minus pixel height);
    pixel_size [y, x] and pixel_units, of OME and ImageJ too.
    Raises ReadError (truncated, no cube inside), CubeError (complex), AxisError. Warns if rasterio is missing and the file
    is georeferenced.
    """
    import tifffile

    path = Path(path)
    check_tables(path)
    with tifffile.TiffFile(path) as tiff:
        _check_complete(path, tiff)
        stack = len(tiff.series[0].pages) > 1 and len(tiff.series[0].shape) >= 3  # not masks, not overviews
        if not (stack or channel_axis is not None or tiff.is_ome or tiff.is_imagej) and _has_rasterio(path, tiff):
            return _open_bands(path, channel, units)
        spectra, axis, attrs, guess = read_stack(path, tiff, channel_axis, index)
    values, told, doubt = settle_axis(path, axis, spectra.shape[2], channel, units)
    cube = make_cube(spectra, values, told, source=str(path), **attrs)
    for sentence in (*guess, *doubt):
        cube = note_guess(cube, sentence)
    return cube


def _open_bands(path: Path, channel: str | Sequence[float] | None, units: str | None) -> xr.Dataset:
    with opened(path) as file:
        shape = (file.height, file.width, file.count)
        source = Bands(path, shape, np.result_type(*file.dtypes))
        rows, columns = file.block_shapes[0]
        deep = file.count if file.interleaving is not None and file.interleaving.name == "pixel" else 1
        axis, marks = band_axis(path, file) or product_axis(path, file.count), declared(file)
        attrs = place(file)
        check_believable(path, "the image", shape[:2])
        beside = marks.beside() | own_mask(file)
    spectra = lazy_array(source, path=path, storage_chunks=(rows, columns, deep), lock=True)
    values, told, doubt = settle_axis(path, axis, shape[2], channel, units)
    cube = make_cube(spectra, values, told, beside=beside, source=str(path), **attrs)
    for sentence in doubt:
        cube = note_guess(cube, sentence)
    return cube


def _check_complete(path: Path, tiff: TiffFile) -> None:
    size = path.stat().st_size
    if not len(tiff.pages):
        raise ReadError(f"{path} is a TIFF without an image. Is it complete?")
    if _next_page(tiff):
        raise ReadError(
            f"{path} is truncated: it ends after {len(tiff.pages)} pages, and there are more. Try to copy it again."
        )
    for page in (tiff.pages.first.aspage(), tiff.pages[len(tiff.pages) - 1].aspage()):
        ends = [at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if ends and max(ends) > size:
            raise ReadError(
                f"{path} is truncated: it has {size} bytes, and its image ends at {max(ends)}. Try to copy it again."
            )
        check_page(path, page)


def _next_page(tiff: TiffFile) -> int:
    """The place in the file of the page after the last one that is there; 0 if there is none, as it should be."""
    kind, file, at = tiff.tiff, tiff.filehandle, tiff.pages[len(tiff.pages) - 1].offset
    file.seek(at)
    (n_tags,) = struct.unpack(kind.tagnoformat, file.read(kind.tagnosize))
    file.seek(at + kind.tagnosize + n_tags * kind.tagsize)
    return struct.unpack(kind.offsetformat, file.read(kind.offsetsize))[0]


def _has_rasterio(path: Path, tiff: TiffFile) -> bool:
    try:
        import rasterio  # noqa: F401
    except ImportError:
        if any(tag in tiff.pages.first.tags for tag in _GEO):
            advice = "Try: pip install 'spaxel[geo]'"
            warn(f"The georeference of {path} was not read, because rasterio is not installed. {advice}", stacklevel=3)
        return False
    return True


def _sniff(path: Path, head: bytes) -> bool:
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


reader = Reader(
    "raster",
    "a TIFF or GeoTIFF file",
    (".tif", ".tiff"),
    _sniff,
    open_raster,
    "geo",
    formats=(
        Format("GeoTIFF", ".tif, .tiff", "yes", "tags or names of the bands", "nodata of each band"),
        Format(
            "TIFF, ImageJ stack, OME-TIFF",
            ".tif, .tiff, .ome.tif",
            "yes, where it is not compressed or above 256 MiB",
            "OME-XML (EmissionWavelength, Name), labels of ImageJ",
            "marks found in the numbers",
        ),
    ),
)
