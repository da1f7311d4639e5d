"""Non-negative and fully constrained least squares: spectra per CPU second against the number of components.

Mixtures of four smooth spectra on average and 5 % of noise, in 200 channels; beside scipy.optimize.nnls, one by one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import nnls as one_by_one

from common import head, log, table, write_json, write_page
from spaxel.linear.abundances import fcls, nnls

NUMBERS = (3, 6, 12, 20, 30, 60)
N, CHANNELS, HELD, NOISE = 8192, 200, 4, 0.05
FEW = 512  # spectra that scipy is asked for


def mixtures(k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Spectra (n, channel) and components (k, channel)."""
    rng = np.random.default_rng([k, seed])
    S = np.abs(np.cumsum(rng.normal(size=(k, CHANNELS)), 1)) + 0.1
    C = rng.exponential(size=(N, k)) * (rng.random((N, k)) < min(1.0, HELD / k))
    X = C @ S
    return X + NOISE * X.std() * rng.normal(size=X.shape), S


def rate(solve: Callable[..., Any], X: np.ndarray, S: np.ndarray) -> tuple[float, np.ndarray]:
    """Spectra per CPU second, best of three, and the amounts."""
    seconds, found = [], np.zeros(0)
    for _ in range(3):
        start = time.process_time()
        found = solve(X, S)
        seconds.append(time.process_time() - start)
    return len(X) / min(seconds), found


def main() -> None:
    """Measure, and write benchmarks/results/abundances.json and .md."""
    about, rows = head(), []
    for k in NUMBERS:
        X, S = mixtures(k)
        open_rate, amounts = rate(nnls, X, S)
        closed_rate, _ = rate(fcls, X, S)
        other_rate, other = rate(lambda X, S: np.array([one_by_one(S.T, x)[0] for x in X]), X[:FEW], S)
        apart = float(np.abs(amounts[:FEW] - other).max() / other.max())
        rows.append({"k": k, "nnls": open_rate, "fcls": closed_rate, "scipy": other_rate, "apart": apart})
        log(str(rows[-1]))
    write_json("abundances", about, rows=rows)
    lines = [
        [r["k"], f"{r['nnls']:,.0f}", f"{r['fcls']:,.0f}", f"{r['scipy']:,.0f}", f"{r['apart']:.0e}"] for r in rows
    ]
    header = ["components", "nnls", "fcls", "scipy nnls", "largest difference from scipy, of the largest amount"]
    write_page("abundances", "Abundances: spectra per CPU second", about, [__doc__ or "", table(header, lines)])


if __name__ == "__main__":
    main()
