"""GeoTIFF: one tiled file for each map, with CRS, transform, no data, overviews; labels with colours and class names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from warnings import warn

import numpy as np

from spaxel.errors import missing_extra, printable
from spaxel.exporting.pam import write_classes
from spaxel.exporting.qml import write_style
from spaxel.exporting.source import Source, about, bands, planes, rgb

BLOCK = 256  # sides of a tile
SMALLEST = 512  # sides of an image from which overviews are made, and of the smallest of them about half of it
NO_DATA = {"uint8": 255, "uint16": 65535}


def write_geotiff(source: Source, folder: Path) -> None:
    """NAME.tif of each map; labels.tif with its colours, labels.tif.aux.xml (class names), labels.qml (style of QGIS).

    Row 0 of each file is row 0 of the cube: a raster from south to north stays one. Raises MissingExtra without rasterio.
    """
    try:
        import rasterio  # noqa: F401
    except ImportError as error:
        raise missing_extra("Writing GeoTIFF", "rasterio", "geo") from error
    for name in source.maps:
        _write_map(source, name, folder / f"{name}.tif")
    if "labels" in source.what:
        write_classes(source, folder / "labels.tif.aux.xml")
        write_style(source, folder / "labels.qml")


def _write_map(source: Source, name: str, path: Path) -> None:
    from rasterio.enums import Resampling
    from rasterio.windows import Window

    dtype = _dtype(source, name)
    none = np.nan if dtype == "float32" else NO_DATA[dtype] if name == "labels" else None  # unlike uses all its values
    (height, width), titles = source.shape, bands(source, name)
    with _opened(path, "w", **_profile(source, dtype, none, len(titles))) as file:
        if name == "labels" and dtype == "uint8":
            file.write_colormap(1, {k: (*map(int, color), 255) for k, color in enumerate(rgb(source))})
        for tile, values in planes(source, name, BLOCK):
            stored = _stored(name, values, dtype)
            file.write(stored, window=Window(tile.x0, tile.y0, *stored.shape[:0:-1]))
        for band, title in enumerate(titles, 1):
            file.set_band_description(band, printable(title))
        file.update_tags(**{f"SPAXEL_{word.upper()}": printable(text) for word, text in about(source).items()})
    factors = _factors(height, width)
    if factors:
        how = Resampling.mode if name == "labels" else Resampling.average
        with _opened(path, "r+") as file:
            file.build_overviews(factors, how)


@contextmanager
def _opened(path: Path, mode: str, **profile: Any) -> Iterator[Any]:
    import rasterio

    with warnings.catch_warnings(), rasterio.Env(GDAL_CACHEMAX=64, GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore")  # of rasterio, about images that are nowhere on the Earth
        with rasterio.open(path, mode, **profile) as file:
            yield file


def _profile(source: Source, dtype: str, none: float | None, count: int) -> dict[str, Any]:
    from rasterio.transform import Affine

    height, width = source.shape
    profile: dict[str, Any] = {"driver": "GTiff", "height": height, "width": width, "count": count, "dtype": dtype}
    profile |= {"nodata": none, "compress": "deflate", "BIGTIFF": "IF_SAFER", "interleave": "band"}
    if min(height, width) >= BLOCK:
        profile |= {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK}
    if transform := source.transform():
        profile["transform"] = Affine.from_gdal(*transform)
    if (crs := crs_of(source)) is not None:
        profile["crs"] = crs
    return profile


def crs_of(source: Source) -> Any:
    """The CRS of the input for rasterio; None where it had none, or where GDAL does not know it, which is said."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    told = source.result.attrs.get("crs")
    if not told or source.transform() is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return CRS.from_user_input(told)
    except CRSError as error:
        warn(f"The CRS of the input is left out: GDAL says {str(error)!r}.", UserWarning, stacklevel=2)
        return None


def _dtype(source: Source, name: str) -> str:
    if name == "unlike":
        return "uint8"
    return ("uint8" if len(source.names) < NO_DATA["uint8"] else "uint16") if name == "labels" else "float32"


def _stored(name: str, values: np.ndarray, dtype: str) -> np.ndarray:
    if name == "labels":
        return np.where(values < 0, NO_DATA[dtype], values).astype(dtype)
    return values.astype(dtype, copy=False)


def _factors(height: int, width: int) -> list[int]:
    """By how much each overview is smaller: 2, 4, 8 … until one fits a tile; none for an image that is small itself."""
    if max(height, width) < SMALLEST:
        return []
    return [2**n for n in range(1, 12) if max(height, width) // 2 ** (n - 1) > BLOCK]
