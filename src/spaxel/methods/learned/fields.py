"""The fields for which distances can be learned, each with a physical grid, so that the axis of any instrument fits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from spaxel.errors import ParameterError


class Field(NamedTuple):
    """A field.

    units : of the axis of its cubes, and how much one of each is on the grid      edges : (bin + 1,) of the grid
    what  : its spectra in words
    """

    name: str
    units: dict[str, float]
    edges: np.ndarray
    what: str

    def grid_of(self, axis: np.ndarray, units: str) -> np.ndarray | None:
        """Edges (channel + 1,) of the channels of a rising axis on the grid; None where the axis is of something else."""
        if units not in self.units or len(axis) < FEWEST or not np.all(np.diff(axis) > 0):
            return None
        middles = (axis[1:] + axis[:-1]) / 2
        edges = np.concatenate([[2 * axis[0] - middles[0]], middles, [2 * axis[-1] - middles[-1]]]) * self.units[units]
        inside = np.clip(edges, self.edges[0], self.edges[-1])
        return edges if np.ptp(inside) > SEEN * np.ptp(self.edges) else None


FEWEST = 16  # channels
SEEN = 0.2  # share of the grid that an axis must cover at least
MAXRF = Field(
    "maxrf",
    {"keV": 1.0, "eV": 1e-3},
    np.concatenate([np.arange(9, 150) / 10, np.arange(150, 386, 4) / 10, [38.5]]),
    "X-ray fluorescence, counts",
)
FIELDS = {field.name: field for field in (MAXRF,)}


def field_of(name: str) -> Field:
    """A field by its name. Raises ParameterError."""
    if name not in FIELDS:
        raise ParameterError(f"There is no field {name!r} to learn distances for. Known: {', '.join(FIELDS)}.")
    return FIELDS[name]


def onto(edges: np.ndarray, grid: np.ndarray) -> csr_array:
    """The matrix (bin, channel) that takes counts of channels to bins of a grid: the share of a channel that lies in each.

    edges : (channel + 1,), grid : (bin + 1,), both rising
    """
    low = np.maximum(edges[None, :-1], grid[:-1, None])
    high = np.minimum(edges[None, 1:], grid[1:, None])
    return csr_array(np.maximum(high - low, 0) / np.diff(edges)[None])
