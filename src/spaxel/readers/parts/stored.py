"""What a file declares about its stored numbers: which of them mean "no data", and how they become physical values.

A reader says it once, in the order of the file, and hands it to `make_cube`, which sorts it together with the axis:

    declared = Stored(no_data=(-9999,), scale=gains, origin="data gain values in scan.hdr")
    make_cube(spectra, values, units, beside=declared.beside())

The door (`spaxel.readers.open_cube`) then hides, scales and notes, lazily and for all readers alike: `parts/physical.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Stored:
    """How stored numbers are meant. Physical value = stored value x scale + offset, where it is not no data.

    no_data       : stored values that mean "nothing was measured here", in any channel
    band_no_data  : (channel,) one such value for each channel, NaN where a channel has none
    scale, offset : one number, or (channel,) in the order of the channels in the file; None: none is declared
    valid_range   : (lowest, highest) stored value that can be data
    origin        : where the file says so, in words, for the history
    settled       : True if the format can hold no mark for "no data" and no full detector (counts): none is sought
    """

    no_data: tuple[float, ...] = ()
    band_no_data: Any = None
    scale: Any = None
    offset: Any = None
    valid_range: tuple[float, float] | None = None
    origin: str = ""
    settled: bool = False

    def beside(self) -> dict[str, tuple[Any, ...]]:
        """The argument `beside` of make_cube, {} if nothing is declared. What is given by channel is sorted with the axis."""
        found: dict[str, tuple[Any, ...]] = {}
        for name, value in (("scale", self.scale), ("offset", self.offset), ("no_data", self.band_no_data)):
            if value is not None:
                array = np.asarray(value, np.float64)
                found[f"stored_{name}"] = (("channel",) if array.ndim else (), array)
        if not found and not self.no_data and self.valid_range is None and not self.settled:
            return {}
        told: dict[str, Any] = {"no_data": list(self.no_data), "valid_range": self.valid_range}
        told |= {"origin": self.origin, "settled": self.settled}
        return {**found, "stored": ((), 0, told)}


def numbers_of(value: Any) -> tuple[float, ...]:
    """The numbers in an attribute of a file (a number, a list, text of numbers); () if it holds anything else."""
    values = np.ravel(np.asarray(value))
    try:
        return tuple(number(v) for v in values.tolist())
    except (TypeError, ValueError):
        return ()


def from_attributes(attributes: Mapping[str, Any], n_channels: int, where: str = "") -> Stored:
    """What the attributes of an array say by the conventions of CF, NEON and others; what is no number says nothing.

    `_FillValue`, `missing_value`, `Data_Ignore_Value`, `NoData` …; `scale_factor` is multiplied and `add_offset` added, as CF
    says, and `Scale_Factor` (NEON), or another spelling, divides where it is above 1; `valid_range`, `valid_min`,
    `valid_max`.    where : the array, for the history
    """
    hidden: list[float] = []
    for name in (name for name in attributes if _plain(name) in _HIDING):
        hidden += [v for v in numbers_of(attributes[name]) if v not in hidden]
    spelt = [name for name in attributes if _plain(name) == "scalefactor"]
    scale = next((s for n in spelt if (s := usable_scale(numbers_of(attributes[n]), n_channels)) is not None), None)
    if scale is not None and "scale_factor" not in attributes and np.min(scale) > 1:
        scale = 1 / scale
    shifts = [name for name in attributes if _plain(name) == "addoffset"]
    offset = usable_scale(numbers_of(attributes[shifts[0]]) if shifts else (), n_channels, zero=True)
    limits = _range(attributes)
    named = [name for name in attributes if _plain(name) in (*_HIDING, "scalefactor", "addoffset") or name in _RANGES]
    origin = f"{', '.join(named)} of {where}" if where else ", ".join(named)
    return Stored(tuple(hidden), None, scale, offset, limits, origin if named else "")


def is_declaring(name: str) -> bool:
    """Whether a number of this name beside the spectra (in an npz or MATLAB file) says something of their values."""
    return _plain(name) in (*_HIDING, "scalefactor", "addoffset")


def _plain(name: str) -> str:
    """A name without case and separators."""
    return re.sub(r"[\s_-]+", "", name).lower()


def usable_scale(numbers: Sequence[float], n_channels: int, *, zero: bool = False) -> Any:
    """One number or (channel,) of them, None if there are none, another number of them, or one that cannot be used.

    zero : whether all of them may be 0
    """
    array = np.asarray(numbers, np.float64)
    if array.size not in (1, n_channels) or not np.isfinite(array).all() or not (zero or array.all()):
        return None
    return float(array[0]) if (array == array[0]).all() else array


_HIDING = ("fillvalue", "missingvalue", "dataignorevalue", "ignorevalue", "nodata", "nodatavalue", "nodatavalues")
_RANGES = ("valid_range", "valid_min", "valid_max")


def _range(attributes: Mapping[str, Any]) -> tuple[float, float] | None:
    both = numbers_of(attributes.get("valid_range", ()))
    low = both[:1] if len(both) == 2 else numbers_of(attributes.get("valid_min", ()))
    high = both[1:] if len(both) == 2 else numbers_of(attributes.get("valid_max", ()))
    found = (low[0] if low else -np.inf, high[0] if high else np.inf)
    return found if found != (-np.inf, np.inf) and found[0] < found[1] else None


def number(value: Any) -> float:
    """A number, whole ones as integers of any size that a float can have. Raises ValueError, TypeError."""
    if isinstance(value, bytes):
        value = value.decode("ascii")
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            value = float(value)
    try:
        near = float(value)
    except OverflowError as error:
        raise ValueError("it is too large") from error
    return value if isinstance(value, int) else near
