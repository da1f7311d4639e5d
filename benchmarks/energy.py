"""EnergyMCR beside MCR and NMF (which is told the number): linear, under three laws of mixing, sparse spectra.

    python benchmarks/energy.py [--seconds 900] [--seeds 5]

writes benchmarks/results/energy.{json,md}. Times are CPU seconds: run with OMP_NUM_THREADS=1 for one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from common import head, table, write_json, write_page
from mcr_grid import scores
from spaxel import MCR, EnergyMCR, simulate

FIRST_SEED = 120  # fresh: nothing was tuned on seeds from here
HELD_OUT = 100
Case = dict[str, Any]
LINEAR = [{"k": k, "times": 4, "db": 20, "mixing": "linear", "law": "linear"} for k in (16, 64)]
CURVED = [
    {"k": 16, "times": 8, "db": 30, "mixing": mixing, "strength": strength, "law": mixing}
    for strength in (1.0, 0.3)
    for mixing in ("saturation", "absorbance", "bilinear")
]
WRONG = [{"k": 16, "times": 4, "db": 20, "mixing": "linear", "law": law} for law in ("saturation", "bilinear")]
SPARSE = [{"k": 16, "times": 4, "db": 20, "mixing": "linear", "law": "linear", "spectra": "mass"}]
LARGE = [
    {"k": 64, "times": 4, "db": 20, "mixing": mixing, "strength": 1.0, "law": mixing}
    for mixing in ("bilinear", "saturation")
]


def main() -> None:
    """Every case at every seed while the time lasts; the large ones at the first seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=900, help="CPU seconds in all")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    about = head()
    warnings.simplefilter("ignore")
    plan = [(case, FIRST_SEED + seed) for seed in range(given.seeds) for case in LINEAR + CURVED[:3] + WRONG + SPARSE]
    plan += [(case, FIRST_SEED) for case in LARGE]
    plan += [(case, FIRST_SEED + seed) for seed in range(given.seeds) for case in CURVED[3:]]
    runs, left_out = [], 0
    for case, seed in plan:
        if time.process_time() > given.seconds:
            left_out += 1
            continue
        runs.append(one_run(case, seed))
        write(about, runs, left_out + len(plan) - len(runs) - left_out)
        print(runs[-1], flush=True)


def one_run(case: Case, seed: int) -> Case:
    """All methods on one table: number, spectra, amounts, held-out residual over that of the truth, seconds."""
    n = case["times"] * case["k"]
    names = ("mixing", "strength", "spectra")
    options = {name: case[name] for name in names if name in case}
    cube = simulate(
        "mixture", height=n + HELD_OUT, seed=seed, n_components=case["k"], snr_db=case["db"], **options
    )  # fmt: skip
    X, C = cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0]
    S = cube["truth_spectra"].values
    row = case | {"seed": seed, "methods": {}}
    for name, method in METHODS.items():
        start = time.process_time()
        found, codes, rebuilt, extra = method(X[:n], X[n:], case)
        seconds = time.process_time() - start
        measured = scores(found, codes[:n], C[:n], S) | {"number": len(found), "seconds": seconds}
        measured["held_f1"] = scores(found, codes[n:], C[n:], S)["support_f1"]
        noise = case["db"] / 10
        power = (X[n:] ** 2).mean(1) / (1 + 10**noise)
        measured["held_chi2"] = float((((X[n:] - rebuilt[n:]) ** 2).mean(1) / power).mean())
        if case.get("spectra") == "mass":
            measured |= zeros(found, S)
        row["methods"][name] = measured | extra
    return row


def zeros(found: np.ndarray, S: np.ndarray) -> dict[str, float]:
    """Precision and recall of the exact zeros of matched components."""
    lengths = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)
    true, match = linear_sum_assignment(-S @ (found / lengths).T)
    is_zero, should = found[match] == 0, S[true] == 0
    both = float((is_zero & should).sum())
    return {"zero_precision": both / max(is_zero.sum(), 1), "zero_recall": both / should.sum()}


