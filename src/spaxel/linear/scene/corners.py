"""How many corners the data carry, by the largest simplex of group centres at each number."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from spaxel.errors import CubeError, ParameterError
from spaxel.linear.abundances import fcls
from spaxel.linear.scene.pool import GROUPS
from spaxel.linear.vertex import nfindr
from spaxel.pace import paced

STARTS_COUNT = 4
PATIENCE = 3  # counts that fail in a row before the search ends
LEAST = {
    "needed": 1.3,  # unexplained variance without a component over that with it
    "apart": 0.35,  # distance of a component from all mixtures of the others, in spreads of the scene
    "support": 0.002,  # share of pixels of which it makes more than half
    "mass": 0.005,  # its mean abundance
}
FAULTS = {
    "needed": "hardly needed", "apart": "close to a mixture of the others", "support": "the main part of hardly any pixel",
    "mass": "nowhere abundant",
}  # fmt: skip


class Fit(NamedTuple):
    """corners : (k, d) scores      shares : (n, k) sum 1      unexplained : share of the variance."""

    corners: np.ndarray
    shares: np.ndarray
    unexplained: float


def count_corners(scores: np.ndarray, most: int) -> list[dict[str, Any]]:
    """For each number from 2: what its weakest component is worth, and whether all hold."""
    rows: list[dict[str, Any]] = []
    for k in paced(range(2, min(most, *scores.shape) + 1), "number of components"):
        try:
            fit = best_fit(scores, k, 0, STARTS_COUNT)
            rows.append({"n_components": k, "unexplained": fit.unexplained} | _worth(scores, fit))
        except (ParameterError, CubeError):  # no such simplex: the data have fewer directions
            break
        if len(rows) >= PATIENCE and not any(row["holds"] for row in rows[-PATIENCE:]):
            break
    return rows


def held_number(rows: list[dict[str, Any]]) -> int:
    """The largest number of which every component holds, 1 if none does. rows : of `count_corners`"""
    return max((row["n_components"] for row in rows if row["holds"]), default=1)


def _worth(scores: np.ndarray, fit: Fit) -> dict[str, Any]:
    """The least of what each component is needed, apart, carried by pixels, and abundant."""
    spread = np.sqrt((scores**2).sum() / len(scores))
    needed, apart = [], []
    for j in range(len(fit.corners)):
        others = np.delete(fit.corners, j, axis=0)
        rest = scores - fcls(scores, others) @ others
        needed.append((rest**2).sum() / (scores**2).sum() / max(fit.unexplained, 1e-12))
        apart.append(np.linalg.norm(fit.corners[j] - fcls(fit.corners[j : j + 1], others) @ others) / spread)
    row = {
        "needed": float(min(needed)), "apart": float(min(apart)),
        "support": float((fit.shares > 0.5).mean(0).min()), "mass": float(fit.shares.mean(0).min()),
    }  # fmt: skip
    return row | {"holds": all(row[name] >= least for name, least in LEAST.items())}


def best_fit(scores: np.ndarray, k: int, seed: int, starts: int) -> Fit:
    """Of several starts, the simplex of group centres that leaves least unexplained. scores : (n, d), mean 0."""
    total = max((scores**2).sum(), 1e-300)
    if k == 1:
        return Fit(np.zeros((1, scores.shape[1])), np.ones((len(scores), 1)), 1.0)
    if len(np.unique(scores, axis=0)) < k:
        raise ParameterError(
            f"The spectra span only {len(np.unique(scores, axis=0)) - 1} directions. Try fewer components."
        )
    fits = []
    for i in range(starts):
        centers = _centers(scores, GROUPS[i % 2] * k, seed * 10 + i)
        corners = centers[nfindr(centers, k).indices]
        shares = fcls(scores, corners)
        fits.append(Fit(corners, shares, float(((scores - shares @ corners) ** 2).sum() / total)))
    return min(fits, key=lambda fit: fit.unexplained)


def _centers(scores: np.ndarray, groups: int, seed: int) -> np.ndarray:
    distinct = np.unique(scores, axis=0)
    if len(distinct) <= groups:
        return distinct
    return KMeans(groups, n_init=1, max_iter=100, random_state=seed % 2**31).fit(scores).cluster_centers_


def count_words(k: int, rows: list[dict[str, Any]]) -> str:
    """Why k, and how sure, in words. rows : of `count_corners`."""
    held = next((row for row in rows if row["n_components"] == k), None)
    beyond = next((row for row in rows if row["n_components"] > k), None)
    words = []
    if held:
        words.append(f"without the weakest, {held['needed']:.1f} times as much would stay unexplained")
    if beyond:
        faults = [text for name, text in FAULTS.items() if beyond[name] < LEAST[name]]
        words.append(f"with {beyond['n_components']}, one would be {' and '.join(faults) or 'one too many'}")
    return "; ".join([*words, f"this count is {_sure(held, beyond)}"])


def _sure(held: dict[str, Any] | None, beyond: dict[str, Any] | None) -> str:
    """By the distance of the accepted and of the refused weakest component from what is asked."""
    low = min(held[name] / least for name, least in LEAST.items()) if held else 1.5
    high = min(beyond[name] / least for name, least in LEAST.items()) if beyond else 1.0
    if low > 1.5 and high < 0.9:
        return "clear"
    return "fair" if low > 1.15 and high < 0.95 else "uncertain"
