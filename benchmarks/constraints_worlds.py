"""Simulated tables of three components, one for each constraint: what a chemist knows, and what it is worth."""

from __future__ import annotations

from typing import Any

import numpy as np

AXIS = np.linspace(0, 1, 120)


def _spectra(rng: np.random.Generator, floor: float = 0.02) -> np.ndarray:
    """Three spectra of four overlapping bands each."""
    centre, width = rng.uniform(0.1, 0.9, (3, 4, 1)), rng.uniform(0.03, 0.08, (3, 4, 1))
    return (rng.uniform(0.3, 1, (3, 4, 1)) * np.exp(-((AXIS - centre) ** 2) / (2 * width**2))).sum(1) + floor


def _noisy(rng: np.random.Generator, clean: np.ndarray, level: float = 0.01) -> np.ndarray:
    return clean + level * clean.max() * rng.standard_normal(clean.shape)


def _mixtures(rng: np.random.Generator, n: int = 60) -> np.ndarray:
    return rng.dirichlet(np.full(3, 0.6), n)


def closure(seed: int) -> dict[str, Any]:
    """Concentrations sum to one."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    return {"X": _noisy(rng, _mixtures(rng) @ S), "S": S, "options": {"closure": True}}


def impure(seed: int) -> dict[str, Any]:
    """No sample holds more than 75 % of a component."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng, 0.2)
    C = rng.dirichlet(np.ones(3), 600)
    C = C[C.max(1) < 0.75][:150]
    return {"X": _noisy(rng, C @ S, 0.002), "S": S, "options": {"closure": True, "min_volume": 1.0}}


def known(seed: int) -> dict[str, Any]:
    """Two of three spectra are known; no sample is pure."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng, 0.1)
    C = rng.dirichlet(np.full(3, 2.0), 60)
    return {"X": _noisy(rng, C @ S), "S": S, "options": {"known": S[:2]}}


def counts(seed: int) -> dict[str, Any]:
    """A few photons per channel."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    return {"X": rng.poisson(4 * _mixtures(rng, 150) @ S).astype(float), "S": S, "options": {"loss": "poisson"}}


def junk(seed: int) -> dict[str, Any]:
    """One sample in twenty is no mixture."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    X = _noisy(rng, _mixtures(rng) @ S)
    X[:3] = rng.random((3, 120)) * X.max()
    return {"X": X, "S": S, "options": {"robust": True}}


def holes(seed: int) -> dict[str, Any]:
    """One entry in five is missing."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    X = _noisy(rng, _mixtures(rng) @ S)
    return {"X": np.where(rng.random(X.shape) < 0.2, np.nan, X), "S": S, "options": {}}


def uneven(seed: int) -> dict[str, Any]:
    """A third of the channels is twenty times noisier, and it is known."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    sigma = np.where(np.arange(120) % 3 == 0, 0.1, 0.005)
    X = _mixtures(rng) @ S
    return {"X": X + sigma * rng.standard_normal(X.shape), "S": S, "options": {"weights": sigma**-2}}


def runs(seed: int) -> dict[str, Any]:
    """Three runs of overlapping peaks in time."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    time = np.arange(50.0)[:, None]
    late = rng.uniform(-3, 3, 3)
    C = np.concatenate([np.exp(-((time - np.array([16, 23, 31]) - shift) ** 2) / 60) for shift in late])
    C = C * np.repeat(rng.uniform(0.3, 1.5, (3, 3)), 50, axis=0)
    return {"X": _noisy(rng, C @ S, 0.02), "S": S, "options": {"runs": np.repeat(np.arange(3), 50)}}


def _overlapping(late: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Profiles of runs of 40 times one after the other: three peaks nearer than their width. heights : (run, 3)"""
    time = np.arange(40.0)[:, None]
    shapes = [np.exp(-((time - np.array([15, 19, 23]) - shift) ** 2) / 50) for shift in late]
    return np.concatenate([shape * high for shape, high in zip(shapes, heights, strict=True)])


def alike(seed: int) -> dict[str, Any]:
    """Four runs in which each component has the same profile, in other amounts."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    C = _overlapping(np.zeros(4), rng.uniform(0.2, 1, (4, 3)))
    return {"X": _noisy(rng, C @ S, 0.005), "S": S, "options": {"alike": np.repeat(np.arange(4), 40)}}


def absent(seed: int) -> dict[str, Any]:
    """Four runs that are late by other times; three of them are known to lack one component each."""
    rng = np.random.default_rng(seed)
    S = _spectra(rng)
    there = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
    C = _overlapping(rng.uniform(-2, 2, 4), there * rng.uniform(0.3, 1, (4, 3)))
    return {"X": _noisy(rng, C @ S, 0.005), "S": S, "options": {"allowed": np.repeat(there == 1, 40, axis=0)}}


WORLDS = {
    "sum of one: closure": closure, "no pure samples: closure and min_volume 1": impure,
    "two spectra known, no pure samples: known": known, "a few counts per channel: loss poisson": counts,
    "5 % junk: robust": junk, "20 % missing: weights": holes, "noisy channels: weights": uneven,
    "three runs: one maximum each": runs, "four runs alike: trilinear": alike, "components known to be absent: zeros": absent,
}  # fmt: skip
