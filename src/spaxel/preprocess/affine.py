"""Scalings of one spectrum alone that are a multiple of it and of the centre: norms of what is left need no scaled spectra."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.preprocess.scaling import PRIOR, TINY, Rows

COLUMNS = 128  # that are looked at together: 512 rows of them stay in the cache of a core


class Affine(NamedTuple):
    """scale_rows(name, x, center) = times[:, None] * spectra + beside[:, None] * center.

    spectra : (n, channel) float64, those that were given but for negative counts      times, beside : (n,)
    """

    spectra: np.ndarray
    times: np.ndarray
    beside: np.ndarray


def affine(name: str, spectra: np.ndarray | Rows, center: np.ndarray, norm: np.ndarray) -> Affine | None:
    """A scaling of spectra (n, channel) float64 as `Affine`; None where it is none (snv, …). norm : (n,) of them"""
    if name in ("snv", "hellinger", "asinh"):
        return None
    known = spectra if isinstance(spectra, Rows) else Rows(spectra)
    spectra, n = known.spectra, len(known.spectra)
    if name in ("unit", "unit_bright"):
        return Affine(spectra, 1 / np.maximum(norm, TINY * TINY), np.full(n, -1.0))
    if name == "counts":
        return Affine(known.positive, 1 / (known.total + PRIOR), -known.total / (known.total + PRIOR))
    return Affine(spectra, np.ones(n), np.full(n, -1.0))


def weighted_squares(spectra: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """spectra**2 @ weights, (n, w), without all squares at once. spectra : (n, channel) float64      weights : (channel, w)"""
    found = np.zeros((len(spectra), weights.shape[1]))
    for start in range(0, len(weights), COLUMNS):
        part = spectra[:, start : start + COLUMNS]
        found += (part * part) @ weights[start : start + COLUMNS]
    return found
