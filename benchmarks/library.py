"""LibraryUnmixing beside NNLS with a threshold, LASSO and OMP: which of 500 known spectra are in each mixture.

    python benchmarks/library.py [--seeds 5] [--spectra 40]

writes benchmarks/results/library.{json,md}. The three others are told their best threshold, penalty and tolerance with the
truth in hand, one for each case; LibraryUnmixing is told nothing. Times are CPU seconds: run with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import nnls
from sklearn.linear_model import lasso_path

from common import head, table, write_json, write_page
from spaxel import LibraryUnmixing

FIRST_SEED = 400  # fresh: nothing was tuned on seeds from here
ENTRIES, CHANNELS, MOST = 500, 256, 8
CASES = {  # name -> kind of spectra, dB (of counts: per channel), entries that the library lacks
    "bands, 20 dB": ("bands", 20, 0),
    "bands, 30 dB": ("bands", 30, 0),
    "counts, 300 a channel": ("counts", 300, 0),
    "signed, 30 dB": ("signed", 30, 0),
    "smooth reflectance, 30 dB": ("reflectance", 30, 0),
    "bands, 30 dB, 2 in 5 mixtures hold one that the library lacks": ("bands", 30, 0.4),
}
SHARES = np.geomspace(1e-3, 0.3, 25)  # thresholds, of the sum of amounts
PENALTIES = [
    (a, share) for a in np.geomspace(1e-4, 0.3, 9) for share in SHARES[::2]
]  # of the largest product, and threshold
LEFT = np.geomspace(1e-2, 0.5, 25)  # of the norm, where OMP ends
BINS = np.array([0.0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 1.01])


def main() -> None:
    """All cases at every seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--spectra", type=int, default=25)
    given = parser.parse_args()
    about, runs = head(), []
    warnings.simplefilter("ignore")
    for name, case in CASES.items():
        runs += [one_run(name, case, FIRST_SEED + seed, given.spectra) for seed in range(given.seeds)]
        write(about, runs)


def one_run(name: str, case: tuple[str, float, float], seed: int, n: int) -> dict[str, Any]:
    """Scores of all methods in one world; of the others at each of their settings."""
    library, mixtures, truth = world(*case, seed, n)
    begun = time.process_time()
    model = LibraryUnmixing(library, random_state=seed).fit(mixtures)
    coder = model._encoder()
    fit = time.process_time() - begun
    codes = [coder.all_groups(x) for x in mixtures]
    groups = coder.groups.of
    at = np.arange(groups.max() + 1)
    true = np.array([np.bincount(groups, row, len(at)) for row in truth])
    probability, amount, error = (np.array(part) for part in zip(*codes, strict=True))
    row: dict[str, Any] = {
        "case": name,
        "seed": seed,
        "groups": len(at),
        "seconds": fit,
        "warnings": model.info_["warnings"],
    }
    present = true > 0
    row["ours"] = f1(probability >= 0.5, present)
    row["bins"] = bins(probability, present)
    sure = (probability >= 0.5) & present
    row["covered"] = float((np.abs(amount - true)[sure] <= 1.96 * error[sure]).mean())
    row["simulated"] = model.info_["simulated"]
    for method, (found, settings) in {
        "NNLS": (by_nnls, SHARES),
        "LASSO": (by_lasso, PENALTIES),
        "OMP": (by_omp, LEFT),
    }.items():
        begun = time.process_time()
        said = found(library, mixtures, settings)
        row[method] = [f1(np.array([by_group(one, groups) for one in each]), present) for each in said]
        row[f"{method} seconds"] = time.process_time() - begun
    print(name, seed, row["ours"], {m: max(row[m]) for m in ("NNLS", "LASSO", "OMP")}, round(fit, 1), flush=True)
    return row


