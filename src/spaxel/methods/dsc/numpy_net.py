"""A trained encoder and decoder in NumPy: latents of spectra, spectra of latents, and maps from them. Needs no torch.

A block always has the same number of rows, and products are float64: the answer is the same bit by bit whatever the tiles.
In float32 some kernels of OpenBLAS (Haswell, Zen) give a row other last bits at another place among the 512 of a block.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import softmax

from spaxel.cube.exact import totals
from spaxel.cube.mapping import BLOCK, Arrays
from spaxel.cube.sampling import Sample
from spaxel.methods.centers.numpy_layers import gelu, layer_norm, selu
from spaxel.preprocess.scaling import Rows, Scaling

KERNEL, STRIDE = 9, 4  # of the convolutions, see spaxel.methods.dsc.net.autoencoder


class Decoder(NamedTuple):
    """A decoder: arrays `base`, `rows`, `body…` as torch names them, and what its numbers mean.

    kind    : 'multinomial' or 'poisson' (expected counts), or 'features' (scaled spectra)
    photons : of a spectrum of raw numbers 0 (poisson)      like : (1, channel) the mean spectrum      step : (channel,) of sums
    """

    weights: Arrays
    net: str
    kind: str
    photons: float
    scaling: Scaling
    like: np.ndarray
    step: np.ndarray

    def __call__(self, z: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
        """Spectra (n, channel) float64 of latents (n, d). like : (n, channel) spectra whose brightness these get."""
        raw = decode(z, self.weights, self.net)
        like = self.like if like is None else np.asarray(like, np.float64)
        if self.kind == "poisson":
            return self.photons * np.exp(raw)
        return (
            like.sum(1, keepdims=True) * softmax(raw, axis=1)
            if self.kind == "multinomial"
            else self.scaling.inverse(raw, like)
        )

    def sums(self, decoded: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
        """Sums by group in whole steps, (group, channel), the same in any order."""
        return totals(np.rint(decoded / self.step), groups, n_groups)


class Model(NamedTuple):
    """What maps need, see spaxel.methods.centers.maps: the scaling, the encoder's arrays, its net, and the window.

    weights : {name: array} as torch names them under `encoder.`, float64
    """

    scaling: Scaling
    weights: Arrays
    net: str
    context: int

    @property
    def channels(self) -> int:
        """Length of a spectrum."""
        return len(self.scaling.center)

    @property
    def alone(self) -> tuple[str, np.ndarray]:
        """The scaling of spectra one by one."""
        return self.scaling.name, self.scaling.center

    def scores(self, block: np.ndarray, own: Rows | None = None) -> np.ndarray:
        """Latents (n, d) of spectra, with a context of those of the neighbours beside them."""
        return encode(features(block, self.scaling, self.context), self.weights, self.net).astype(np.float64)

    def reading(self) -> dict[str, Any]:
        """The mean of the window is read beside each spectrum."""
        return {"context": self.context}


def features(spectra: np.ndarray, scaling: Scaling, context: int) -> np.ndarray:
    """Scaled spectra, float32; with a context those of the neighbours beside them. (n, channel or 2 channel)."""
    channels = len(scaling.center)
    own = scaling(spectra[:, :channels]).astype(np.float32)
    return np.concatenate([own, scaling(spectra[:, channels:]).astype(np.float32)], axis=1) if context else own


def encode(scaled: np.ndarray, weights: Arrays, net: str) -> np.ndarray:
    """Latents (n, d) float32 of features (n, feature or 2 feature): the encoder's mean.

    weights : in float64 (`in_double`) they need not be converted at each call; the answer is the same
    """
    scaled = scaled.astype(np.float64)
    axes, spread = weights["axes"], weights["spread"]
    n_features, latent = len(axes), len(weights["mean.bias"])
    own = scaled[:, :n_features]
    scores = own @ axes - weights["offset"]
    mean, inputs = scores[:, :latent], [scores / spread]
    if "share" in weights:
        around = scaled[:, n_features:] @ axes - weights["offset"]
        mean = mean + weights["share"] * (around - scores)[:, :latent]
        inputs.append(around / spread)
    mean = mean @ weights["metric"] if "metric" in weights else mean
    if "mean.weight" not in weights:  # the linear start
        return mean.astype(np.float32)
    if net == "conv":
        inputs.append(_convolved(own, weights))
    hidden = through_body(np.concatenate(inputs, axis=1), weights, net)
    return (mean + hidden @ weights["mean.weight"].T + weights["mean.bias"]).astype(np.float32)


def decode(z: np.ndarray, weights: Arrays, net: str) -> np.ndarray:
    """Raw numbers (n, channel) float64 of latents (n, d): base + [z, body(z)] rows; without a body the linear part alone."""
    z = np.asarray(z, np.float64)
    both = z if "body.layers.0.weight" not in weights else np.concatenate([z, through_body(z, weights, net)], axis=1)
    return weights["base"] + both @ weights["rows"]


def through_body(hidden: np.ndarray, weights: Arrays, net: str) -> np.ndarray:
    """What the last hidden layer of an encoder or a decoder says: (n, inputs) float64 -> (n, width) float64.

    Products are float64, what lies between them is float32: it looks at one number or one row at a time.
    """
    i = 0
    while f"body.layers.{i}.weight" in weights:
        hidden = hidden @ weights[f"body.layers.{i}.weight"].T + weights[f"body.layers.{i}.bias"]
        hidden = hidden.astype(np.float32)
        if net == "snn":
            hidden = selu(hidden)
        else:
            norm = (weights[f"body.norms.{i}.{part}"].astype(np.float32) for part in ("weight", "bias"))
            hidden = gelu(layer_norm(hidden, *norm))
        hidden, i = hidden.astype(np.float64), i + 1
    return hidden


def in_double(weights: Arrays) -> Arrays:
    """Arrays of a net in float64, so that products with them are."""
    return {name: value.astype(np.float64) for name, value in weights.items()}


def in_blocks(spectra: np.ndarray, scaling: Scaling, context: int) -> np.ndarray:
    """Features of many spectra, float32, without a large array of float64 between."""
    return np.concatenate([features(spectra[i : i + BLOCK], scaling, context) for i in range(0, len(spectra), BLOCK)])


def latents(spectra: np.ndarray, scaling: Scaling, weights: Arrays, net: str, context: int) -> np.ndarray:
    """Latents of many spectra, in blocks of the size that mapping uses, so that the bits agree."""
    weights, rows = in_double(weights), np.arange(int(np.ceil(len(spectra) / BLOCK)) * BLOCK) % len(spectra)
    blocks = (encode(features(spectra[part], scaling, context), weights, net) for part in rows.reshape(-1, BLOCK))
    return np.concatenate(list(blocks))[: len(spectra)].astype(np.float64)


def sample_latents(
    sample: Sample, scaling: Scaling, weights: Arrays, net: str, context: int
) -> tuple[np.ndarray, np.ndarray]:
    """Latents of a sample (n, d) and of its pairs of neighbours whose windows share no pixel (p, 2, d)."""
    z = latents(sample.spectra, scaling, weights, net, context)
    apart = sample.pairs[:, [0, -1]].reshape(-1, sample.spectra.shape[1])
    both = latents(apart, scaling, weights, net, context) if len(apart) else z[:0]
    return z, both.reshape(-1, 2, z.shape[1])


def _convolved(own: np.ndarray, weights: Arrays) -> np.ndarray:
    """Maps of the convolutions along the channels, (n, maps x length) float64, of spectra (n, feature) float64."""
    maps, i = own[:, None], 0
    while f"convolutions.{i}.weight" in weights:
        kernel = weights[f"convolutions.{i}.weight"]
        padded = np.pad(maps, ((0, 0), (0, 0), (KERNEL // 2, KERNEL // 2)))
        windows = sliding_window_view(padded, KERNEL, axis=2)[:, :, ::STRIDE].transpose(0, 2, 1, 3)
        n, length = windows.shape[:2]
        flat = windows.reshape(n * length, -1) @ kernel.reshape(len(kernel), -1).T + weights[f"convolutions.{i}.bias"]
        flat = flat.astype(np.float32).reshape(n, length, -1).transpose(0, 2, 1)
        maps, i = gelu(flat).astype(np.float64), i + 1
    return maps.reshape(len(maps), -1)
