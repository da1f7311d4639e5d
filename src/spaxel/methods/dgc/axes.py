"""What Deep Global Clustering starts from: whitened axes, tiles as scores, and many small clusters that spare what is rare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from sklearn.cluster import KMeans as Lloyd

from spaxel.cube.patches import Patch, batched, draws, held_out, read_patch
from spaxel.cube.sampling import Sample
from spaxel.cube.tiles import CELL
from spaxel.cube.windows import draw_views
from spaxel.errors import CubeError
from spaxel.linear.pca import fit_pca
from spaxel.methods.dgc.encoder import Model, embed_tile, projected
from spaxel.preprocess.scaling import FEWEST_PAIRS, Scaling, fit_scaling

MOST_AXES = 10
FINE = 100  # clusters by which the density is judged
SAMPLED = 64  # tiles that the sample of embeddings is drawn from
HELD = 32  # tiles whose embeddings are held; of more, a part of each
MOST_PAIRS = 8000
SAMPLING = 1_000_000  # the number of an epoch that is none


class Axes(NamedTuple):
    """scaling : mnf      project : (channel, q)      blocks : (channel, 3 q), see spaxel.methods.dgc.net.variation

    haze : (q,) scores of grey at the mean level      level : mean log length of scores
    """

    scaling: Scaling
    project: np.ndarray
    blocks: np.ndarray
    haze: np.ndarray
    level: float


class Looked(NamedTuple):
    """A sample: spectra (n, channel), their embeddings (n, q), those of neighbouring pixels (m, 2, q), and the tiles it is from
    as embeddings (rows, columns, q) with where there are data; of more than 32 tiles the upper part of each."""

    spectra: np.ndarray
    z: np.ndarray
    pairs: np.ndarray
    tiles: list[tuple[np.ndarray, np.ndarray]]


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


def windows(
    cubes: Sequence[xr.Dataset], axes: Axes, epoch: int, n_tiles: int, reuse: int, n_pairs: int, seed: int,
    memory: int | None, side: int = CELL,
) -> Iterator[tuple[np.ndarray, ...]]:  # fmt: skip
    """Batches of n_pairs pairs of windows from n_tiles tiles, each looked at `reuse` times; see spaxel.cube.patches.batched.

    The tiles of an epoch are held as scores, which are small, so that a batch mixes cubes. Tiles held out are not read.
    """
    skip = held_out([(c.sizes["y"], c.sizes["x"]) for c in cubes], seed)
    found: dict[tuple[int, ...], list] = {}
    for patch in draws(cubes, seed, epoch, n_tiles, reuse, side, memory, skip=skip):
        small = _as_scores(patch, axes)
        tile = patch.views[0][0].tile
        found.setdefault((tile.y1 - tile.y0, tile.x1 - tile.x0), []).extend((small, pair) for pair in patch.views)
    rng = np.random.default_rng([seed, 44, epoch])
    for group in found.values():
        order = rng.permutation(len(group))
        for start in range(0, len(order), n_pairs):
            yield batched([group[i] for i in order[start : start + n_pairs]])


def judged(cubes: Sequence[xr.Dataset], axes: Axes, seed: int, memory: int | None) -> list[tuple[np.ndarray, ...]]:
    """Batches of one pair of windows each to judge by: of tiles held out; of any where there are too few."""
    skip = held_out([(c.sizes["y"], c.sizes["x"]) for c in cubes], seed)
    rng = np.random.default_rng([seed, 45])
    if not skip:
        patches = draws(cubes, seed, SAMPLING + 1, 2, 3, memory=memory)
        return [batched([(_as_scores(patch, axes), pair)]) for patch in patches for pair in patch.views]
    found = []
    for number, tile in sorted(skip):
        spectra, good = read_patch(cubes[number], tile)
        if good.any():
            views = [draw_views(*good.shape, CELL, rng) for _ in range(3)]
            small = _as_scores(Patch(spectra, good, number, views), axes)
            found += [batched([(small, pair)]) for pair in views]
    return found or [
        batched([(_as_scores(p, axes), p.views[0])]) for p in draws(cubes, seed, SAMPLING + 1, 2, 1, memory=memory)
    ]


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
        tiles.append(
            tuple(part[: -(-len(part) * HELD // max(n_tiles, HELD))].copy() for part in (embedded, patch.good))
        )
    parts = (np.concatenate(part) for part in (spectra, z, pairs))
    return Looked(next(parts), *(part.astype(np.float64) for part in parts), tiles)


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


def _as_scores(patch: Patch, axes: Axes) -> Patch:
    return patch._replace(spectra=projected(patch.spectra, axes.blocks))
