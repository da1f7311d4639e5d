"""Which spectra hold data, which of them lack some values, and why the others are lost.

A value is missing where it is NaN or infinite. A spectrum that lacks some is used, its missing values completed from the others
(spaxel.cube.completion), if at least half of its values are there (LEAST).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import xarray as xr

from spaxel.cube.completion import Completion, fill_rows

LEAST = 0.5  # share of its values that a spectrum must have to be used
LOUD = 0.1  # share of the pixels without data from which this is said aloud
BY_VALUES = "by_values"  # attribute of `valid` where it says what the values say too

Gaps = Literal["complete", "keep", "any"]
"""complete: missing values are completed where a cube knows how, else spectra that lack one are no data
keep: they stay NaN, in spectra that have half of their values      any: so, in spectra that have any value"""

WHOLE, PARTLY, MARKED, ZERO, EMPTY, FEW, HOLED = range(7)
KINDS = HOLED + 1
REASONS = {
    MARKED: ("marked as no data", "by a mask or by the file: --mask none and --raw read what a file hides"),
    ZERO: ("all zero", "add a constant if zeros were measured"),
    EMPTY: (
        "without any finite value",
        "not measured, or hidden by a mask or the file: --mask none and --raw read that",
    ),
    FEW: ("with less than half of their values", "crop to the channels that they have"),
    HOLED: ("that lack a value", "a new fit with missing='complete' uses the values that they have"),
}


def judge(
    spectra: np.ndarray, valid: np.ndarray | None = None, least: float = 1.0, *, by_values: bool = False
) -> np.ndarray:
    """What is to be said of each spectrum: WHOLE or PARTLY (usable), else why it is lost: MARKED, ZERO, EMPTY, FEW, HOLED.

    spectra : (..., channel)      valid : (...,) bool or None, False = no data, whatever the values are
    least   : share of the values that a usable spectrum has; 0: any      returns : (...,) uint8
    by_values : `valid` is False where values say no data themselves, which then say why
    """
    found = np.where(_not_zero(spectra), np.uint8(WHOLE), np.uint8(ZERO))
    if spectra.dtype.kind == "f" and not _plainly_finite(spectra):
        known = np.isfinite(spectra)
        if not (whole := known.all(-1)).all():
            share = known.mean(-1)
            known &= spectra != 0
            found[~whole & known.any(-1)] = PARTLY
            found[(found == PARTLY) & (share < least)] = HOLED
            found[(found == HOLED) & (share < LEAST)] = FEW
            found[~whole & ~known.any(-1)] = ZERO
            found[share == 0] = EMPTY
    if valid is not None and not valid.all():
        lost = ~valid & (found < MARKED) if by_values else ~valid
        found[lost] = MARKED
    return found


def _not_zero(spectra: np.ndarray) -> np.ndarray:
    """(spectra != 0).any(-1), of which most is known from one channel."""
    found = spectra[..., spectra.shape[-1] // 2] != 0
    if not found.all():
        found = np.array(found)
        found[~found] = (spectra[~found] != 0).any(-1)
    return found


def _plainly_finite(spectra: np.ndarray) -> bool:
    """Whether all values are finite, told by sums that are; False says nothing."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(spectra.sum(-1)).all())


def with_completion(cube: xr.Dataset, model: Completion | None) -> xr.Dataset:
    """The cube, which from now on says how its missing values are completed where it is read."""
    if model is None:
        return cube.drop_vars("completion", errors="ignore")
    flags = np.ones((2, len(model.mean))) * [model.lowest, model.whole]
    rows = np.vstack([model.mean, model.size, model.noise, flags, model.basis])
    return cube.assign(completion=(("completion_row", "channel"), rows))


def completion_of(cube: xr.Dataset) -> Completion | None:
    """How missing values of a cube are completed; None where it does not say."""
    if "completion" not in cube:
        return None
    rows = np.asarray(cube["completion"].values, np.float64)
    return Completion(rows[0], rows[1], rows[2], rows[5:], rows[3, :1], rows[4, :1] > 0)


def filled_in(spectra: np.ndarray, lacking: np.ndarray, model: Completion | None) -> np.ndarray:
    """A copy of a tile (rows, columns, channel) in which what some spectra lack is completed; without a model it is NaN.

    lacking : (rows, columns) bool, the spectra that lack values
    """
    whole = np.array(spectra, order="C")
    if model is None:
        whole[~np.isfinite(whole)] = np.nan
    else:
        fill_rows(whole.reshape(-1, whole.shape[-1]), np.flatnonzero(lacking), model)
    return whole


def lost_sentence(why: np.ndarray) -> str:
    """The loud sentence about pixels without data: how many, why, and how to keep them; "" where there are few.

    why : (7,) spectra by what `judge` says of them
    """
    total, gone = float(np.sum(why)), float(np.sum(np.asarray(why)[MARKED:]))
    if not total or gone <= LOUD * total:
        return ""
    held = [(REASONS[i], int(why[i])) for i in REASONS if why[i]]
    reasons = "; ".join(f"{n:,} {what} ({hint})" for (what, hint), n in held)
    return f"{int(gone):,} of {int(total):,} pixels ({gone / total:.0%}) are no data: {reasons}."


def completed_sentence(why: np.ndarray) -> str:
    """The sentence about pixels whose missing values were completed; "" where there are none."""
    if not (n := int(why[PARTLY])):
        return ""
    total = int(np.sum(why[:MARKED]))
    return f"{n:,} of {total:,} pixels with data lack some values, which were completed from those that they have."
