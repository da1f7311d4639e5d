"""Sparse activation: which components a cube holds, and whether that is more than noise and borders explain.

A component of a model is called present in a cube if more of its pixels are there than two causes of error explain:

    borders   between two materials the pixels are mixtures, and may look like a third. A seam, at most 2 pixels wide
              between two *different* components, is not counted.
    noise     a spectrum that is measured again may fall into another micro-cluster. How often, was counted when the model was
              fitted (`micro_mistaken`): m_ab of s_a redrawn spectra of part a fell into b. With n_a pixels of the cube in a,
              component k is expected to get  λ = Σ_(a not in k) n_a Σ_(b in k) m_ab / s_a  of them by mistake.

p = P(N >= n), N negative binomial with mean λ and the variance that the counting has (a gamma-Poisson prediction, with half a
mistake added, as nobody has seen all). The same test says whether there are pixels unlike anything that was fitted.

Fails, by calling a component absent, where it is but a seam of 1 or 2 pixels (a rim); by calling it present, where what
changes from cube to cube is no noise: another lamp, another calibration. Look at `unlike`, which then is large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.special import betainc

from spaxel.errors import ParameterError
from spaxel.results.convention import check_result, component_names
from spaxel.results.walk import walk

SURE = 1e-3  # p below which a component counts as present
FAR = 150  # of `unlike`: half as far again as the farthest 0.1 % of what was fitted
SEAM = 2  # pixels: width of what mixing at borders explains
UNLIKE = "unlike anything fitted"


class Presence(NamedTuple):
    """Of one cube. Arrays (component + 1,): the components, and last the pixels unlike anything that was fitted.

    names : of the components       n_pixels : with data
    size  : pixels                  explained : of them, expected by noise and borders
    p     : that so many come by noise alone, beyond the borders      present : p < 0.001
    drift : median distance from the model, over that of what was fitted: how far the cube lies as a whole
    """

    names: list[str]
    n_pixels: int
    size: np.ndarray
    explained: np.ndarray
    p: np.ndarray
    present: np.ndarray
    drift: float

    @property
    def share(self) -> np.ndarray:
        """Of the pixels with data."""
        return self.size / max(self.n_pixels, 1)


def presence(result: xr.Dataset) -> Presence:
    """Which components a result holds, by a test (see the module). For labels, not for abundances.

    A result without counts of mistakes (of a method that makes none) is tested for borders alone.
    Raises CubeError if this is no result.
    """
    names = component_names(check_result(result))
    k = len(names)
    size, seam = _counted(result["labels"], k)
    mean, variance = _mistakes(result, k)
    far, expected, spread, drift = _unlike(result, int(size.sum()))
    size, seam = np.append(size, far), np.append(seam, 0)
    mean, variance = np.append(mean, expected), np.append(variance, spread)
    p = exceedance(size - seam, mean, variance)
    explained = np.minimum(size, seam + mean)
    return Presence(names, int(size[:k].sum()), size, explained, p, p < SURE, drift)


def _counted(labels: xr.DataArray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each component, and those of them that are seams, (k,) int64 each."""
    size, seam = np.zeros(k, np.int64), np.zeros(k, np.int64)
    for _, inside, (part,) in walk(labels, halo=SEAM, scratch=24):
        own = part[inside]
        size += np.bincount(own[own >= 0], minlength=k)
        seam += np.bincount(own[seams(part)[inside]], minlength=k)
    return size, seam


def kept(found: Presence) -> dict[str, Any]:
    """A presence as plain values, for run.json, so that nobody computes it again; the names are those of the result."""
    arrays = {name: getattr(found, name).tolist() for name in ("size", "explained", "p")}
    return {"n_pixels": found.n_pixels, **arrays, "drift": found.drift}


def recalled(result: xr.Dataset, about: Mapping[str, Any]) -> Presence:
    """The presence that a run.json keeps of its result (`activation`); computed where it keeps none, or one that cannot be."""
    made: Any = about.get("activation")
    names = component_names(result)
    try:
        size, explained, p = (np.asarray(made[name], np.float64) for name in ("size", "explained", "p"))
        n_pixels, drift = int(made["n_pixels"]), float(made["drift"])
    except (TypeError, KeyError, ValueError, OverflowError):
        return presence(result)
    if any(values.shape != (len(names) + 1,) for values in (size, explained, p)):
        return presence(result)
    return Presence(names, n_pixels, size.astype(np.int64), explained, p, p < SURE, drift)


