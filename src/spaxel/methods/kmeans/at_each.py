"""k-means at other numbers than the one that was found, on part of the sample: for levels that `spaxel cut` goes to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.linear.lloyd import growing
from spaxel.linear.pca import fit_pca
from spaxel.linear.silhouettes import distances, silhouettes
from spaxel.methods.centers.own_levels import Labelings, looked_at
from spaxel.pace import paced
from spaxel.preprocess.choice import FIXED_CLUSTERS
from spaxel.preprocess.scaling import fit_scaling

JUDGED = 8000  # spectra by which runs are told apart, and that give principal components of another scaling

COMPARED = 2000  # of them, those in the silhouette


def labelings_at(
    numbers: Sequence[int], scores: np.ndarray, own: str, names: Sequence[str], sample: Sample, seed: int
) -> Labelings:
    """The labels that k-means would have, told each number, in the scaling that it would choose at that number.

    scores : (n, d) of the sample in its own scaling      names : of the scalings that are compared; none: its own alone
    """
    rows = looked_at(len(scores), seed)
    more = np.random.default_rng([seed, 26]).permutation(len(scores))[:JUDGED]  # begins with `rows`
    first, labels, clear = np.arange(len(rows)), {}, {}
    for name in paced([own, *(name for name in names if name != own)], "scalings"):
        z = scores[more] if name == own else _projected(name, sample, more, seed)
        grown = growing(z, max(numbers, default=1), seed, first)
        labels[name] = {k: distances(z[first], centers).argmin(1) for k, centers in grown.items() if k in numbers}
        seen = [np.unique(each[:COMPARED], return_inverse=True)[1] for each in labels[name].values()]
        found = silhouettes(z[:COMPARED], seen) if seen else np.zeros(0)
        clear[name] = dict(zip(labels[name], np.where(np.isfinite(found), found, -1.0), strict=True))
    best = {k: max(labels, key=lambda name: clear[name].get(k, -2.0)) for k in numbers}
    best |= {FIXED_CLUSTERS: own} if FIXED_CLUSTERS in best else {}  # at which it was compared with all spectra
    chosen = {k: labels[name][k] for k, name in best.items() if k in labels[name]}
    return {k: (rows, one) for k, one in chosen.items() if len(np.unique(one)) == k}


def _projected(name: str, sample: Sample, rows: np.ndarray, seed: int) -> np.ndarray:
    """Principal components of these spectra by another scaling."""
    scaling, spectra = fit_scaling(name, sample), sample.spectra[rows]
    features = np.concatenate([scaling(spectra[i : i + 512]) for i in range(0, len(spectra), 512)])
    projection = fit_pca(features, None, seed)
    return np.asarray((features - projection.mean) @ projection.basis)
