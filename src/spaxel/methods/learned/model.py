"""A fitted model of learned distances in plain arrays: the linear scores of k-means, and learned places beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from spaxel.cube.mapping import BLOCK, Arrays
from spaxel.methods.centers.projection import Folded, Projected
from spaxel.methods.learned.encoder import Encoder, seen_of
from spaxel.methods.learned.fields import onto
from spaxel.methods.state import pack, unpack

CONTEXT = 3  # side of the window whose mean, without the pixel itself, is the neighbours'


class Learned(NamedTuple):
    """The learned part. encoder : in float64      onto : (bin, channel)      trust : 0 to 1, its weight."""

    encoder: Encoder
    onto: csr_array
    trust: float

    def places(self, own: np.ndarray, around: np.ndarray) -> np.ndarray:
        """Places (n, d) of spectra and of their neighbours' mean, both (n, channel)."""
        return self.encoder(seen_of(self.binned(own), self.binned(around)))

    def binned(self, spectra: np.ndarray) -> np.ndarray:
        """Spectra (n, channel) on the grid of the field, (n, bin)."""
        return np.ascontiguousarray((self.onto @ np.ascontiguousarray(spectra.T)).T)


class Model(NamedTuple):
    """For spaxel.methods.centers.maps: scores are (1 - trust) times the linear ones, then trust times the learned places.

    linear : scaling and principal components      size : by which linear scores are divided      context : 0 or 3
    learned : None where no field fits the data
    """

    linear: Projected
    size: float
    learned: Learned | None
    context: int

    @property
    def channels(self) -> int:
        """Length of a spectrum."""
        return self.linear.channels

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """The scaling of spectra one by one."""
        return self.linear.alone

    def scores(self, block: np.ndarray) -> np.ndarray:
        """Scores (n, d) of spectra (n, channel), or (n, 2 channel) with the mean of the neighbours."""
        block = np.asarray(block, np.float64)
        own = np.ascontiguousarray(block[:, : self.channels])
        around = np.ascontiguousarray(block[:, self.channels :]) if self.context else own
        parts = []
        if self.learned is None or self.learned.trust < 1:
            left = 1.0 if self.learned is None else 1 - self.learned.trust
            parts.append(self.linear.scores(own) * (left / self.size))
        if self.learned is not None and self.learned.trust > 0:
            parts.append(self.learned.trust * self.learned.places(own, around))
        return np.concatenate(parts, axis=1)

    def reading(self) -> dict[str, Any]:
        """The mean of the neighbours is read beside each spectrum, but of tables."""
        return {"context": self.context} if self.context else {}


def scores_of(model: Model, spectra: np.ndarray) -> np.ndarray:
    """Scores of many spectra, in blocks of the size that mapping uses, so that the bits agree."""
    if not len(spectra):
        return np.zeros((0, model.scores(np.ones((1, model.channels * (2 if model.context else 1)))).shape[1]))
    rows = np.arange(-(-len(spectra) // BLOCK) * BLOCK) % len(spectra)
    return np.concatenate([model.scores(spectra[part]) for part in rows.reshape(-1, BLOCK)])[: len(spectra)]


def model_arrays(folded: Folded, size: float, learned: tuple[Encoder, np.ndarray, np.ndarray, float] | None) -> Arrays:
    """What `state_` keeps of a model. learned : encoder, edges of the channels and of the grid, trust"""
    found = pack("", folded) | {"size": np.array([size])}
    if learned is None:
        return found
    encoder, edges, grid, trust = learned
    return found | pack("net.", encoder) | {"net_channels": edges, "net_grid": grid, "net_trust": np.array([trust])}


def model_from(state: Arrays, scaling: str, context: int) -> Model:
    """The model that these arrays are of."""
    linear, size = Projected(scaling, unpack(Folded, state, "")), float(state["size"][0])
    if "net_trust" not in state:
        return Model(linear, size, None, context)
    encoder = unpack(Encoder, state, "net.").double()
    matrix = onto(state["net_channels"], state["net_grid"])
    return Model(linear, size, Learned(encoder, matrix, float(state["net_trust"][0])), context)
