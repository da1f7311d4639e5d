"""From stored numbers to physical values, at the door of all readers: no data becomes NaN, then scale and offset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr

from spaxel.cube import note
from spaxel.errors import ParameterError
from spaxel.readers.parts.stored import NAMES, Stored, number

NoData = str | float | Sequence[float]
_HUGE = 1e20  # values beyond are often written with too few digits: they are compared to a part in 10^5


def physical(cube: xr.Dataset, *, raw: bool = False, no_data: NoData | None = None) -> xr.Dataset:
    """The cube with declared no-data values as NaN, then scaled, both lazily and noted; attrs `stored` keeps the words.

    raw     : scale and offset are left alone, and the history says so
    no_data : the values that are no data, in place of those that the file declares; "none" for none at all
    Integers of at most 16 bits and float32 become float32, others float64; a cube keeps its dtype where nothing is to
    be hidden or scaled. A value that the dtype cannot hold hides nothing. Raises ParameterError.
    """
    given = None if no_data is None else parse_no_data(no_data)
    declared = {name: cube[name] for name in NAMES if name in cube}
    cube = cube.drop_vars(list(declared))
    told = declared["stored"].attrs if "stored" in declared else {"no_data": [], "valid_range": None, "origin": ""}
    values = tuple(told["no_data"]) if given is None else given
    by_band = declared.get("stored_no_data") if given is None else None
    limits = told["valid_range"] if given is None else None
    parts = {name: declared.get(f"stored_{name}") for name in ("scale", "offset")}
    trivial = all(v is None or bool((v == n).all()) for v, n in ((parts["scale"], 1), (parts["offset"], 0)))
    kept = {"no_data": [v if np.isfinite(v) else str(v) for v in values], "raw": raw, "origin": told["origin"]}
    kept |= {name: v.values.tolist() for name, v in parts.items() if v is not None}
    values = tuple(v for v in values if _holds(cube["spectra"].dtype, v))
    if values or by_band is not None or limits is not None:
        cube = _hide(cube, values, by_band, limits)
        cube = note(cube, _hidden_words(values, by_band, limits, told["origin"] if given is None else "option no_data"))
    if trivial:
        return cube.assign_attrs(stored=kept) if declared or given is not None else cube
    origin = f" ({told['origin']})" if told["origin"] else ""
    if raw:
        return note(cube, f"stored numbers kept: {_scale_words(parts)} not applied{origin}").assign_attrs(stored=kept)
    cube = note(_scaled(cube, parts), f"physical values: {_scale_words(parts)}{origin}; option raw leaves them")
    return cube.assign_attrs(stored=kept)


def unpacked(values: Any, declared: Stored) -> Any:
    """Another array of the file (a variance) as physical values: (y, x, channel), lazy if it is."""
    return physical(xr.Dataset({"spectra": (("y", "x", "channel"), values)} | declared.beside()))["spectra"].data


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
        return not np.isnan(value)
    if not np.isfinite(value) or value != int(value):
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

    return _each_block(cube, hide, marks, dtype=dtype)


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

    return _each_block(cube, scaled, scale, offset, dtype=dtype)


def _each_block(cube: xr.Dataset, function: Any, *by_channel: np.ndarray, dtype: np.dtype) -> xr.Dataset:
    """The cube with `function(block, row of each by_channel)` in place of its spectra, lazily if they are lazy."""
    spectra = cube["spectra"].data
    rows = [np.ascontiguousarray(values).reshape(1, 1, -1) for values in by_channel]
    if isinstance(spectra, da.Array):
        rows = [da.from_array(row, chunks=(1, 1, spectra.chunks[2])) for row in rows]
        found = da.map_blocks(function, spectra, *rows, dtype=dtype, meta=np.empty((0, 0, 0), dtype))
    else:
        found = function(np.asarray(spectra), *rows)
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
