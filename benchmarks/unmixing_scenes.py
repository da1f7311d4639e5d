"""Unmixing of Samson beside the usual baselines, and what its truth rests on: writes results/unmixing_scenes.md and .json.

python benchmarks/unmixing_scenes.py [--data ../shared/data]

Simulated scenes: unmixing.py. Small tables: constraints.py.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.decomposition import NMF

import spaxel
from spaxel.linear.abundances import fcls, free_brightness
from spaxel.linear.scene.components import scene_components
from spaxel.linear.vertex import nfindr, spa
from spaxel.metrics import abundance_rmse, matched_spectra
from vca import vca

RESULTS = Path(__file__).parent / "results"
SEEDS = range(5)
Answer = tuple[np.ndarray, np.ndarray]  # components, abundances


def unit(X: np.ndarray) -> np.ndarray:
    """Spectra over their norms."""
    return X / np.maximum(np.linalg.norm(X, axis=-1, keepdims=True), 1e-300)


def _nmf(X: np.ndarray, k: int, seed: int) -> Answer:
    model = NMF(k, init="nndsvdar", random_state=seed, max_iter=500)
    W = model.fit_transform(np.maximum(X, 0))
    size = np.linalg.norm(model.components_, axis=1)
    W = W * size
    return model.components_, W / np.maximum(W.sum(1, keepdims=True), 1e-300)


def _mcr_als(X: np.ndarray, k: int, seed: int) -> Answer:
    from pymcr.constraints import ConstraintNonneg, ConstraintNorm
    from pymcr.mcr import McrAR

    model = McrAR(
        max_iter=50, c_regr="NNLS", st_regr="NNLS",
        c_constraints=[ConstraintNonneg(), ConstraintNorm()], st_constraints=[ConstraintNonneg()],
    )  # fmt: skip
    model.fit(X, ST=X[vca(X, k, seed)])
    return model.ST_opt_, model.C_opt_


def _corners(find: Callable, view: Callable) -> Callable[[np.ndarray, int, int], Answer]:
    def method(X: np.ndarray, k: int, seed: int) -> Answer:
        Y = view(X)
        S = Y[find(Y, k, seed)]
        return S, fcls(Y, S)

    return method


def _scene(given: bool, **options) -> Callable[[np.ndarray, int, int], Answer]:
    def method(X: np.ndarray, k: int, seed: int) -> Answer:
        found = scene_components(X, k if given else None, seed=seed, **options)
        return found.components, found.abundances

    return method


def _start_at_random(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    return nfindr(X, k, np.random.default_rng(seed).permutation(len(X))[:k]).indices


METHODS: dict[str, Callable[[np.ndarray, int, int], Answer]] = {
    "**spaxel**, count given": _scene(True),
    "**spaxel**, count found": _scene(False),
    "spaxel, count given, scale even": _scene(True, scale="even"),
    "spaxel, count given, raw forced": _scene(True, normalise="raw"),
    "VCA + FCLS": _corners(vca, lambda X: X),
    "VCA + FCLS, unit norm": _corners(vca, unit),
    "N-FINDR + FCLS": _corners(_start_at_random, lambda X: X),
    "N-FINDR + FCLS, unit norm": _corners(_start_at_random, unit),
    "SPA + FCLS": _corners(lambda X, k, seed: spa(X, k), lambda X: X),
    "NMF (scikit-learn)": _nmf,
    "MCR-ALS (pymcr), VCA start": _mcr_als,
}


def judged(method: Callable, X: np.ndarray, S: np.ndarray, A: np.ndarray, seed: int) -> dict:
    """Number, angle, error and seconds of one run."""
    start = time.perf_counter()
    found, shares = method(X, len(S), seed)
    seconds = time.perf_counter() - start
    match = matched_spectra(found, S)
    rmse = abundance_rmse(shares, A, match["matching"])["mean_rmse"]
    return {"k": len(found), "angle": match["mean_angle"], "rmse": rmse, "seconds": seconds}


def samson(data: Path) -> list[dict]:
    """Every method and seed, and the floor that the true spectra set."""
    cube = spaxel.open_cube(str(data / "samson" / "Samson.mat"), truth="S_GT,GT")
    X = cube["spectra"].values.reshape(-1, cube.sizes["channel"])
    S, A = cube["truth_spectra"].values, cube["truth_abundances"].values.reshape(len(X), -1)
    rows = []
    for name, method in METHODS.items():
        seeds = range(2) if "pymcr" in name else SEEDS
        rows.append({"method": name, "runs": [judged(method, X, S, A, seed) for seed in seeds]})
    floor = {"FCLS": fcls(X, S), "FCLS, unit norm": fcls(X, S, unit_norm=True)}
    floor |= {"free brightness, unit-norm components": free_brightness(X, unit(S))}
    floor |= {"free brightness, components as stored": free_brightness(X, S)}
    for name, shares in floor.items():
        rmse = abundance_rmse(shares, A, [0, 1, 2])["mean_rmse"]
        rows.append(
            {"method": f"*true spectra*, {name}", "runs": [{"k": 3, "angle": 0.0, "rmse": rmse, "seconds": 0.0}]}
        )
    return rows


def speed() -> dict[str, float]:
    """Seconds for a million spectra, from a fifth of them."""
    rng = np.random.default_rng(0)
    S = rng.random((4, 156))
    X = rng.dirichlet(np.full(4, 0.5), 200_000) @ S + 0.05 * rng.standard_normal((200_000, 156))
    out = {}
    for name, solve in (("fcls", fcls), ("free_brightness", free_brightness)):
        start = time.perf_counter()
        solve(X, S)
        out[name] = 5 * (time.perf_counter() - start)
    return out


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {
        "samson": samson(options.data),
        "speed": speed(),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "unmixing_scenes.json").write_text(json.dumps(results, indent=1))
    from unmixing_report import page

    (RESULTS / "unmixing_scenes.md").write_text(page(results))


if __name__ == "__main__":
    main()
