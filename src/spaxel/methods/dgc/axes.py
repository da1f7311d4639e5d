"""What Deep Global Clustering starts from: noise-whitened axes of spectra."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.errors import CubeError
from spaxel.linear.pca import fit_pca
from spaxel.preprocess.scaling import Scaling, fit_scaling
from spaxel.preprocess.whitening import FEWEST_PAIRS

MOST_AXES = 10


class Axes(NamedTuple):
    """scaling : mnf      project : (channel, q)      blocks : (channel, 3 q), see spaxel.methods.dgc.net.variation

    haze : (q,) scores of grey at the mean level      level : mean log length of scores
    """

    scaling: Scaling
    project: np.ndarray
    blocks: np.ndarray
    haze: np.ndarray
    level: float


def learn_axes(sample: Sample, seed: int) -> Axes:
    """Noise-whitened principal axes of a sample. Raises CubeError where there are hardly any neighbouring pixels."""
    if len(sample.pairs) < FEWEST_PAIRS:
        raise CubeError(
            f"Deep global clustering sees the noise in pixels with a right neighbour that has data too, and found "
            f"{len(sample.pairs)} of them, where {FEWEST_PAIRS} are needed. Try a larger part of the image, or KMeans."
        )
    scaling = fit_scaling("mnf", sample)
    scaled = scaling(sample.spectra)
    basis = fit_pca(scaled, min(MOST_AXES, scaled.shape[1], len(scaled) - 1), seed).basis
    project = scaling.matrix @ basis
    channels = len(project)
    ramp = np.linspace(-1, 1, channels) if channels > 1 else np.zeros(1)
    slope = np.gradient(np.eye(channels), axis=1) if channels > 1 else np.zeros((1, 1))
    blocks = np.concatenate([project, ramp[:, None] * project, slope @ project], axis=1)
    haze = float(sample.spectra.mean(dtype=np.float64)) * project.sum(0)
    length = np.linalg.norm(sample.spectra @ project, axis=1)
    return Axes(scaling, project, blocks, haze, float(np.log(np.maximum(length, 1e-3)).mean()))
