"""The option `mask`: which pixels to use, from an array, a picture, a raster, a FITS image, an array in a file, or polygons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.errors import NotFound, ParameterError, ReadError, SpaxelError, called
from spaxel.readers.fits import image_array
from spaxel.readers.parts.physical import set_missing
from spaxel.readers.parts.polygons import polygon_mask
from spaxel.readers.parts.reader import Opener
from spaxel.readers.parts.side import variables_of
from spaxel.readers.parts.variables import Variables, describe, pick
from spaxel.store.addresses import address_of
from spaxel.store.here import check_local

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_BLURRED = (".jpg", ".jpeg", ".webp")  # whose 0 and 255 are only nearly so
MOST_PIXELS = 2**22  # of a mask that has another size than the image; a larger one is not unpacked to say so
_RASTERS = (".tif", ".tiff")
_POLYGONS = (".geojson", ".json")


def masked(cube: xr.Dataset, mask: Any, opener: Opener, *, invert: bool = False) -> xr.Dataset:
    """The cube with no data where the mask is 0, noted; as it is for None and "none".

    mask   : (y, x) or (y, x, channel) numbers, 0 and NaN = do not use; or "FILE" or "FILE:NAME", see `read_mask`
    opener : open_cube      invert : 1 = do not use
    Raises ParameterError (another size, nothing left), NotFound, ReadError, MissingExtra.
    """
    if mask is None or (isinstance(mask, str) and mask.strip().lower() == "none"):
        if invert and mask is None:
            raise ParameterError("mask_invert turns a mask around, and no mask is given. Try mask=FILE.")
        return cube
    is_file = isinstance(mask, (str, Path))
    use = read_mask(str(mask), cube, opener) if is_file else np.asarray(mask)
    use = _in_order(cube, use, str(mask) if is_file else "mask")
    use = (use != 0) & ~np.isnan(use) if use.dtype.kind == "f" else use != 0
    use = ~use if invert else use
    if not use.any():
        raise ParameterError(
            f"The mask{f' {mask}' if is_file else ''} leaves no pixel. Try mask_invert, if 1 means bad."
        )
    cube = set_missing(cube, xr.DataArray(~use, dims=("y", "x", "channel")[: use.ndim]))
    kind = "pixels" if use.ndim == 2 else "values"
    told = f"mask {mask if is_file else 'given as an array'}: {int((~use).sum())} of {use.size} {kind} are not used"
    return note(cube, called(told) + (" (inverted)" if invert else ""))


def read_mask(text: str, cube: xr.Dataset, opener: Opener) -> np.ndarray:
    """(y, x) numbers of a mask file. text : "FILE" or "FILE:NAME", {name} in it stands for the name of the cube's file

    The file is looked for here and beside the cube. It may be a picture (PNG, JPEG …; of JPEG, the bright half is used), a
    TIFF, a FITS image, an array in an npy, npz, MATLAB or HDF5 file, polygons (GeoJSON), or anything that opens as a cube of
    one channel. Labels are used where they are not 0.
    Raises NotFound, ReadError, ParameterError.
    """
    source = Path(cube.attrs.get("source", "") or ".")
    path, name = _find(text.replace("{name}", source.stem), source)
    suffix = path.suffix.lower()
    size = (cube.sizes["y"], cube.sizes["x"])
    upside_down = cube.attrs.get("origin") == "lower"
    if suffix in _POLYGONS:
        found = polygon_mask(path, size, cube.attrs.get("transform"), cube.attrs.get("crs"))
        return found[::-1] if upside_down and "transform" not in cube.attrs else found
    if suffix in _PICTURES:
        picture = _picture(path, size)
        return picture[::-1] if upside_down else picture
    if suffix in _RASTERS or path.is_dir() or not _is_array(path):
        return _one_channel(path, name, cube, opener)
    return _array(path, variables_of(path), name, cube["spectra"].shape)


def _find(text: str, source: Path) -> tuple[Path, str | None]:
    if address_of(text):
        return check_local(text), None
    for part, name in ((text, None), text.rpartition(":")[::2]):
        for folder in (Path(), source.parent):
            if part and _exists(folder / part):
                return folder / part, name
    raise NotFound(f"There is no mask {text}. Try a file, or FILE:NAME for an array inside it.")


def _exists(path: Path) -> bool:
    """Whether a file is there; no name that cannot be one (too long, with a zero byte) is."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _is_array(path: Path) -> bool:
    """Whether a file is one of named arrays, or of numbers as text; a FITS file is not."""
    try:
        variables_of(path)
    except (SpaxelError, UnicodeDecodeError):
        return False
    return True


