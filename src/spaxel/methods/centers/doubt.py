"""What a fitted model of centres knows of its own errors: mistakes by noise, and how far its own spectra lie from it.

Both are learned on the sample of the fit and used by spaxel.results.presence: which components does a cube hold, and does
it hold anything that was never seen?
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spaxel.linear.silhouettes import distances
from spaxel.methods.centers.familiar import Familiar
from spaxel.methods.centers.groups import Groups
from spaxel.methods.centers.score_noise import ScoreNoise
from spaxel.methods.state import pack
from spaxel.pace import paced
from spaxel.preprocess.scaling import Scaling, log_norm, scale_rows
from spaxel.results.presence import FAR

DRAWS = 400_000  # spectra measured again, in all
MOST_REPEATS = 500  # times that one spectrum is measured again
BLOCK = 16_384  # of them at a time
MOST_VALUES = 4_000_000  # of scaled spectra that are looked at together
LEVELS = 10  # groups of spectra of one component with a level of noise each, where it is known
ENOUGH = 200  # pairs of neighbours from which the noise of one component is known
SEEN = 0.999  # share of the sample that lies nearer than `unlike` = 1


class Seen(NamedTuple):
    """What errors are learned from.

    spectra : (n, channel), scores : (n, d) of the sample      pairs : (p, 2, d) scores of neighbouring pixels
    noise   : of the scores, where the file knows that of the spectra; else it is what neighbours differ by
    """

    spectra: np.ndarray
    scores: np.ndarray
    pairs: np.ndarray
    noise: ScoreNoise | None = None


def doubts(seen: Seen, groups: Groups, scaling: Scaling, seed: int) -> dict[str, np.ndarray]:
    """What a model keeps for the test of presence: arrays `mistaken` and `familiar_…` of its state.

    scaling : by which the spectra are scaled before they are projected
    """
    spectra, scores, pairs, known = seen
    if known is None:
        counts = count_mistakes(scores, groups.micro, pairs, groups.centers, groups.component, seed)
    else:
        counts = count_known(scores, groups.micro, known, groups.centers, groups.component, seed)
    familiar = fit_familiar(spectra, scores, scaling, groups.centers, FAR)
    return {"mistaken": counts} | pack("familiar_", familiar)


def count_mistakes(
    scores: np.ndarray, micro: np.ndarray, pairs: np.ndarray, centers: np.ndarray, component: np.ndarray, seed: int
) -> np.ndarray:
    """Of spectra of one micro-cluster, measured again with fresh noise, how many fall into each part: (m, m) float32 counts.

    scores : (n, d), micro : (n,) of the sample      pairs : (p, 2, d) scores of neighbouring pixels
    centers : (m, d)      component : (m,)

    Noise is the difference of neighbours of one component over √2, e = (z_p - z_q)/√2, Σ its covariance. With S the covariance
    of the component and μ its mean, a spectrum z was μ + (1 - Σ/S)(z - μ) before the noise, give or take Σ - Σ S⁻¹ Σ
    (Gauss); to that a new e of that component is added. Lists of spectra have no neighbours: there the scatter within
    micro-clusters is taken for noise, which is too much.
    """
    rng = np.random.default_rng([seed, 11])
    repeats = min(MOST_REPEATS, max(1, DRAWS // len(scores)))
    counts = np.zeros((len(centers), len(centers)))
    group, noises = component[micro], _noises(scores, micro, pairs, centers, component)
    for k in paced(np.unique(group), "how sure"):
        mine = np.flatnonzero(group == k)
        noise, z, mean = noises[k], scores[mine], scores[mine].mean(0)
        cov, total = np.atleast_2d(noise.T @ noise / len(noise)), np.atleast_2d(np.cov(scores[mine].T, ddof=0))
        gain = _gain(cov, total)
        blur = _root(cov - gain @ cov)
        before = mean + (z - mean) @ (np.eye(len(cov)) - gain).T
        many = np.repeat(np.arange(len(z)), repeats)
        for rows in np.array_split(many, -(-len(many) // BLOCK)):
            again = before[rows] + rng.normal(size=(len(rows), z.shape[1])) @ blur
            again += noise[rng.integers(len(noise), size=len(rows))]
            np.add.at(counts, (micro[mine[rows]], distances(again, centers).argmin(1)), 1)
    return counts.astype(np.float32)


def count_known(
    scores: np.ndarray, micro: np.ndarray, known: ScoreNoise, centers: np.ndarray, component: np.ndarray, seed: int
) -> np.ndarray:
    """`count_mistakes` where the noise of each spectrum is known: e is normal, Σ that of spectra with a level as its own.

    On simulated worlds it says 0.3 to 2 times as many as change in a second exposure: on images as neighbours do (0.3 to 3
    times), and on lists of spectra, which say less than a hundredth without it.
    """
    rng = np.random.default_rng([seed, 11])
    repeats = min(MOST_REPEATS, max(1, DRAWS // len(scores)))
    counts = np.zeros((len(centers), len(centers)))
    group = component[micro]
    for k in paced(np.unique(group), "how sure"):
        mine = np.flatnonzero(group == k)
        mean, total = scores[mine].mean(0), np.atleast_2d(np.cov(scores[mine].T, ddof=0))
        by_level = mine[np.argsort(known.level[mine], kind="stable")]
        for alike in np.array_split(by_level, min(LEVELS, len(mine))):
            cov = known.cov * float((known.level[alike] ** 2).mean())
            gain = _gain(cov, total)
            blur, root = _root(cov - gain @ cov), _root(cov)
            before = mean + (scores[alike] - mean) @ (np.eye(len(cov)) - gain).T
            for rows in np.array_split(np.repeat(np.arange(len(alike)), repeats), -(-len(alike) * repeats // BLOCK)):
                draws = rng.normal(size=(2, len(rows), scores.shape[1]))
                again = before[rows] + draws[0] @ blur + draws[1] @ root
                np.add.at(counts, (micro[alike[rows]], distances(again, centers).argmin(1)), 1)
    return counts.astype(np.float32)


def _noises(
    scores: np.ndarray, micro: np.ndarray, pairs: np.ndarray, centers: np.ndarray, component: np.ndarray
) -> dict[int, np.ndarray]:
    """Noise of each component as drawn vectors (e, d)."""
    kinds = np.unique(component[micro])
    inside = scores - centers[micro]
    if len(pairs) == 0:
        return {k: inside[component[micro] == k] for k in kinds}
    both = component[distances(pairs.reshape(-1, pairs.shape[2]), centers).argmin(1)].reshape(-1, 2)
    same = both[:, 0] == both[:, 1]
    steps = (pairs[:, 0] - pairs[:, 1]) / np.sqrt(2)
    pooled = steps[same] if same.sum() >= ENOUGH else inside
    own = {k: steps[same & (both[:, 0] == k)] for k in kinds}
    return {k: _both_ways(noise if len(noise) >= ENOUGH else pooled) for k, noise in own.items()}


def _both_ways(noise: np.ndarray) -> np.ndarray:
    return np.concatenate([noise, -noise])


def _gain(noise: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Σ S⁻¹ with its eigenvalues held in 0..1: the share of the scatter of a component that is noise."""
    ridge = 1e-9 * max(np.trace(total), np.trace(noise), 1e-100) / len(total) * np.eye(len(total))
    root = np.linalg.cholesky(total + ridge)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ noise @ inverse.T)
    return root @ (vectors * np.clip(values, 0, 1)) @ vectors.T @ inverse


