"""The fields for which distances can be learned, each with a physical grid, so that the axis of any instrument fits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from spaxel.errors import ParameterError
from spaxel.lines.gas import ANGSTROM


class Field(NamedTuple):
    """A field.

    units  : of the axis of its cubes, and how much one of each is on the grid      edges : (bin + 1,) of the grid
    what   : its spectra in words      counts : photons, whose noise is known, or else light of any scale at a redshift
    widest : of a channel, on the grid      needed : what an axis has to cover
    """

    name: str
    units: dict[str, float]
    edges: np.ndarray
    what: str
    counts: bool
    widest: float
    needed: tuple[float, float] | None

    def grid_of(self, axis: np.ndarray, units: str, redshift: float = 0.0) -> np.ndarray | None:
        """Edges (channel + 1,) of the channels of a rising axis on the grid, at rest; None where it is of something else."""
        if units not in self.units or len(axis) < FEWEST or not np.all(np.diff(axis) > 0):
            return None
        middles = (axis[1:] + axis[:-1]) / 2
        edges = np.concatenate([[2 * axis[0] - middles[0]], middles, [2 * axis[-1] - middles[-1]]])
        edges = edges * self.units[units] / (1 + redshift)
        inside = np.clip(edges, self.edges[0], self.edges[-1])
        needed = self.needed or (edges[0], edges[-1])
        there = edges[0] <= needed[0] and needed[1] <= edges[-1] and np.median(np.diff(edges)) <= self.widest
        return edges if there and np.ptp(inside) > SEEN * np.ptp(self.edges) else None


FEWEST = 16  # channels
COVERED = 0.5  # share of a bin that channels have to cover, to give it light
SEEN = 0.2  # share of the grid that an axis must cover at least
MAXRF = Field(
    "maxrf",
    {"keV": 1.0, "eV": 1e-3},
    np.concatenate([np.arange(9, 150) / 10, np.arange(150, 386, 4) / 10, [38.5]]),
    "X-ray fluorescence, counts",
    True,
    np.inf,
    None,
)
IFU = Field(
    "ifu",
    ANGSTROM,
    np.concatenate([
        np.arange(4700, 4820, 20), np.arange(4820, 5060, 4),  # around Hβ and [O III]
        np.arange(5060, 6260, 20), np.arange(6260, 6780, 4),  # around Hα, [N II] and [S II]
        np.arange(6780, 6901, 20),
    ]).astype(float),
    "galaxies, light along wavelength",
    False,
    8.0,
    (6520.0, 6610.0),
)  # fmt: skip
FIELDS = {field.name: field for field in (MAXRF, IFU)}


def field_of(name: str) -> Field:
    """A field by its name. Raises ParameterError."""
    if name not in FIELDS:
        raise ParameterError(f"There is no field {name!r} to learn distances for. Known: {', '.join(FIELDS)}.")
    return FIELDS[name]


def onto(edges: np.ndarray, grid: np.ndarray, *, counts: bool = True) -> csr_array:
    """The matrix (bin, channel) that takes spectra to the bins of a grid.

    Counts: the share of a channel that lies in each bin. Light: the mean over each bin times the root of its width, so
    that all bins have the same noise; nothing where less than half of a bin is covered.
    edges : (channel + 1,), grid : (bin + 1,), both rising
    """
    shared = overlap(edges, grid)
    if counts:
        return csr_array(shared / np.diff(edges)[None])
    widths, inside = np.diff(grid), shared.sum(1)
    scale = np.where(inside >= COVERED * widths, np.sqrt(widths) / np.maximum(inside, 1e-9), 0.0)
    return csr_array(shared * scale[:, None])


def overlap(edges: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(bin, channel): how much of each channel lies in each bin."""
    low = np.maximum(edges[None, :-1], grid[:-1, None])
    high = np.minimum(edges[None, 1:], grid[1:, None])
    return np.maximum(high - low, 0)