def world(kind: str, level: float, lacking: float, seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A library of which every fifth entry is another one with 0.1 to 20 % of a stranger in it; mixtures of 1 to 6 entries."""
    rng = np.random.default_rng([seed, 77])
    library = spectra_of(rng, kind, ENTRIES + 20)
    base = ENTRIES * 4 // 5
    for i in range(base, ENTRIES):
        part, like = 10 ** rng.uniform(-3, -0.7), library[rng.integers(base)]
        scale = np.linalg.norm(like) / np.linalg.norm(library[i])
        library[i] = (1 - part) * like + part * scale * library[i]
    amounts = np.zeros((n, ENTRIES))
    for row in amounts:
        chosen = rng.choice(ENTRIES, rng.integers(1, 7), replace=False)
        row[chosen] = rng.uniform(1, 10, len(chosen))
    clean = amounts @ library[:ENTRIES]
    for row in clean[rng.random(n) < lacking]:
        row += rng.uniform(1, 10) * library[ENTRIES + rng.integers(20)]
    if kind == "counts":
        scale = level / clean.mean()
        return library[:ENTRIES], rng.poisson(np.maximum(clean * scale, 0)).astype(float), amounts * scale
    noise = np.sqrt((clean**2).mean(1, keepdims=True) / 10 ** (level / 10))
    return library[:ENTRIES], clean + noise * rng.standard_normal(clean.shape), amounts


def spectra_of(rng: np.random.Generator, kind: str, m: int) -> np.ndarray:
    """Spectra (m, channel) of norm 1: Gaussian bands; their derivative; or reflectances of few broad bands."""
    x, made = np.linspace(0, 1, CHANNELS), []
    few, many, width = (2, 5, 0.05) if kind == "reflectance" else (6, 13, 0.01)
    for _ in range(m):
        number = rng.integers(few, many)
        centre, height, wide = rng.random(number), rng.uniform(0.2, 1, number), width * rng.uniform(0.6, 1.6, number)
        bands = (height[:, None] * np.exp(-((x - centre[:, None]) ** 2) / 2 / wide[:, None] ** 2)).sum(0)
        if kind == "reflectance":
            bands = 0.2 + 0.6 * rng.random() * (1 - 0.8 * np.minimum(bands, 1)) + 0.3 * rng.random() * x
        made.append(np.gradient(bands) if kind == "signed" else bands)
    return np.array(made) / np.linalg.norm(made, axis=1, keepdims=True)


def by_nnls(library: np.ndarray, mixtures: np.ndarray, settings: Any) -> list[list[np.ndarray]]:
    """Entries whose amount is a share of all: for each setting the amounts of each mixture."""
    found = [nnls(library.T, x, maxiter=5000)[0] for x in mixtures]
    return [[np.where(a >= share * a.sum(), a, 0) for a in found] for share in settings]


def by_lasso(library: np.ndarray, mixtures: np.ndarray, settings: Any) -> list[list[np.ndarray]]:
    """Non-negative LASSO and a threshold; penalties as parts of the one from which nothing is left."""
    penalties = sorted({penalty for penalty, _ in settings}, reverse=True)
    paths = []
    for x in mixtures:
        top = max(float((library @ x).max()), 1e-300) / len(x)
        found = lasso_path(library.T, x, alphas=np.array(penalties) * top, positive=True, max_iter=2000)[1].T
        paths.append(dict(zip(penalties, found, strict=True)))
    return [[np.where(path[p] >= share * path[p].sum(), path[p], 0) for path in paths] for p, share in settings]


def by_omp(library: np.ndarray, mixtures: np.ndarray, settings: Any) -> list[list[np.ndarray]]:
    """Non-negative orthogonal matching pursuit until a part of the norm is left, MOST entries at most."""
    said: list[list[np.ndarray]] = [[] for _ in settings]
    for x in mixtures:
        path, chosen, rest = [(1.0, np.zeros(len(library)))], [], x
        for _ in range(MOST):
            chosen.append(int((library @ rest).argmax()))
            amounts, _ = nnls(library[chosen].T, x)
            rest = x - amounts @ library[chosen]
            whole = np.zeros(len(library))
            np.add.at(whole, chosen, amounts)
            path.append((float(np.linalg.norm(rest) / np.linalg.norm(x)), whole))
        for place, left in enumerate(settings):
            said[place].append(next((a for share, a in path if share <= left), path[-1][1]))
    return said


def by_group(amounts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Which groups hold anything."""
    return np.bincount(groups, amounts) > 0


def f1(said: np.ndarray, true: np.ndarray) -> float:
    """Harmonic mean of precision and recall."""
    return float(2 * (said & true).sum() / max(said.sum() + true.sum(), 1))


def bins(probability: np.ndarray, true: np.ndarray) -> list[list[float]]:
    """Of each range of probabilities: how many, their sum, how many were right."""
    at = np.digitize(probability, BINS) - 1
    return [
        [int((at == i).sum()), float(probability[at == i].sum()), int(true[at == i].sum())]
        for i in range(len(BINS) - 1)
    ]


def write(about: dict, runs: list[dict[str, Any]]) -> None:
    """Both files."""
    rows, sure = [], []
    for name in dict.fromkeys(run["case"] for run in runs):
        own = [run for run in runs if run["case"] == name]
        best = {m: int(np.argmax(np.mean([run[m] for run in own], 0))) for m in ("NNLS", "LASSO", "OMP")}
        others = [both([run[m][best[m]] for run in own]) for m in best]
        rows.append([name, len(own), both([run["ours"] for run in own]), *others, *seconds(own)])
        total = np.sum([run["bins"] for run in own], 0)
        cells = [f"{s / n:.3f}: {t / n:.3f} ({int(n)})" if n else "" for n, s, t in total]
        far = sum(abs(s - t) for _, s, t in total[1:]) / max(total[1:, 0].sum(), 1)
        sure.append([name, *cells[1:], f"{far:.3f}", f"{np.mean([run['covered'] for run in own]):.3f}"])
    ranges = [f"{a:g} to {min(b, 1):g}" for a, b in pairwise(BINS[1:])]
    parts = [
        f"{ENTRIES} entries, a fifth of them 0.1 to 20 % from another; 1 to 6 in a mixture; seeds from {FIRST_SEED}. F1 of "
        "what is present, by groups of entries that LibraryUnmixing cannot tell apart, for all: mean (worst). The others "
        "are told their best setting, one for each case, with the truth in hand.",
        table(
            ["case", "seeds", "LibraryUnmixing", "NNLS + threshold", "LASSO + threshold", "OMP", "CPU s", "NNLS s"],
            rows,
        ),
        "What is said and what is so: mean probability, part that was present (number of pairs of mixture and group). far: "
        "mean of the differences. covered: amounts whose true value lies within 1.96 standard errors.",
        table(["case", *ranges, "far", "covered"], sure),
    ]
    write_page("library", "Unmixing with a library", about, parts)
    write_json("library", about, runs=runs)


def seconds(own: list[dict[str, Any]]) -> list[str]:
    """CPU seconds of ours and of NNLS."""
    return [f"{np.mean([run[name] for run in own]):.1f}" for name in ("seconds", "NNLS seconds")]


def both(values: list[float]) -> str:
    """Mean (worst) of what should be high."""
    return f"{np.mean(values):.3f} ({min(values):.3f})"


if __name__ == "__main__":
    main()
