"""A fitted model of learned distances in plain arrays: places in the consensus, and learned places beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from spaxel.cube.mapping import Arrays
from spaxel.methods.centers.projection import in_blocks
from spaxel.methods.consensus.model import Model as Members
from spaxel.methods.consensus.model import model_from
from spaxel.methods.learned.encoder import Encoder
from spaxel.methods.learned.fields import onto
from spaxel.methods.learned.sights import Counts, Light, sight_of
from spaxel.methods.state import pack, unpack
from spaxel.preprocess.scaling import Rows

WEIGHT = 7.0  # of learned places, of norm 1, beside those in the consensus, where unanimous components lie 3 √2 apart
LIGHT_WEIGHT = 30.0  # the same for light: the consensus decides what learned places leave open


class Learned(NamedTuple):
    """The learned part. encoder : in float64      onto : (bin, channel)      sight : what it sees of the bins

    weight : by which its places are multiplied
    """

    encoder: Encoder
    onto: csr_array
    sight: Counts | Light
    weight: float

    def places(self, own: np.ndarray, around: np.ndarray) -> np.ndarray:
        """Places (n, d) of spectra and of their neighbours' mean, both (n, channel)."""
        return self.encoder(self.sight.seen(self.binned(own), self.binned(around)))

    def binned(self, spectra: np.ndarray) -> np.ndarray:
        """Spectra (n, channel) on the grid of the field, (n, bin)."""
        return np.ascontiguousarray((self.onto @ np.ascontiguousarray(spectra.T)).T)

    def scores(self, block: np.ndarray, channels: int) -> np.ndarray:
        """Places times the weight, of spectra (n, channel), or (n, 2 channel) with the mean of the neighbours."""
        block = np.asarray(block, np.float64)
        own = np.ascontiguousarray(block[:, :channels])
        around = np.ascontiguousarray(block[:, channels:]) if block.shape[1] > channels else own
        return self.weight * self.places(own, around)


class Model(NamedTuple):
    """For spaxel.methods.centers.maps: scores are places in the consensus, then learned ones; learned is None without trust."""

    members: Members
    learned: Learned | None

    @property
    def channels(self) -> int:
        """Length of a spectrum."""
        return self.members.channels

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """The first scaling of spectra one by one."""
        return self.members.alone

    def scores(self, block: np.ndarray, own: Rows | None = None) -> np.ndarray:
        """Scores (n, d) of spectra (n, channel), or (n, 2 channel) with the mean of the neighbours."""
        place = self.members.scores(block, own)
        if self.learned is None:
            return place
        return np.concatenate([place, self.learned.scores(block, self.channels)], axis=1)

    def reading(self) -> dict[str, Any]:
        """The mean of the neighbours is read beside each spectrum, but of tables."""
        return self.members.reading()


def of_grids(function: Callable[[np.ndarray], np.ndarray], spectra: np.ndarray) -> np.ndarray:
    """`in_blocks` for spectra (…, channel): (…, d)."""
    found = in_blocks(function, spectra.reshape(-1, spectra.shape[-1]))
    return found.reshape(*spectra.shape[:-1], found.shape[1])


def learned_arrays(known: Learned, edges: np.ndarray, grid: np.ndarray, trust: float) -> Arrays:
    """What `state_` keeps of the learned part. edges, grid : of channels and of the field, on one scale"""
    kept = {"net_channels": edges, "net_grid": grid, "net_trust": np.array([trust])}
    if isinstance(known.sight, Light):
        kept["net_reference"] = np.array([known.sight.reference])
    return pack("net.", known.encoder) | kept


def learned_of(encoder: Encoder, edges: np.ndarray, grid: np.ndarray, trust: float, reference: float | None) -> Learned:
    """The learned part. reference : the brightness that counts as 1, of light; None: of counts"""
    counts = reference is None
    sight = sight_of(edges, grid, counts=counts, reference=reference or 0.0)
    weight = WEIGHT if counts else LIGHT_WEIGHT
    return Learned(encoder.double(), onto(edges, grid, counts=counts), sight, weight * trust)


def learned_from(state: Arrays) -> Learned | None:
    """The learned part that these arrays are of; None where there is none."""
    if "net_trust" not in state:
        return None
    reference = float(state["net_reference"][0]) if "net_reference" in state else None
    edges, grid, trust = (state[f"net_{name}"] for name in ("channels", "grid", "trust"))
    return learned_of(unpack(Encoder, state, "net."), edges, grid, float(trust[0]), reference)


def model_of(state: Arrays, views: list[str], context: int) -> Model:
    """The model that these arrays are of."""
    return Model(model_from(state, views, context), learned_from(state))
