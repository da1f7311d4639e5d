"""What most pixels of an image are like, learned from a sample so that rare ones do not hide in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from spaxel.cube.gaps import completion_of
from spaxel.cube.sampled_windows import Windows, sample_windows
from spaxel.cube.sampling import Sample, sample_spectra
from spaxel.cube.whole import whole_numbers
from spaxel.errors import CubeError
from spaxel.linear.pca import fit_pca
from spaxel.methods.rare.ring import around
from spaxel.preprocess.choice import look_at
from spaxel.preprocess.known_noise import known_noise
from spaxel.preprocess.scaling import log_norm

N_SAMPLE = 5000
DIRECTIONS = 10  # principal components in which backgrounds lie
SMOOTH = 9  # channels that residuals are summed over: a spectrum has width, noise has none
SHARE, ROUNDS = 0.02, 4  # farthest spectra that a background is not fitted to, and how often they are looked for
MEASURED = 2000  # spectra of which the rest is looked at
FEWEST = 50  # spectra of a sample
STEEPEST = 4.0  # power of the brightness
LEVEL = 0.5  # of the usual scatter of sums, below which none is taken for quieter
TINY = 1e-300


class Background(NamedTuple):
    """mean, scale : (channel,) of spectra and their noise, 1 / standard deviation      basis : (channel, d)

    middle, white, near : (d,), (d, d), (d, d) so that |(z - middle) @ white| and |(z - mean around) @ near| are distances
    far   : distance² beyond which a pixel is no part of what lies around another
    bins  : (b, 2) int, where sums of channels begin and end      left : (b,) scale of these sums
    bend  : (3,) powers of brightness by which the three scores grow, 0 but for counts      bright : (1,) its mean logarithm
    """

    mean: np.ndarray
    scale: np.ndarray
    basis: np.ndarray
    middle: np.ndarray
    white: np.ndarray
    near: np.ndarray
    far: np.ndarray
    bins: np.ndarray
    left: np.ndarray
    bend: np.ndarray
    bright: np.ndarray

    def rows(self, spectra: np.ndarray) -> np.ndarray:
        """Spectra (n, channel) in units of the noise, around their mean."""
        return (np.asarray(spectra, np.float64) - self.mean) * self.scale

    def rest(self, rows: np.ndarray, z: np.ndarray) -> np.ndarray:
        """How far rows (n, channel) lie off what their scores (n, d) say, (n,): a mean square of sums of channels."""
        summed = _summed(rows - z @ self.basis.T, self.bins) * self.left
        return np.einsum("ij,ij->i", summed, summed) / len(self.bins)

    def global_distance(self, z: np.ndarray) -> np.ndarray:
        """Squared distance (n,) of scores (n, d) to the whole background: Mahalanobis, as in RX (Reed & Yu 1990)."""
        apart = (z - self.middle) @ self.white
        return np.einsum("ij,ij->i", apart, apart)

    def brightness(self, spectra: np.ndarray) -> np.ndarray:
        """(3, n) what the three scores are divided by."""
        if not self.bend.any():
            return np.ones((3, len(spectra)))
        return np.exp(self.bend[:, None] * (log_norm(spectra) - self.bright[0]))


def fit_background(cube: xr.Dataset, seed: int = 0, memory: int | None = None) -> Background:
    """The background of a cube from a sample of it. Raises CubeError where there are too few spectra or channels."""
    sample = sample_spectra(cube, N_SAMPLE, seed, memory)
    n, channels = sample.spectra.shape
    if n < FEWEST or channels < 2:
        raise CubeError(
            f"Rare pixels cannot be told from {n} spectra of {channels} channels: at least {FEWEST} spectra of 2 channels "
            "are needed. Try a larger cube, or without --rare."
        )
    model = completion_of(cube)
    counts = look_at(sample if model is None else whole_numbers(sample, model)).counts
    spectra = sample.spectra.astype(np.float64)
    mean, scale = spectra.mean(0), 1 / _noise(sample, spectra, counts=counts)
    rows = (spectra - mean) * scale
    d = max(1, min(DIRECTIONS, channels - 1, n // 10))
    found = fit_pca(rows, d, seed)
    start = found.mean * (1 / scale)
    known = _empty(mean + start, scale, found.basis, _bins(channels))
    z = _scores(known, spectra)
    middle, white = _trimmed(z)
    known = known._replace(middle=middle, white=white)
    far = np.quantile(known.global_distance(z), [1 - SHARE])
    known = known._replace(far=far, near=white)
    known = known._replace(left=_left(known, rows - found.mean), near=_near(known, sample_windows([cube], seed)))
    return _bent(known, spectra) if counts else known


def _empty(mean: np.ndarray, scale: np.ndarray, basis: np.ndarray, bins: np.ndarray) -> Background:
    d, none = basis.shape[1], np.zeros(1)
    eye = np.eye(d)
    return Background(mean, scale, basis, np.zeros(d), eye, eye, none, bins, np.ones(len(bins)), np.zeros(3), none)


def _noise(sample: Sample, spectra: np.ndarray, *, counts: bool) -> np.ndarray:
    """Standard deviation of noise of each channel: of the file, of counts, or what differs between most neighbours."""
    if counts:
        sd = np.sqrt(spectra.mean(0) + 1)  # where there is less than one count, a single one says little
    elif (noise := known_noise(sample)[0].noise) is not None:
        sd = np.sqrt(noise.channel)
    elif len(sample.pairs) >= FEWEST:
        sd = np.median(np.abs(sample.differences()), axis=0) / (0.6745 * np.sqrt(2))
    else:
        sd = np.median(np.abs(spectra - np.median(spectra, axis=0)), axis=0) / 0.6745
    usual = np.median(sd[sd > 0]) if (sd > 0).any() else 1.0
    return np.maximum(sd, 1e-3 * usual)


def _bins(channels: int) -> np.ndarray:
    """Where sums of channels begin and end, each a third after the one before: (b, 2)."""
    width = max(1, min(SMOOTH, channels // 8))
    begin = np.arange(0, channels - width + 1, max(1, width // 3))
    return np.stack([begin, begin + width], axis=1)


def _left(known: Background, rows: np.ndarray) -> np.ndarray:
    some = rows[:: max(1, len(rows) // MEASURED)]
    summed = _summed(some - (some @ known.basis) @ known.basis.T, known.bins)
    spread = np.median(np.abs(summed), axis=0) / 0.6745
    usual = np.median(spread[spread > 0]) if (spread > 0).any() else 1.0
    return 1 / np.maximum(spread, LEVEL * usual)


def _trimmed(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and whitening (d, d) of scores without the farthest of them."""
    kept = np.ones(len(z), bool)
    for _ in range(ROUNDS):
        middle = z[kept].mean(0)
        white = _whitening(z[kept] - middle)
        apart = ((z - middle) @ white) ** 2
        kept = apart.sum(1) <= np.quantile(apart.sum(1), 1 - SHARE)
    return middle, white


