"""The cold start of EnergyMCR: the number of components from a random pool of 1024, on the published setting K = 16.

    OMP_NUM_THREADS=1 python benchmarks/energy_cold.py [--seeds 5] [--seconds 500] [--alone]

writes benchmarks/results/energy_cold.{json,md}. Beside, on the same tables: the solver of spaxel.MCR, and the discrete moves
(prune, polish) after the gates and without them (from the raw pool after one annealing). Times are CPU seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from common import head, log, table, write_json, write_page
from mcr_grid import FIRST_SEED, data, held_out_ratio, oracle_spectra, scores
from spaxel.linear.sparse import moves
from spaxel.linear.sparse.codes import Prices, Problem, anneal, code, make_problem, valued
from spaxel.linear.sparse.factorise import choose_weights, encode, factorise, polish, transform
from spaxel.methods.ebgmcr.net.cold import cold_pool

K, POOL = 16, 1024
SETS = ((4, 20), (8, 20), (4, 30), (8, 30))
PUBLISHED = {(4, 20): "15 / 16 / 16", (8, 20): "19 / 21", (4, 30): "14 / 15 / 15", (8, 30): "14 / 16"}


def main() -> None:
    """All four sets seed by seed, while the time lasts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--alone", action="store_true", help="also the moves without gates: minutes per table, first seed"
    )
    parser.add_argument("--seconds", type=float, default=1e9, help="wall seconds after which no new run begins")
    given = parser.parse_args()
    about, begun, runs = head(), time.monotonic(), []
    for seed in range(FIRST_SEED, FIRST_SEED + given.seeds):
        for times, db in SETS:
            if time.monotonic() - begun < given.seconds:
                runs.append(one_run(seed, times, db, given.alone and seed == FIRST_SEED))
                log(str({name: value for name, value in runs[-1].items() if name != "history"}))
                write(about, runs)


def one_run(seed: int, times: int, db: int, ablation: bool) -> dict:
    """A cold start, scored; then the moves; the fast solver on the same table."""
    X, C, S = data(seed, K, times, 4, db)
    n = times * K
    start = time.process_time()
    weights, found = choose_weights(X[:n], None)
    noise = found.noise / weights.row
    cold = cold_pool(X[:n], noise, n_pool=POOL, seed=seed)
    seconds = time.process_time() - start
    oracle = oracle_spectra(X[:n], C[:n])
    level = float(np.median(noise / np.linalg.norm(X[:n], axis=1) ** weights.p))
    sigma = level * np.linalg.norm(X[n:], axis=1) ** weights.p
    row = {"seed": seed, "times": times, "db": db, "seconds": seconds, "present": int((C[:n] > 0).any(0).sum())}
    row |= {"number": len(cold.components), "reached": cold.reached, "epochs": sum(h["epochs"] for h in cold.history)}
    row |= scores(cold.components, cold.codes, C[:n], S)
    row["oracle"] = scores(oracle, C[:n], C[:n], S)["cosine"]
    new = encode(X[n:], cold.components, sigma)
    row["held_out"] = held_out_ratio(X[n:], new @ cold.components, C[n:], oracle)
    row["held_out_gates"] = held_out_ratio(X[n:], gated(cold, X[n:], sigma) @ cold.components, C[n:], oracle)
    problem = make_problem(weights.apply(X[:n]), found.noise, len(cold.components))
    row["moves"] = moved(problem, cold.components, C[:n] * weights.row[:, None], S)
    if ablation:
        raw = np.abs(np.random.default_rng(seed).normal(size=(POOL, X.shape[1])))
        raw /= np.linalg.norm(raw, axis=1, keepdims=True)
        row["moves_alone"] = moved(problem, raw, C[:n] * weights.row[:, None], S)
    return row | {"solver": solver(X, C, S, n, oracle), "history": cold.history}


