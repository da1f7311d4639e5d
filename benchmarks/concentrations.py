"""Concentrations of a table: how often standard errors hold, and known values of real tables beside PLS regression.

    python benchmarks/concentrations.py [--fresh] [--cases CASE ...] [--seeds N]

writes benchmarks/results/concentrations.{json,md}. Simulated: tables of systematic_worlds.py without an error, number found.
Real: nothing is random but the seed of MCR; the error is that of left-out samples, as `spaxel.calibrate` states it, and for PLS
(scikit-learn, not scaled, 1 to 12 latent variables, chosen in folds within the folds) that of ten folds.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import linear_sum_assignment
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict

import spaxel
from common import DATA, run_cases, table, write_json, write_page
from systematic_worlds import WORLDS, World
from systematic_worlds import table as world_table

SEEDS = tuple(range(300, 305))
NUMBERS = ("auto", 3, 5, 8)
FOLDS = partial(KFold, shuffle=True, random_state=0)


def simulated(seed: int) -> list[dict[str, Any]]:
    """Of each world: the share of abundances within 1 and 1.96 standard errors, and the limit over the median abundance."""
    rows = []
    for world in WORLDS:
        X, C, S = world_table(world, "clean", seed)
        model = _quiet(spaxel.MCR().fit, X)
        if model.n_components_ != world.k:
            rows.append({"world": list(world), "number": model.n_components_})
            continue
        result = model.transform(spaxel.make_cube(X[:, None]))
        found, error = (result[name].values[:, 0].astype(float) for name in ("abundances", "abundance_error"))
        true_rows, columns = linear_sum_assignment(-(S @ model.components_.T))
        truth = (C * np.linalg.norm(S, axis=1))[:, true_rows]
        found, error, limit = found[:, columns], error[:, columns], result["component_limit"].values[columns]
        there = (truth > 0) & (found > 0)
        far = np.abs(found - truth)[there] / error[there]
        far = far[np.isfinite(far)]  # of the others no error is stated
        held = {"one": float((far < 1).mean()), "two": float((far < 1.96).mean()), "stated": len(far) / there.sum()}
        above, seen = truth > limit, found > 0
        rates = {"seen above the limit": float(seen[above].mean()), "false": float(seen[truth == 0].mean())}
        rows.append({"world": list(world), "number": world.k} | held | rates)
    return rows


def tecator() -> tuple[np.ndarray, np.ndarray]:
    """Fat in meat, near infrared transmission."""
    cube = _quiet(spaxel.open_cube, DATA / "tecator" / "tecator_train.csv")
    return cube["spectra"].values[:, 0], cube["target_Fat"].values[:, 0]


def gasoline() -> tuple[np.ndarray, np.ndarray]:
    """Octane of gasoline, near infrared."""
    with np.load(DATA / "gasoline" / "gasoline.npz") as held:
        return held["NIR"], held["octane"]


def bioethanol(which: int) -> tuple[np.ndarray, np.ndarray]:
    """Glucose or ethanol of a fermentation, near infrared, signed."""
    with np.load(DATA / "nir_bioethanol" / "NIR.npz") as held:
        return held["X"], held["Y"][:, which]


def real(seed: int, made: Any) -> list[dict[str, Any]]:
    """Errors of left-out samples by MCR of each number of components, and by PLS."""
    X, y = made()
    cube, rows = spaxel.make_cube(X[:, None]), []
    for number in NUMBERS:
        model = spaxel.MCR(number, random_state=seed)
        found = spaxel.calibrate(_quiet(model.fit_transform, cube), y)
        about = found["predicted"].attrs
        rows.append({"what": f"MCR, {number}", "number": model.n_components_, "rmse": about["rmse_left_out"],
                     "r2": about["r2_left_out"], "one": inside(found, seed)})  # fmt: skip
    search = GridSearchCV(
        PLSRegression(scale=False), {"n_components": range(1, 13)}, cv=FOLDS(5), scoring="neg_mean_squared_error"
    )
    said = cross_val_predict(search, X, y, cv=FOLDS(10)).ravel()
    rmse = float(np.sqrt(((said - y) ** 2).mean()))
    return [*rows, {"what": "PLS", "rmse": rmse, "r2": float(1 - rmse**2 / y.var())}]


def inside(result: xr.Dataset, seed: int) -> float:
    """Half of the values are made known, ten times: how many of the other half lie within one stated error."""
    y, rng, held = result["known"].values, np.random.default_rng(seed), []
    for _ in range(10):
        given = np.where(rng.permutation(y.size).reshape(y.shape) < y.size // 2, y, np.nan)
        found = spaxel.calibrate(result, given)
        unseen = np.isnan(given)
        held.append((np.abs(found["predicted"].values - y) < found["predicted_error"].values)[unseen].mean())
    return float(np.mean(held))


def _quiet(function: Any, *given: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*given)


REAL = {
    "tecator, fat": tecator, "gasoline, octane": gasoline,
    "bioethanol, glucose": partial(bioethanol, 0), "bioethanol, ethanol": partial(bioethanol, 1),
}  # fmt: skip


def rows_of(case: str, found: list[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """With the case and the seed of each."""
    return found


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Both files of results."""
    write_json("concentrations", about, rows=rows)
    lines, every = [], [row for row in rows if row["case"] == "simulated"]
    for world in WORLDS:
        own = [row for row in every if World(*row["world"]) == world]
        right = [row for row in own if "one" in row]
        if own:
            lines.append([f"{world.spectra}, {world.times}N, {world.db:g} dB", world.k, f"{len(right)} of {len(own)}",
                          *(_spread(right, name) for name in MEASURES)])  # fmt: skip
    right = [row for row in every if "one" in row]
    if right:
        lines.append(["all", "", f"{len(right)} of {len(every)}", *(_spread(right, n) for n in MEASURES)])
    shown = []
    for case in REAL:
        some = [row for row in rows if row["case"] == case]
        for what in dict.fromkeys(row["what"] for row in some):
            own = [row for row in some if row["what"] == what]
            numbers = sorted({row["number"] for row in own if "number" in row})
            inside = _spread(own, "one") if "one" in own[0] else ""
            shown.append([case, what, "-".join(map(str, dict.fromkeys((numbers[0], numbers[-1])))) if numbers else "",
                          _spread(own, "rmse"), _spread(own, "r2"), inside])  # fmt: skip
    parts = [
        "Of the abundances of components that are there and were found: the share for which an error is stated (not where "
        "rotation is open), and of these the shares within 1 and 1.96 standard errors of the true ones; of abundances above "
        "the limit of detection, how many were found; how many were found where there is none. "
        "Mean (least) of the seeds whose number of components was right.",
        table(
            (
                "table",
                "components",
                "number right",
                "with an error",
                "within 1",
                "within 1.96",
                "found above the limit",
                "found falsely",
            ),
            lines,
        ),
        "Known values of real tables: root mean square error of left-out samples, R², and, where half of the values are given "
        "(ten times), how many of the others lie within one stated error. Mean (worst) over the seeds of MCR.",
        table(("table", "by", "components", "error", "R²", "within 1"), shown or [[""] * 6]),
    ]
    write_page("concentrations", "Concentrations: errors, limits, known values", about, parts)


MEASURES = ("stated", "one", "two", "seen above the limit", "false")


def _spread(rows: list[dict[str, Any]], name: str) -> str:
    values = [row[name] for row in rows]
    worst = max(values) if name in ("rmse", "false") else min(values)
    return f"{np.mean(values):.3g} ({worst:.3g})"


if __name__ == "__main__":
    cases = {
        "simulated": lambda seed: [row | {"case": "simulated", "seed": seed} for row in simulated(seed)],
        **{
            name: lambda seed, name=name, made=made: [row | {"case": name, "seed": seed} for row in real(seed, made)]
            for name, made in REAL.items()
        },
    }
    run_cases("concentrations", __doc__, cases, SEEDS, rows_of, report)
