"""From stored numbers to physical values, at the door of all readers: no data becomes NaN, then scale and offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isnan
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.cube.blocks import made
from spaxel.errors import ParameterError
from spaxel.readers.parts.stored import Stored, number

NoData = str | float | Sequence[float]
_HUGE = 1e20  # values beyond are often written with too few digits: they are compared to a part in 10^5


class Declared(NamedTuple):
    """What a file, or the user in its place, says of the stored numbers; see spaxel.readers.parts.stored.Stored.

    no_data, by_band, limits : what is hidden      parts : scale and offset, None where there is none
    origin : who says so, in words                 settled : nothing is to be sought besides
    """

    no_data: tuple[float, ...]
    by_band: xr.DataArray | None
    limits: tuple[float, float] | None
    parts: dict[str, xr.DataArray | None]
    origin: str
    scale_origin: str
    settled: bool

    @property
    def is_scaled(self) -> bool:
        """Whether a scale or an offset changes anything."""
        plain = ((self.parts["scale"], 1), (self.parts["offset"], 0))
        return any(v is not None and bool((v != n).any()) for v, n in plain)

    def kept(self, raw: bool) -> dict[str, Any]:
        """What the attribute `stored` of the cube remembers; {} if there is nothing. raw : whether the scale was left out"""
        parts = {name: v.values.tolist() for name, v in self.parts.items() if v is not None}
        if not (parts or self.no_data or self.limits or self.by_band is not None):
            return {}
        no_data = [v if isfinite(v) else str(v) for v in self.no_data]
        return {"no_data": no_data, "raw": raw, "origin": self.scale_origin or self.origin} | parts


def taken(cube: xr.Dataset, no_data: NoData | None = None) -> tuple[xr.Dataset, Declared]:
    """(the cube without what its reader declared, the declaration). no_data : see `spaxel.readers.open_cube`

    Raises ParameterError.
    """
    given = None if no_data is None else parse_no_data(no_data)
    names = [n for n in ("stored", "stored_scale", "stored_offset", "stored_no_data") if n in cube]
    found = {name: cube[name] for name in names}
    told = found["stored"].attrs if "stored" in found else {}
    parts = {name: found.get(f"stored_{name}") for name in ("scale", "offset")}
    said, settled = str(told.get("origin", "")), bool(told.get("settled", False))
    if given is None:
        values, by_band, limits = tuple(told.get("no_data", ())), found.get("stored_no_data"), told.get("valid_range")
        return cube.drop_vars(names), Declared(values, by_band, limits, parts, said, said, settled)
    return cube.drop_vars(names), Declared(given, None, None, parts, "option no_data", said, settled)


def hide(cube: xr.Dataset, declared: Declared) -> xr.Dataset:
    """The cube with NaN where a value means no data, lazily and noted.

    Integers of at most 16 bits and float32 become float32, others float64. A cube keeps its dtype where nothing is to be
    hidden; a value that the dtype cannot hold hides nothing.
    """
    values = tuple(v for v in declared.no_data if _holds(cube["spectra"].dtype, v))
    if not values and declared.by_band is None and declared.limits is None:
        return cube
    cube = _hide(cube, values, declared.by_band, declared.limits)
    return note(cube, _hidden_words(values, declared.by_band, declared.limits, declared.origin))


def scale(cube: xr.Dataset, declared: Declared, *, raw: bool = False) -> xr.Dataset:
    """The cube as physical values, lazily and noted; attrs `stored` keeps the words. raw : not scaled, and noted"""
    if kept := declared.kept(raw):
        cube = cube.assign_attrs(stored=kept)
    if not declared.is_scaled:
        return cube
    origin = f" ({declared.scale_origin})" if declared.scale_origin else ""
    words = _scale_words(declared.parts)
    if raw:
        return note(cube, f"stored numbers kept: {words} not applied{origin}")
    return note(_scaled(cube, declared.parts), f"physical values: {words}{origin}; option raw leaves them")


def set_missing(cube: xr.Dataset, absent: xr.DataArray) -> xr.Dataset:
    """The cube with no value where `absent` is True, lazily: (y, x, channel) makes NaN; (y, x) makes a pixel without data.

    Whole pixels of integers become 0, so that the cube keeps its dtype and what was there can change nothing; a variance
    becomes infinite.
    """
    spectra = cube["spectra"]
    if "channel" in absent.dims:
        found = spectra.astype(_floating(spectra.dtype)).where(~absent)
    else:
        found = spectra.where(~absent, np.array(np.nan if spectra.dtype.kind == "f" else 0, spectra.dtype))
        cube = cube.assign(valid=~absent & cube["valid"] if "valid" in cube else ~absent)
    if "variance" in cube:
        cube = cube.assign(variance=cube["variance"].where(~absent, np.inf).transpose("y", "x", "channel"))
    return cube.assign(spectra=found.transpose("y", "x", "channel").assign_attrs(spectra.attrs))


def unpacked(values: Any, declared: Stored) -> Any:
    """Another array of the file (a variance) as physical values: (y, x, channel), lazy if it is."""
    cube, told = taken(xr.Dataset({"spectra": (("y", "x", "channel"), values)} | declared.beside()))
    return scale(hide(cube, told), told)["spectra"].data


def parse_no_data(no_data: NoData) -> tuple[float, ...]:
    """The option no_data as values: a number, several, "-9999, 0", or "none". Raises ParameterError."""
    if isinstance(no_data, str):
        if no_data.strip().lower() == "none":
            return ()
        parts: Sequence[Any] = no_data.replace(",", " ").split()
    else:
        parts = [no_data] if np.ndim(no_data) == 0 else list(no_data)  # type: ignore[arg-type]
    try:
        found = tuple(number(part) for part in parts)
    except (TypeError, ValueError):
        found = ()
    if not found:
        raise ParameterError(f"no_data is {no_data!r}, which is no number. Try -9999, several as -9999,0, or none.")
    return found


def _holds(dtype: np.dtype, value: float) -> bool:
    """Whether an array of this dtype can hold the value at all; NaN is missing already, and nothing has to be done."""
    if dtype.kind == "f":
        return not isnan(value)
    if not isfinite(value) or value != int(value):
        return False
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    return value in (0, 1) if limits is None else limits.min <= value <= limits.max


def _floating(dtype: np.dtype) -> np.dtype:
    small = dtype.itemsize <= (4 if dtype.kind == "f" else 2)
    return np.dtype(np.float32 if small else np.float64)


def _hide(cube: xr.Dataset, values: tuple[float, ...], by_band: Any, limits: Any) -> xr.Dataset:
    dtype = _floating(cube["spectra"].dtype)
    marks = np.full(cube.sizes["channel"], np.nan) if by_band is None else by_band.values

    def hide(block: np.ndarray, bands: np.ndarray) -> np.ndarray:
        absent = bands == block
        for value in values:
            absent |= _same(block, value)
        if limits is not None:
            absent |= (block < limits[0]) | (block > limits[1])
        found = block.astype(dtype)
        found[absent] = np.nan
        return found

    return each_block(cube, hide, marks, dtype=dtype)


def _same(block: np.ndarray, value: float) -> np.ndarray:
    if block.dtype.kind != "f":
        return block == value
    if abs(value) < _HUGE:
        return block == block.dtype.type(value)
    with np.errstate(over="ignore", invalid="ignore"):
        return (block == block.dtype.type(value)) | (np.abs(block / value - 1) < 1e-5)


def _scaled(cube: xr.Dataset, parts: Mapping[str, xr.DataArray | None]) -> xr.Dataset:
    dtype, n = _floating(cube["spectra"].dtype), cube.sizes["channel"]
    scale, offset = (
        np.broadcast_to(plain if parts[name] is None else parts[name].values, n)  # type: ignore[union-attr]
        for name, plain in (("scale", 1.0), ("offset", 0.0))
    )

    def scaled(block: np.ndarray, factor: np.ndarray, shift: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            return (block * factor + shift).astype(dtype)

    return each_block(cube, scaled, scale, offset, dtype=dtype)


def each_block(cube: xr.Dataset, function: Any, *by_channel: np.ndarray, dtype: np.dtype) -> xr.Dataset:
    """The cube with `function(block, part of each by_channel)` in place of its spectra, lazily if they are lazy.

    by_channel : (channel,), (1, channel) or (x, channel)
    """
    spectra = cube["spectra"].data
    parts: list[Any] = [np.ascontiguousarray(v).reshape(1, -1, v.shape[-1]) for v in by_channel]
    if isinstance(spectra, da.Array):
        lazy = [
            da.from_array(p, chunks=(1, spectra.chunks[1] if p.shape[1] > 1 else 1, spectra.chunks[2])) for p in parts
        ]
        found = da.map_blocks(function, spectra, *lazy, dtype=dtype, meta=np.empty((0, 0, 0), dtype))
        if all(p.shape[1] == 1 for p in parts):
            found = made(found, lambda block: function(block, *parts), spectra)
    else:
        found = function(np.asarray(spectra), *parts)
    return cube.assign(spectra=(cube["spectra"].dims, found, cube["spectra"].attrs))


def _hidden_words(values: tuple[float, ...], by_band: Any, limits: Any, origin: str) -> str:
    kinds = [f"{value:.10g}" for value in values]
    kinds += [] if by_band is None else ["the value of each channel"]
    kinds += [] if limits is None else [f"what lies outside {limits[0]:g} to {limits[1]:g}"]
    return f"no data: {', '.join(kinds)}{f' ({origin})' if origin else ''}; option no_data decides"


def _scale_words(parts: Mapping[str, xr.DataArray | None]) -> str:
    words = []
    for name, sign in (("scale", "x"), ("offset", "+")):
        if (part := parts[name]) is not None:
            low, high = float(part.min()), float(part.max())
            words.append(f"{sign} {low:g}" if low == high else f"{sign} {low:g} to {high:g} by channel")
    return " ".join(words)
