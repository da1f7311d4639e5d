"""The encoder of Deep Global Clustering in NumPy: embeddings of pixels from their own and surrounding spectra, and maps.

The same as spaxel.methods.dgc.net.encoder, without torch. Additions are done in one order for every pixel, and products in
float64 in blocks of one size: the answer is the same bit by bit whatever the tiles. In float32 some kernels of OpenBLAS
(Haswell, Zen) give a row other last bits at another place among the 512 of a block.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from spaxel.cube.mapping import BLOCK, Arrays, Look
from spaxel.cube.tiles import CELL, Tile
from spaxel.methods.centers.numpy_layers import gelu, layer_norm
from spaxel.methods.dgc.published.numpy_encoder import WIDTH, embed_windows
from spaxel.preprocess.scaling import Rows, Scaling

SHORTEST = np.float32(1e-3)  # as in spaxel.methods.dgc.net.encoder


class Model(NamedTuple):
    """What maps need, see spaxel.methods.centers.maps: scaling (mnf), project (channel, q), sides of the windows, arrays.

    encoder : ours, or paper (published.numpy_encoder), which has no use for the sides
    """

    scaling: Scaling
    project: np.ndarray
    sizes: tuple[int, ...]
    weights: Arrays
    encoder: str = "ours"

    @property
    def channels(self) -> int:
        """Length of a spectrum."""
        return len(self.project)

    @property
    def halo(self) -> int:
        """The receptive radius, in pixels."""
        return max(self.sizes) // 2

    @property
    def n_features(self) -> int:
        """Direction and log length for each window."""
        return len(self.sizes) * (self.project.shape[1] + 1)

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """The scaling of spectra one by one."""
        return self.scaling.name, self.scaling.center

    def scores(self, block: np.ndarray, own: Rows | None = None) -> np.ndarray:
        """Unit embeddings (n, q) of spectra and features of their surroundings (n, channel + n_features)."""
        features = block[:, self.channels :].astype(np.float32, copy=False)
        return (features if self.encoder == "paper" else embed(features, self)).astype(np.float64)

    def reading(self) -> dict[str, Any]:
        """Features of the surroundings are read beside the spectra."""
        if self.encoder == "paper":
            return {"look": Look(partial(published_embeddings, model=self), CELL - 1, WIDTH, placed=True)}
        return {"look": Look(partial(surroundings, model=self), self.halo, self.n_features)}


def projected(spectra: np.ndarray, project: np.ndarray, good: np.ndarray | None = None) -> np.ndarray:
    """Scores (rows, columns, d) float32 of a tile, in blocks of one size; 0 where it is not good. project : (channel, d)"""
    height, width, channels = spectra.shape
    flat = spectra.reshape(-1, channels)
    usable = np.ones(len(flat), bool) if good is None else good.ravel()
    rows = np.arange(-(-len(flat) // BLOCK) * BLOCK) % len(flat)
    parts = []
    for part in rows.reshape(-1, BLOCK):
        block = flat[part]
        block[~usable[part]] = 0
        parts.append((block.astype(np.float64) @ project).astype(np.float32))
    return np.concatenate(parts)[: len(flat)].reshape(height, width, -1)


def surroundings(spectra: np.ndarray, good: np.ndarray, model: Model) -> np.ndarray:
    """Features (rows, columns, n_features) float32 of a tile: direction and log length of the means over each window."""
    scores = projected(spectra, model.project, good)
    parts = []
    for side in model.sizes:
        mean = _window_mean(scores, good, side)
        length = np.maximum(np.sqrt(np.square(mean).sum(2, keepdims=True)), SHORTEST)
        parts += [mean / length, np.log(length) - model.weights["level"]]
    return np.concatenate(parts, axis=2)


def embed(features: np.ndarray, model: Model) -> np.ndarray:
    """Unit embeddings (n, q) float32 of features (n, n_features): one block of rows. Products are float64, the rest float32."""
    weights, hidden = model.weights, features
    for i in (0, 1):
        hidden = _product(hidden, weights, f"layers.{i}")
        hidden = gelu(layer_norm(hidden, *(weights[f"norms.{i}.{part}"] for part in ("weight", "bias"))))
    z = features[:, : model.project.shape[1]] + _product(hidden, weights, "last")
    return z / np.maximum(np.sqrt(np.square(z).sum(1, keepdims=True)), np.float32(1e-12))


def _product(x: np.ndarray, weights: Arrays, layer: str) -> np.ndarray:
    """x W^T + b of a linear layer, float32, multiplied in float64."""
    return (x.astype(np.float64) @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]).astype(np.float32)


def in_double(model: Model) -> Model:
    """The same model with matrices in float64, so that they need not be converted for each block."""
    if model.encoder == "paper":
        return model
    matrices = ("layers.0.weight", "layers.1.weight", "last.weight")
    return model._replace(weights=model.weights | {name: model.weights[name].astype(np.float64) for name in matrices})


def embed_tile(spectra: np.ndarray, good: np.ndarray, model: Model) -> np.ndarray:
    """Unit embeddings (rows, columns, q) float32 of a tile, without regard to what lies outside it."""
    if model.encoder == "paper":
        image = good.shape
        return published_embeddings(spectra, good, Tile(0, image[0], 0, image[1]), image, model)
    features = surroundings(spectra, good, model)
    flat = features.reshape(-1, features.shape[2])
    rows = np.arange(-(-len(flat) // BLOCK) * BLOCK) % len(flat)
    model = in_double(model)
    z = np.concatenate([embed(flat[part], model) for part in rows.reshape(-1, BLOCK)])[: len(flat)]
    return z.reshape(*good.shape, -1)


def published_embeddings(
    spectra: np.ndarray, good: np.ndarray, around: Tile, image: tuple[int, int], model: Model
) -> np.ndarray:
    """Embeddings (rows, columns, d) float32 of a tile by the published encoder; see published.numpy_encoder."""
    return embed_windows(projected(spectra, model.project, good), model.weights, around, image)


def _window_mean(scores: np.ndarray, good: np.ndarray, side: int) -> np.ndarray:
    """Mean of the scores of usable pixels in a window of this side, 0 without any; sums row by row, then column by column."""
    if side == 1:
        return scores
    reach = side // 2
    total = np.pad(scores, ((reach, reach), (reach, reach), (0, 0)))
    count = np.pad(good.astype(np.float32), reach)
    for axis in (0, 1):
        ranges = [slice(i, i + good.shape[axis]) for i in range(side)]
        cuts = [(r,) if axis == 0 else (slice(None), r) for r in ranges]
        total, count = (_added([values[cut] for cut in cuts]) for values in (total, count))
    return total / np.maximum(count, 1)[..., None]


def _added(parts: list[np.ndarray]) -> np.ndarray:
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total
