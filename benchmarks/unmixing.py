"""Unmixing of scenes in one table: MCR of spaxel beside plain methods that are told the number, mean and worst.

    python benchmarks/unmixing.py [--fresh] [--cases CASE ...] [--seeds N]

writes benchmarks/results/unmixing.{json,md}. Samson and Moffett (seeds of the methods), and simulated scenes of 3 to 5
materials (other worlds for other seeds). For each case the best of the plain methods is named, angle and error each;
"spread" is how far the angle differs between all pixels and three drawings of four fifths of them, each with another seed: on
all of them, the answer is the same for every seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

import spaxel
from common import DATA, log, run_cases, table, write_json, write_page
from plain_unmixing import METHODS as PLAIN
from plain_unmixing import Answer, unit
from simplex import smallest_simplex
from spaxel.linear.abundances import fcls
from spaxel.linear.scene import components as scenes
from spaxel.linear.vertex import nfindr
from spaxel.metrics import abundance_rmse, matched_spectra
from unmixing_world import world

SEEDS = tuple(range(3105, 3110))  # nothing was chosen on them
AGAIN = 3  # drawings of four fifths of the pixels
KINDS: dict[str, dict[str, Any]] = {
    "even light, 30 dB": {}, "light ± 15 %": {"light": 0.15}, "light ± 30 %, 20 dB": {"light": 0.3, "snr_db": 20},
    "spectra vary 5 %": {"variability": 0.05}, "spectra vary 10 %": {"variability": 0.1},
    "spectra vary 5 %, light ± 30 %": {"variability": 0.05, "light": 0.3},
    "soft borders": {"purity": 2}, "dark material": {"water": True},
    "dark material, spectra vary 5 %": {"water": True, "variability": 0.05},
    "dark material, light ± 30 %": {"water": True, "light": 0.3},
    "dark material, haze, light ± 15 %": {"water": True, "haze": 0.04, "light": 0.15},
}  # fmt: skip
OURS = {
    "spaxel, number given": lambda X, k, seed: _ours(X, k, seed),
    "spaxel, number found": lambda X, k, seed: _ours(X, None, seed),
    "spaxel, even": lambda X, k, seed: _ours(X, k, seed, scale="even"),
    "spaxel, raw": lambda X, k, seed: _ours(X, k, seed, normalise="raw"),
    "spaxel, unit": lambda X, k, seed: _ours(X, k, seed, normalise="unit", scale="unit"),
}


def _ours(X: np.ndarray, k: int | None, seed: int, **options: Any) -> Answer:
    found = scenes.scene_components(X, k, seed=seed, **options)
    return found.components, found.abundances


class Once:
    """A function of arrays that is asked the same by several of ours: each answer is computed once for a scene."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.known = function, {}

    def __call__(self, *given: Any) -> Any:
        """The answer to what is given, by the bytes of arrays."""
        key = tuple(one.tobytes() if isinstance(one, np.ndarray) else one for one in given)
        if key not in self.known:
            self.known[key] = self.function(*given)
        return self.known[key]


def _shared() -> None:
    """Forget the scene before, and share what methods have in common in the next one."""
    for name in ("pooled_corners", "light_of", "count_corners", "refined_corners"):
        function = getattr(scenes, name)
        setattr(scenes, name, Once(function.function if isinstance(function, Once) else function))


def _started_by_vca(X: np.ndarray, k: int, seed: int) -> np.ndarray:
    return nfindr(X, k, np.random.default_rng(seed).permutation(len(X))[:k]).indices


def _small(view: Callable[[np.ndarray], np.ndarray], X: np.ndarray, k: int, seed: int) -> Answer:
    Y = view(X)
    S = smallest_simplex(Y, k, seed)
    return S, fcls(Y, S)


BASELINES: dict[str, Callable[[np.ndarray, int, int], Answer]] = {
    "VCA + FCLS": PLAIN["VCA + FCLS"], "VCA + FCLS, unit norm": PLAIN["VCA + FCLS, unit norm"],
    "N-FINDR + FCLS": PLAIN["N-FINDR + FCLS"], "N-FINDR + FCLS, unit norm": PLAIN["N-FINDR + FCLS, unit norm"],
    "SISAL-like + FCLS": partial(_small, lambda X: X), "SISAL-like + FCLS, unit norm": partial(_small, unit),
    "NMF": PLAIN["NMF (scikit-learn)"], "MCR-ALS": PLAIN["MCR-ALS (pymcr), VCA start"],
}  # fmt: skip


