"""Smooth random fields that can be evaluated at any pixel: nothing global, so an image can be made tile by tile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

N_WAVES = 48


@dataclass(frozen=True)
class Fields:
    """Some random fields over the plane, each a sum of cosine waves: variance 1, correlation exp(-r² / 2 length²).

    frequency : (n_fields, n_waves, 2) radians per pixel      phase : (n_fields, n_waves)
    Rahimi and Recht 2007, Random features for large-scale kernel machines.
    """

    frequency: np.ndarray
    phase: np.ndarray

    def at(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Values at rows y (h,) and columns x (w,): (h, w, n_fields)."""
        out = np.empty((len(y), len(x), len(self.phase)))
        for i, (frequency, phase) in enumerate(zip(self.frequency, self.phase, strict=True)):
            down, along = np.outer(y, frequency[:, 0]) + phase, np.outer(x, frequency[:, 1])
            # cos(a + b) as two small matrix products
            out[..., i] = np.cos(down) @ np.cos(along).T - np.sin(down) @ np.sin(along).T
        return out * np.sqrt(2 / self.phase.shape[1])


def draw_fields(rng: np.random.Generator, n_fields: int, length: float) -> Fields:
    """Random fields with a correlation length in pixels."""
    return Fields(rng.normal(0, 1 / length, (n_fields, N_WAVES, 2)), rng.uniform(0, 2 * np.pi, (n_fields, N_WAVES)))


@dataclass(frozen=True)
class Bumps:
    """One hill per field. sites : (n, 2) pixels      height : (n,)      radius : pixels"""

    sites: np.ndarray
    height: np.ndarray
    radius: float

    def at(self, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Values at rows y (h,) and columns x (w,): (h, w, n)."""
        down = np.exp(-((y[:, None] - self.sites[:, 0]) ** 2) / (2 * self.radius**2))
        along = np.exp(-((x[:, None] - self.sites[:, 1]) ** 2) / (2 * self.radius**2))
        return self.height * down[:, None] * along[None]


def lift(fields: Fields, bias: np.ndarray, sites: np.ndarray, length: float) -> Bumps:
    """Hills so high that each field is the largest at its own site, by 1 or more: every field wins somewhere.

    bias : (n,) added to the fields      sites : (n, 2) pixels      length : radius, less where sites are close
    Fails where sites share a pixel: then one of them may win nowhere.
    """
    apart = np.linalg.norm(sites[:, None] - sites[None], axis=-1)
    radius = min(length, max(0.5, 0.5 * apart[~np.eye(len(sites), dtype=bool)].min()))
    value = np.array([fields.at(*site[:, None])[0, 0] for site in sites]) + bias  # (site, field)
    bumps = Bumps(sites, np.zeros(len(sites)), radius)
    for _ in range(8):  # a hill lowers its neighbours by less than 0.14 of itself
        others = value + np.array([bumps.at(*site[:, None])[0, 0] for site in sites])
        np.fill_diagonal(others, -np.inf)
        bumps = replace(bumps, height=np.maximum(bumps.height, others.max(1) + 1 - np.diag(value)))
    return bumps


def draw_sites(rng: np.random.Generator, n: int, height: int, width: int) -> np.ndarray:
    """Points that keep away from each other, one by one the farthest of 32 drawn: (n, 2) y, x in pixels."""
    sites = rng.uniform(0.05, 0.95, (1, 2)) * [height, width]
    while len(sites) < n:
        drawn = rng.uniform(0.05, 0.95, (32, 2)) * [height, width]
        nearest = np.linalg.norm(drawn[:, None] - sites[None], axis=-1).min(1)
        sites = np.vstack([sites, drawn[nearest.argmax()]])
    return sites
