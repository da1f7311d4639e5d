"""How near found spectra and abundances come to true ones. Components are matched first, so their order is free."""

from __future__ import annotations

from typing import Any

import numpy as np

from spaxel.errors import CubeError


def spectral_angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle between spectra, blind to their brightness.

    a, b : (..., channel), any common unit        returns : (...,) radians, 0 = same shape
    cos θ = a·b / (‖a‖ ‖b‖), as 2 atan2(‖u - v‖, ‖u + v‖) of the unit vectors, which keeps small angles exact
    Kruse et al. 1993, doi:10.1016/0034-4257(93)90013-N; Kahan 2006
    Fails: an all-zero spectrum has no direction and gives nan.
    """
    u, v = _unit(np.asarray(a, np.float64)), _unit(np.asarray(b, np.float64))
    return 2 * np.arctan2(np.linalg.norm(u - v, axis=-1), np.linalg.norm(u + v, axis=-1))


def matched_spectra(found: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    """How near found spectra come to true ones, after the matching with the smallest sum of angles.

    found : (component, channel)      true : (truth_component, channel)      their numbers may differ
    returns : matching (truth_component,), the component for each true spectrum, -1 = none left; angle (radians) and
              cosine of each, None without a match or direction; mean_angle over those matched. Lists of builtins.
    Raises CubeError if the numbers of channels differ.
    """
    found, true = np.atleast_2d(found), np.atleast_2d(true)
    if found.shape[1] != true.shape[1]:
        raise CubeError(f"The found spectra have {found.shape[1]} channels, the true ones {true.shape[1]}.")
    angle = spectral_angle(true[:, None], found[None])
    matching = assign_columns(np.nan_to_num(angle, nan=np.pi))
    angles = [float(angle[t, k]) if k >= 0 and np.isfinite(angle[t, k]) else None for t, k in enumerate(matching)]
    known = [a for a in angles if a is not None]
    return {
        "matching": matching,
        "angle": angles,
        "cosine": [None if a is None else float(np.cos(a)) for a in angles],
        "mean_angle": sum(known) / len(known) if known else None,
    }


def abundance_rmse(found: np.ndarray, true: np.ndarray, matching: list[int] | None = None) -> dict[str, Any]:
    """Root mean square error of abundances, per true component and over all of them.

    found : (..., component)      true : (..., truth_component); pixels with nan in either are left out
    matching : component for each true one, -1 = none (then it is compared with 0), as matched_spectra gives;
               None: the one with the smallest error      returns : matching, rmse (list), mean_rmse
    Raises CubeError if the pixels differ, or none is left.
    """
    found, true = np.asarray(found, np.float64), np.asarray(true, np.float64)
    if found.shape[:-1] != true.shape[:-1]:
        raise CubeError(f"The abundances have shapes {found.shape} and {true.shape}: the pixels differ.")
    keep = np.isfinite(found).all(-1) & np.isfinite(true).all(-1)
    if not keep.any():
        raise CubeError("No pixel has abundances in both. Try another truth.")
    found, true = found[keep], true[keep]
    if matching is None:
        # mean (t - f)² less mean t², which no matching changes: so a class left without a component costs 0 more
        matching = assign_columns((found**2).mean(0)[None] - 2 * true.T @ found / len(true))
    guess = np.column_stack([found, np.zeros(len(found))])[:, matching]  # -1 is the column of zeros
    square = ((guess - true) ** 2).mean(0)
    return {
        "matching": [int(k) for k in matching],
        "rmse": np.sqrt(square).tolist(),
        "mean_rmse": float(np.sqrt(square.mean())),
    }


def assign_columns(cost: np.ndarray) -> list[int]:
    """Column for each row, -1 = none: the assignment of the smallest sum. cost : (row, column)."""
    from scipy.optimize import linear_sum_assignment

    chosen = dict(zip(*(side.tolist() for side in linear_sum_assignment(cost)), strict=True))
    return [chosen.get(row, -1) for row in range(len(cost))]


def _unit(a: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return a / np.linalg.norm(a, axis=-1, keepdims=True)
