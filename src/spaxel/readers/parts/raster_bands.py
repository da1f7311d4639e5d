"""Rasters as rasterio (an optional library) opens them: place on the Earth, wavelengths, and marks of their bands."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spaxel.readers.parts.axis import Axis, numbers_in, parse_cells
from spaxel.readers.parts.ome import pixel_attrs
from spaxel.readers.parts.quality import flagged
from spaxel.readers.parts.stored import Stored, usable_scale


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A GeoTIFF, open to read."""
    import rasterio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rasterio's, about a missing georeference and its own deprecations
        with rasterio.open(path, driver="GTiff") as file:
            yield file


def place(file: Any) -> dict[str, Any]:
    """attrs of an open raster that place it on the Earth: crs, transform, pixel_size, pixel_units; as far as it has them."""
    found: dict[str, Any] = {"crs": file.crs.to_wkt()} if file.crs else {}
    if not file.transform.is_identity:
        found |= {"transform": list(file.transform.to_gdal())} | _pixels(file)
    return found


def _pixels(file: Any) -> dict[str, Any]:
    """pixel_size [y, x] and pixel_units of an image that is placed on the Earth."""
    if not file.crs:
        return {}
    t = file.transform
    units = file.crs.linear_units if file.crs.is_projected else "degree"
    units = {"metre": "m", "meter": "m"}.get(str(units).lower(), str(units))
    return pixel_attrs([np.hypot(t.b, t.e), np.hypot(t.a, t.d)], [units, units])


def declared(file: Any) -> Stored:
    """The no-data values, scales and offsets of the bands of an open raster, for the door."""
    nodata, count = np.array(file.nodatavals, dtype=float), file.count
    alike = bool((nodata == nodata[0]).all())
    by_band = None if alike or np.isnan(nodata).all() else nodata
    scale, offset = usable_scale(file.scales, count), usable_scale(file.offsets, count, zero=True)
    scaled = (scale is not None and np.any(scale != 1)) or (offset is not None and np.any(offset != 0))
    used = ["no-data value"] if alike or by_band is not None else []
    used += ["scales and offsets"] if scaled else []
    origin = f"{' and '.join(used)} of the bands" if used else ""
    no_data = (float(nodata[0]),) if alike else ()
    return Stored(no_data, by_band, scale if scaled else None, offset if scaled else None, None, origin)


def own_mask(file: Any) -> dict[str, tuple[Any, ...]]:
    """The mask that a raster holds for all its bands, for the door; {} if it has none."""
    from rasterio.enums import MaskFlags

    if any(set(flags) != {MaskFlags.per_dataset} for flags in file.mask_flag_enums):
        return {}
    words = "no data where the mask of the raster is 0; mask=none leaves it unused"
    return flagged("of the raster", file.read_masks(1) == 0, words)


def band_axis(path: Path, file: Any) -> Axis | None:
    """The spectral axis that the metadata of the file, or of all its bands, or the names of all bands hold."""
    bands = range(1, file.count + 1)
    central = [file.tags(band, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM") for band in bands]
    if all(central):
        return Axis(np.array(central, dtype=float), "um", f"CENTRAL_WAVELENGTH_UM of {path.name}", "wavelength")
    tags = [{k.lower().replace(" ", "_"): v for k, v in file.tags(band).items()} for band in bands]
    if all("wavelength" in tag for tag in tags):
        cells, units = [tag["wavelength"] for tag in tags], tags[0].get("wavelength_units")
    elif all(file.descriptions):
        cells, units = list(file.descriptions), None
    else:
        whole = {k.lower().replace(" ", "_"): v for ns in ("ENVI", None) for k, v in file.tags(ns=ns).items()}
        if "wavelength" not in whole:
            return None
        values = numbers_in(whole["wavelength"].strip("{}[]() "))
        return Axis(values, whole.get("wavelength_units"), f"wavelength of {path.name}", "wavelength")
    parsed = parse_cells(cells)
    return Axis(parsed[0], parsed[1] or units, f"the bands of {path.name}", "wavelength") if parsed else None
