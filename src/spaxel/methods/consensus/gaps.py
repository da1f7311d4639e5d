"""How wide the gap between two groups of spectra is, whatever their sizes, and groups merged by the least gap between them."""

from __future__ import annotations

import numpy as np

from spaxel.methods.centers.splits import of_one_cloud

LEAST = 8  # spectra of a group, below which nothing is known of it
BESIDE = 5  # nearest groups, among which the least gap is looked for
LOOKED = 500  # spectra of a group that are looked at
RIDGE = 1e-3  # of the mean variance within two groups


def gap(one: np.ndarray, other: np.ndarray) -> float:
    """How much more of the variance two groups explain than a normal cloud cut in two would: 0 for that, 1 for two points.

    one (n, d), other (m, d) : scores. Along Fisher's discriminant, learned on one half of each and applied to the other.
    Equation: (e - e₀) / (1 - e₀), e = s (1 - s) D² / var(p), e₀ = φ(Φ⁻¹(s))² / (s (1 - s)), s the share of one group, D the
    distance of the means of p; divided so that a small group beside a large one can reach 1 too.
    Fails, in the sense of 0, for groups of fewer than eight.
    """
    if min(len(one), len(other)) < LEAST:
        return 0.0
    sides = []
    for half in (0, 1):
        a, b = one[half::2], other[half::2]
        apart = a.mean(0) - b.mean(0)
        centred = np.concatenate([a - a.mean(0), b - b.mean(0)])
        within = centred.T @ centred / len(centred)
        ridge = RIDGE * np.trace(within) / len(within) + 1e-12 * float(apart @ apart) + 1e-300
        axis = np.linalg.solve(within + ridge * np.eye(len(within)), apart)
        scale = max(abs(float(apart @ axis)), 1e-300)
        middle = (a.mean(0) + b.mean(0)) @ axis / 2
        sides.append([(part[1 - half :: 2] @ axis - middle) / scale for part in (one, other)])
    a, b = (np.concatenate(part) for part in zip(*sides, strict=True))
    share, both = len(a) / (len(a) + len(b)), np.concatenate([a, b])
    cut = of_one_cloud(share)
    explained = share * (1 - share) * (a.mean() - b.mean()) ** 2 / max(float(both.var()), 1e-300)
    return float((explained - cut) / (1 - cut))


def joined(z: np.ndarray, part: np.ndarray, m: int, low: int, high: int, seed: int) -> list[np.ndarray]:
    """Parts merged by the least gap between them: the owner (m,) of each part at `high` to `low` groups.

    z : (n, d)      part : (n,) 0..m-1 of each
    """
    order = np.random.default_rng([seed, 33]).permutation(len(z))
    own = [order[part[order] == i] for i in range(m)]
    owner, alive = np.arange(m), [i for i in range(m) if len(own[i])]
    found: list[np.ndarray] = []
    known: dict[tuple[int, int], float] = {}
    while alive:
        if low <= len(alive) <= high:
            found.append(owner.copy())
        if len(alive) <= low:
            return found
        middles = np.stack([z[own[i]].mean(0) for i in alive])
        apart = ((middles[:, None] - middles) ** 2).sum(2)
        pairs = {
            (min(i, alive[j]), max(i, alive[j]))
            for i, row in zip(alive, apart, strict=True)
            for j in np.argsort(row, kind="stable")[: BESIDE + 1]
            if alive[j] != i
        }
        for i, j in pairs - known.keys():
            known[i, j] = gap(z[own[i][:LOOKED]], z[own[j][:LOOKED]])
        i, j = min(pairs, key=lambda pair: (known[pair], pair))
        both = np.concatenate([own[i], own[j]])
        own[i] = both[np.argsort(np.argsort(order)[both], kind="stable")]
        owner[owner == j] = i
        alive.remove(j)
        known = {pair: value for pair, value in known.items() if i not in pair and j not in pair}
    return found
