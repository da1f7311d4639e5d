"""Silhouettes of several partitions of the same points, whose distances are worked out once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ROWS = 512  # of distances that are held at a time


def distances(scores: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) of scores (n, d) to centres (m, d)."""
    found = 2 * scores @ centers.T
    np.subtract((scores**2).sum(1)[:, None], found, out=found)  # in place: these arrays are larger than a cache
    found += (centers**2).sum(1)
    return np.sqrt(np.maximum(found, 0, out=found), out=found)


def silhouettes(scores: np.ndarray, partitions: Sequence[np.ndarray]) -> np.ndarray:
    """Mean silhouette (Rousseeuw 1987) of points (n, d) under each partition (n,) of int from 0 on, (partition,).

    The mean of (b - a) / max(a, b), a the mean distance within the group, b that to the nearest other one; 0 for one alone.
    nan where there is one group only, or each point has its own.
    """
    members = [np.eye(int(labels.max()) + 1)[labels] for labels in partitions]
    total = sums_of_distances(scores, np.concatenate(members, axis=1))
    parts = np.split(total, np.cumsum([member.shape[1] for member in members])[:-1], axis=1)
    return np.array([silhouette(*given) for given in zip(parts, partitions, strict=True)])


def sums_of_distances(scores: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Sums of the distances of each point to those of each group, (n, group). member : (n, group) of 0 and 1"""
    found = np.empty((len(scores), member.shape[1]))
    for start in range(0, len(scores), ROWS):
        apart = distances(scores[start : start + ROWS], scores)
        rows = np.arange(len(apart))
        apart[rows, start + rows] = 0
        found[start : start + ROWS] = apart @ member
    return found


def silhouette(total: np.ndarray, labels: np.ndarray) -> float:
    """See `silhouettes`. total : (n, group) sums of the distances of each point to each group      labels : (n,)"""
    size, rows = np.bincount(labels, minlength=total.shape[1]).astype(float), np.arange(len(labels))
    if not 1 < (size > 0).sum() < len(labels):
        return float("nan")
    inside = total[rows, labels] / np.maximum(size[labels] - 1, 1)
    others = total / np.maximum(size, 1)
    others[:, size == 0] = np.inf
    others[rows, labels] = np.inf
    nearest = others.min(1)
    value = (nearest - inside) / np.maximum(np.maximum(nearest, inside), 1e-300)
    return float(np.where(size[labels] > 1, value, 0.0).mean())
