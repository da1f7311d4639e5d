"""Is a small image a picture of something, or a table of samples that lie beside each other, as the wells of a plate?"""

from __future__ import annotations

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.linear.pca import fit_pca

DIRECTIONS = 5  # of the most variance, in which spectra are compared: noise has little part in them
ALIKE = 0.5  # times the middle distance (squared) of any two spectra, below which that of neighbours is small
FEWEST = 80  # pairs of neighbours, below which nothing is known of them


def neighbours_alike(sample: Sample, seed: int = 0) -> bool:
    """Whether pixels are more like their neighbours than like any others, as in a picture. One seed, one answer.

    Where they are not, the place of a pixel tells nothing, and its spectra are a table's.
    """
    pairs, spectra = sample.pairs.astype(np.float64), sample.spectra.astype(np.float64)
    if len(pairs) < FEWEST or not (np.isfinite(spectra).all() and np.isfinite(pairs).all()):
        return False
    basis = fit_pca(spectra, min(DIRECTIONS, *spectra.shape), seed).basis
    scores = spectra @ basis
    near = ((pairs[:, 0] @ basis - pairs[:, 1] @ basis) ** 2).sum(1)
    order = np.random.default_rng([seed, 36]).permutation(len(scores))
    far = ((scores - scores[order]) ** 2).sum(1)[order != np.arange(len(scores))]
    return bool(np.median(near) < ALIKE * np.median(far))
