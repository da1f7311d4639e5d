"""The redshift of light, where nobody tells it: that at which its lines are most like simulated ones."""

from __future__ import annotations

import numpy as np

from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.fields import COVERED, Field
from spaxel.methods.learned.light import NOTHING, Grouped, Spaces, halves, likeness, of_brightness_1, share_off, spaces
from spaxel.methods.learned.sights import Light

REACH = (0.0, 0.25)  # of redshifts that are tried
FARTHEST = 2.0  # times the limit, from which on learned distances count nothing
STEP, FINE, AROUND = 6e-4, 1e-4, 18  # in ln (1 + z), and how many fine steps to each side


def redshift_of(spectra: np.ndarray, axis: np.ndarray, units: str, field: Field, encoder: Encoder) -> float | None:
    """The redshift of spectra (n, channel) of a sample; None where the lines fit at none. Right to about 0.0005.

    Groups of like brightness are laid on the grid at each redshift. The least share of their lines that is unlike all that
    was simulated says where about; there the mean of simulated lines says where exactly.
    """
    first, second = halves(spectra)
    both = np.concatenate([first, second])
    known: dict[bytes, Spaces] = {}

    def judged(z: float) -> tuple[float, float]:
        """The share that is left, and the likeness to the mean."""
        laid = _laid(both, axis, units, z, field)
        if laid is None:
            return NOTHING, -np.inf
        groups, light = laid
        key = light.covered.tobytes()
        if key not in known:
            known[key] = spaces(light, encoder.basis)
        spanned = known[key]
        return share_off(groups, light, spanned), likeness(groups, light, spanned, encoder.mean)

    tried = np.arange(np.log1p(REACH[0]), np.log1p(REACH[1]), STEP)
    off = [judged(float(np.expm1(t)))[0] for t in tried]
    best = int(np.argmin(off))
    if off[best] >= FARTHEST * encoder.limit[0]:
        return None
    near = np.expm1(tried[best] + FINE * np.arange(-AROUND, AROUND + 1))
    return round(float(near[int(np.argmax([judged(float(z))[1] for z in near]))]), 5)


def _laid(means: np.ndarray, axis: np.ndarray, units: str, z: float, field: Field) -> tuple[Grouped, Light] | None:
    """Means (group, channel) on the grid at a redshift, as `sights.onto` lays them, by differences of their sums."""
    edges = field.grid_of(axis, units, z)
    if edges is None:
        return None
    widths = np.diff(field.edges)
    sums = np.concatenate([np.zeros((len(means), 1)), np.cumsum(means * np.diff(edges), axis=1)], axis=1)
    at = np.stack([np.interp(field.edges, edges, row) for row in sums])
    inside = np.diff(np.clip(field.edges, edges[0], edges[-1]))
    covered = inside >= COVERED * widths
    binned = np.diff(at, axis=1) * np.where(covered, np.sqrt(widths) / np.maximum(inside, 1e-9), 0)
    light, middle = Light(widths, covered, 1.0), len(means) // 2
    return of_brightness_1(binned[:middle], binned[middle:], light), light