def seams(labels: np.ndarray, width: int = SEAM) -> np.ndarray:
    """Pixels of a seam: in a row, a column or a diagonal, at most `width` of a component between two other, different ones.

    labels : (y, x) int, -1 = no data      returns : (y, x) bool
    """
    found = np.zeros(labels.shape, bool)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        for n in range(1, width + 1):
            line = [_shifted(labels, i * dy, i * dx, (n + 1) * dy, (n + 1) * dx) for i in range(n + 2)]
            first, last, middle = line[0], line[-1], line[1]
            seam = (first >= 0) & (last >= 0) & (middle >= 0) & (first != last) & (first != middle) & (last != middle)
            for other in line[2:-1]:
                seam &= other == middle
            for i in range(1, n + 1):
                _shifted(found, i * dy, i * dx, (n + 1) * dy, (n + 1) * dx)[seam] = True
    return found


def _shifted(image: np.ndarray, y: int, x: int, height: int, width: int) -> np.ndarray:
    """The view on an image that starts at (y, x) of a window which moves over it. width < 0: the window leans to the left."""
    rows, columns = image.shape[0] - height, image.shape[1] - abs(width)
    left = x if width >= 0 else x - width
    return image[y : y + max(rows, 0), left : left + max(columns, 0)]


def exceedance(found: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """P(N >= found), N ~ Poisson(rate), rate ~ gamma with this mean and variance: a negative binomial."""
    found, shape = np.asarray(found), mean**2 / np.maximum(variance, 1e-300)
    share = mean / np.maximum(shape + mean, 1e-300)
    return np.where(found > 0, betainc(np.maximum(found, 1), np.maximum(shape, 1e-9), share), 1.0)


def _mistakes(result: xr.Dataset, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that each component gets by mistake: mean and variance of what the counting knows of them, (k,) each."""
    if "micro_mistaken" not in result or "micro_component" not in result:
        return np.full(k, 0.5), np.full(k, 0.5)
    table = result["micro_mistaken"].values.astype(float)
    component, size = result["micro_component"].values, result["micro_size"].values.astype(float)
    scale = size / np.maximum(table.sum(1), 1)  # pixels per redrawn spectrum
    into = np.stack([table[:, component == c].sum(1) * (component != c) for c in range(k)], axis=1)
    half = size.sum() / max(table.sum(), 1)
    return scale @ into + 0.5 * half, scale**2 @ into + 0.5 * half**2


def _unlike(result: xr.Dataset, n_pixels: int) -> tuple[int, float, float, float]:
    """Pixels unlike anything that was fitted, how many are expected, the variance of that; how far the whole cube lies."""
    if "unlike" not in result:
        return 0, 0.5, 0.5, 1.0
    seen, far, usual = result["unlike"].attrs["seen"]
    scale = n_pixels / max(seen, 1)
    counts = np.zeros(256, np.int64)
    for _, _, (values, labels) in walk(result["unlike"], result["labels"], scratch=9):
        counts += np.bincount(values[labels >= 0], minlength=256)
    n, ends = int(counts.sum()), np.cumsum(counts)
    middle = np.searchsorted(ends, [(n - 1) // 2, n // 2], side="right").mean()
    drift = float(middle) / max(usual, 1) if n else 1.0
    return int(counts[FAR + 1 :].sum()), (far + 0.5) * scale, (far + 0.5) * scale**2, drift


def new_here(found: Mapping[str, Presence], reference: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Of each cube, what is present in it and in no reference cube: {cube: (component + 1,) bool}.

    reference : names of the cubes to compare with; none given: all others. A cube is never compared with itself, and where
    nothing is left to compare with, nothing is new. Raises ParameterError for a reference that is not among the cubes.
    """
    if missing := [name for name in reference if name not in found]:
        raise ParameterError(f"There is no cube {missing[0]!r} to compare with. Try one of: {', '.join(found)}.")
    compared = reference or list(found)
    return {name: is_new(here, [found[o] for o in compared if o != name]) for name, here in found.items()}


def is_new(here: Presence, others: Sequence[Presence]) -> np.ndarray:
    """What is present here and in none of the others, (component + 1,) bool; nothing, where there are no others."""
    if not others:
        return np.zeros(len(here.present), bool)
    return here.present & ~np.any([other.present for other in others], axis=0)
