"""The published EB-gMCR grid, solved by spaxel.linear.sparse.factorise, beside NMF and MCR-ALS that are told the number.

    python benchmarks/mcr_grid.py [--quick] [--seconds 900]

adds to benchmarks/results/mcr_grid.{json,md} what is missing there, so it may be run in pieces; runs made by another
version of the solver are made again. Times are CPU seconds of one thread; the load of the machine stands beside them.
"oracle" is least squares with the true concentrations, cut at 0: what no method without them can beat.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from threadpoolctl import threadpool_limits

import spaxel
from common import RESULTS, head, write_json
from mcr_grid_tables import page
from spaxel.linear.sparse.factorise import factorise, transform
from spaxel.linear.sparse.starts import farthest, normalised
from spaxel.synth.mixture import mixture

NUMBERS = (16, 32, 48, 64, 96, 128, 160, 192, 224, 256)
SETS = [(times, most, db) for times in (4, 8) for most in (4, 8) for db in (20, 30)]
FIRST_SEED = 120  # fresh: nothing was tuned on seeds from here
HELD_OUT = 200
SOLVER = ("linear/**/*.py", "synth/mixture.py")  # files that decide a run
KEY = ("seed", "k", "times", "most", "db")


def main() -> None:
    """Run what is missing while the time lasts, small problems at more seeds, then the baselines on a subset."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="16 and 32 components, one seed")
    parser.add_argument("--seconds", type=float, default=900, help="CPU seconds for this piece of the grid")
    given = parser.parse_args()
    name, numbers = ("mcr_grid_quick", NUMBERS[:2]) if given.quick else ("mcr_grid", NUMBERS)
    n_seeds = 1 if given.quick else 5
    plan = [
        (FIRST_SEED + seed, k, *s) for seed in range(n_seeds) for k in numbers for s in SETS if seed < most_seeds(k)
    ]
    plan.sort(key=lambda run: (run[0] - FIRST_SEED) * (1 if run[1] <= 96 else 10))  # large ones again last
    done, beside, about, code = *stored(name), head(), version_of_solver()
    done = {key: run for key, run in done.items() if run.get("code") == code}
    beside = [case for case in beside if case.get("code") == code]
    with threadpool_limits(1):
        for key in plan:
            if key not in done and time.process_time() < given.seconds:
                load = os.getloadavg()[0]
                done[key] = one_run(*key) | {"load": round(max(load, os.getloadavg()[0]), 1), "code": code}
                print({name: value for name, value in done[key].items() if name != "warnings"}, flush=True)
                write(name, about, plan, done, beside)
        for k, most in ((k, most) for k in numbers if k in (16, 64) for most in (4, 8)):
            if (k, most) not in {(case["k"], case["most"]) for case in beside} and time.process_time() < given.seconds:
                beside.append(baselines(k, most) | {"code": code})
    write(name, about, plan, done, beside)


def stored(name: str) -> tuple[dict[tuple, dict], list[dict]]:
    """Runs of earlier pieces by their key, and the baselines."""
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text()) if path.exists() else {"runs": [], "beside": []}
    return {tuple(run[part] for part in KEY): run for run in kept["runs"]}, kept["beside"]


def version_of_solver() -> str:
    """Changes with every file that decides a run."""
    root = Path(spaxel.__file__).parent
    files = sorted(path for pattern in SOLVER for path in root.glob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:8]


def write(name: str, about: dict, plan: list[tuple], done: dict[tuple, dict], beside: list[dict]) -> None:
    """Both files of results, in the order of the plan."""
    runs, left_out = [done[key] for key in plan if key in done], [key for key in plan if key not in done]
    write_json(name, about, runs=runs, left_out=left_out, beside=beside)
    if runs:
        title, rest = page(runs, left_out, beside, SETS).split("\n", 1)
        made = f"`{about['command']}`, {about['date']}, spaxel {about['spaxel']}; {about['machine']}."
        (RESULTS / f"{name}.md").write_text(f"{title}\n\n{made}\n{rest}")


def most_seeds(k: int) -> int:
    """Seeds for k components."""
    return 5 if k <= 96 else 3


