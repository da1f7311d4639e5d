"""What deep spectral clustering starts from: scaled principal components, their noise, and what the net is to be told.

Plain functions over arrays; nothing here knows torch.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from spaxel.cube.sampling import Sample
from spaxel.linear.pca import Projection, fit_pca
from spaxel.methods.dsc.distances import nearby, within
from spaxel.methods.dsc.numpy_net import in_blocks, latents
from spaxel.methods.dsc.settings import COUNTED, Settings
from spaxel.preprocess.feature_noise import feature_noise, noise_along
from spaxel.preprocess.scaling import Scaling

MOST_VALUES = 16_000_000  # of the sample from which axes are learned
MOST_AXES = 32  # principal axes that the net sees
FEWEST_PAIRS = 50  # below which distances are plain
MEASURED = 6000  # spectra whose clusters are looked at for the distances
RESTARTS = 10  # of k-means for that


class First(NamedTuple):
    """Where a decoder begins: base (channel,), slope (d, channel); the constants of its likelihood; what is informed."""

    base: np.ndarray
    slope: np.ndarray
    total: float
    variance: float
    informed: float


class Views(NamedTuple):
    """What the encoder sees and what the decoder is asked for, one of each per view: (n, feature), (n, channel)."""

    inputs: list[np.ndarray]
    targets: list[np.ndarray]


class Linear(NamedTuple):
    """The start in numbers. axes : (feature, q) in units where the first latent has spread 1; see learn.autoencoder.Start.

    mean  : (feature,)      noise : (q,) standard deviation of the noise along each axis
    share : (d,) weight of the neighbours at best, None without a context
    metric, metric_around : (d, d), scores @ metric is the latent, without and with the neighbours; None: scores are
    """

    scaling: Scaling
    axes: np.ndarray
    offset: np.ndarray
    spread: np.ndarray
    latent: int
    mean: np.ndarray
    noise: np.ndarray
    share: np.ndarray | None
    metric: np.ndarray | None = None
    metric_around: np.ndarray | None = None

    def weights(self, *, neighbours: bool = False) -> dict[str, np.ndarray]:
        """The start as arrays that `encode` takes."""
        bias = np.zeros(self.latent)
        arrays = {"axes": self.axes, "offset": self.offset, "spread": self.spread, "mean.bias": bias}
        if self.share is not None:
            arrays["share"] = self.share if neighbours else np.zeros(self.latent)
        if self.metric is not None:
            around = self.metric_around if neighbours and self.share is not None else None
            arrays["metric"] = self.metric if around is None else around
        return {name: np.asarray(value, np.float32) for name, value in arrays.items()}

    def latent_noise(self, weights: dict[str, np.ndarray]) -> np.ndarray:
        """Covariance (d, d) of a latent by noise, of a linear state; of a net that was trained from it, about that.

        With share w of the mean of n neighbours, of which eight at least: ((1 - w)² + w² / 8) of that of the pixel.
        """
        share = weights.get("share", np.zeros(self.latent)).astype(np.float64)
        spread = self.noise[: self.latent] * np.sqrt((1 - share) ** 2 + share**2 / 8)
        metric = weights.get("metric", np.eye(self.latent)).astype(np.float64)
        return metric.T @ np.diag(spread**2) @ metric


def views(spectra: np.ndarray, scaling: Scaling, settings: Settings, epoch: int = 0) -> Views:
    """Counts in two halves, each to be told from the other; anything else as it is (its noise is added in the loss)."""
    channels = len(scaling.center)
    own = spectra[:, :channels]
    counted = settings.likelihood in COUNTED
    if not (counted and settings.denoise):
        scaled = in_blocks(spectra, scaling, settings.context)
        return Views([scaled], [own if counted else scaled[:, : scaled.shape[1] // (1 + (settings.context > 0))]])
    halves = _halves(own, np.random.default_rng([settings.seed, 32, epoch + 1]))
    inputs = [
        in_blocks(np.concatenate([half, spectra[:, channels:]], axis=1), scaling, settings.context) for half in halves
    ]
    return Views(inputs, halves[::-1])


def small_dtype(values: np.ndarray) -> type[np.generic]:
    """In which numbers a target is held in memory: bytes where it came as such, else float32."""
    return np.uint8 if values.dtype == np.uint8 else np.float32


def _halves(own: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Each photon to one of two halves by chance: independent Poisson counts of half the mean, in a small dtype."""
    dtype = np.uint8 if own.max(initial=0) < 2**8 else np.int32
    first = np.empty(own.shape, dtype)
    for i in range(0, len(own), 512):
        first[i : i + 512] = rng.binomial(own[i : i + 512].astype(np.int64), 0.5)
    return [first, own.astype(dtype) - first]


