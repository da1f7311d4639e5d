"""Deep global clustering with its defaults on real scenes, beside plain pipelines, the number of components given.

Nothing was chosen on these scenes. All pixels with data are clustered, the labelled ones are scored. The wheat kernels
have no truth by pixel: two kernels of two varieties are clustered together into two, and scored is whether a pixel
tells its kernel (which light, place and age tell as well), and how far two seeds agree.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from sklearn.cluster import KMeans as Lloyd
from sklearn.metrics import adjusted_rand_score

import spaxel
from common import DATA, log, real, run_cases, table, write_json, write_page
from noise import neighbour_noise
from spaxel.metrics import score

SEEDS = tuple(range(120, 125))
ROWS = "dgc_scenes"
AXES = 10  # noise-whitened directions, as many as DGC has
EVERY = 7  # of the wheat pixels, one is kept for the agreement between seeds
WHEAT = "wheat kernels"
KERNELS = ("var1_grain0.hdr", "var4_grain0.hdr")


class Case(NamedTuple):
    """Cubes on one axis, their truth (-1 = unlabelled), how many classes it holds, the seed of the method."""

    cubes: list[xr.Dataset]
    truths: list[np.ndarray]
    k: int
    seed: int

    def good(self) -> list[np.ndarray]:
        """Where there are data, per cube."""
        spectra = [cube["spectra"].values for cube in self.cubes]
        return [np.isfinite(s).all(-1) & (s != 0).any(-1) for s in spectra]


def scene(name: str, path: str) -> Callable[[int], Case]:
    """A scene with a truth by pixel."""

    def make(seed: int) -> Case:
        found = real(name, path, seed)
        return Case([found.cube.load()], [found.truth], found.k, seed)

    return make


def wheat(seed: int) -> Case:
    """Two kernels; "truth" is the number of the kernel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cubes = [spaxel.open_cube(DATA / "wheat_grains" / name).load() for name in KERNELS]
    case = Case(cubes, [], len(cubes), seed)
    return case._replace(truths=[np.where(good, i, -1) for i, good in enumerate(case.good())])


CASES: dict[str, Callable[[int], Case]] = {
    "SalinasA": scene("SalinasA", "salinas_a/SalinasA_corrected.mat"),
    "Samson": scene("Samson", "samson/Samson.mat"),
    WHEAT: wheat,
}


def fitted(model: Any, case: Case) -> list[np.ndarray]:
    """Labels of one of our methods, fitted on all cubes."""
    return [result["labels"].values for result in model.fit(case.cubes).predict(case.cubes)]


def lloyd(case: Case, features: list[np.ndarray]) -> list[np.ndarray]:
    """k-means with ten restarts on (y, x, feature) of every cube."""
    good = case.good()
    rows = np.concatenate([f[g] for f, g in zip(features, good, strict=True)])
    labels = Lloyd(case.k, n_init=10, random_state=case.seed).fit_predict(rows)
    parts = np.split(labels, np.cumsum([g.sum() for g in good])[:-1])
    maps = [np.full(g.shape, -1) for g in good]
    for found, where, part in zip(maps, good, parts, strict=True):
        found[where] = part
    return maps


def images(case: Case) -> list[np.ndarray]:
    """(y, x, channel) of every cube."""
    return [cube["spectra"].values.astype(np.float64) for cube in case.cubes]


def whitened_unit(case: Case) -> list[np.ndarray]:
    """Noise-whitened scores without the mean taken off, to norm 1; noise from the differences of neighbours."""
    cubes, good = images(case), case.good()
    boxes = [np.ix_(np.flatnonzero(g.any(1)), np.flatnonzero(g.any(0))) for g in good]
    noise = np.mean([neighbour_noise(cube[box]) for cube, box in zip(cubes, boxes, strict=True)], axis=0)
    values, vectors = np.linalg.eigh(noise)
    white = vectors / np.sqrt(np.maximum(values, 1e-12 * values.max()))
    pixels = np.concatenate([cube[g] for cube, g in zip(cubes, good, strict=True)]) @ white
    axes = np.linalg.svd(pixels - pixels.mean(0), full_matrices=False)[2][:AXES].T
    scores = [cube @ white @ axes for cube in cubes]
    return lloyd(case, [s / np.maximum(np.linalg.norm(s, axis=-1, keepdims=True), 1e-12) for s in scores])


