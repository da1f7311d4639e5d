"""Many small clusters of a sample that spare what is rare, and which of them touch in the images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from sklearn.cluster import KMeans as Lloyd

from spaxel.cube.patches import draws
from spaxel.cube.tiles import CELL
from spaxel.methods.dgc.encoder import Model, embed_tile
from spaxel.methods.dgc.windows import SAMPLING

FINE = 100  # clusters by which the density is judged
SAMPLED = 64  # tiles that the sample of embeddings is drawn from
HELD = 32  # tiles whose embeddings are held; of more, a part of each
MOST_PAIRS = 8000


class Looked(NamedTuple):
    """A sample: spectra (n, channel), their embeddings (n, q), those of neighbouring pixels (m, 2, q), and the tiles it is from
    as embeddings (rows, columns, q) with where there are data; of more than 32 tiles the upper part of each."""

    spectra: np.ndarray
    z: np.ndarray
    pairs: np.ndarray
    tiles: list[tuple[np.ndarray, np.ndarray]]


def look(cubes: Sequence[xr.Dataset], model: Model, n: int, seed: int, memory: int | None) -> Looked:
    """About n spectra of up to 64 tiles of all cubes in turn, with embeddings; the same pixels whatever the model."""
    shapes = [(c.sizes["y"], c.sizes["x"]) for c in cubes]
    n_tiles = min(SAMPLED, sum(-(-h // (2 * CELL)) * -(-w // (2 * CELL)) for h, w in shapes))
    spectra, z, pairs, tiles = [], [], [], []
    for i, patch in enumerate(draws(cubes, seed, SAMPLING, n_tiles, 1, memory=memory)):
        rng = np.random.default_rng([seed, 46, i])
        embedded = embed_tile(patch.spectra, patch.good, model)
        rows, columns = np.nonzero(patch.good)
        chosen = np.sort(rng.permutation(len(rows))[: -(-n // n_tiles)])
        spectra.append(patch.spectra[rows[chosen], columns[chosen]])
        z.append(embedded[rows[chosen], columns[chosen]])
        rows, columns = np.nonzero(patch.good[:, 1:] & patch.good[:, :-1])
        chosen = np.sort(rng.permutation(len(rows))[: -(-MOST_PAIRS // n_tiles)])
        beside = [embedded[rows[chosen], columns[chosen] + step] for step in (0, 1)]
        pairs.append(np.stack(beside, axis=1))
        held = -(-len(embedded) * HELD // max(n_tiles, HELD))
        tiles.append((embedded[:held].copy(), patch.good[:held].copy()))
    embeddings, touching = (np.concatenate(part).astype(np.float64) for part in (z, pairs))
    return Looked(np.concatenate(spectra), embeddings, touching, tiles)


def contacts(looked: Looked, centers: np.ndarray) -> np.ndarray:
    """How many neighbouring pixels lie in parts a and b, (k, k), in all tiles of a sample. centers : (k, q) unit"""
    counts, k = np.zeros((len(centers), len(centers))), len(centers)
    for z, good in looked.tiles:
        labels = np.where(good, (z.astype(np.float64) @ centers.T).argmax(2), -1)
        for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
            both = (one >= 0) & (other >= 0)
            counts += np.bincount(one[both] * k + other[both], minlength=k * k).reshape(k, k)
    return counts


def many_clusters(z: np.ndarray, number: int, seed: int) -> np.ndarray:
    """Unit centres of k-means in which dense regions count less, by the square root of their size: (n, q) -> (k, q).

    Plain k-means spends its centres where pixels are many and alike, and leaves what is rare and distinct to a neighbour.
    """
    n_distinct = len(np.unique(z, axis=0))
    fine = Lloyd(max(1, min(FINE, n_distinct, len(z) // 10)), n_init=1, random_state=seed).fit(z)
    weight = np.bincount(fine.labels_)[fine.labels_] ** -0.5
    number = max(1, min(number, n_distinct, len(z) // 20))
    centers = Lloyd(number, n_init=3, random_state=seed).fit(z, sample_weight=weight).cluster_centers_
    return centers / np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-12)
