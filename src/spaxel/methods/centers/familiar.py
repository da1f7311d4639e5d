"""How far a spectrum lies from all that a model was fitted to, so that what was never seen is known to be unlike it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.preprocess.affine import affine, weighted_squares
from spaxel.preprocess.scaling import TINY, Rows, scale_rows

SURE = (
    1e-9  # share of the terms of a square below which their difference is rounding: it is then made of scaled spectra
)
ROWS = 64  # of scaled spectra that are made together


class Familiar(NamedTuple):
    """How far the sample lies from its model.

    mean : (channel,), back : (d, channel): scaled rows ≈ mean + scores @ back      sd : (channel,) of what that leaves
    near, left : (m,) median distance to the centre, and of what is left, of each micro-cluster at mean brightness
    bend : (2,) exponents of brightness in both, as dim spectra scatter more      bright : mean log brightness
    reach : (2,) ratio to these medians that 99.9 % of the sample keep
    seen : how many of it, how many of them are far, and the median
    """

    mean: np.ndarray
    back: np.ndarray
    sd: np.ndarray
    near: np.ndarray
    left: np.ndarray
    bend: np.ndarray
    bright: np.ndarray
    reach: np.ndarray
    seen: np.ndarray


def directions(center: np.ndarray, known: Familiar) -> np.ndarray:
    """What `unlike` multiplies spectra by, (channel, 2 + d): centre, mean and directions over the variance of channels."""
    return np.ascontiguousarray((np.vstack([center, known.mean, known.back]) / known.sd**2).T)


def unlike(
    spectra: np.ndarray | Rows, alone: tuple[str, np.ndarray], scores: np.ndarray, gaps: np.ndarray, known: Familiar,
    micro: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """How far spectra lie from all that was fitted, (n,) uint8: 100 is the farthest 0.1 % of the sample.

    spectra : (n, channel)      alone : name and centre of the scaling that each goes through (scale_rows)
    scores : (n, d)      gaps : (n, m) distances to the centres      micro : (n,) the nearest one, where that is known
    """
    rows, weight = spectra if isinstance(spectra, Rows) else Rows(spectra), 1 / known.sd**2
    micro = gaps.argmin(1) if micro is None else micro
    squares = weighted_squares(rows.spectra, np.stack([weight, np.ones(len(weight))], axis=1))
    norm = np.sqrt(squares[:, 1])
    left = _left(rows, alone, scores, known, squares[:, 0], norm) / len(weight)
    light = np.log(np.maximum(norm, TINY)) - known.bright[0]
    both = np.stack([gaps[np.arange(len(gaps)), micro], np.sqrt(left)])
    middles = np.stack([known.near[micro], known.left[micro]])
    ratio = both / np.exp(known.bend[:, None] * light) / middles / known.reach[:, None]
    return np.clip(np.rint(100 * ratio.max(0)), 0, 255).astype(np.uint8)


def _left(
    spectra: np.ndarray | Rows, alone: tuple[str, np.ndarray], scores: np.ndarray, known: Familiar, square: np.ndarray,
    norm: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """‖(r - mean - z B) / sd‖² of scaled spectra r with scores z, (n,), to a part in 10^6.

    square : (n,) ‖x / sd‖² of spectra x as they are      norm : (n,)
    With r = a x + b c and the rows V = (c, mean, B), weights w = 1 / sd² and u = (b, -1, -z) it is
    a² ‖x / sd‖² + 2 a x·w(u V) + u (V w Vᵀ) uᵀ. Where little is left of these terms, it is worked out as it is written.
    """
    name, center = alone
    given = spectra if isinstance(spectra, Rows) else Rows(spectra)
    form, spectra = affine(name, given, center, norm), given.spectra
    if form is None:
        return _left_as_written(spectra, alone, scores, known)
    if form.spectra is not spectra:
        square = weighted_squares(form.spectra, (1 / known.sd**2)[:, None])[:, 0]
    rows, weighted = np.vstack([center, known.mean, known.back]), directions(center, known)
    product = given.times("unlike", weighted) if form.spectra is spectra else form.spectra @ weighted
    by_row = np.column_stack([form.beside, np.full(len(scores), -1.0), -scores])
    first, gram = form.times**2 * square, weighted.T @ rows.T
    last = ((by_row @ gram) * by_row).sum(1)
    terms = first + ((np.abs(by_row) @ np.abs(gram)) * np.abs(by_row)).sum(1)
    found = first + 2 * form.times * (product * by_row).sum(1) + last
    doubtful = ~(found > SURE * terms)
    if doubtful.any():
        found = np.where(doubtful, _left_as_written(spectra, alone, scores, known), found)
    return found


def _left_as_written(
    spectra: np.ndarray, alone: tuple[str, np.ndarray], scores: np.ndarray, known: Familiar
) -> np.ndarray:
    found = np.empty(len(spectra))
    for start in range(0, len(spectra), ROWS):
        part = slice(start, start + ROWS)
        rest = scale_rows(alone[0], spectra[part], alone[1]) - known.mean
        rest -= scores[part] @ known.back
        rest *= 1 / known.sd
        found[part] = np.einsum("ij,ij->i", rest, rest)
    return found
