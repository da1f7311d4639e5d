"""EnergyMCR under laws of mixing that are true, wrong, or to be found, beside MCR, which takes all mixtures for linear.

    python benchmarks/laws.py [--seeds 5] [--first 600] [--offered auto linear …]

writes benchmarks/results/laws.{json,md}. 16 components, 128 mixtures of 1 to 4, 96 channels, 30 dB; judged on 60 new ones. Six
true laws; five laws are offered, and "auto". Times are CPU seconds: run with OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from common import head, table, write_json, write_page
from spaxel import MCR, EnergyMCR, simulate

K, N, NEW, CHANNELS, DB = 16, 128, 60, 96, 30
TRUE: dict[str, Callable[[np.ndarray], np.ndarray] | None] = {  # of u = y / max y
    "linear": lambda u: u,
    "absorbance": lambda u: 1 - np.exp(-u),
    "saturation": lambda u: u / (1 + u),
    "bilinear": None,
    "another curve": lambda u: 0.6 * u + 0.4 * u**2.5,
    "power 0.7": lambda u: u**0.7,
}
OFFERED = ("auto", "linear", "absorbance", "saturation", "bilinear", "monotone")


def main() -> None:
    """All true laws at every seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=600, help="first seed")
    parser.add_argument("--offered", nargs="+", default=OFFERED)
    given = parser.parse_args()
    about, runs = head(), []
    warnings.simplefilter("ignore")
    for seed in range(given.first, given.first + given.seeds):
        for law in TRUE:
            runs.append(one_run(law, seed, given.offered))
            print(law, seed, {name: row[:3] for name, row in runs[-1]["found"].items()}, flush=True)
        write(about, runs, given.offered)


def one_run(law: str, seed: int, offered: tuple[str, ...]) -> dict[str, Any]:
    """Number, R² of new amounts, chosen law, whether it is said to fit, seconds: of MCR and each law offered."""
    X, C, S = world(law, seed)
    row: dict[str, Any] = {"law": law, "seed": seed, "found": {}}
    for name in ("MCR", *offered):
        begun = time.process_time()
        model = (MCR() if name == "MCR" else EnergyMCR(mixing=name)).fit(X[:N])
        said = model.info_.get("law", {"chosen": "", "fits": True})
        r2 = agreement(model.components_, model.transform(X[N:]), C[N:], S)
        row["found"][name] = [model.n_components_, r2, said["chosen"], said["fits"], time.process_time() - begun]
    return row


def world(law: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra (n, channel), amounts (n, k), pure spectra (k, channel)."""
    cube = simulate("mixture", height=N + NEW, seed=seed, n_components=K, n_channels=CHANNELS, noise="none")
    C, S = cube["truth_abundances"].values[:, 0], cube["truth_spectra"].values
    y = C @ S
    curve = TRUE[law]
    if curve is None:
        share = C / C.sum(1, keepdims=True)
        clean = y + C.sum(1, keepdims=True) * ((share @ S) ** 2 - share**2 @ S**2) / 2 * np.sqrt(CHANNELS)
    else:
        clean = y.max() * curve(y / y.max())
    noise = np.sqrt((clean**2).mean(1, keepdims=True) / 10 ** (DB / 10))
    return clean + noise * np.random.default_rng([seed, 1]).standard_normal(clean.shape), C, S


def agreement(found: np.ndarray, codes: np.ndarray, C: np.ndarray, S: np.ndarray) -> float:
    """R² of the amounts of the components that are most like the true ones, each at its best scale; one that lacks counts 0."""
    unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-300)
    true, match = linear_sum_assignment(-S @ unit.T)
    amounts = np.zeros_like(C)
    amounts[:, true] = codes[:, match]
    amounts *= (amounts * C).sum(0) / np.maximum((amounts**2).sum(0), 1e-300)
    return float(1 - ((amounts - C) ** 2).sum() / ((C - C.mean(0)) ** 2).sum())


def is_worse(one: list, mcr: list) -> bool:
    """Whether the number is farther from the truth than that of MCR, or the R² clearly lower."""
    return one[1] < mcr[1] - 0.005 or abs(one[0] - K) > abs(mcr[0] - K)


def write(about: dict, runs: list[dict[str, Any]], offered: tuple[str, ...]) -> None:
    """Both files."""
    rows = []
    for law in TRUE:
        own = [run["found"] for run in runs if run["law"] == law]
        for name in ("MCR", *offered):
            found = [one[name] for one in own]
            exact = sum(n == K for n, *_ in found)
            said: dict[str, int] = {}
            for _, _, chosen, fits, _ in found:
                word = "none fits" if not fits else chosen
                said[word] = said.get(word, 0) + 1
            worse = sum(
                one[name][1] < one["MCR"][1] - 0.005 or abs(one[name][0] - K) > abs(one["MCR"][0] - K) for one in own
            )
            r2 = [r for _, r, *_ in found]
            numbers = sorted({n for n, *_ in found})
            rows.append([
                law, name, f"{exact}/{len(found)}" + ("" if numbers == [K] else f", {numbers[0]}-{numbers[-1]}"),
                f"{np.mean(r2):.3f} ({min(r2):.3f})", ", ".join(f"{word} {n}" for word, n in said.items() if word),
                "" if name == "MCR" else worse, f"{np.mean([one[4] for one in found]):.1f}",
            ])  # fmt: skip
    parts = [
        f"{K} components, {N} mixtures, {CHANNELS} channels, {DB} dB; R² of the amounts in {NEW} new mixtures, mean (worst). "
        "worse: runs whose number is farther from the truth than that of MCR, or whose R² is lower by more than 0.005.",
        table(["true law", "offered", "number exact", "R²", "said to fit", "worse", "CPU s"], rows),
    ]
    write_page("laws", "Laws of mixing: true, wrong, to be found", about, parts)
    write_json("laws", about, runs=runs)


if __name__ == "__main__":
    main()
