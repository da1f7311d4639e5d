"""Whether labels divide anything: by how far components lie apart beyond what one cloud, cut in two, would show."""

from __future__ import annotations

import numpy as np

from spaxel.methods.centers.splits import beyond_one_cloud, of_one_cloud

LOOKED = 3000  # spectra from which it is told
BESIDE = 3  # nearest components that each is compared with
LEAST = 8  # spectra of a component, below which nothing is known of it
RIDGE = 1e-3  # of the mean variance within two components


def clearness(z: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """0: the labels (n,) cut clouds in two, as those of noise do; 1: wide gaps lie between all components. z : (n, d) scores.

    Equation: mean over spectra of max(least excess of their component, 0), to its three nearest ones; the excess of
    `beyond_one_cloud` along Fisher's discriminant, learned on one half, applied to the other, divided by that of two points
    of the same shares, 1 - φ(Φ⁻¹(s))² / (s (1 - s)): else a small component beside a large one looks clearer than it is.
    Fails, in the sense of saying little, where components touch: so it weighs labelings of the same spectra, and is no test.
    """
    some = np.random.default_rng([seed, 28]).permutation(len(z))[:LOOKED]
    own, k = labels[some], int(labels.max()) + 1
    parts = [[z[some[own == j]][half::2] for half in (0, 1)] for j in range(k)]
    parts = [part for part in parts if len(part[0]) + len(part[1]) >= LEAST]
    if len(parts) < 2:
        return 0.0
    means = np.stack([np.concatenate(part).mean(0) for part in parts])
    apart = ((means[:, None] - means) ** 2).sum(2)
    near = [[int(b) for b in np.argsort(row, kind="stable") if b != a][:BESIDE] for a, row in enumerate(apart)]
    spreads = [[np.atleast_2d(np.cov(half.T, ddof=0)) for half in part] for part in parts]
    known: dict[tuple[int, int], float] = {}
    for pair in {(min(a, b), max(a, b)) for a, beside in enumerate(near) for b in beside}:
        known[pair] = _excess([parts[i] for i in pair], [spreads[i] for i in pair])
    least = np.array([min(known[min(a, b), max(a, b)] for b in beside) for a, beside in enumerate(near)])
    sizes = np.array([sum(map(len, part)) for part in parts])
    return float(np.clip((np.clip(least, 0, 1) * sizes).sum() / len(own), 0, 1))


def _excess(parts: list[list[np.ndarray]], spreads: list[list[np.ndarray]]) -> float:
    """Of two components, each in two halves, with the covariance of each half; 1 for two points."""
    places, sides = [], []
    for half in (0, 1):
        n = [len(part[half]) for part in parts]
        within = (spreads[0][half] * n[0] + spreads[1][half] * n[1]) / sum(n)
        gap = parts[0][half].mean(0) - parts[1][half].mean(0)
        ridge = RIDGE * np.trace(within) / len(within) + 1e-12 * float(gap @ gap) + 1e-300
        axis = np.linalg.solve(within + ridge * np.eye(len(within)), gap)
        seen = [part[1 - half] @ (axis / max(float(np.linalg.norm(axis)), 1e-300)) for part in parts]
        both = np.concatenate(seen)
        sd = np.sqrt((seen[0].var() * len(seen[0]) + seen[1].var() * len(seen[1])) / len(both))
        places.append((both - both.mean()) / (sd + 1e-12 * np.abs(both).max() + 1e-300))
        sides.append(np.repeat([0, 1], [len(one) for one in seen]))
    side = np.concatenate(sides)
    return beyond_one_cloud(np.concatenate(places), side) / (1 - of_one_cloud(float((side == 0).mean())))