def simulated(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra, true spectra, shares of area."""
    made = world(seed, 3 + seed % 3, side=40, **KINDS[name])
    return made["X"], made["S"], made["A"]


def real(path: str, _: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A shared scene with the spectra and abundances that are stored with it."""
    cube = spaxel.open_cube(DATA / path, truth="S_GT,GT")
    X = np.asarray(cube["spectra"].values, np.float64).reshape(-1, cube.sizes["channel"])
    return X, cube["truth_spectra"].values, cube["truth_abundances"].values.reshape(len(X), -1)


def measured(made: Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]], seed: int) -> list[dict[str, Any]]:
    """Angle and error of every method; of ours that is given the number, also how far it differs on parts of the image."""
    rows = []
    _shared()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X, S, A = made(seed)
        for name, method in (OURS | BASELINES).items():
            row = {"what": name} | judged(method(X, len(S), seed), S, A)
            if name == "spaxel, number given":
                angles = [
                    matched_spectra(method(_part(X, other), len(S), other)[0], S)["mean_angle"]
                    for other in range(AGAIN)
                ]
                row["spread"] = max(*angles, row["angle"]) - min(*angles, row["angle"])
            rows.append(row)
    log(f"seed {seed}")
    return rows


def _part(X: np.ndarray, seed: int) -> np.ndarray:
    """Four fifths of the spectra, drawn."""
    return X[np.sort(np.random.default_rng([seed, 80]).permutation(len(X))[: len(X) * 4 // 5])]


def judged(answer: Answer, S: np.ndarray, A: np.ndarray) -> dict[str, Any]:
    """Number, mean angle, and error of the abundances (nan if there are too few)."""
    found, shares = answer
    match = matched_spectra(found, S)
    if len(found) < len(S):
        return {"k": len(found), "angle": match["mean_angle"], "rmse": float("nan")}
    return {
        "k": len(found),
        "angle": match["mean_angle"],
        "rmse": abundance_rmse(shares, A, match["matching"])["mean_rmse"],
    }


CASES = {
    "Samson": partial(real, "samson/Samson.mat"), "Moffett": partial(real, "moffett/moffett.mat"),
    **{name: partial(simulated, name) for name in KINDS},
}  # fmt: skip


def rows_of(case: str, found: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """With the case and the seed of each."""
    return found


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Both files of results."""
    write_json("unmixing", about, rows=rows)
    seen = [case for case in CASES if any(row["case"] == case for row in rows)]
    summary, details = [], []
    for case in seen:
        own = {what: [r for r in rows if r["case"] == case and r["what"] == what] for what in OURS | BASELINES}
        even = {m: _of(own["spaxel, even"], m) for m in ("angle", "rmse")}
        best = {m: min(BASELINES, key=lambda what, m=m: _mean(own[what], m)) for m in ("angle", "rmse")}
        ours, found = own["spaxel, number given"], own["spaxel, number found"]
        right = sum(a["k"] == b["k"] for a, b in zip(ours, found, strict=True))
        cells = [f"{_of(ours, m)} | {_of(own[best[m]], m)}, {best[m]} | {_said(ours, own[best[m]], m)}" for m in best]
        spread = max(row["spread"] for row in ours)
        cells[1] = cells[1].replace(" | ", f" | {even['rmse']} | ", 1)
        summary.append([case, *" | ".join(cells).split(" | "), f"{spread:.3f}", f"{right} of {len(ours)}"])
        details += [[case, what, _of(some, "angle"), _of(some, "rmse")] for what, some in own.items()]
    header = (
        "scene",
        "angle, rad",
        "best plain",
        "",
        "abundance error",
        "even",
        "best plain",
        "",
        "spread",
        "number found",
    )
    parts = [
        f"Mean (worst) of {len({row['seed'] for row in rows})} seeds, all told the number. Spread: the largest difference of "
        "the mean angle between all pixels of an image and three drawings of four fifths of them, each with its own seed. "
        "Plain methods: the best one of eight for each case and measure, which nobody knows beforehand.",
        table(header, summary),
        "The abundances of Samson and Moffett are themselves fits; those of simulated scenes are shares of area, which "
        "nobody knows under uneven light: the default takes brightness not to hang on the material (as `normalise='even'`) "
        "where the brightest component is less than five times as bright as the darkest, and gives shares of light elsewhere.",
        table(("scene", "method", "angle, rad", "abundance error"), details),
    ]
    write_page("unmixing", "Unmixing of scenes beside plain methods", about, parts)


def _mean(rows: list[dict[str, Any]], name: str) -> float:
    return float(np.mean([row[name] for row in rows]))


def _of(rows: list[dict[str, Any]], name: str) -> str:
    values = [row[name] for row in rows]
    return f"{np.nanmean(values):.3f} ({np.nanmax(values):.3f})"


def _said(ours: list[dict[str, Any]], plain: list[dict[str, Any]], name: str) -> str:
    return "**worse**" if _mean(ours, name) > _mean(plain, name) + 0.0005 else "as good or better"


if __name__ == "__main__":
    cases = {
        case: lambda seed, case=case: [row | {"case": case, "seed": seed} for row in measured(CASES[case], seed)]
        for case in CASES
    }
    run_cases("unmixing", __doc__, cases, SEEDS, rows_of, report)