def data(seed: int, k: int, times: int, most: int, db: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra (n + HELD_OUT, channel), concentrations, components."""
    cube = mixture(times * k + HELD_OUT, seed=seed, n_components=k, most_mixed=most, snr_db=db)
    return cube["spectra"].values[:, 0], cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values


def one_run(seed: int, k: int, times: int, most: int, db: float) -> dict:
    """One table of the grid: solved, scored, and its held-out samples decoded."""
    X, C, S = data(seed, k, times, most, db)
    n = times * k
    start = time.process_time()
    found = factorise(X[:n])
    seconds = time.process_time() - start
    new = transform(X[n:], found)
    row = {"seed": seed, "k": k, "times": times, "most": most, "db": db, "found": found.n, "edge": found.n_edge}
    row |= {"confirmed": found.n_confirmed, "present": int((C[:n] > 0).any(0).sum()), "seconds": seconds}
    row |= scores(found.components, found.concentrations, C[:n], S)
    row["oracle"] = scores(oracle_spectra(X[:n], C[:n]), C[:n], C[:n], S)["cosine"]
    row["r2"], row["r2_expected"] = found.r2, found.r2_expected
    row["held_out"] = held_out_ratio(X[n:], new @ found.components, C[n:], oracle_spectra(X[:n], C[:n]))
    row["held_out_truth"] = held_out_ratio(X[n:], new @ found.components, C[n:], S)
    return row | {"warnings": list(found.warnings)}


def oracle_spectra(X: np.ndarray, C: np.ndarray) -> np.ndarray:
    """Components from the true concentrations, each sample weighted by its noise."""
    w = 1 / np.linalg.norm(X, axis=1, keepdims=True)
    return np.maximum(np.linalg.lstsq(C * w, X * w, rcond=None)[0], 0)


def scores(found: np.ndarray, codes: np.ndarray, C: np.ndarray, S: np.ndarray) -> dict[str, float]:
    """Mean cosine of matched components (0 without a match), support F1 and R² of their concentrations."""
    lengths = np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)
    cosine = S @ (found / lengths).T
    true, match = linear_sum_assignment(-cosine)
    matched = np.zeros_like(C)
    matched[:, true] = (codes * lengths[:, 0])[:, match]
    both = ((matched > 0) & (C > 0)).sum()
    return {
        "cosine": float(cosine[true, match].sum() / len(S)),
        "support_f1": float(2 * both / ((matched > 0).sum() + (C > 0).sum())),
        "c_r2": float(1 - ((matched - C) ** 2).sum() / ((C - C.mean(0)) ** 2).sum()),
    }


def held_out_ratio(X: np.ndarray, fit: np.ndarray, C: np.ndarray, S: np.ndarray) -> float:
    """Residual of new samples over that of least squares with spectra S and the true supports, weighted by the noise."""
    w = (X**2).sum(1)
    truth = np.zeros_like(X)
    for i, c in enumerate(C):
        on = S[c > 0]
        truth[i] = np.linalg.lstsq(on.T, X[i], rcond=None)[0] @ on
    return float((((X - fit) ** 2).sum(1) / w).sum() / (((X - truth) ** 2).sum(1) / w).sum())


def baselines(k: int, most: int) -> dict:
    """NMF and MCR-ALS with the true number of components, 4N at 20 dB, beside ours without it."""
    X, C, S = data(FIRST_SEED, k, 4, most, 20)
    X, C = X[: 4 * k], C[: 4 * k]
    methods = {
        "spaxel (number not given)": ours,
        "NMF cd (sklearn)": nmf,
        "MCR-ALS OLS (pymcr)": als,
        "MCR-ALS NNLS (pymcr)": als_nnls,
    }
    rows = {}
    for name, method in methods.items():
        start = time.process_time()
        codes, found = method(X, k)
        rows[name] = {"seconds": time.process_time() - start, "number": len(found)} | scores(found, codes, C, S)
        print(k, most, name, rows[name], flush=True)
    return {"k": k, "most": most, "methods": rows}


def ours(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The number is not used."""
    found = factorise(X)
    return found.concentrations, found.components


def nmf(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative factorisation by coordinate descent, 1000 iterations at most."""
    from sklearn.decomposition import NMF

    model = NMF(k, init="nndsvda", max_iter=1000, tol=1e-5)
    return model.fit_transform(X), model.components_


def als(X: np.ndarray, k: int, regression: str = "OLS") -> tuple[np.ndarray, np.ndarray]:
    """Alternating least squares with non-negativity, from the purest samples."""
    from pymcr.constraints import ConstraintNonneg
    from pymcr.mcr import McrAR

    unit = normalised(X)
    model = McrAR(
        max_iter=50 if regression == "OLS" else 15,
        c_regr=regression,
        st_regr=regression,
        c_constraints=[ConstraintNonneg()],
        st_constraints=[ConstraintNonneg()],
        tol_increase=1.0,
    )
    model.fit(X, ST=unit[farthest(unit, k)])
    return model.C_opt_, model.ST_opt_


def als_nnls(X: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Alternating non-negative least squares."""
    return als(X, k, "NNLS")


if __name__ == "__main__":
    main()
