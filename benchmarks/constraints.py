"""Small tables of few components, under constraints and without: writes results/constraints.md and .json.

python benchmarks/constraints.py [--seeds 5]        needs ../shared/data
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.signal import find_peaks
from sklearn.decomposition import NMF

from common import DATA, head, log, table, write_json, write_page
from constraints_worlds import WORLDS
from plain_unmixing import METHODS
from spaxel.linear.abundances import fcls
from spaxel.linear.constrained.checks import Conditions
from spaxel.linear.constrained.factorise import Search, constrain
from spaxel.linear.constrained.feasible import feasible_bands
from spaxel.linear.constrained.missing import pedestal
from spaxel.linear.vertex import nfindr, spa
from spaxel.methods.mcr.estimator import MCR
from spaxel.metrics import abundance_rmse, matched_spectra

FIRST = 2200  # seeds of the simulated tables: none of them was looked at before
Answer = tuple[np.ndarray, np.ndarray]


def nmf(X: np.ndarray, k: int) -> Answer:
    """scikit-learn, coordinate descent."""
    return METHODS["NMF (scikit-learn)"](np.maximum(X, 0), k, 0)


def nmf_free(X: np.ndarray, k: int) -> Answer:
    """scikit-learn, amounts as they are."""
    model = NMF(k, init="nndsvdar", random_state=0, max_iter=500)
    amounts = model.fit_transform(np.maximum(X, 0))
    return model.components_, amounts


def als(X: np.ndarray, k: int) -> Answer:
    """pymcr: NNLS for both, closure, start by VCA."""
    return METHODS["MCR-ALS (pymcr), VCA start"](X, k, 0)


def als_free(X: np.ndarray, k: int) -> Answer:
    """pymcr: NNLS for both, 30 rounds, start by SPA."""
    from pymcr.constraints import ConstraintNonneg
    from pymcr.mcr import McrAR

    model = McrAR(
        max_iter=30, tol_increase=50, c_regr="NNLS", st_regr="NNLS", c_constraints=[ConstraintNonneg()],
        st_constraints=[ConstraintNonneg()],
    )  # fmt: skip
    model.fit(X, ST=np.maximum(X[spa(X, k)], 0))
    return model.ST_opt_, model.C_opt_


def corners(find: Callable) -> Callable[[np.ndarray, int], Answer]:
    """Purest samples, then FCLS."""

    def method(X: np.ndarray, k: int) -> Answer:
        S = X[find(X, k)]
        return S, fcls(X, S)

    return method


def closed_als(X: np.ndarray, k: int, rounds: int = 50) -> Answer:
    """Spectra by clipped least squares and shares by FCLS, in turn, from SPA."""
    S = X[spa(X, k)]
    for _ in range(rounds):
        A = fcls(X, S)
        S = np.maximum(np.linalg.lstsq(A, X, rcond=None)[0], 0)
    return S, fcls(X, S)


def ours(**options: Any) -> Callable[[np.ndarray, int], Answer]:
    """spaxel.MCR at a given number."""

    def method(X: np.ndarray, k: int) -> Answer:
        model = MCR(n_components=k, kind="table", **options).fit(X)
        return model.components_, model.transform(X)

    return method


def simulated(seeds: int) -> list[dict]:
    """Each world: mean and worst over the seeds of the mean spectral angle, for baselines, no constraint, the right one."""
    rows = []
    for name, make in WORLDS.items():
        runs: dict[str, list[float]] = {}
        seconds = []
        for seed in range(FIRST, FIRST + seeds):
            world = make(seed)
            X, S, options = world["X"], world["S"], dict(world["options"])
            whole = np.where(np.isnan(X), np.nanmean(X, axis=0), X)
            for label, method in {"NMF": nmf, "MCR-ALS": als_free}.items():
                runs.setdefault(label, []).append(matched_spectra(method(whole, len(S))[0], S)["mean_angle"])
            plain = constrain(whole, len(S), Conditions(closure=bool(options.get("closure") and len(options) > 1)))
            runs.setdefault("without", []).append(matched_spectra(plain.components, S)["mean_angle"])
            start = time.perf_counter()
            weights = options.pop("weights", None)
            found = constrain(X, len(S), Conditions(**options), weights=weights)
            seconds.append(time.perf_counter() - start)
            runs.setdefault("with", []).append(matched_spectra(found.components, S)["mean_angle"])
        rows.append({"world": name, "angles": runs, "seconds": float(np.mean(seconds))})
        log(name)
    return rows


def carbs() -> list[dict]:
    """Raman mixtures with known spectra and concentrations, on a pedestal."""
    stored = np.load(DATA / "mcr_carbs" / "carbs.npz")
    D, S, C = stored["D"], stored["S"].T, stored["C"]
    base = pedestal(D)
    methods: dict[str, tuple[Callable, float]] = {
        "SPA + FCLS": (corners(spa), 0), "N-FINDR + FCLS": (corners(lambda X, k: nfindr(X, k).indices), 0),
        "SPA + ALS, closure": (closed_als, 0), "NMF (scikit-learn)": (nmf, 0), "MCR-ALS (pymcr), closure": (als, 0),
        "**MCR**": (ours(), 0), "**MCR**, closure": (ours(closure=True), 0),
        "SPA + FCLS, less the pedestal": (corners(spa), base),
        "SPA + ALS, closure, less the pedestal": (closed_als, base), "NMF, less the pedestal": (nmf, base),
        "MCR-ALS (pymcr), closure, less the pedestal": (als, base),
        "**MCR**, pedestal": (ours(pedestal=True), 0),
        "**MCR**, pedestal, closure": (ours(pedestal=True, closure=True), 0),
        "**MCR**, pedestal, closure, min_volume 1": (ours(pedestal=True, closure=True, min_volume=1.0), 0),
    }  # fmt: skip
    rows = []
    for name, (method, off) in methods.items():
        start = time.perf_counter()
        found, shares = method(D - off, 3)
        seconds = time.perf_counter() - start
        match = matched_spectra(found, S)
        rmse = abundance_rmse(shares, C, match["matching"])["mean_rmse"]
        free = abundance_rmse(shares / shares.sum(1, keepdims=True), C, match["matching"])["mean_rmse"]
        rows.append({"method": name, "cosine": match["cosine"], "rmse": rmse, "shares": free, "seconds": seconds})
    return [{"pedestal": base, "true": 0.957, "rows": rows}]


def nir() -> list[dict]:
    """Signed spectra: the largest correlation of an abundance with each concentration."""
    stored = np.load(DATA / "nir_bioethanol" / "NIR.npz")
    X, Y = stored["X"], stored["Y"]
    methods = {
        "N-FINDR + FCLS": corners(lambda X, k: nfindr(X, k).indices),
        "**MCR**": ours(), "**MCR**, closure": ours(closure=True),
        "**MCR**, closure, min_volume 1": ours(closure=True, min_volume=1.0),
    }  # fmt: skip
    rows = []
    for name, method in methods.items():
        for k in (2, 3, 4):
            r = np.abs(np.corrcoef(method(X, k)[1].T, Y.T)[:k, k:])
            rows.append({"method": name, "k": k, "glucose": float(r[:, 0].max()), "ethanol": float(r[:, 1].max())})
    return rows


def tea() -> list[dict]:
    """No truth: explained, maxima per profile and run, and whether two halves of the runs give the same spectra."""
    cube = np.load(DATA / "hplcdad_tea" / "tea.npz")["runs"].astype(np.float64)
    halves, rows = ([0, 2, 4], [1, 3]), []

    def maxima(C: np.ndarray, n: int) -> float:
        profiles = [p for part in np.split(C, n) for p in part.T]
        return float(np.mean([len(find_peaks(np.pad(p, 1, constant_values=-1))[0]) for p in profiles]))

    for k in (3, 4):
        for name, method in {
            "NMF (scikit-learn)": nmf_free, "MCR-ALS (pymcr)": als_free,
            "no constraint": lambda X, k: (lambda f: (f.components, f.concentrations))(constrain(X, k)),
            "**one maximum per run**": lambda X, k: (lambda f: (f.components, f.concentrations))(
                constrain(X, k, Conditions(runs=np.repeat(np.arange(len(X) // 97), 97)), search=Search(most=150))
            ),
        }.items():  # fmt: skip
            start = time.perf_counter()
            S, C = method(cube.reshape(-1, 209), k)
            seconds = time.perf_counter() - start
            left, right = (method(cube[half].reshape(-1, 209), k)[0] for half in halves)
            X = cube.reshape(-1, 209)
            rows.append({
                "k": k, "method": name, "explained": 1 - ((X - C @ S) ** 2).sum() / ((X - X.mean(0)) ** 2).sum(),
                "maxima": maxima(C, 5), "agree": matched_spectra(left, right)["cosine"], "seconds": seconds,
            })  # fmt: skip
            log(f"tea {k} {name}")
    return rows


def bands() -> list[dict]:
    """What is not unique, on real tables."""
    D = np.load(DATA / "mcr_carbs" / "carbs.npz")["D"]
    D = D - pedestal(D)
    X = np.load(DATA / "hplcdad_tea" / "tea.npz")["runs"].reshape(-1, 209).astype(np.float64)
    rows = []
    for name, data, k, options in (
        ("carbs", D, 3, {}), ("carbs, closure", D, 3, {"closure": True}), ("tea", X, 3, {}), ("tea", X, 4, {}),
    ):  # fmt: skip
        found = constrain(data, k, Conditions(**options))
        start = time.perf_counter()
        made = feasible_bands(found.concentrations, found.components, noise=found.noise, **options)
        exact = feasible_bands(found.concentrations, found.components, **options)
        rows.append({
            "table": f"{name}, k = {k}", "noise": made.ambiguity.tolist(), "exact": exact.ambiguity.tolist(),
            "seconds": (time.perf_counter() - start) / 2,
        })  # fmt: skip
    return rows


def page(results: dict) -> list[str]:
    """The parts of the page."""
    worlds = [
        (
            row["world"],
            *(f"{np.mean(v):.4f} ({np.max(v):.4f})" for v in row["angles"].values()),
            f"{row['seconds']:.2f}",
        )
        for row in results["simulated"]
    ]
    (carbs_,) = results["carbs"]
    rows = [
        (
            r["method"],
            ", ".join(f"{c:.4f}" for c in r["cosine"]),
            f"{r['rmse']:.4f}" if r["rmse"] < 1 else "other units",
            f"{r['shares']:.4f}",
        )
        for r in carbs_["rows"]
    ]
    nir_rows = [(r["method"], r["k"], f"{r['glucose']:.2f}", f"{r['ethanol']:.2f}") for r in results["nir"]]
    tea_rows = [
        (r["k"], r["method"], f"{r['explained']:.4f}", f"{r['maxima']:.1f}", f"{np.mean(r['agree']):.3f}",
         f"{np.min(r['agree']):.3f}", f"{r['seconds']:.1f}")
        for r in results["tea"]
    ]  # fmt: skip
    band_rows = [
        (r["table"], ", ".join(f"{a:.3f}" for a in r["exact"]), ", ".join(f"{a:.3f}" for a in r["noise"]),
         f"{r['seconds']:.1f}")
        for r in results["bands"]
    ]  # fmt: skip
    return [
        "## Simulated tables, 3 components, seeds from 2200 on",
        "Mean angle (rad) to the true spectra: mean (worst) over the seeds. Without: the same solver without the constraint "
        "(holes filled by the channel's mean). With: the constraint named. MCR-ALS: pymcr, NNLS, from SPA.",
        table(("world", "NMF", "MCR-ALS", "without", "**with**", "s"), worlds),
        "## Carbs: 21 Raman mixtures, pure samples among them",
        f"What is no mixture is even noise between 0 and 1.91, a pedestal of {carbs_['true']}; `pedestal` takes off "
        f"{carbs_['pedestal']:.3f} without looking at the truth (the least value of the smoothed mean spectrum: it takes the "
        "least of the mixtures, 0.31, as well). RMSE of concentrations as given, and of shares of their sum.",
        table(("method", "cosine of the three spectra", "RMSE", "RMSE of shares"), rows),
        "## NIR bioethanol (signed first derivatives)",
        "Largest correlation of an abundance with each concentration; k is given.",
        table(("method", "k", "glucose", "ethanol"), nir_rows),
        "## HPLC-DAD tea: 5 runs x 97 times x 209 wavelengths, no truth",
        "Common spectra of all runs (augmented MCR). Maxima: mean number of local maxima of a profile in a run. Agree: cosine "
        "between the spectra of runs 1, 3, 5 and those of runs 2, 4: mean and least.",
        table(("k", "method", "explained", "maxima", "agree", "least", "s"), tea_rows),
        "## Bands of feasible solutions",
        "Ambiguity of each component (0 = unique; share of the signal by which it can grow or shrink), with nothing "
        "negative at all, and with negatives of two standard errors.",
        table(("table", "exact", "within noise", "s"), band_rows),
    ]


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    about = head()
    results = {
        "simulated": simulated(options.seeds), "carbs": carbs(), "nir": nir(), "tea": tea(), "bands": bands(),
    }  # fmt: skip
    write_json("constraints", about, **results)
    write_page("constraints", "Small tables under constraints", about, page(results))


if __name__ == "__main__":
    main()
