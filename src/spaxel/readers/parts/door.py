"""The door of all readers: from what a reader hands over to a cube of physical values with NaN where nothing was measured."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from spaxel.cube import note, note_guess
from spaxel.cube.blocks import any_value, by_pixel, made
from spaxel.cube.gaps import BY_VALUES
from spaxel.errors import ParameterError
from spaxel.readers.parts import noise
from spaxel.readers.parts.mask_file import masked
from spaxel.readers.parts.physical import Declared, NoData, hide, scale, taken
from spaxel.readers.parts.quality import is_doubtful, without_flagged
from spaxel.readers.parts.reader import Opener
from spaxel.readers.parts.references import with_reflectance
from spaxel.readers.parts.sought import look
from spaxel.readers.parts.stored import number

OPTIONS = (
    "no_data",
    "raw",
    "mask",
    "mask_invert",
    "saturated",
    "variance",
    "reflectance",
)  # which every reader takes, since the door obeys them


def through_door(
    cube: xr.Dataset,
    opener: Opener,
    *,
    no_data: NoData | None = None,
    raw: bool = False,
    mask: Any = None,
    mask_invert: bool = False,
    saturated: float | str | None = None,
    variance: str = "use",
    reflectance: bool = False,
) -> xr.Dataset:
    """A cube as its reader made it, ready for use; the options are explained in `spaxel.readers.open_cube`, which is `opener`.

    In this order: values that the file, or the option, calls no data become NaN; so does what its quality arrays call bad,
    what its variance calls unmeasured, and what the mask of the user leaves out; marks for no data and a full detector that
    the file does not declare are sought in a few pieces of the rest; scale and offset are applied, then white and dark
    references; `valid` is False where no value is left.
    Raises ParameterError, NotFound, ReadError (of the mask), CubeError (its size).
    """
    cube, declared = taken(cube, no_data)
    counts = cube["spectra"].dtype.kind in "iu" and not declared.is_scaled
    unused = isinstance(mask, str) and mask.strip().lower() == "none"
    turned = mask_invert and mask is None and is_doubtful(cube)
    cube = without_flagged(hide(cube, declared), ignore=unused, invert=turned)
    cube = masked(noise.at_door(cube, variance), mask, opener, invert=mask_invert and not turned)
    cube = _sought(cube, declared, given=no_data is not None, saturated=saturated)
    cube = with_reflectance(scale(cube, declared, raw=raw), opener, wanted=reflectance, counts=counts)
    return with_valid(cube)


def with_valid(cube: xr.Dataset) -> xr.Dataset:
    """The cube with a `valid` that is also False where no channel holds a finite value other than zero.

    Where there was none before, it says that the values decide, so that what is said of lost pixels can tell zero from NaN.
    """
    spectra = cube["spectra"].data
    held = by_pixel(any_value, spectra)
    if "valid" not in cube:
        return cube.assign(valid=(("y", "x"), held, {BY_VALUES: 1}))
    valid = cube["valid"]
    both = made(held & valid.data, np.logical_and, held, valid.data)
    return cube.assign(valid=(valid.dims, both, valid.attrs))


def parse_saturated(saturated: float | str | None) -> float | None:
    """The option saturated as a value, None for "none" and for no option. Raises ParameterError."""
    if saturated is None or (isinstance(saturated, str) and saturated.strip().lower() == "none"):
        return None
    try:
        return number(saturated)
    except (TypeError, ValueError):
        raise ParameterError(f"saturated is {saturated!r}, which is no number. Try 65535, or none.") from None


def _sought(cube: xr.Dataset, declared: Declared, *, given: bool, saturated: float | str | None) -> xr.Dataset:
    """The cube without the marks for no data that were found, and with `saturated (y, x)` if a detector was full.

    Nothing is sought in a cube that has gone through the door before (it was converted), nor among counts of X-rays.
    """
    ceiling = parse_saturated(saturated)
    looked = declared.settled or "reader" in cube.attrs or _counts_photons(cube)
    found = look(cube, no_data=not looked and not given, ceiling=not looked and saturated is None)
    if found.no_data:
        words = ", ".join(f"{value:.10g}" for value in found.no_data)
        cube = hide(
            cube, Declared(found.no_data, None, None, declared.parts, "not declared, found by its distance", "", True)
        )
        cube = note_guess(
            cube, f"Values of {words} lie far from all others and are taken as no data. Option no_data decides."
        )
    if found.ceiling is not None:
        cube = note_guess(
            cube,
            f"Many values lie at the ceiling {found.ceiling:.10g} ({found.share:.1%} of the pixels looked at): these pixels "
            "are taken as saturated, and kept out of the fit. Option saturated decides.",
        )
    elif ceiling is not None:
        cube = note(cube, f"pixels that reach {ceiling:.10g} are saturated, and kept out of the fit (option saturated)")
    ceiling = ceiling if found.ceiling is None else found.ceiling
    if ceiling is None:
        return cube
    return cube.assign(saturated=(("y", "x"), by_pixel(partial(reaches, ceiling), cube["spectra"].data)))


def reaches(ceiling: float, spectra: np.ndarray) -> np.ndarray:
    """Which spectra (..., channel) have a value at a ceiling or above, (...,) bool."""
    return np.any(spectra >= ceiling, axis=-1)


def _counts_photons(cube: xr.Dataset) -> bool:
    """Whether these are whole numbers on an axis of X-ray energies: counts, of which none is a mark."""
    return cube["spectra"].dtype.kind in "iu" and cube["channel"].attrs.get("units") == "keV"
