"""Of pixels with a confidence of 0.9, how many are right? On fresh worlds and shared scenes, for every method that segments.

A pixel is right if its component is the one that the best matching, one to one, gives to its material. Worlds are the
kinds of `number_worlds.py`, K 1 to 12, cut to 56 x 56 pixels; every second one is told the number, the others find it.
Worlds of one material are left out where the number is told; learned distances are judged where there are some, on
paintings. Where the number is found and the fit has maps of other numbers, what would be said without these (NUMBERS of
spaxel.methods.centers.sure) is judged beside it, of the same fits. `--learn` fits tuning worlds and prints the weights of
that module, `--learn-numbers` those for maps of other numbers; without these fresh worlds are judged. Each world counts
alike; log loss is the mean of -ln of the probability of what came true. Real scenes are never learned from. dsc and dgc take
longer: `--methods dsc` judges it on fewer worlds, into `calibration_dsc.md`; dgc likewise, on three leaves, one world of each
other kind and SalinasA.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment, minimize
from scipy.special import expit
from threadpoolctl import threadpool_limits

import spaxel
from common import Scene, log, real, run_cases, table, write_json, write_page
from number_worlds import KINDS
from segmentation import REAL
from spaxel.methods.centers.maps import known_of, map_centers
from spaxel.methods.centers.sure import CLEAR, LEARNED, NUMBERS, SLIGHT, SOME, TIE, mistakes, sure_of

SIDE = 56
FRESH = range(7220, 7225)
FOUND = range(7200, 7208)  # seeds of the fits from which the weights for maps of other numbers are learned
TUNING = {"kmeans": range(200, 204), "consensus": range(200, 204), "learned": range(200, 206), "dsc": range(200, 203)}
LIKE = {"learned": "consensus", "dsc": "kmeans"}  # whose weights a method is pulled to
FEW = {
    "dsc": 2,
    "dgc": 1,
}  # fresh seeds of slow methods, which have pages of their own; dgc of shared scenes SalinasA alone
ONLY = {"learned": ("painting", "layered")}  # kinds on which a method is not another one
CAUTION = 0.2  # taken off the first weight
RIDGE, PULL = 0.03, 0.3  # in worlds: of the weights but the first, and of the way from those of another method
KEPT = 400  # pixels of each fit from which weights are learned
METHODS: dict[str, Callable[..., Any]] = {
    "kmeans": spaxel.KMeans,
    "consensus": spaxel.Segment,
    "dsc": spaxel.DeepSpectralClustering,
    "dgc": spaxel.DeepGlobalClustering,
    "learned": spaxel.LearnedMetric,
}
Row = dict[str, Any]


def world(kind: str, seed: int) -> Scene:
    """The middle of a world of this kind."""
    scene = KINDS[kind](seed)
    height, width = scene.truth.shape
    part = tuple(slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in (height, width))
    scene.cube, scene.truth = scene.cube.isel(y=part[0], x=part[1]), scene.truth[part]
    counts = np.bincount(scene.truth[scene.truth >= 0])
    scene.k, scene.family, scene.seed = int((counts >= 0.005 * counts.sum()).sum()), kind, seed
    return scene


CASES: dict[str, Callable[[int], Scene]] = {kind: lambda seed, k=kind: world(k, seed) for kind in KINDS}
SHARED = {name: lambda seed, n=name: real(n, REAL[n], seed) for name in ("SalinasA", "Samson", "Moffett")}


def right(labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Which pixels are right after the best matching of components with materials, one to one."""
    counts = np.zeros((labels.max() + 1, truth.max() + 1))
    np.add.at(counts, (labels, truth), 1)
    rows, columns = linear_sum_assignment(-counts)
    of = np.full(len(counts), -1)
    of[rows] = columns
    return of[labels] == truth


