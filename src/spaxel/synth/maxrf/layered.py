"""Paint of uneven thickness over an underpainting: spectra that change with thickness, as no mixture of fixed spectra does.

The light of a layer below is absorbed on its way in and out by the paint above (spaxel.synth.maxrf.fluorescence), so it falls
about exponentially with the thickness, faster for soft lines: a point of zero thickness shows the layer below, a thick one
the paint alone. Spectra are made at some thicknesses and interpolated between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import softmax

from spaxel.synth.fields import Fields
from spaxel.synth.maxrf.fluorescence import Instrument, Layer, intensities

UNDER = ("lead white", "red ochre", "bone black")  # underpaintings, one per region
NODES = 7  # thicknesses at which spectra are made
REACH = 2.5  # standard deviations of log thickness that the nodes reach


@dataclass(frozen=True)
class Table:
    """Spectra of paints at some thicknesses over some underpaintings: (paint, under, node, channel), mean sum 1.

    log_thickness : (node,) natural logarithm of g/cm2, evenly spaced
    """

    spectra: np.ndarray
    log_thickness: np.ndarray

    def mix(self, paint: np.ndarray, under: np.ndarray, log_thickness: np.ndarray) -> np.ndarray:
        """Spectra (…, channel) of shares of paints (…, paint), of underpaintings (…, under), and thicknesses (…)."""
        low, step = self.log_thickness[0], self.log_thickness[1] - self.log_thickness[0]
        place = np.clip((log_thickness - low) / step, 0, len(self.log_thickness) - 1)
        nodes = np.maximum(0, 1 - np.abs(place[..., None] - np.arange(len(self.log_thickness))))
        weights = np.einsum("...p,...u,...n->...pun", paint, under, nodes)
        flat = weights.reshape(*weights.shape[:-3], -1)
        return flat @ self.spectra.reshape(flat.shape[-1], -1)


@dataclass(frozen=True)
class Layered:
    """Where which underpainting lies, and how thick the paint is. under, thickness : fields      relief : of log thickness"""

    table: Table
    under: Fields
    thickness: Fields
    relief: float

    def at(self, paint: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Spectra (h, w, channel) of shares of paints (h, w, paint) at rows y (h,) and columns x (w,)."""
        under = softmax(6 * self.under.at(y, x), axis=-1)
        nodes = self.table.log_thickness
        return self.table.mix(paint, under, nodes[len(nodes) // 2] + self.relief * self.thickness.at(y, x)[..., 0])

    def at_median(self) -> np.ndarray:
        """Spectra (paint, channel) at the median thickness, the mean over the underpaintings."""
        return self.table.spectra.mean(1)[:, len(self.table.log_thickness) // 2]


@lru_cache(maxsize=8)
def _cached(
    paints: tuple, unders: tuple, ground: tuple, instrument: Instrument, key: tuple, nodes: tuple
) -> np.ndarray:
    edges = np.linspace(*key)
    stacks = [
        [
            Layer(dict(paint), thickness),
            *([Layer(dict(under[0]), under[1])] if under else []),
            Layer(dict(ground), np.inf),
        ]
        for paint in paints
        for under in unders
        for thickness in nodes
    ]
    return intensities(stacks, instrument, edges)


def table(
    paints: list[dict[str, float]],
    unders: list[tuple[dict[str, float], float]],
    ground: dict[str, float],
    instrument: Instrument,
    edges: np.ndarray,
    thickness: float,
    relief: float,
) -> Table:
    """Spectra of paints over underpaintings over the ground; the mean of all has sum 1.

    paints : compositions      unders : (composition, g/cm2), empty for none      edges : (channel + 1,) keV, evenly spaced
    thickness : median of the paint, g/cm2      relief : standard deviation of its logarithm
    """
    nodes = np.log(thickness) + np.linspace(-REACH, REACH, NODES) * max(relief, 1e-3)
    frozen = tuple(tuple(paint.items()) for paint in paints)
    below = tuple((tuple(under.items()), depth) for under, depth in unders) or (None,)
    key = (float(edges[0]), float(edges[-1]), len(edges))
    found = _cached(frozen, below, tuple(ground.items()), instrument, key, tuple(np.exp(nodes)))
    found = found.reshape(len(paints), len(below), NODES, -1)
    return Table(found / found.sum(-1).mean(), nodes)


def pile_up(counts: np.ndarray, share: float, energies: np.ndarray) -> np.ndarray:
    """Expected counts (…, channel) where a share of photons meets another one and both count as their sum.

    y = (1 - share) x + share / 2 (x * x) / sum x, the convolution on the axis of energies (channel,), evenly spaced; what
    falls beyond the axis is lost. Two photons of a pair make one count.
    """
    step = energies[1] - energies[0]
    start = round(energies[0] / step)  # channels below the axis
    total = np.maximum(counts.sum(-1, keepdims=True), 1e-300)
    n = counts.shape[-1]
    pairs = fftconvolve(counts, counts / total, axes=-1)
    moved = np.zeros_like(counts)
    if start < n:
        moved[..., start:] = pairs[..., : n - start]
    return (1 - share) * counts + share / 2 * np.maximum(moved, 0)