def _whitening(apart: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(apart.T @ apart / max(len(apart), 1))
    return vectors / np.sqrt(np.maximum(values, max(values.max() * 1e-12, TINY)))


def _near(known: Background, windows: Windows) -> np.ndarray:
    """Whitening of how pixels differ from what lies around them; that of the whole background where none can be seen."""
    apart = []
    for spectra, good in zip(windows.spectra, windows.good, strict=True):
        z = _scores(known, spectra.reshape(-1, spectra.shape[-1]))
        part = z.reshape(*good.shape, -1)
        usual = good & (known.global_distance(z).reshape(good.shape) <= known.far[0])
        mean, seen = around(part, usual)
        apart.append((part - mean)[usual & seen])
    found = np.concatenate(apart) if apart else np.zeros((0, len(known.middle)))
    return _trimmed_around_zero(found) if len(found) > 10 * len(known.middle) else known.white


def _trimmed_around_zero(apart: np.ndarray) -> np.ndarray:
    white = _whitening(apart)
    for _ in range(ROUNDS):
        far = ((apart @ white) ** 2).sum(1)
        white = _whitening(apart[far <= np.quantile(far, 1 - SHARE)])
    return white


def _bent(known: Background, spectra: np.ndarray) -> Background:
    """With the powers of brightness by which scores of counts grow: bright spectra have more noise."""
    light = log_norm(spectra)
    z = _scores(known, spectra)
    rest = known.rest(known.rows(spectra), z)
    slopes = [0.0]  # the scatter around a pixel is that of its own brightness
    for score in (known.global_distance(z), rest):
        values = np.log(np.maximum(score, TINY))
        edges = np.quantile(light, np.linspace(0, 1, 13))
        places = np.clip(np.searchsorted(edges, light, "right") - 1, 0, 11)
        held = [p for p in range(12) if (places == p).any()]
        x, y = (np.array([np.median(v[places == p]) for p in held]) for v in (light, values))
        slopes.append(np.polyfit(x, y, 1)[0] if np.ptp(x) > 0.01 else 0.0)
    return known._replace(bend=np.clip(slopes, -STEEPEST, STEEPEST), bright=np.array([light.mean()]))


def _summed(rest: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Sums (n, b) of channels of (n, channel)."""
    sums = np.concatenate([np.zeros((len(rest), 1)), np.cumsum(rest, axis=1)], axis=1)
    return sums[:, bins[:, 1]] - sums[:, bins[:, 0]]


def _scores(known: Background, spectra: np.ndarray) -> np.ndarray:
    """Scores (n, d) of many spectra."""
    return known.rows(spectra) @ known.basis