def energy(X: np.ndarray, new: np.ndarray, case: Case) -> tuple:
    """EnergyMCR with the law of the case, warm, with gates that are trained."""
    model = EnergyMCR(mixing=case["law"], sparse=case.get("spectra") == "mass", epochs=500).fit(X)
    codes = model.transform(np.vstack([X, new]))
    extra = {"theta": model.theta_, "codes": model.info_["codes"], "prices": model.info_.get("prices", {})}
    return model.components_, codes, model.inverse_transform(codes), extra


def mcr(X: np.ndarray, new: np.ndarray, case: Case) -> tuple:
    """MCR, which takes every mixture for linear."""
    model = MCR().fit(X)
    codes = model.transform(np.vstack([X, new]))
    return model.components_, codes, model.inverse_transform(codes), {}


def nmf(X: np.ndarray, new: np.ndarray, case: Case) -> tuple:
    """scikit-learn's NMF by coordinate descent, 1000 iterations at most, told the number."""
    from sklearn.decomposition import NMF

    model = NMF(case["k"], init="nndsvda", max_iter=1000, tol=1e-5).fit(np.maximum(X, 0))
    codes = model.transform(np.maximum(np.vstack([X, new]), 0))
    return model.components_, codes, codes @ model.components_, {}


METHODS: dict[str, Callable[..., tuple]] = {"EnergyMCR": energy, "MCR": mcr, "NMF, told the number": nmf}
HEADER = ["case", "method", "seeds", "number", "cosine", "C R²", "support F1", "held-out F1", "held-out χ²", "CPU s"]


def write(about: dict, runs: list[Case], left_out: int) -> None:
    """Both files."""
    groups: dict[str, list[Case]] = {}
    for run in runs:
        groups.setdefault(name_of(run), []).append(run)
    rows = [line(name, method, group) for name, group in groups.items() for method in METHODS]
    masses = [run for run in runs if "spectra" in run]
    keys = ("zero_precision", "zero_recall")
    sparse = [[m, *(both(run["methods"][m][key] for run in masses) for key in keys)] for m in METHODS if masses]
    parts = [
        f"Seeds from {FIRST_SEED}, mean (worst). 4N: samples per component, mixes of 1-4. held-out: {HELD_OUT} new ones; "
        f"χ² is their residual over the noise, 1 is the truth. Runs left out for lack of time: {left_out}.",
        table(HEADER, rows),
    ]
    if sparse:
        parts += ["Exact zeros of sparse spectra:", table(["method", "precision", "recall"], sparse)]
    write_page("energy", "EnergyMCR", about, parts)
    write_json("energy", about, runs=runs, left_out=left_out)


def name_of(run: Case) -> str:
    """The case in words."""
    spectra = " sparse" if "spectra" in run else ""
    law = f" {run['mixing']}" + (f" {run['strength']:g}" if "strength" in run else "")
    plug = "" if run["law"] == run["mixing"] else f", plug-in {run['law']}"
    return f"{run['k']}, {run['times']}N {run['db']} dB{spectra}{law}{plug}"


def line(name: str, method: str, group: list[Case]) -> list[Any]:
    """One row of the table."""
    found = [run["methods"][method] for run in group]
    numbers = [f["number"] for f in found]
    right = sum(n == run["k"] for n, run in zip(numbers, group, strict=True))
    number = f"{right}/{len(group)} exact" + ("" if right == len(group) else f", {min(numbers)}-{max(numbers)}")
    values = [both((f[key] for f in found), digits) for key, digits in (("cosine", 4), ("c_r2", 4), ("support_f1", 3))]
    chi2 = [f["held_chi2"] for f in found]
    return [
        name, method, len(group), number, *values, both((f["held_f1"] for f in found), 3),
        f"{statistics.fmean(chi2):.2f} ({max(chi2):.2f})", f"{statistics.fmean(f['seconds'] for f in found):.1f}",
    ]  # fmt: skip


def both(values: Any, digits: int = 3) -> str:
    """Mean (worst) of what should be high."""
    values = list(values)
    return f"{statistics.fmean(values):.{digits}f} ({min(values):.{digits}f})"


if __name__ == "__main__":
    main()
