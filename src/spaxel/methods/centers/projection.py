"""Scaling and principal components folded into one product: what k-means does with a spectrum before it looks for a centre."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.mapping import BLOCK
from spaxel.cube.sampled_windows import Windows, sample_windows
from spaxel.linear.pca import Projection
from spaxel.preprocess.scaling import TINY, Rows, Scaling, scaled_product


class Folded(NamedTuple):
    """A scaling and a projection as arrays of a model's state.

    center  : (channel,) around which the part of the scaling is done that looks at one spectrum alone
    project : (channel, d) and offset (d,): everything linear that follows, folded into one product
    bright  : (2,) mean and weight of log brightness, and along (d,) its place in the scores; zeros if unused
    """

    center: np.ndarray
    project: np.ndarray
    offset: np.ndarray
    bright: np.ndarray
    along: np.ndarray


class Projected(NamedTuple):
    """The model of k-means for spaxel.methods.centers.maps: scores of spectra. name : the scaling."""

    name: str
    folded: Folded

    @property
    def channels(self) -> int:
        """Length of a spectrum."""
        return len(self.folded.center)

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """The part of the scaling that looks at one spectrum alone."""
        return self.name, self.folded.center

    def scores(self, block: np.ndarray, own: Rows | None = None) -> np.ndarray:
        """Scores (n, d) of spectra (n, channel). own : the same, if something was asked of them already"""
        rows = own or Rows(block)
        scores = scaled_product(self.name, rows, self.folded.center, self.folded.project) - self.folded.offset
        mean, weight = self.folded.bright
        if weight:
            scores += ((np.log(np.maximum(rows.norm, TINY)) - mean) * weight)[:, None] * self.folded.along
        return scores

    def reading(self) -> dict[str, Any]:
        """Pixels are read alone."""
        return {}


def fold(scaling: Scaling, projection: Projection) -> Folded:
    """Scaling and projection as one product."""
    channels = len(scaling.center)
    basis, matrix = projection.basis[:channels], None if scaling.name == "unit_bright" else scaling.matrix
    project = scaling.weight[:, None] * (basis if matrix is None else matrix @ basis)
    bright, along = np.zeros(2), np.zeros(basis.shape[1])
    offset = projection.mean[:channels] @ basis
    if scaling.name == "unit_bright" and scaling.matrix is not None:
        bright, along = scaling.matrix[0], projection.basis[channels]
        offset = offset + projection.mean[channels] * along
    return Folded(scaling.center, np.ascontiguousarray(project), offset, bright, along)


def windows_of(model: Projected, cubes: list[xr.Dataset], seed: int) -> Windows:
    """Scores of small windows of cubes, (w, side, side, d), and which of their pixels hold data."""
    windows = sample_windows(cubes, seed)
    scores = project_blocks(windows.spectra.reshape(-1, model.channels), model)
    return Windows(scores.reshape(*windows.good.shape, scores.shape[1]), windows.good)


def project_blocks(spectra: np.ndarray, model: Projected) -> np.ndarray:
    """Scores of many spectra, in blocks of the size that mapping uses, so that the bits agree."""
    return in_blocks(model.scores, spectra)


def in_blocks(function: Callable[[np.ndarray], np.ndarray], spectra: np.ndarray) -> np.ndarray:
    """A function of the rows of many spectra (n, channel), in blocks of the size that mapping uses, so that the bits agree."""
    if not len(spectra):
        return function(np.ones((BLOCK, spectra.shape[1])))[:0]
    rows = np.arange(-(-len(spectra) // BLOCK) * BLOCK) % len(spectra)
    return np.concatenate([function(spectra[part]) for part in rows.reshape(-1, BLOCK)])[: len(spectra)]