def _root(cov: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh((cov + cov.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))).T


def fit_familiar(spectra: np.ndarray, scores: np.ndarray, scaling: Scaling, centers: np.ndarray, far: int) -> Familiar:
    """Learn what is familiar. spectra : (n, channel), scores : (n, d) of the sample; centers : (m, d).

    scaling : by which spectra are scaled before they are projected
    far : `unlike` x 100 from which a spectrum is counted as unlike; how many of the sample are, is kept.
    """
    step = max(1, -(-spectra.size // MOST_VALUES))
    spectra, scores = spectra[::step], scores[::step]
    rows = scale_rows(scaling.name, spectra, scaling.center)
    mean, middle = rows.mean(0), scores.mean(0)
    back = np.linalg.lstsq(scores - middle, rows - mean, rcond=None)[0]
    mean = mean - middle @ back
    rest = rows - mean - scores @ back
    sd = rest.std(0)
    sd = np.where(sd > 1e-9 * max(sd.max(), 1e-300), sd, np.inf)
    gaps = distances(scores, centers)
    micro, light = gaps.argmin(1), log_norm(spectra)
    both = np.stack([gaps.min(1), np.sqrt(((rest / sd) ** 2).mean(1))]) + 1e-12
    bright = light.mean()
    bend = np.array([_slope(np.log(values), light - bright, micro) for values in both])
    level = both / np.exp(bend[:, None] * (light - bright))
    middles = np.stack([_medians(values, micro, len(centers)) for values in level])
    ratio = level / middles[:, micro]
    reach = np.maximum(np.quantile(ratio, SEEN, axis=1), 1.0)
    found = 100 * (ratio / reach[:, None]).max(0)
    seen = np.array([len(spectra), (found > far).sum(), np.median(found)])
    near, far_off = middles
    return Familiar(mean, back, sd, near, far_off, bend, np.array([bright]), reach, seen)


def _slope(values: np.ndarray, light: np.ndarray, micro: np.ndarray) -> float:
    """Exponent of brightness within micro-clusters, held in -1..1."""
    size = np.maximum(np.bincount(micro), 1)
    y, x = (v - (np.bincount(micro, weights=v) / size)[micro] for v in (values, light))
    return float(np.clip((x * y).sum() / max((x**2).sum(), 1e-300), -1, 1)) if x.std() > 1e-6 else 0.0


def _medians(values: np.ndarray, micro: np.ndarray, n_micro: int) -> np.ndarray:
    """Median of each micro-cluster; parts with few spectra take that of all."""
    whole = max(float(np.median(values)), 1e-9)
    own = [np.median(values[micro == a]) if (micro == a).sum() >= 10 else whole for a in range(n_micro)]
    return np.maximum(own, whole / 4)