def linear_start(sample: Sample, scaling: Scaling, settings: Settings) -> Linear:
    """Scaled principal components of a sample, what noise they hold, and how much the neighbours should weigh.

    The scaling of the answer is the given one times a number, so that the first latent has spread 1. The noise along an
    axis: that of halved counts, that of a known variance, or the mean of what lies outside of
    all axes. The neighbours weigh noise / (variance between
    a pixel and them), as in Wiener's filter: much where pixels differ by noise alone.
    """
    some = sample.spectra[:: max(1, len(sample.spectra) * sample.spectra.shape[1] // MOST_VALUES)]
    both = in_blocks(some, scaling, settings.context)
    first = both[:, : both.shape[1] // (1 + (settings.context > 0))]
    wide = fit_pca(first, None, settings.seed, feature_noise(scaling, sample))
    latent = settings.n_latent or wide.basis.shape[1]
    latent = min(latent, first.shape[1], max(len(first) - 1, 1))
    unit = float(np.sqrt(wide.variance[0]))
    unit = unit if unit > 1e-6 * float(np.abs(first).max()) else 1.0  # what varies less does so by rounding
    scaling, both = scaled_by(scaling, 1 / unit), both / np.float32(unit)
    own = both[:, : first.shape[1]]
    wide = fit_pca(own, min(max(MOST_AXES, latent), own.shape[1], max(len(own) - 1, 1)), settings.seed)
    offset = wide.mean @ wide.basis
    scores = own @ wide.basis - offset
    known = noise_along(scaling, sample, wide.basis)
    noise = np.full(len(offset), _outside(own, wide)) if known is None else known
    counted = settings.likelihood in COUNTED
    if counted:
        halves = views(some[:2000], scaling, settings._replace(denoise=True)).inputs
        noise = ((halves[0] - halves[1])[:, : own.shape[1]] @ wide.basis).std(0) / 2
    share = None
    if settings.context:
        apart = np.maximum(((scores - both[:, own.shape[1] :] @ wide.basis + offset) ** 2).mean(0), 1e-12)
        share = np.clip(noise**2 / apart, 0, 1)[:latent]
    start = Linear(scaling, wide.basis, offset, np.maximum(scores.std(0), 1e-3), latent, wide.mean, noise, share)
    return _nearby(start, sample, settings) if settings.metric == "nearby" else start


def _nearby(start: Linear, sample: Sample, settings: Settings) -> Linear:
    """The start with distances that count little what varies within a component; see spaxel.methods.dsc.distances."""
    if len(sample.pairs) < FEWEST_PAIRS:
        return start
    pairs = sample.pairs[:, [0, -1]].reshape(-1, sample.pairs.shape[2])
    some = sample.spectra[:: max(1, len(sample.spectra) // MEASURED)]
    found = []
    for neighbours in (False, True) if settings.context else (False,):
        weights = start.weights(neighbours=neighbours)
        embed = partial(latents, scaling=start.scaling, weights=weights, net=settings.net, context=settings.context)
        z, scores = embed(pairs), embed(some)
        metric = nearby(z[::2] - z[1::2], scores)
        if settings.k:
            metric = metric @ within(scores @ metric, settings.k, RESTARTS, settings.seed)
        found.append(metric)
    return start._replace(metric=found[0], metric_around=found[-1])


def scaled_by(scaling: Scaling, factor: float) -> Scaling:
    """The same scaling with all features times a factor."""
    matrix = scaling.matrix
    if scaling.name == "unit_bright" and matrix is not None:
        matrix = matrix * np.array([1.0, factor])
    return replace(scaling, weight=scaling.weight * factor, matrix=matrix)


def _outside(own: np.ndarray, wide: Projection) -> float:
    """Standard deviation of the noise per feature: what the axes leave of the variance, shared by the rest."""
    rest = own.shape[1] - wide.basis.shape[1]
    if rest <= 0 or len(own) < 2:
        return 0.0
    return float(np.sqrt(max(float(own.var(0, ddof=1).sum()) - wide.variance.sum(), 0.0) / rest))


def reconstruction(start: Linear, data: Views, centroids: np.ndarray, settings: Settings) -> First:
    """Where the decoder begins, and how much likelihood per spectrum the clusters of the start explain.

    Gaussian: the inverse of the projection. Counts: log p + z W, W from the regression of x / (p Σx) - 1 on the latent.
    """
    features, target = data.inputs[0][:4096], np.asarray(data.targets[0][:4096], np.float64)
    z = (features[:, : len(start.axes)] @ start.axes - start.offset)[:, : start.latent]
    metric = np.eye(start.latent) if start.metric is None else start.weights(neighbours=settings.context > 0)["metric"]
    z = z @ metric
    member = np.eye(len(centroids))[((z[:, None] - centroids) ** 2).sum(2).argmin(1)]
    group = (member.T @ target) / np.maximum(member.sum(0), 1)[:, None]
    if settings.likelihood == "gaussian":
        rest = target - target.mean(0)
        explained = float(((member @ group - target.mean(0)) ** 2).sum(1).mean())
        left = float((rest - (rest @ start.axes) @ start.axes.T).var())
        variance = max(left, 1e-3 * float(rest.var()), 1e-30)
        return First(
            start.mean,
            np.linalg.inv(metric) @ start.axes.T[: start.latent],
            1.0,
            variance,
            max(explained / (2 * variance), 1e-3),
        )
    total = np.maximum(target.sum(1, keepdims=True), 1e-12)
    p = (target.sum(0) + 1e-3) / (target.sum() + 1e-3 * target.shape[1])
    scale = total if settings.likelihood == "multinomial" else np.full_like(total, total.mean())
    ratio = (target / scale - p) / (p + 0.1 / len(p))
    slope = np.linalg.lstsq(z - z.mean(0), ratio, rcond=None)[0]
    share = np.maximum(group, 1e-9) / np.maximum(group.sum(1, keepdims=True), 1e-9)
    informed = float((target * (np.log(np.maximum(member @ share, 1e-12)) - np.log(p))).sum(1).mean())
    return First(np.log(p), slope, float(scale.mean()), 1.0, max(informed, 1e-3))