def _picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    """The values of a picture. One of another size is not unpacked: its header says so."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if picture.size not in (size, size[::-1]) and picture.size[0] * picture.size[1] > MOST_PIXELS:
                raise ParameterError(
                    f"The mask {path} has {picture.size[1]} x {picture.size[0]}, the image has {size[0]} x {size[1]} pixels "
                    "(y, x). Try a mask of the size of the image."
                )
            values = np.asarray(
                picture if picture.mode in ("1", "L", "P", "I", "I;16", "F") else picture.convert("RGBA")
            )
    except ParameterError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ReadError(f"{path} cannot be read as a picture: {error}. Try to save it as PNG.") from error
    if values.ndim == 3:
        clear = bool((values[..., 3] == 255).all())
        values = (
            values[..., :3].max(2) if clear else np.where(values[..., 3] > 0, np.maximum(values[..., :3].max(2), 1), 0)
        )
    return values >= 128 if path.suffix.lower() in _BLURRED else values


def _array(path: Path, variables: Variables, name: str | None, shape: tuple[int, ...]) -> np.ndarray:
    """The named array, or the only one that has the size of the image (or of the cube)."""
    if name is not None:
        return np.asarray(pick(path, variables, name).read())
    numeric = {n: v for n, v in variables.items() if v.is_numeric}
    fitting = [n for n, v in numeric.items() if v.shape == shape[:2]] or [
        n for n, v in numeric.items() if v.shape == shape
    ]
    fitting = fitting or (list(numeric) if len(numeric) == 1 else [])
    if len(fitting) != 1:
        raise ParameterError(
            f"{path} holds {len(fitting) or 'no'} arrays of {shape[0]} x {shape[1]} (y, x): {describe(variables)}. "
            f"Try {path.name}:NAME."
        )
    return np.asarray(numeric[fitting[0]].read())


def _one_channel(path: Path, name: str | None, cube: xr.Dataset, opener: Opener) -> np.ndarray:
    """A mask that another reader opens: a TIFF, an ENVI or FITS image, a Zarr folder."""
    if path.suffix.lower() in (".fits", ".fit", ".fts") or path.name.lower().endswith(".fits.gz"):
        return image_array(path, name, cube["spectra"].shape)
    options: dict[str, Any] = {"channel": "index", "no_data": "none", "mask": "none", "saturated": "none"}
    options |= {} if name is None else {"dataset": name}
    found = opener(path, **options)
    if found.sizes["channel"] != 1:
        raise ParameterError(
            f"{path} has {found.sizes['channel']} channels, and a mask has one. Try a file of one band."
        )
    here, there = cube.attrs.get("transform"), found.attrs.get("transform")
    if here and there and not np.allclose(here, there, rtol=1e-6, atol=1e-6 * abs(here[1])):
        raise ParameterError(
            f"{path} lies elsewhere on the map than the cube. Try to save the mask on the grid of the cube."
        )
    if found["spectra"].size > MOST_PIXELS and found["spectra"].shape[:2] != cube["spectra"].shape[:2]:
        raise ParameterError(f"The mask {path} has another size than the image. Try one of the same size.")
    return found["spectra"].values[..., 0]


def _in_order(cube: xr.Dataset, use: np.ndarray, words: str) -> np.ndarray:
    """A mask of the size of the image or of the cube; ParameterError for any other."""
    shape = cube["spectra"].shape
    if use.dtype.kind not in "biuf":
        raise ParameterError(
            f"The mask {words} holds {use.dtype} and no numbers. Try 1 for what is used, 0 for the rest."
        )
    use = use[..., 0] if use.ndim == 3 and use.shape[2] == 1 != shape[2] else use
    if use.shape not in (shape, shape[:2]):
        turned = " Try to transpose it." if use.shape == shape[1::-1] else " Try a mask of the size of the image."
        raise ParameterError(
            f"The mask {words} has {' x '.join(map(str, use.shape))}, the image has {shape[0]} x {shape[1]} pixels (y, x)"
            f"{f' and {shape[2]} channels' if use.ndim == 3 else ''}.{turned}"
        )
    if use.ndim == 3 and any("so that the" in line and line.startswith("channels ") for line in cube.attrs["history"]):
        raise ParameterError(f"The mask {words} has channels, and those of the cube were sorted. Try a mask of (y, x).")
    return use