METHODS: dict[str, Callable[[Case], list[np.ndarray]]] = {
    "DGC (defaults)": lambda c: fitted(spaxel.DeepGlobalClustering(c.k, random_state=c.seed), c),
    "scaled PCA + k-means": lambda c: fitted(spaxel.KMeans(c.k, random_state=c.seed), c),
    "k-means, raw": lambda c: lloyd(c, images(c)),
    "noise-whitened unit-norm k-means": whitened_unit,
}


def rows_of(name: str, case: Case) -> Iterator[dict[str, Any]]:
    """One row per method."""
    truth = np.concatenate([t.ravel() for t in case.truths])
    for method, labels_of in METHODS.items():
        cpu = time.process_time()
        labels = np.concatenate([m.ravel() for m in labels_of(case)])
        cpu = time.process_time() - cpu
        found = score(labels[None], truth[None])
        row = {"case": name, "seed": case.seed, "method": method, "ari": found["ari"], "accuracy": found["accuracy"]}
        row |= {"cpu_seconds": round(cpu, 2)}
        kept = labels[truth >= 0][::EVERY] if name == WHEAT else ()
        log(f"{name} {case.seed}: {method} {found['ari']:.3f}, {found['accuracy']:.3f}, {cpu:.1f} CPU s")
        yield row | ({"labels": "".join(map(str, kept))} if name == WHEAT else {})


def cell(rows: list[dict[str, Any]], key: str) -> str:
    """'mean / worst'; of seconds the median."""
    values = [row[key] for row in rows]
    return f"{np.median(values):.1f}" if key == "cpu_seconds" else f"{np.mean(values):.3f} / {min(values):.3f}"


def by_case(rows: list[dict[str, Any]], key: str) -> str:
    """A row per method, a column per case."""
    cases = list(dict.fromkeys(row["case"] for row in rows))
    some = {(c, m): [r for r in rows if (r["case"], r["method"]) == (c, m)] for c in cases for m in METHODS}
    return table([key, *cases], [[m, *(cell(some[c, m], key) for c in cases)] for m in METHODS])


def between_seeds(rows: list[dict[str, Any]]) -> str:
    """Mean and worst ARI between the labels of two seeds on the kernels."""
    lines = []
    for method in METHODS:
        held = [np.array(list(r["labels"])) for r in rows if r["method"] == method and "labels" in r]
        agree = [adjusted_rand_score(a, b) for a, b in combinations(held, 2)]
        lines.append([method, f"{np.mean(agree):.3f} / {min(agree):.3f}" if agree else "–"])
    return table((WHEAT, "ARI between seeds, mean / worst"), lines)


def report(about: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """benchmarks/results/dgc_scenes.{json,md}."""
    seeds = sorted({row["seed"] for row in rows})
    parts = [
        f"Mean / worst over {len(seeds)} seeds of the method ({seeds[0]} to {seeds[-1]}), median of CPU seconds; "
        "the number of components is given (6, 3, 2).",
        f"{WHEAT}: no truth by pixel. Two kernels of two varieties, fitted together; ari and accuracy say whether a pixel "
        "tells its kernel, which is not what a component need be.",
        *(by_case(rows, key) for key in ("ari", "accuracy", "cpu_seconds")), between_seeds(rows),
    ]  # fmt: skip
    write_json(ROWS, about, rows=rows)
    write_page(ROWS, "Deep global clustering on real scenes", about, parts)


if __name__ == "__main__":
    run_cases(ROWS, __doc__, CASES, SEEDS, rows_of, report)
