"""Narrow peaks of a spectrum above what is around them, with their error. Any axis, also one with gaps.

At every channel a straight line and a peak of known width are fitted to the near channels by least squares:

    y(t) = h exp(-(t - x)² / 2 w²) + b + c t,      |t - x| <= 3 w

The height h is a linear function of the spectrum, so its error is known, and a background that is smooth on this scale
(scattered light, stars) gives none. As the zero-area filters of X-ray analysis (Van Grieken and Markowicz 2002, ch. 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

REACH = 3.0  # of the fit, in widths
FEWEST = 5  # channels in a fit
DIP = 1.8  # how many times deeper a near dip must be for a peak to be no more than its shoulder
BROAD = 1.15  # height at twice the width over that at the width, above which it is a hump, no peak


class Fit(NamedTuple):
    """Heights are weights of the near channels. near : (channel, m) their indices     weights : (channel, m)."""

    near: np.ndarray
    weights: np.ndarray

    def heights(self, spectra: np.ndarray) -> np.ndarray:
        """Height of a peak at each channel: (…, channel) -> (…, channel)."""
        return np.einsum("...cm,cm->...c", spectra[..., self.near], self.weights)

    def errors(self, error: np.ndarray) -> np.ndarray:
        """Standard deviation of these heights from that of the channels, which are independent: (…, channel)."""
        return np.sqrt(np.einsum("...cm,cm->...c", (error**2)[..., self.near], self.weights**2))


class Peak(NamedTuple):
    """A peak. position : in units of the axis     height, error : of the spectrum     channel : where it is highest."""

    position: float
    height: float
    error: float
    channel: int

    @property
    def sigma(self) -> float:
        """How many standard deviations it stands above what is around it."""
        return self.height / self.error


def steps(axis: np.ndarray) -> np.ndarray:
    """Width of each channel: the smaller distance to a neighbour, so that a gap is not taken for a wide channel."""
    gaps = np.diff(axis)
    return np.minimum(np.append(gaps, gaps[-1]), np.append(gaps[0], gaps))


def roughness(spectra: np.ndarray, reach: int = 20) -> np.ndarray:
    """How much neighbouring channels of spectra scatter, as the standard deviation of each value: (n, channel).

    From second differences, whose standard deviation is √6 times that of independent values; their median over ± reach
    channels, so that peaks do not count, and larger with the root of the value, as that of counts. At least a fifth of what
    is usual in the spectrum. A spectrum of fewer than five channels has none: nan.
    """
    n = spectra.shape[-1]
    if n < FEWEST:
        return np.full(spectra.shape, np.nan)
    bend = np.abs(np.diff(spectra, 2)) / np.sqrt(6)
    around = [np.pad(v, ((0, 0), (reach + edge, reach + edge)), mode="reflect" if n > 2 * reach + 4 else "edge")
              for v, edge in ((bend, 1), (np.abs(spectra), 0))]  # fmt: skip
    local, level = (
        np.nanmedian(np.lib.stride_tricks.sliding_window_view(v, 2 * reach + 1, axis=-1), axis=-1) for v in around
    )
    found = 1.4826 * local * np.sqrt(np.maximum(1.0, np.abs(spectra) / np.maximum(level, 1e-300)))
    usual = np.nanmedian(np.where(found > 0, found, np.nan), axis=-1, keepdims=True) if (found > 0).any() else 0.0
    return np.fmax(found, 0.2 * np.nan_to_num(usual))


def seen_width(axis: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Standard deviation of a peak after the channels have averaged over it. width : (channel,), before."""
    return np.hypot(width, steps(axis) / np.sqrt(12))


def fit_peaks(axis: np.ndarray, width: np.ndarray) -> Fit:
    """The weights for an axis and the standard deviation of peaks on it (see seen_width), both (channel,).

    Weights are zero, and so are heights, where fewer than five channels or none of one side can be seen.
    """
    reach = np.maximum(REACH * width, 2.5 * steps(axis))
    low, high = np.searchsorted(axis, axis - reach), np.searchsorted(axis, axis + reach)
    most = int((high - low).max())
    place = low[:, None] + np.arange(most)
    inside = place < high[:, None]
    near = np.minimum(place, len(axis) - 1)
    t = (axis[near] - axis[:, None]) / width[:, None]
    columns = np.stack([np.exp(-(t**2) / 2), np.ones_like(t), t], -1) * inside[..., None]
    both = (np.where(inside, t, 0).min(1) < -1) & (np.where(inside, t, 0).max(1) > 1)
    good = both & (inside.sum(1) >= FEWEST)
    gram = np.einsum("cmi,cmj->cij", columns, columns)
    gram[~good] = np.eye(3)
    first = np.linalg.pinv(gram, rcond=1e-9, hermitian=True)[:, 0]
    return Fit(near, np.einsum("ci,cmi->cm", first, columns) * good[:, None])


def find_peaks(
    axis: np.ndarray,
    spectrum: np.ndarray,
    error: np.ndarray,
    width: np.ndarray,
    *,
    least: float = 5.0,
    dips: bool = False,
) -> list[Peak]:
    """Peaks of at least `least` standard deviations, by position; humps that are clearly wider than a peak are left out.

    axis, spectrum, error, width : (channel,); error is the standard deviation of each value, width that of a peak (seen_width)
    dips : the spectrum has absorption lines, whose shoulders are no peaks
    Fails: two peaks closer than about 2.5 widths are one, at a place between; a channel axis of fewer than five gives none.
    """
    if len(axis) < FEWEST:
        return []
    fit = fit_peaks(axis, width)
    heights, errors = fit.heights(spectrum), fit.errors(error)
    wide = fit_peaks(axis, 2 * width).heights(spectrum)
    inner = np.zeros(len(axis), bool)
    inner[1:-1] = (heights[1:-1] > heights[:-2]) & (heights[1:-1] >= heights[2:])
    tall = inner & (heights > least * errors) & (heights > 0) & (errors > 0) & (wide < BROAD * heights)
    if dips:
        tall &= heights[fit.near].min(1) > -DIP * heights
    return [
        Peak(_summit(axis, heights, int(i)), float(heights[i]), float(errors[i]), int(i)) for i in np.flatnonzero(tall)
    ]


def _summit(axis: np.ndarray, heights: np.ndarray, i: int) -> float:
    """Where the parabola through three heights is highest, at most half a channel from the middle one."""
    left, middle, right = heights[i - 1 : i + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(axis[i] + np.clip(shift, -0.5, 0.5) * steps(axis)[i])