def fitted(method: str, scene: Scene, told: bool) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """The model, and of each pixel with a truth: confidence, its component, whether it is right."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = METHODS[method](scene.k if told else "auto", random_state=scene.seed).fit(scene.cube)
        result = model.predict(scene.cube)
    labels, known = result["labels"].values, (scene.truth >= 0) & (result["labels"].values >= 0)
    return model, result["confidence"].values[known], known, right(labels[known], scene.truth[known])


def judged(said: np.ndarray, hit: np.ndarray) -> Row:
    """Pixels, what was said of them, and how many were right, in ten classes of what was said; and in 0.85 to 0.95."""
    place = np.minimum((said * 10).astype(int), 9)
    near = (said >= 0.85) & (said < 0.95)
    sure = np.clip(np.where(hit, said, 1 - said), 1e-6, 1)
    return {
        "loss": round(float(-np.log(sure).mean()), 4),
        "n": np.bincount(place, minlength=10).tolist(),
        "said": np.bincount(place, weights=said, minlength=10).round(2).tolist(),
        "right": np.bincount(place, weights=hit, minlength=10).astype(int).tolist(),
        "near": [int(near.sum()), float(said[near].sum()), int(hit[near].sum())],
    }


def without_maps(model: Any, scene: Scene) -> np.ndarray:
    """The confidence (y, x) that this model would have if it knew no maps of other numbers."""
    *_, found = LEARNED[model.method]
    weights = model.state_["sure_weights"] + (NUMBERS[model.method][0] - found) * np.eye(5)[0]
    known = known_of(model.state_ | {"sure_weights": weights})
    bare = known._replace(sure=known.sure._replace(held=None))
    return map_centers(model._model_of(scene.cube), bare, scene.cube, None, lean=True)[0]["confidence"]


def told_in(case: str, seed: int) -> bool:
    """Whether the number is told; shared scenes are fitted both ways by turns of the seed."""
    return (seed + [*CASES, *SHARED].index(case)) % 2 == 0


def asked(method: str, case: str, number: int) -> bool:
    """Whether a method is fitted to this case with the seed of this number."""
    if case in SHARED:
        return (
            method not in ONLY
            and number < (1 if method in FEW else len(FRESH))
            and (method != "dgc" or case == "SalinasA")
        )
    most = 3 if (method, case) == ("dgc", "leaf") else FEW.get(method, number + 1)
    return case in ONLY.get(method, CASES) and number < most


def rows_of(case: str, scene: Scene) -> list[Row]:
    """A row for every method."""
    rows, told = [], told_in(case, scene.seed)
    if told and scene.k == 1:
        return [{"case": case, "seed": scene.seed, "method": "none"}]
    for method in CHOSEN:
        if not asked(method, case, scene.seed - FRESH[0]):
            continue
        start = time.process_time()
        model, said, known, hit = fitted(method, scene, told)
        found = judged(said, hit) | {"told": told, "k": scene.k, "found": model.info_["n_components"]}
        if method in NUMBERS and "sure_held" in model.state_:
            found["without"] = judged(without_maps(model, scene)[known], hit)
        rows.append({"case": case, "seed": scene.seed, "method": method} | found)
        seconds = time.process_time() - start
        log(f"{case} {scene.seed} {method}: said {said.mean():.2f}, right {hit.mean():.2f} ({seconds:.1f} s)")
    return rows


CHOSEN: Sequence[str] = tuple(method for method in METHODS if method not in FEW)
NAME, SAID = "calibration", ""


def pooled(rows: Sequence[Row], key: str) -> np.ndarray:
    """Sums over fits, each counting alike: (3, classes) of pixels, said, right."""
    if key == "near":
        each = [np.array(row["near"], float)[:, None] / sum(row["n"]) for row in rows]
    else:
        each = [np.array([row["n"], row["said"], row["right"]], float) / sum(row["n"]) for row in rows]
    return np.sum(each, axis=0) if each else np.zeros((3, 10))


def line(name: str, rows: Sequence[Row]) -> list[str]:
    """A line of the table: mean said and right, calibration error, what holds of pixels said 0.9 and more."""
    every, near = pooled(rows, "all"), pooled(rows, "near")
    n = every[0].sum()
    error = np.abs(every[1] - every[2]).sum() / n
    share = lambda part: f"{part[2] / part[0]:.3f} of {part[1] / part[0]:.3f}" if part[0] else "–"  # noqa: E731
    top = every[:, 9]
    return [name, str(len(rows)), f"{every[1].sum() / n:.3f}", f"{every[2].sum() / n:.3f}", f"{error:.3f}",
            share(near[:, 0]), share(top), f"{top[0] / n:.0%}", f"{np.mean([row['loss'] for row in rows]):.3f}"]  # fmt: skip


def numbers(fits: Sequence[Row]) -> list[list[str]]:
    """Lines for what is said of fits that found the number, and for what would be said without maps of other numbers."""
    lines = []
    for method in METHODS:
        for where, cases in (("worlds", CASES), *((name, (name,)) for name in SHARED)):
            mine = [row for row in fits if row["method"] == method and row["case"] in cases and "without" in row]
            if mine:
                lines += [line(f"{method}, {where}", mine), line("without", [row["without"] for row in mine])]
    return lines


def report(about: dict[str, Any], rows: list[Row]) -> None:
    """Write benchmarks/results/calibration.{json,md}, or calibration_dsc, calibration_dgc."""
    fits, parts = [row for row in rows if row["method"] != "none"], []
    about = about | {"command": about["command"] + SAID}
    header = ("fits of", "n", "mean said", "right", "calibration error", "said 0.85 to 0.95: right of said",
              "0.9 and more: right of said", "share of these", "log loss")  # fmt: skip
    worlds = [row for row in fits if row["case"] in CASES]
    lines = [line(m, mine) for m in METHODS if (mine := [row for row in worlds if row["method"] == m])]
    parts.append("Fresh worlds:\n\n" + table(header, lines))
    parts.append("Fits that found the number, and have maps of others:\n\n" + table(header, numbers(fits)))
    kinds = [line(f"{m}, {c}", mine) for m in METHODS for c in [*CASES, *SHARED]
             if (mine := [row for row in fits if row["method"] == m and row["case"] == c])]  # fmt: skip
    parts.append("By kind, and shared scenes:\n\n" + table(header, kinds))
    write_json(NAME, about, rows=rows)
    write_page(NAME, "Is confidence calibrated?", about, [str(__doc__).strip(), *parts])


def terms(model: Any, scene: Scene, known: np.ndarray, *, told: bool) -> np.ndarray:
    """What the odds are made of, (pixel, 6): 1, ln d2 / d1, ln of the mistakes, brightness, ln of the dispute, found."""
    state, bare = model.state_, known_of(model.state_)._replace(sure=None)
    maps = map_centers(model._model_of(scene.cube), bare, scene.cube, None)[0]
    part = maps["micro"][known]
    slip = np.log(SLIGHT + mistakes(state["mistaken"].astype(float), state["component"]))[part]
    dispute = np.log(SOME + sure_of(state).dispute(state["component"]))[part]
    margin = np.minimum(-np.log(np.maximum(1 - maps["confidence"][known].astype(float), 1e-9)), CLEAR)
    return np.stack(
        [
            np.ones(len(slip)),
            margin,
            -slip,
            -np.full(len(slip), state["sure_dull"][0]),
            -dispute,
            np.full(len(slip), told - 1.0),
        ],
        axis=1,
    )


def learned(data: Sequence[tuple[np.ndarray, np.ndarray]], like: np.ndarray | None) -> np.ndarray:
    """Weights (6,) of a logistic regression, each fit counting alike, none below 0 but the first; pulled towards `like`."""
    x, y = np.concatenate([x for x, _ in data]), np.concatenate([y for _, y in data]).astype(float)
    share = np.concatenate([np.full(len(y), 1 / len(y) / len(data)) for _, y in data])
    begin = np.zeros(6) if like is None else like
    pull = np.array([0.0, 1, 1, 1, 1, 1]) * RIDGE / len(data) if like is None else np.full(6, PULL / len(data))

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w
        value = share @ (np.logaddexp(0, z) - y * z) + pull @ (w - begin) ** 2 / 2
        return float(value), x.T @ (share * (expit(z) - y)) + pull * (w - begin)

    return minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=[(None, None), *[(0, None)] * 5]).x


def held_terms(method: str, scene: Scene) -> tuple[np.ndarray, ...] | None:
    """Of some pixels of a fit that found the number: log odds as if it were told, the bound at a tie, 1 - s, whether right."""
    model, _, known, hit = fitted(method, scene, told=False)
    if "sure_held" not in model.state_:
        return None
    some = np.random.default_rng(scene.seed).permutation(len(hit))[:KEPT]
    weights = np.append(LEARNED[method][:5], 0.0) + CAUTION * np.eye(6)[0]
    x = terms(model, scene, known, told=True)[some]
    part = map_centers(model._model_of(scene.cube), known_of(model.state_), scene.cube, None, lean=True)[0]["micro"]
    doubt = (1 - model.state_["sure_held"])[part[known][some]] / NUMBERS[method][1]
    return x @ weights, 0.5 + 0.5 * np.minimum(-np.expm1(-x[:, 1]) / TIE, 1), doubt, hit[some]


def learn_numbers() -> None:
    """Print for each method what is taken off the first weight and how much the maps of other numbers count."""
    for method in NUMBERS:
        made = (held_terms(method, CASES[case](seed)) for seed in FOUND for case in CASES)
        data = [fit for fit in made if fit is not None]

        def loss(w: np.ndarray, data: Sequence[tuple[np.ndarray, ...]] = data) -> float:
            said = [np.minimum(expit(z - w[0]), most) * (1 - w[1] * doubt) for z, most, doubt, _ in data]
            sure = [np.clip(np.where(fit[3], p, 1 - p), 1e-6, 1) for p, fit in zip(said, data, strict=True)]
            return -float(np.mean([np.log(p).mean() for p in sure])) + RIDGE / len(data) * w[1] ** 2 / 2

        found = minimize(loss, [0.5, 0.5], method="Nelder-Mead", bounds=[(0, None), (0, 1)]).x
        print(f'"{method}":', tuple(found.round(2).tolist()), f"of {len(data)} fits")


def learn() -> None:
    """Print the weights of each method."""
    found: dict[str, np.ndarray] = {}
    for method, seeds in TUNING.items():
        data = []
        for seed in seeds:
            for case in ONLY.get(method, CASES):
                scene = CASES[case](seed)
                told = told_in(case, seed)
                if told and scene.k == 1:
                    continue
                model, _, known, hit = fitted(method, scene, told)
                if model.info_["n_components"] > 1:
                    some = np.random.default_rng(seed).permutation(len(hit))[:KEPT]
                    data.append((terms(model, scene, known, told=told)[some], hit[some]))
                    log(f"{method} {case} {seed}: right {hit.mean():.2f}")
        found[method] = learned(data, found.get(LIKE.get(method, "")))
        said = found[method] - CAUTION * np.eye(6)[0]
        print(f'"{method}":', tuple(said.round(2).tolist()))


if __name__ == "__main__":
    if "--methods" in sys.argv:
        at = sys.argv.index("--methods")
        CHOSEN = tuple(sys.argv[at + 1].split(","))
        NAME, SAID = "_".join(["calibration", *CHOSEN]), f" --methods {','.join(CHOSEN)}"
        del sys.argv[at : at + 2]
    if "--learn" in sys.argv or "--learn-numbers" in sys.argv:
        with threadpool_limits(1):
            learn() if "--learn" in sys.argv else learn_numbers()
    else:
        run_cases(NAME, __doc__, CASES | SHARED, FRESH, rows_of, report)