def gated(cold: object, X: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Codes by the gates that were learned."""
    import torch

    with torch.no_grad():
        codes = cold.pool(torch.tensor(X, dtype=torch.float32), torch.tensor(sigma, dtype=torch.float32)[:, None])
    return (codes.amounts * codes.gate).double().numpy()


def moved(problem: Problem, spectra: np.ndarray, C: np.ndarray, S: np.ndarray) -> dict:
    """Prune and polish: from the spectra of the gates, or after one annealing of a raw pool."""
    start = time.process_time()
    if len(spectra) == POOL:
        model = anneal(problem, spectra)
    else:
        price = 2 * problem.per_code * problem.sigma**2
        zero = np.zeros((len(problem.y), len(spectra)))
        model = valued(problem, code(problem.y, spectra, zero, 10, Prices(problem.sigma, price), warm=3), spectra)
    model = polish(problem, moves.prune(problem, model))
    seconds = time.process_time() - start
    return {"number": model.k, "cosine": scores(model.s, model.c, C, S)["cosine"], "seconds": seconds}


def solver(X: np.ndarray, C: np.ndarray, S: np.ndarray, n: int, oracle: np.ndarray) -> dict:
    """spaxel.linear.sparse.factorise, which starts from the purest samples of the edge's subspace."""
    start = time.process_time()
    found = factorise(X[:n])
    seconds = time.process_time() - start
    ratio = held_out_ratio(X[n:], transform(X[n:], found) @ found.components, C[n:], oracle)
    cosine = scores(found.components, found.concentrations, C[:n], S)["cosine"]
    return {"number": found.n, "cosine": cosine, "held_out": ratio, "seconds": seconds}


def write(about: dict, runs: list[dict]) -> None:
    """Both files of results."""
    write_json("energy_cold", about, runs=runs)
    first = [set_row(times, db, [r for r in runs if (r["times"], r["db"]) == (times, db)]) for times, db in SETS]
    header = ["set", "seeds", "number by the gates", "after moves", "fast solver", "published", "cosine, mean / worst"]
    header += ["oracle", "held-out / oracle, mean / worst", "by the gates", "CPU s, mean / worst", "epochs"]
    alone = [
        [
            f"{r['times']}N {r['db']} dB",
            r["moves_alone"]["number"],
            f"{r['moves_alone']['cosine']:.3f}",
            f"{r['moves_alone']['seconds']:.0f}",
            r["number"],
        ]
        for r in runs
        if "moves_alone" in r
    ]
    parts = [
        f"K = {K}, 1-4 mixed, a random pool of {POOL}, number not given; seeds from {FIRST_SEED}, fresh. Exact by the gates "
        f"in {sum(r['number'] == K for r in runs)} of {len(runs)} runs, after prune and polish in "
        f"{sum(r['moves']['number'] == K for r in runs)}. Published numbers: one per R² region shown, of which the paper does "
        "not choose. Held-out samples are coded by the solver of MCR with the components found, or by the gates.",
        table(header, [row for row in first if row]),
    ]
    if alone:
        parts += ["The moves alone, from the raw pool after one annealing, without gates (one seed):"]
        parts += [table(["set", "number", "cosine", "CPU s", "with gates"], alone)]
    write_page("energy_cold", "A cold start", about, parts)


def set_row(times: int, db: int, runs: list[dict]) -> list:
    """One line of the table, or none."""
    if not runs:
        return []
    numbers = [" ".join(str(v) for v in values) for values in zip(*(numbers_of(r) for r in runs), strict=True)]
    mean = {key: statistics.fmean(r[key] for r in runs) for key in ("cosine", "oracle", "held_out", "seconds")}
    gates = statistics.fmean(r["held_out_gates"] for r in runs)
    return [
        f"{times}N {db} dB", len(runs), *numbers, PUBLISHED[times, db],
        f"{mean['cosine']:.4f} / {min(r['cosine'] for r in runs):.4f}", f"{mean['oracle']:.4f}",
        f"{mean['held_out']:.3f} / {max(r['held_out'] for r in runs):.3f}", f"{gates:.2f}",
        f"{mean['seconds']:.0f} / {max(r['seconds'] for r in runs):.0f}",
        f"{statistics.fmean(r['epochs'] for r in runs):.0f}",
    ]  # fmt: skip


def numbers_of(run: dict) -> tuple[int, int, int]:
    """By the gates, after the moves, by the fast solver."""
    return run["number"], run["moves"]["number"], run["solver"]["number"]


if __name__ == "__main__":
    main()
